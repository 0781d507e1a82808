"""Work that a row asks for: when it is due, who has it, and a fence against those who come late."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, ClassVar, NamedTuple, TypeVar

from sqlalchemy import (
    JSON,
    BigInteger,
    ColumnElement,
    CursorResult,
    Integer,
    Text,
    and_,
    bindparam,
    cast,
    false,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Mapped, Session, mapped_column
from sqlalchemy.sql.dml import ReturningUpdate

from app.core import clock
from app.settings import settings

POISON_AFTER = 3


class LeaseLost(Exception):
    """The row was given to somebody else meanwhile: stop before the next side effect."""


class Leased:
    """Columns of a row that is work. `due_at` is null when nothing is to be done.

    `fence` grows with every claim: whoever holds an older number has lost the row. `attempts`
    counts claims since the last progress; after three without any the row is poisoned and waits for
    a person, unless its work harms nobody when it is begun again for ever.
    """

    IS_POISONABLE: ClassVar[bool] = True

    due_at: Mapped[datetime | None] = mapped_column(index=True)
    lease_until: Mapped[datetime | None]
    fence: Mapped[int] = mapped_column(default=0)
    attempts: Mapped[int] = mapped_column(default=0)
    last_error: Mapped[str | None] = mapped_column(Text)


Work = TypeVar("Work", bound=Leased)


def is_due(model: Any, moment: datetime) -> ColumnElement[bool]:
    """Due and free, not poisoned."""
    free = and_(
        model.due_at <= moment, or_(model.lease_until.is_(None), model.lease_until < moment)
    )
    return and_(free, model.attempts < POISON_AFTER) if model.IS_POISONABLE else free


def is_given_up(model: Any, moment: datetime) -> ColumnElement[bool]:
    """Free, and poisoned: the rows of which `is_poisoned` is true."""
    if not model.IS_POISONABLE:
        return false()
    free = or_(model.lease_until.is_(None), model.lease_until < moment)
    return and_(model.due_at.is_not(None), model.attempts >= POISON_AFTER, free)


def is_poisoned(row: "Leased", moment: datetime) -> bool:
    """True when three workers died over this row's work: a person must ask for another try."""
    is_free = row.lease_until is None or row.lease_until < moment
    return row.IS_POISONABLE and row.due_at is not None and row.attempts >= POISON_AFTER and is_free


def try_again(session: Session, row: "Leased") -> None:
    """Let a poisoned row be worked on once more."""
    row.attempts = 0
    row.due_at = clock.now(session)
    row.lease_until = None


class Backlog(NamedTuple):
    """What waits for a worker: rows due, the seconds the longest waits, rows whose holder went
    silent, rows that only a person can wake.
    """

    due: int
    oldest_seconds: float
    expired: int
    poisoned: int


def backlog(session: Session, model: Any) -> Backlog:
    """The state of all work on one kind of row."""
    moment = clock.now(session)
    silent = model.lease_until < moment
    due, oldest, expired, poisoned = session.execute(
        select(
            func.count().filter(is_due(model, moment)),
            func.min(model.due_at).filter(is_due(model, moment)),
            func.count().filter(silent),
            func.count().filter(is_given_up(model, moment)),
        ).where(model.due_at.is_not(None))
    ).one()
    waited = (moment - oldest).total_seconds() if oldest is not None else 0.0
    return Backlog(due, waited, expired, poisoned)


def due_ids(
    session: Session, model: Any, *where: ColumnElement[bool], limit: int = 200
) -> Sequence[int]:
    """Ids of rows whose work is due, the longest waiting first."""
    moment = clock.now(session)
    query = (
        select(model.id).where(is_due(model, moment), *where).order_by(model.due_at).limit(limit)
    )
    return session.scalars(query).all()


def claim(
    session: Session,
    model: Any,
    row_id: int,
    *,
    seconds: float,
    where: Sequence[ColumnElement[bool]] = (),
) -> int | None:
    """Take the row for `seconds`; the new fence, or None when it is not due or another was faster.

    One conditional UPDATE: SQLAlchemy drops FOR UPDATE SKIP LOCKED on SQLite, and this needs
    neither.
    """
    moment = clock.now(session)
    fence = session.scalar(
        select(model.fence).where(model.id == row_id, is_due(model, moment), *where)
    )
    if fence is None:
        return None
    taken: CursorResult[Any] = session.execute(  # type: ignore[assignment]
        update(model)
        .where(model.id == row_id, model.fence == fence, is_due(model, moment), *where)
        .values(
            fence=fence + 1,
            lease_until=moment + timedelta(seconds=settings().lease(seconds)),
            attempts=model.attempts + 1,
        )
        .execution_options(synchronize_session=False)
    )
    return fence + 1 if taken.rowcount == 1 else None


def claim_many(
    session: Session,
    model: Any,
    *,
    seconds: float,
    limit: int = 100,
    where: Sequence[ColumnElement[bool]] = (),
) -> dict[int, int]:
    """Take up to `limit` due rows for `seconds`, those that wait longest first: the new fence of
    each by its id. For work of which there is a lot and each piece is small; none is given to two.
    `where` are conditions that a module made once.

    One statement: on PostgreSQL it passes over rows that another is taking, on SQLite there is one
    writer anyway.
    """
    moment = clock.now(session)
    until = moment + timedelta(seconds=settings().lease(seconds))
    given = {"moment": moment, "until": until, "most": limit}
    return {row.id: row.fence for row in session.execute(_taking(model, tuple(where)), given)}


@lru_cache(maxsize=32)
def _taking(model: Any, where: tuple[ColumnElement[bool], ...]) -> ReturningUpdate[Any]:
    """Putting it together takes as long as the database needs for it."""
    moment: Any = bindparam("moment", type_=model.due_at.type)
    due = select(model.id).where(is_due(model, moment), *where).order_by(model.due_at)
    chosen = due.limit(bindparam("most", type_=Integer)).with_for_update(skip_locked=True)
    table = model.__table__
    return (
        update(table)
        .where(table.c.id.in_(select(chosen.cte("due").c.id)))
        .values(
            fence=table.c.fence + 1,
            lease_until=bindparam("until", type_=model.due_at.type),
            attempts=table.c.attempts + 1,
        )
        .returning(table.c.id, table.c.fence)
    )


def renew(session: Session, model: Any, row_id: int, fence: int, *, seconds: float) -> bool:
    """Keep the row a while longer; False when it is no longer ours."""
    until = clock.now(session) + timedelta(seconds=settings().lease(seconds))
    kept: CursorResult[Any] = session.execute(  # type: ignore[assignment]
        update(model)
        .where(model.id == row_id, model.fence == fence)
        .values(lease_until=until)
        .execution_options(synchronize_session=False)
    )
    return kept.rowcount == 1


def hold(session: Session, model: Any, row_id: int, fence: int) -> Any | None:
    """The row, locked for the rest of the unit of work, if the fence is still ours."""
    query = select(model).where(model.id == row_id, model.fence == fence).with_for_update()
    return session.scalars(query.execution_options(populate_existing=True)).one_or_none()


def keep(session: Session, model: type[Work], row_id: int, fence: int, *, seconds: float) -> Work:
    """The row as `hold` gives it, and for so long ours again: who gets this far made progress.
    Raises LeaseLost.
    """
    row: Work | None = hold(session, model, row_id, fence)
    if row is None:
        raise LeaseLost
    row.lease_until = clock.now(session) + timedelta(seconds=settings().lease(seconds))
    row.attempts = 0
    return row


def settle(
    row: Leased, *, due_at: datetime | None, has_progress: bool = True, error: str | None = None
) -> None:
    """Give the row back: when it is due again, and whether something was achieved."""
    row.due_at = due_at
    row.lease_until = None
    row.last_error = error
    if has_progress:
        row.attempts = 0


def settle_many(
    session: Session,
    model: Any,
    fences: Mapping[int, int],
    *,
    due_at: datetime | None,
    has_progress: bool = True,
    error: str | None = None,
) -> set[int]:
    """Give rows back whose work came to the same; the ids of those that were still ours: what was
    taken away meanwhile stays as its new holder has it.
    """
    values = {"held": dict(fences), "due": due_at, "words": error}
    return set(session.scalars(_giving(model, has_progress=has_progress), values))


@lru_cache(maxsize=32)
def _giving(model: Any, *, has_progress: bool) -> ReturningUpdate[Any]:
    # One value, however many there are: each length would be a statement of its own.
    held = func.json_each(bindparam("held", type_=JSON)).table_valued("key", "value")
    fence = cast(cast(held.c.value, Text), BigInteger)
    table = model.__table__
    given = update(table).where(table.c.id == cast(held.c.key, BigInteger), table.c.fence == fence)
    due_at = bindparam("due", type_=model.due_at.type)
    given = given.values(due_at=due_at, lease_until=None, last_error=bindparam("words", type_=Text))
    return (given.values(attempts=0) if has_progress else given).returning(table.c.id)
