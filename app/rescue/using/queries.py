"""What came home and is to be used, and what it belongs to."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import and_, exists, or_, select
from sqlalchemy.orm import Session, aliased, joinedload

from app.connections import queries as connections
from app.connections.keys import origin
from app.connections.models import Connection
from app.datasets.models import Dataset, DatasetVersion
from app.jobs.models import Checkpoint, Job
from app.projects.models import Project
from app.rescue.models import Kind, Outcome, Rescue, RescuedObject
from app.rescue.using.words import WAITING_WORDS


def begun_at(session: Session, rescue_id: int) -> datetime:
    """When somebody asked for the rescue."""
    return session.get_one(Rescue, rescue_id).created_at


def asker_id(session: Session, rescue_id: int) -> int | None:
    """Who asked for it."""
    return session.get_one(Rescue, rescue_id).created_by


def unused(
    session: Session, connection_id: int, kind: Kind, *, after: int, limit: int
) -> Sequence[RescuedObject]:
    """Objects of a kind that are home and not used yet, from behind an id."""
    return session.scalars(
        select(RescuedObject)
        .where(
            RescuedObject.connection_id == connection_id,
            RescuedObject.outcome == Outcome.HOME,
            RescuedObject.kind == kind,
            RescuedObject.used_at.is_(None),
            RescuedObject.id > after,
        )
        .order_by(RescuedObject.id)
        .limit(limit)
    ).all()


def unread_files(
    session: Session, connection_id: int, *, begun: datetime, after: int, limit: int
) -> Sequence[RescuedObject]:
    """Files nobody has looked into, and those that wait for a format and were last looked into
    before this rescue.
    """
    waits = and_(RescuedObject.why_raw.in_(WAITING_WORDS), RescuedObject.used_at < begun)
    return session.scalars(
        select(RescuedObject)
        .where(
            RescuedObject.connection_id == connection_id,
            RescuedObject.outcome == Outcome.HOME,
            RescuedObject.kind == Kind.FILE,
            RescuedObject.version_id.is_(None),
            or_(RescuedObject.used_at.is_(None), waits),
            RescuedObject.id > after,
        )
        .order_by(RescuedObject.id)
        .limit(limit)
    ).all()


def followers(
    session: Session, connection_id: int, kind: Kind, *, after: int, limit: int
) -> Sequence[tuple[RescuedObject, int]]:
    """Objects of a kind that are home and not used yet, each with the job it belongs to."""
    parent = aliased(RescuedObject)
    query = (
        select(RescuedObject, parent.job_id)
        .join(
            parent,
            and_(
                parent.connection_id == RescuedObject.connection_id,
                parent.kind == Kind.JOB,
                parent.object_id == RescuedObject.parent_id,
            ),
        )
        .where(
            RescuedObject.connection_id == connection_id,
            RescuedObject.outcome == Outcome.HOME,
            RescuedObject.kind == kind,
            RescuedObject.used_at.is_(None),
            RescuedObject.id > after,
            parent.job_id.is_not(None),
        )
    )
    rows = session.execute(query.order_by(RescuedObject.id).limit(limit))
    return [(found, job_id) for found, job_id in rows if job_id is not None]


def held(session: Session, ids: Collection[int]) -> dict[int, RescuedObject]:
    """These objects, for the rest of the unit of work."""
    query = select(RescuedObject).where(RescuedObject.id.in_(ids)).order_by(RescuedObject.id)
    fresh = query.with_for_update().execution_options(populate_existing=True)
    return {one.id: one for one in session.scalars(fresh)}


def alike(session: Session, connection: Connection) -> list[int]:
    """The connections of the project that lead to the same place."""
    place = origin(connection.base_url)
    accounts = connections.connections_of(session, connection.project_id)
    return [one.id for one in accounts if origin(one.base_url) == place]


def files_at_home(
    session: Session, connection_ids: Collection[int], file_ids: Collection[str]
) -> Sequence[RescuedObject]:
    """The files of these ids that are home, over any of the connections, with their versions."""
    return session.scalars(
        select(RescuedObject)
        .where(
            RescuedObject.connection_id.in_(connection_ids),
            RescuedObject.kind == Kind.FILE,
            RescuedObject.object_id.in_(file_ids),
            RescuedObject.outcome == Outcome.HOME,
        )
        .options(joinedload(RescuedObject.version).joinedload(DatasetVersion.dataset))
    ).all()


def files_over(
    session: Session, connection_id: int, file_ids: Collection[str]
) -> Sequence[RescuedObject]:
    """The files of these ids in a connection's manifest, wherever they are."""
    return session.scalars(
        select(RescuedObject).where(
            RescuedObject.connection_id == connection_id,
            RescuedObject.kind == Kind.FILE,
            RescuedObject.object_id.in_(file_ids),
        )
    ).all()


def versions_of_bytes(
    session: Session, project_id: int, hashes: Collection[str]
) -> dict[str, DatasetVersion]:
    """A project's newest version of each of these contents."""
    query = select(DatasetVersion).where(
        DatasetVersion.project_id == project_id, DatasetVersion.sha256.in_(hashes)
    )
    query = query.options(joinedload(DatasetVersion.dataset)).order_by(DatasetVersion.id)
    return {version.sha256: version for version in session.scalars(query)}


def has_dataset_called(session: Session, project_id: int, name: str) -> bool:
    """True when rows of the project are called so."""
    called = select(Dataset.id).where(Dataset.project_id == project_id, Dataset.name == name)
    return session.scalar(select(exists(called))) or False


def hold_project(session: Session, project_id: int) -> None:
    """Until the unit of work ends nobody else makes datasets of what came home to the project."""
    session.execute(
        select(Project.id).where(Project.id == project_id).with_for_update(key_share=True)
    )


def checkpoints_called(
    session: Session, connection_ids: Collection[int], names: Collection[str]
) -> dict[str, int]:
    """The jobs of these connections whose checkpoints have these names."""
    rows = session.execute(
        select(Checkpoint.name, Checkpoint.job_id)
        .join(Job, Job.id == Checkpoint.job_id)
        .where(Job.connection_id.in_(connection_ids), Checkpoint.name.in_(names))
    )
    return dict(rows.all())
