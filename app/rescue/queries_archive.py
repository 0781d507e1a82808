"""Every select about what goes into one archive."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from app.rescue.models import Kind, RescuedObject


class Entry(NamedTuple):
    """A line of the manifest, as far as an archive tells it."""

    id: int
    connection_id: int
    kind: str
    object_id: str
    name: str
    outcome: str
    size: int | None
    sha256: str | None
    fetched_at: datetime | None
    error: str | None


COLUMNS = [getattr(RescuedObject, name) for name in Entry._fields]


def last_id(session: Session, connection_ids: Collection[int]) -> int:
    """The newest line of a manifest; what comes later is not in an archive that is begun now."""
    query = select(func.max(RescuedObject.id))
    return session.scalar(query.where(RescuedObject.connection_id.in_(connection_ids))) or 0


def entries(
    session: Session, connection_ids: Collection[int], *, after: int, last: int, limit: int
) -> Sequence[Entry]:
    """Lines of a manifest in the order in which they were found, from behind `after` to `last`."""
    query = (
        select(*COLUMNS)
        .where(
            RescuedObject.connection_id.in_(connection_ids),
            RescuedObject.id > after,
            RescuedObject.id <= last,
        )
        .order_by(RescuedObject.id)
        .limit(limit)
    )
    return [Entry(*row) for row in session.execute(query)]


def an_eval_after(
    session: Session, connection_ids: Collection[int], *, after: int, last: int
) -> RescuedObject | None:
    """The next eval of a manifest from behind `after` to `last`."""
    query = (
        select(RescuedObject)
        .where(
            RescuedObject.connection_id.in_(connection_ids),
            RescuedObject.kind == Kind.EVAL,
            RescuedObject.id > after,
            RescuedObject.id <= last,
        )
        .order_by(RescuedObject.id)
        .limit(1)
        .options(joinedload(RescuedObject.connection))
    )
    return session.scalar(query)
