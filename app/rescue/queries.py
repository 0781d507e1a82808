"""Every select about rescues."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, tuple_
from sqlalchemy.orm import Session, joinedload, selectinload

from app.rescue.models import Kind, Outcome, Rescue, RescuedObject, RescuePart, Stage

WITH_PARTS = selectinload(Rescue.parts).joinedload(RescuePart.connection)


def rescue_by_id(session: Session, rescue_id: int) -> Rescue | None:
    """The rescue with its parts and their connections, whichever project it belongs to: the caller
    checks the fence.
    """
    return session.get(Rescue, rescue_id, options=[WITH_PARTS])


def newest_part_over(session: Session, connection_id: int) -> RescuePart | None:
    """What the newest rescue over a connection does there."""
    query = select(RescuePart).where(RescuePart.connection_id == connection_id)
    return session.scalar(query.order_by(RescuePart.id.desc()).limit(1))


def rescues_page(
    session: Session, project_id: int, *, after: int | None, limit: int
) -> Sequence[Rescue]:
    """A page of a project's rescues, the newest first, from behind `after`."""
    query = select(Rescue).where(Rescue.project_id == project_id)
    if after is not None:
        query = query.where(Rescue.id < after)
    query = query.order_by(Rescue.id.desc()).limit(limit)
    return session.scalars(query.options(WITH_PARTS)).all()


def project_id_of_rescue(session: Session, rescue_id: int) -> int | None:
    """Which project a rescue belongs to."""
    return session.scalar(select(Rescue.project_id).where(Rescue.id == rescue_id))


def part_at_work(session: Session, part_id: int) -> RescuePart:
    """A part with its rescue and its connection, as they are now."""
    query = select(RescuePart).where(RescuePart.id == part_id)
    loaded = (joinedload(RescuePart.rescue), joinedload(RescuePart.connection))
    query = query.options(*loaded).execution_options(populate_existing=True)
    return session.scalars(query).one()


def unended_parts(session: Session, connection_ids: Collection[int]) -> Sequence[RescuePart]:
    """The parts over these connections that have not ended, the oldest first."""
    query = select(RescuePart).where(
        RescuePart.connection_id.in_(connection_ids), RescuePart.ended_at.is_(None)
    )
    return session.scalars(query.order_by(RescuePart.id)).all()


def names_under_way(session: Session, connection_id: int) -> Sequence[str]:
    """What the rescues at work over a connection are called; a look that nobody followed up is not
    at work.
    """
    query = select(RescuePart.rescue_id).where(
        RescuePart.connection_id == connection_id,
        RescuePart.ended_at.is_(None),
        RescuePart.stage != Stage.LOOKED,
    )
    return [f"rescue {rescue_id}" for rescue_id in session.scalars(query.order_by(RescuePart.id))]


def objects_over(connection_ids: Collection[int]) -> Select[RescuedObject]:
    """Everything that rescues found behind these connections: the manifest."""
    return select(RescuedObject).where(RescuedObject.connection_id.in_(connection_ids))


def objects_page(
    session: Session, connection_ids: Collection[int], *, after: int | None, limit: int
) -> Sequence[RescuedObject]:
    """A page of the manifest, in the order in which things were found, from behind `after`."""
    query = objects_over(connection_ids).where(RescuedObject.id > (after or 0))
    return session.scalars(query.order_by(RescuedObject.id).limit(limit)).all()


def counts(
    session: Session, connection_ids: Collection[int]
) -> Sequence[tuple[str, str, int, int, int]]:
    """How many objects of each kind came to each outcome: kind, outcome, number, bytes that lie
    here, bytes the provider announced.
    """
    query = (
        select(
            RescuedObject.kind,
            RescuedObject.outcome,
            func.count(),
            func.coalesce(func.sum(RescuedObject.size), 0),
            func.coalesce(func.sum(RescuedObject.announced), 0),
        )
        .where(RescuedObject.connection_id.in_(connection_ids))
        .group_by(RescuedObject.kind, RescuedObject.outcome)
    )
    return [
        (kind, outcome, n, int(size or 0), int(told or 0))
        for kind, outcome, n, size, told in session.execute(query)
    ]


Place = tuple[int, int]


def waiting_objects(
    session: Session, connection_id: int, moment: datetime, *, behind: Place, limit: int
) -> Sequence[RescuedObject]:
    """Objects to fetch now, in the order of their ranks, from behind a rank and an id."""
    query = (
        select(RescuedObject)
        .where(
            RescuedObject.connection_id == connection_id,
            RescuedObject.outcome == Outcome.WAITING,
            tuple_(RescuedObject.rank, RescuedObject.id) > behind,
            or_(RescuedObject.retry_at.is_(None), RescuedObject.retry_at <= moment),
        )
        .order_by(RescuedObject.rank, RescuedObject.id)
        .limit(limit)
    )
    return session.scalars(query).all()


def is_anything_waiting(session: Session, connection_id: int) -> bool:
    """Whether anything is still to be fetched, now or later."""
    query = select(RescuedObject.id).where(_waiting(connection_id))
    return session.scalar(query.limit(1)) is not None


def next_try(session: Session, connection_id: int) -> datetime | None:
    """When the first of the objects that wait for another try is due."""
    return session.scalar(select(func.min(RescuedObject.retry_at)).where(_waiting(connection_id)))


def bytes_waiting(session: Session, connection_id: int) -> int:
    """How many bytes the provider announced of what is still to come."""
    announced = func.coalesce(func.sum(RescuedObject.announced), 0)
    query = select(announced).where(_waiting(connection_id))
    return int(session.scalar(query) or 0)


def _waiting(connection_id: int) -> ColumnElement[bool]:
    return and_(
        RescuedObject.connection_id == connection_id, RescuedObject.outcome == Outcome.WAITING
    )


def known_objects(
    session: Session, connection_id: int, kind: str, object_ids: Collection[str]
) -> Sequence[tuple[str, tuple[Any, ...]]]:
    """What the manifest says of those of these ids that it has a line for: the object's id beside
    id, outcome, sha256, announced, rank, name, facts.
    """
    query = select(
        RescuedObject.object_id,
        RescuedObject.id,
        RescuedObject.outcome,
        RescuedObject.sha256,
        RescuedObject.announced,
        RescuedObject.rank,
        RescuedObject.name,
        RescuedObject.facts,
    ).where(
        RescuedObject.connection_id == connection_id,
        RescuedObject.kind == kind,
        RescuedObject.object_id.in_(object_ids),
    )
    return [(row[0], tuple(row[1:])) for row in session.execute(query)]


def objects_of_kind(session: Session, connection_id: int, kind: Kind) -> Sequence[RescuedObject]:
    """All objects of a kind behind a connection."""
    query = select(RescuedObject).where(
        RescuedObject.connection_id == connection_id, RescuedObject.kind == kind
    )
    return session.scalars(query).all()


def parents_page(
    session: Session, connection_id: int, kind: Kind, *, after: int, limit: int
) -> Sequence[RescuedObject]:
    """Objects of a kind whose own lists are to be read, from behind an id."""
    query = select(RescuedObject).where(
        RescuedObject.connection_id == connection_id,
        RescuedObject.kind == kind,
        RescuedObject.id > after,
    )
    return session.scalars(query.order_by(RescuedObject.id).limit(limit)).all()


def stored_objects(
    session: Session, connection_id: int, *, after: int, limit: int, with_verified: bool
) -> Sequence[RescuedObject]:
    """Objects whose bytes lie here, from behind an id; those that were read again since they came
    only `with_verified`.
    """
    query = select(RescuedObject).where(
        RescuedObject.connection_id == connection_id,
        RescuedObject.id > after,
        RescuedObject.outcome.in_((Outcome.HOME, Outcome.DAMAGED)),
        RescuedObject.sha256.is_not(None),
    )
    if not with_verified:
        query = query.where(RescuedObject.verified_at.is_(None))
    return session.scalars(query.order_by(RescuedObject.id).limit(limit)).all()
