"""Every select of the rescues' pages: the manifest's rows, and what is counted of it."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session, joinedload

from app.datasets.models import DatasetVersion
from app.rescue.models import Kind, Outcome, Rescue, RescuedObject, RescuePart, Stage
from app.rescue.queries import WITH_PARTS

# What a list does not bring along: fetched one by one.
FETCHED = (
    Kind.EVAL_ITEMS,
    Kind.JOB_EVENTS,
    Kind.CHECKPOINTS,
    Kind.PERMISSIONS,
    Kind.FILE,
    Kind.USAGE,
    Kind.COMPLETION,
)
PARENTS = (Kind.EVAL, Kind.EVAL_RUN, Kind.MODEL, Kind.JOB)


def latest_rescues(session: Session, project_id: int, *, limit: int) -> Sequence[Rescue]:
    """A project's latest rescues with their parts, connections and makers, the newest first."""
    query = select(Rescue).where(Rescue.project_id == project_id).order_by(Rescue.id.desc())
    query = query.limit(limit).options(WITH_PARTS, joinedload(Rescue.creator))
    return session.scalars(query).all()


def count_rescues(session: Session, project_id: int) -> int:
    """How many rescues a project has had."""
    query = select(func.count()).select_from(Rescue).where(Rescue.project_id == project_id)
    return session.scalar(query) or 0


def newest_rescue_over(session: Session, connection_id: int) -> Rescue | None:
    """The newest rescue over a connection, with its parts, connections and maker."""
    over = select(RescuePart.rescue_id).where(RescuePart.connection_id == connection_id)
    query = select(Rescue).where(Rescue.id.in_(over)).order_by(Rescue.id.desc()).limit(1)
    return session.scalar(query.options(WITH_PARTS, joinedload(Rescue.creator)))


def connections_at_work(session: Session, project_id: int) -> Sequence[int]:
    """The ids of connections of a project that a rescue works over."""
    query = select(RescuePart.connection_id).where(
        RescuePart.project_id == project_id,
        RescuePart.ended_at.is_(None),
        RescuePart.stage != Stage.LOOKED,
    )
    return session.scalars(query.distinct()).all()


def ids_of_objects(rescue_id: int) -> Select[int]:
    """The ids of everything a rescue found or met again: all behind its connections."""
    behind = select(RescuePart.connection_id).where(RescuePart.rescue_id == rescue_id)
    return select(RescuedObject.id).where(RescuedObject.connection_id.in_(behind))


def objects_by_ids(session: Session, ids: Sequence[int]) -> Sequence[RescuedObject]:
    """Objects in the order of their ids as given, with what they became."""
    found = session.scalars(_with_all(select(RescuedObject).where(RescuedObject.id.in_(ids))))
    by_number = {one.id: one for one in found}
    return [by_number[one] for one in ids if one in by_number]


def object_by_id(session: Session, rescued_id: int) -> RescuedObject | None:
    """One object with what it became, whichever project it belongs to: the caller checks the
    fence.
    """
    return session.scalar(_with_all(select(RescuedObject).where(RescuedObject.id == rescued_id)))


def first_lines(
    session: Session, connection_ids: Collection[int], outcomes: Collection[Outcome], *, limit: int
) -> Sequence[RescuedObject]:
    """The latest objects with one of these outcomes."""
    return session.scalars(
        select(RescuedObject)
        .where(RescuedObject.connection_id.in_(connection_ids), RescuedObject.outcome.in_(outcomes))
        .order_by(RescuedObject.id.desc())
        .limit(limit)
    ).all()


def parent_of(session: Session, one: RescuedObject) -> RescuedObject | None:
    """What an object belongs to, where that was found too."""
    if one.parent_id is None:
        return None
    return session.scalar(
        select(RescuedObject)
        .where(
            RescuedObject.connection_id == one.connection_id,
            RescuedObject.kind.in_(PARENTS),  # so that the index of all three serves
            RescuedObject.object_id == one.parent_id,
        )
        .limit(1)
    )


def children_of(session: Session, one: RescuedObject, *, limit: int) -> Sequence[RescuedObject]:
    """What belongs to an object; a list of items has its parent's id, and nothing of its own."""
    if one.kind not in PARENTS:
        return []
    return session.scalars(
        select(RescuedObject)
        .where(
            RescuedObject.parent_id == one.object_id,
            RescuedObject.connection_id == one.connection_id,
        )
        .order_by(RescuedObject.id)
        .limit(limit)
    ).all()


class Made(NamedTuple):
    """What came of the objects at home: jobs and datasets made of them, files that stay as they
    came.
    """

    jobs: int
    datasets: int
    raw_files: int


def made_of(session: Session, connection_ids: Collection[int]) -> Made:
    """What became of the runs and files that came home over these connections."""
    is_file = RescuedObject.kind == Kind.FILE
    counted = select(
        func.count(RescuedObject.job_id).filter(RescuedObject.kind == Kind.JOB),
        func.count(RescuedObject.version_id).filter(is_file),
        func.count().filter(is_file, RescuedObject.version_id.is_(None)),
    ).where(
        RescuedObject.connection_id.in_(connection_ids),
        RescuedObject.kind.in_((Kind.JOB, Kind.FILE)),
        RescuedObject.outcome == Outcome.HOME,
    )
    return Made(*session.execute(counted).one())


def pace_since(
    session: Session, connection_ids: Collection[int], since: datetime
) -> tuple[datetime | None, int, int]:
    """What was fetched one by one since then: the first moment, how many, the bytes of files."""
    size = func.coalesce(RescuedObject.size, 0)
    counted = select(
        func.min(RescuedObject.fetched_at),
        func.count(),
        func.coalesce(func.sum(size).filter(RescuedObject.kind == Kind.FILE), 0),
    ).where(
        RescuedObject.connection_id.in_(connection_ids),
        RescuedObject.outcome == Outcome.HOME,
        RescuedObject.kind.in_(FETCHED),
        RescuedObject.fetched_at > since,
    )
    first, objects, file_bytes = session.execute(counted).one()
    return first, objects, int(file_bytes)


class Counts(NamedTuple):
    """Objects behind a connection: how many lie here, were found, are still to come."""

    home: int
    found: int
    waiting: int


def outcomes_over(session: Session, project_id: int) -> dict[int, Counts]:
    """What became of the objects behind each connection of a project."""
    counted = (
        select(
            RescuedObject.connection_id,
            func.count().filter(RescuedObject.outcome == Outcome.HOME),
            func.count(),
            func.count().filter(RescuedObject.outcome == Outcome.WAITING),
        )
        .where(RescuedObject.project_id == project_id)
        .group_by(RescuedObject.connection_id)
    )
    return {connection: Counts(*numbers) for connection, *numbers in session.execute(counted)}


def _with_all(query: Select[RescuedObject]) -> Select[RescuedObject]:
    return query.options(
        joinedload(RescuedObject.connection),
        joinedload(RescuedObject.job),
        joinedload(RescuedObject.version)
        .load_only(DatasetVersion.number)
        .joinedload(DatasetVersion.dataset),
    )
