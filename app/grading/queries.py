"""Every select about a project's graders."""

from collections.abc import Sequence

from sqlalchemy import Select, and_, select
from sqlalchemy.orm import Session, contains_eager, joinedload

from app.datasets.models import Dataset, DatasetVersion, VersionStatus
from app.grading.models import GraderVersion, LibraryGrader

MOST_VERSIONS, MOST_OFFERED = 200, 200


def ids_of_graders(project_id: int) -> Select[int]:
    """The ids of a project's graders: what its list is filtered from."""
    return select(LibraryGrader.id).where(LibraryGrader.project_id == project_id)


def has_graders(session: Session, project_id: int) -> bool:
    """True when the project has any."""
    return session.scalar(ids_of_graders(project_id).limit(1)) is not None


def graders_by_ids(
    session: Session, project_id: int, ids: Sequence[int]
) -> Sequence[LibraryGrader]:
    """Those of the ids that are graders of the project, in the order of the ids, with their
    makers.
    """
    query = select(LibraryGrader).where(
        LibraryGrader.project_id == project_id, LibraryGrader.id.in_(ids)
    )
    rows = session.scalars(query.options(joinedload(LibraryGrader.creator)))
    found = {one.id: one for one in rows}
    return [found[row_id] for row_id in ids if row_id in found]


def grader_by_id(session: Session, grader_id: int) -> LibraryGrader | None:
    """The grader, whichever project it belongs to: the caller checks the fence."""
    return session.get(LibraryGrader, grader_id)


def grader_named(session: Session, project_id: int, name: str) -> LibraryGrader | None:
    """The project's grader of this name."""
    query = select(LibraryGrader).where(
        LibraryGrader.project_id == project_id, LibraryGrader.name == name
    )
    return session.scalar(query)


def version_of(
    session: Session, grader: LibraryGrader, number: int | None = None
) -> GraderVersion | None:
    """A grader's version of this number, else the newest; with its maker."""
    query = select(GraderVersion).where(
        GraderVersion.grader_id == grader.id,
        GraderVersion.number == (grader.number if number is None else number),
    )
    return session.scalar(query.options(joinedload(GraderVersion.creator)))


def versions_of(session: Session, grader_id: int) -> Sequence[GraderVersion]:
    """A grader's versions with their makers, the newest first."""
    query = select(GraderVersion).where(GraderVersion.grader_id == grader_id)
    query = query.options(joinedload(GraderVersion.creator))
    return session.scalars(query.order_by(GraderVersion.number.desc()).limit(MOST_VERSIONS)).all()


def newest_versions(session: Session, project_id: int) -> Sequence[GraderVersion]:
    """The newest version of each grader of the project, with the grader, by name."""
    query = (
        select(GraderVersion)
        .join(
            LibraryGrader,
            and_(
                GraderVersion.grader_id == LibraryGrader.id,
                GraderVersion.number == LibraryGrader.number,
            ),
        )
        .where(LibraryGrader.project_id == project_id)
        .options(contains_eager(GraderVersion.grader))
    )
    return session.scalars(query.order_by(LibraryGrader.name).limit(MOST_OFFERED)).all()


def versions_to_try(session: Session, project_id: int) -> Sequence[tuple[int, str]]:
    """What a grader can be tried on: dataset versions that are ready with rows in a known format,
    the newest first.
    """
    query = (
        select(DatasetVersion.id, Dataset.name, DatasetVersion.number)
        .join(DatasetVersion.dataset)
        .where(
            DatasetVersion.project_id == project_id,
            DatasetVersion.status == VersionStatus.READY,
            DatasetVersion.format.is_not(None),
            Dataset.archived_at.is_(None),
        )
        .order_by(DatasetVersion.id.desc())
        .limit(MOST_OFFERED)
    )
    return [(key, f"{name}, version {number}") for key, name, number in session.execute(query)]
