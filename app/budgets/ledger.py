"""The ledger: money is set aside before something paid is ordered, and counted when it is over.

Lock order: whatever is ordered first, then the budget, then the ledger's row.
"""

from datetime import date
from typing import Any, NamedTuple

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.budgets import queries, telling
from app.budgets.models import Spend, SpendState
from app.budgets.money import LARGEST_COST
from app.budgets.standing import OverBudget, month_of, with_sums
from app.core import clock

NAME_LENGTH = 255


class PaidThing(NamedTuple):
    """Something that costs money: the key of its row, what it is called, the `kind:id` of the page
    that tells of it, and who asked for it.
    """

    project_id: int
    key: str
    name: str
    subject: str
    by: int | None = None


def reserve(session: Session, thing: PaidThing, amount: int | None) -> None:
    """Set money aside for something that is about to be ordered; an unknown price is None.

    Raises OverBudget when the month has not so much left. The caller's unit of work, or its
    savepoint, must then be undone.
    """
    month = month_of(clock.now(session))
    _set_aside(session, thing.project_id, month, amount)
    session.add(_row(session, thing, month, state=SpendState.RESERVED, reserved=amount))
    session.flush()


def reserve_more(session: Session, key: str, amount: int | None) -> None:
    """Set as much again aside for something of which a second order goes out: both may be billed.
    Raises OverBudget when its month has not so much left.
    """
    found = queries.spend_of(session, key)
    if found is None or found.state != SpendState.RESERVED:
        return
    _set_aside(session, found.project_id, found.month, amount)
    found.reserved = _sum(found.reserved, amount)


def _set_aside(session: Session, project_id: int, month: date, amount: int | None) -> None:
    budget = queries.budget_of(session, project_id, is_held=True)
    before = with_sums(session, project_id, budget, month)
    refusal = before.refusal(amount)
    if refusal is not None:
        raise OverBudget(refusal, before, amount)
    if before.would_warn(amount):
        telling.tell_warned(session, project_id, before, amount)


def lower(session: Session, key: str, amount: int | None) -> None:
    """Set less aside: it is known by now that one order less can be billed."""
    found = queries.spend_of(session, key, is_held=True)
    if found is not None and found.state == SpendState.RESERVED:
        found.reserved = amount


def settle(
    session: Session,
    key: str,
    amount: int | None,
    *,
    is_guess: bool = False,
    words: str | None = None,
) -> None:
    """It is over, and came to this much. What has no row was never ordered here, and stays so."""
    found = queries.spend_of(session, key, is_held=True)
    if found is None:
        return
    found.state, found.spent = SpendState.SPENT, amount
    found.is_open, found.words = is_guess or amount is None, words
    found.settled_at = clock.now(session)
    session.flush()
    _tell_if_warned(session, found)


def gather(
    session: Session, key: str, into: PaidThing, amount: int | None, *, words: str | None = None
) -> None:
    """One of many small things is over, and came to this much: it is counted in its month's one row
    for `into`, and what was set aside for it is given back. `words` say why the sum is not counted
    from what the provider reported.
    """
    one = queries.spend_of(session, key, is_held=True)
    if one is None or one.state != SpendState.RESERVED:
        return
    session.delete(one)
    session.flush()
    found = _months_row(session, into._replace(key=f"{into.key}:{one.month:%Y-%m}"), one.month)
    if amount is not None:
        found.spent = _sum(found.spent or 0, amount)
    found.is_open, found.words = found.is_open or words is not None, words or found.words
    found.settled_at = clock.now(session)
    session.flush()
    _tell_if_warned(session, found)


def _months_row(session: Session, thing: PaidThing, month: date) -> Spend:
    found = queries.spend_of(session, thing.key, is_held=True)
    if found is None:
        try:
            with session.begin_nested():
                session.add(_row(session, thing, month, state=SpendState.SPENT))
        except IntegrityError:
            pass  # somebody made it a moment ago
        found = queries.spend_of(session, thing.key, is_held=True)
        assert found is not None  # noqa: S101 - it was made, or was there
    return found


def _tell_if_warned(session: Session, found: Spend) -> None:
    budget = queries.budget_of(session, found.project_id)
    if budget is not None and budget.monthly is not None:
        now = with_sums(session, found.project_id, budget, found.month)
        if now.is_warned:
            telling.tell_warned(session, found.project_id, now, 0)


def release(session: Session, key: str, words: str | None = None) -> None:
    """Give back what was set aside: nothing was billed, or it is counted elsewhere."""
    found = queries.spend_of(session, key, is_held=True)
    if found is not None and found.state != SpendState.RELEASED:
        found.state, found.spent = SpendState.RELEASED, None
        found.is_open, found.words = False, words
        found.settled_at = clock.now(session)


def reopen(session: Session, key: str, amount: int | None) -> None:
    """It goes on after all, whatever the budget has left: it is being paid for."""
    found = queries.spend_of(session, key, is_held=True)
    if found is not None:
        found.state, found.reserved, found.spent = SpendState.RESERVED, amount, None
        found.is_open, found.words, found.settled_at = False, None, None


def count_billed(
    session: Session, thing: PaidThing, amount: int | None, *, month: date, words: str
) -> None:
    """Count something that was billed although nothing was set aside for it. Once: told again, it
    only fills in a cost that was not known.
    """
    found = queries.spend_of(session, thing.key, is_held=True)
    if found is None:
        made = _row(session, thing, month, state=SpendState.SPENT, spent=amount, words=words)
        made.settled_at, made.is_open = made.created_at, amount is None
        session.add(made)
    elif found.state == SpendState.SPENT and found.spent is None:
        found.spent, found.is_open = amount, amount is None


def _row(session: Session, thing: PaidThing, month: date, **fields: Any) -> Spend:
    return Spend(
        project_id=thing.project_id,
        key=thing.key,
        name=thing.name[:NAME_LENGTH],
        subject=thing.subject,
        created_by=thing.by,
        created_at=clock.now(session),
        month=month,
        **fields,
    )


def _sum(first: int | None, second: int | None) -> int | None:
    if first is None or second is None:
        return None
    return min(LARGEST_COST, first + second)
