"""Every select about datasets and their versions."""

from collections.abc import Sequence

from sqlalchemy import Select, and_, func, select
from sqlalchemy.orm import Session, aliased, defer, joinedload

from app.core.leases import POISON_AFTER
from app.core.orm import holds
from app.datasets.models import Dataset, DatasetVersion, Upload, VersionStatus

MOST_VERSIONS = 200
FINAL = (VersionStatus.READY, VersionStatus.REJECTED)
# A report is a page of its own, and long.
WITHOUT_REPORT = (defer(DatasetVersion.report), defer(DatasetVersion.progress))


def dataset_by_id(session: Session, dataset_id: int) -> Dataset | None:
    """The dataset, whichever project it belongs to: the caller checks the fence."""
    return session.get(Dataset, dataset_id)


def version_by_id(session: Session, version_id: int) -> DatasetVersion | None:
    """The version with its dataset and maker, whichever project it belongs to: the caller checks
    the fence.
    """
    query = select(DatasetVersion).where(DatasetVersion.id == version_id)
    return session.scalar(
        query.options(joinedload(DatasetVersion.dataset), joinedload(DatasetVersion.creator))
    )


def version_in(session: Session, project_id: int, version_id: int) -> DatasetVersion | None:
    """The project's version with this id, with its dataset."""
    query = select(DatasetVersion).where(
        DatasetVersion.project_id == project_id, DatasetVersion.id == version_id
    )
    return session.scalar(query.options(joinedload(DatasetVersion.dataset)))


def ids_of_datasets(project_id: int) -> Select[int]:
    """The ids of a project's datasets beside their newest versions, archived ones included: what
    its list is sorted and filtered from.
    """
    versions = aliased(DatasetVersion)
    newest = select(func.max(versions.id)).where(versions.dataset_id == Dataset.id)
    return (
        select(Dataset.id)
        .select_from(Dataset)
        .join(DatasetVersion, DatasetVersion.id == newest.scalar_subquery())
        .where(Dataset.project_id == project_id)
    )


def newest_versions(
    session: Session, project_id: int, dataset_ids: Sequence[int]
) -> Sequence[DatasetVersion]:
    """The newest version of each of these datasets of the project, in the order of the ids."""
    newest = (
        select(func.max(DatasetVersion.id))
        .where(DatasetVersion.project_id == project_id, DatasetVersion.dataset_id.in_(dataset_ids))
        .group_by(DatasetVersion.dataset_id)
    )
    query = select(DatasetVersion).where(DatasetVersion.id.in_(newest))
    query = query.options(
        joinedload(DatasetVersion.dataset),
        joinedload(DatasetVersion.creator),
        defer(DatasetVersion.report),
    )
    found = {version.dataset_id: version for version in session.scalars(query)}
    return [found[dataset_id] for dataset_id in dataset_ids if dataset_id in found]


def has_datasets(session: Session, project_id: int) -> bool:
    """True when rows were ever uploaded to the project."""
    query = select(Dataset.id).where(Dataset.project_id == project_id).limit(1)
    return session.scalar(query) is not None


def datasets_named(
    session: Session, project_ids: Select[int], words: Sequence[str], *, limit: int
) -> Sequence[DatasetVersion]:
    """The newest version of datasets of these projects whose name holds all words, the latest made
    dataset first.
    """
    newest = (
        select(func.max(DatasetVersion.id).label("id"))
        .join(DatasetVersion.dataset)
        .where(Dataset.project_id.in_(project_ids), holds(Dataset.name, words))
        .group_by(DatasetVersion.dataset_id)
        .order_by(DatasetVersion.dataset_id.desc())
        .limit(limit)
        .subquery()
    )
    query = select(DatasetVersion).join(newest, newest.c.id == DatasetVersion.id)
    query = query.options(joinedload(DatasetVersion.dataset), *WITHOUT_REPORT)
    return session.scalars(query.order_by(DatasetVersion.dataset_id.desc())).all()


def dataset_names(session: Session, project_id: int) -> Sequence[tuple[int, str]]:
    """Ids and names of a project's datasets, the latest made first."""
    query = select(Dataset.id, Dataset.name).where(Dataset.project_id == project_id)
    rows = session.execute(query.order_by(Dataset.id.desc()).limit(MOST_VERSIONS))
    return [(row.id, row.name) for row in rows]


def versions_of(session: Session, dataset_id: int) -> Sequence[DatasetVersion]:
    """A dataset's versions with their makers, the newest first."""
    return session.scalars(
        select(DatasetVersion)
        .where(DatasetVersion.dataset_id == dataset_id)
        .options(joinedload(DatasetVersion.creator), *WITHOUT_REPORT)
        .order_by(DatasetVersion.number.desc())
        .limit(MOST_VERSIONS)
    ).all()


def newest_version(session: Session, dataset_id: int) -> DatasetVersion | None:
    """A dataset's newest version, with the dataset."""
    query = select(DatasetVersion).where(DatasetVersion.dataset_id == dataset_id)
    query = query.options(joinedload(DatasetVersion.dataset), joinedload(DatasetVersion.creator))
    return session.scalar(query.order_by(DatasetVersion.number.desc()).limit(1))


def checked_version_before(session: Session, version: DatasetVersion) -> int | None:
    """The id of the newest earlier version whose index can hand its row ids down."""
    return session.scalar(
        select(DatasetVersion.id)
        .where(
            DatasetVersion.dataset_id == version.dataset_id,
            DatasetVersion.number < version.number,
            DatasetVersion.status == VersionStatus.READY,
        )
        .order_by(DatasetVersion.number.desc())
        .limit(1)
    )


def is_earlier_unjudged(session: Session, version: DatasetVersion) -> bool:
    """True while the check of an earlier version of the dataset is on its way."""
    earlier = select(DatasetVersion.id).where(
        DatasetVersion.dataset_id == version.dataset_id,
        DatasetVersion.number < version.number,
        DatasetVersion.status.not_in(FINAL),
        DatasetVersion.attempts < POISON_AFTER,
    )
    return session.scalar(earlier.limit(1)) is not None


def judged_up_to(session: Session, version_id: int) -> Sequence[DatasetVersion]:
    """A version and those of its dataset before it, of which the check has spoken."""
    this = aliased(DatasetVersion)
    same = and_(DatasetVersion.dataset_id == this.dataset_id, DatasetVersion.number <= this.number)
    query = select(DatasetVersion).join(this, same).where(this.id == version_id)
    query = query.where(DatasetVersion.status.in_(FINAL)).options(*WITHOUT_REPORT)
    return session.scalars(query.order_by(DatasetVersion.id)).all()


def judged_after(session: Session, version_id: int) -> Sequence[DatasetVersion]:
    """The next few versions of the whole instance of which the check has spoken."""
    query = select(DatasetVersion).where(
        DatasetVersion.id > version_id, DatasetVersion.status.in_(FINAL)
    )
    query = query.options(*WITHOUT_REPORT).order_by(DatasetVersion.id)
    return session.scalars(query.limit(MOST_VERSIONS)).all()


def ready_versions(
    session: Session, project_id: int, *, limit: int = 200
) -> Sequence[DatasetVersion]:
    """The versions of a project that can be trained on, with their datasets, the newest first."""
    return session.scalars(
        select(DatasetVersion)
        .join(DatasetVersion.dataset)
        .where(
            DatasetVersion.project_id == project_id,
            DatasetVersion.status == VersionStatus.READY,
            Dataset.archived_at.is_(None),
        )
        .options(joinedload(DatasetVersion.dataset), *WITHOUT_REPORT)
        .order_by(DatasetVersion.id.desc())
        .limit(limit)
    ).all()


def rejected_versions(
    session: Session, project_id: int, *, limit: int = 5
) -> Sequence[DatasetVersion]:
    """Refused versions that are the newest of their dataset, with the dataset."""
    newest = (
        select(func.max(DatasetVersion.id))
        .where(DatasetVersion.project_id == project_id)
        .group_by(DatasetVersion.dataset_id)
    )
    return session.scalars(
        select(DatasetVersion)
        .join(DatasetVersion.dataset)
        .where(
            DatasetVersion.id.in_(newest),
            DatasetVersion.status == VersionStatus.REJECTED,
            Dataset.archived_at.is_(None),
        )
        .options(joinedload(DatasetVersion.dataset))
        .order_by(DatasetVersion.id.desc())
        .limit(limit)
    ).all()


def project_id_of_version(session: Session, version_id: int) -> int | None:
    """The project a version belongs to."""
    return session.scalar(select(DatasetVersion.project_id).where(DatasetVersion.id == version_id))


def unchecked_versions(session: Session, project_id: int) -> Sequence[DatasetVersion]:
    """Versions whose check has not spoken yet, with their datasets."""
    return session.scalars(
        select(DatasetVersion)
        .where(DatasetVersion.project_id == project_id, DatasetVersion.status.not_in(FINAL))
        .options(joinedload(DatasetVersion.dataset))
        .limit(MOST_VERSIONS)
    ).all()


def count_by_status(session: Session) -> dict[str, int]:
    """How many versions of the whole instance are in each status that any has."""
    query = select(DatasetVersion.status, func.count()).group_by(DatasetVersion.status)
    return dict(session.execute(query).all())


def stored_bytes(session: Session) -> int:
    """The bytes of all uploads of the instance, the same file counted once."""
    made = select(DatasetVersion.sha256, DatasetVersion.size)
    came = select(DatasetVersion.source_sha256, DatasetVersion.source_size).where(
        DatasetVersion.source_sha256.is_not(None)
    )
    blobs = made.union(came).subquery()
    return session.scalar(select(func.coalesce(func.sum(blobs.c.size), 0))) or 0


def upload_by_id(session: Session, upload_id: int) -> Upload | None:
    """The upload, whichever project it belongs to: the caller checks the fence."""
    return session.get(Upload, upload_id)


def open_uploads(session: Session, project_id: int) -> Sequence[Upload]:
    """A project's uploads that no version has come from yet, the latest begun first."""
    query = select(Upload).where(Upload.project_id == project_id, Upload.version_id.is_(None))
    return session.scalars(query.order_by(Upload.id.desc()).limit(MOST_VERSIONS)).all()


def open_uploads_by(
    session: Session, user_id: int, project_id: int, dataset_id: int | None
) -> Sequence[Upload]:
    """What a person began to upload as a dataset's next version, or as new datasets of a project,
    and did not end; the latest first.
    """
    query = select(Upload).where(
        Upload.project_id == project_id,
        Upload.created_by == user_id,
        Upload.dataset_id == dataset_id,
        Upload.version_id.is_(None),
    )
    return session.scalars(query.order_by(Upload.id.desc())).all()


def count_open_uploads(session: Session, user_id: int) -> int:
    """How many uploads this person has begun and not ended, in all projects."""
    query = select(func.count()).where(Upload.created_by == user_id, Upload.version_id.is_(None))
    return session.scalar(query) or 0
