"""Every select about budgets and what was spent."""

from collections.abc import Sequence
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, and_, case, func, not_, or_, select
from sqlalchemy.orm import Session

from app.budgets.models import Budget, Spend, SpendState

IS_RESERVED = Spend.state == SpendState.RESERVED
IS_SPENT = Spend.state == SpendState.SPENT
# What a row takes of its month; null is unknown.
AMOUNT: ColumnElement[Any] = case((IS_RESERVED, Spend.reserved), (IS_SPENT, Spend.spent), else_=0)
COUNTS: ColumnElement[bool] = not_(and_(AMOUNT.is_not(None), AMOUNT == 0))


class Sums(NamedTuple):
    """What was spent and is set aside, in millionths, and how many things' cost is not known."""

    spent: int
    reserved: int
    unknown: int


class Month(NamedTuple):
    """A month's sums, and how many things count."""

    month: date
    sums: Sums
    things: int


def budget_of(session: Session, project_id: int, *, is_held: bool = False) -> Budget | None:
    """A project's budget; `is_held` keeps everybody else from setting money aside until the unit of
    work ends.
    """
    query = select(Budget).where(Budget.project_id == project_id)
    if is_held:
        query = query.with_for_update().execution_options(populate_existing=True)
    return session.scalar(query)


def _sums() -> tuple[ColumnElement[Any], ...]:
    unknown = and_(or_(IS_RESERVED, IS_SPENT), AMOUNT.is_(None))
    return (
        func.coalesce(func.sum(case((IS_SPENT, Spend.spent), else_=0)), 0),
        func.coalesce(func.sum(case((IS_RESERVED, Spend.reserved), else_=0)), 0),
        func.count().filter(unknown),
    )


def sums_of(session: Session, project_id: int, month: date) -> Sums:
    """What a month of a project came to so far."""
    query = select(*_sums()).where(Spend.project_id == project_id, Spend.month == month)
    return Sums(*map(int, session.execute(query).one()))


def budget_with_sums(session: Session, project_id: int, month: date) -> tuple[Budget, Sums] | None:
    """A project's budget with what the month came to, in one question; None where nobody ever set
    one.
    """
    of_month = and_(Spend.project_id == Budget.project_id, Spend.month == month)
    query = select(Budget, *_sums()).outerjoin(Spend, of_month).group_by(Budget.project_id)
    row = session.execute(query.where(Budget.project_id == project_id)).first()
    return None if row is None else (row[0], Sums(*map(int, row[1:])))


def months_of(session: Session, project_id: int) -> Sequence[Month]:
    """Every month in which something was ordered, the latest first."""
    query = (
        select(Spend.month, *_sums(), func.count().filter(COUNTS))
        .where(Spend.project_id == project_id)
        .group_by(Spend.month)
        .order_by(Spend.month.desc())
    )
    return [
        Month(month, Sums(int(spent), int(reserved), unknown), things)
        for month, spent, reserved, unknown, things in session.execute(query)
    ]


def spend_of(session: Session, key: str, *, is_held: bool = False) -> Spend | None:
    """The row of a paid thing; `is_held` keeps it from everybody else until the unit of work
    ends.
    """
    query = select(Spend).where(Spend.key == key)
    if is_held:
        query = query.with_for_update().execution_options(populate_existing=True)
    return session.scalar(query)


def spend_in(session: Session, project_id: int, spend_id: int) -> Spend | None:
    """A row of the project's ledger."""
    query = select(Spend).where(Spend.id == spend_id, Spend.project_id == project_id)
    return session.scalar(query)


def ids_of_spends(project_id: int, month: date | None = None) -> Select[int]:
    """The ids of a project's rows, of one month or of all: what its list is filtered from."""
    query = select(Spend.id).where(Spend.project_id == project_id)
    return query if month is None else query.where(Spend.month == month)


def spends_by_ids(session: Session, project_id: int, ids: Sequence[int]) -> Sequence[Spend]:
    """Those of the ids that are rows of the project, in the order of the ids."""
    query = select(Spend).where(Spend.project_id == project_id, Spend.id.in_(ids))
    found = {one.id: one for one in session.scalars(query)}
    return [found[spend_id] for spend_id in ids if spend_id in found]


def spends_after(session: Session, project_id: int, last_id: int, *, limit: int) -> Sequence[Spend]:
    """A project's rows behind one of them, the oldest first."""
    query = select(Spend).where(Spend.project_id == project_id, Spend.id > last_id)
    return session.scalars(query.order_by(Spend.id).limit(limit)).all()
