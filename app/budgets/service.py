"""Decisions about a project's budget: how much, from when on to warn, and what something cost."""

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.auth import service as auth
from app.auth.models import User
from app.budgets import queries
from app.budgets.forms import BudgetForm
from app.budgets.models import Budget, Spend, SpendState
from app.budgets.money import said
from app.core import clock
from app.core.errors import Conflict
from app.core.events import announce

NOT_OPEN = "What this cost is known: {spent}, by the tokens it was billed for."


def set_budget(session: Session, *, project_id: int, user: User, form: BudgetForm) -> Budget:
    """The project's budget from now on; null dollars take it away. What was spent stays."""
    budget = _held(session, project_id)
    before = (budget.monthly, budget.warn_percent, budget.unknown_price)
    budget.monthly = form.monthly_usd
    budget.warn_percent, budget.unknown_price = form.warn_percent, form.unknown_price.value
    if before != (budget.monthly, budget.warn_percent, budget.unknown_price):
        budget.changed_by, budget.changed_at = user.id, clock.now(session)
        _record(session, project_id, user, budget)
    return budget


def remove_budget(session: Session, *, project_id: int, user: User) -> None:
    """No budget any more: everything may start, and is counted as before."""
    budget = _held(session, project_id)
    if budget.monthly is not None:
        budget.monthly = None
        budget.changed_by, budget.changed_at = user.id, clock.now(session)
        _record(session, project_id, user, budget)


def _held(session: Session, project_id: int) -> Budget:
    """The project's budget, which nobody else changes or sets money aside from meanwhile."""
    found = queries.budget_of(session, project_id, is_held=True)
    if found is None:
        try:
            with session.begin_nested():
                session.add(Budget(project_id=project_id, changed_at=clock.now(session)))
        except IntegrityError:
            pass  # somebody made it a moment ago
        found = queries.budget_of(session, project_id, is_held=True)
        assert found is not None  # noqa: S101 - it was made, or was there
    return found


def _record(session: Session, project_id: int, user: User, budget: Budget) -> None:
    words = "no budget"
    if budget.monthly is not None:
        unknown = "held back" if budget.unknown_price == "block" else "let through"
        words = (
            f"{said(budget.monthly)} a month, told of at {budget.warn_percent} %, "
            f"unknown prices {unknown}"
        )
    auth.record(
        session,
        "budget.changed",
        f"budget:{project_id}",
        actor_id=user.id,
        project_id=project_id,
        name=words,
        monthly=budget.monthly,
        warn_percent=budget.warn_percent,
        unknown_price=budget.unknown_price,
    )
    announce(session, f"project:{project_id}")


def say_cost(session: Session, spend: Spend, *, user: User, amount: int) -> None:
    """Keep what a person read on the provider's bill. Raises Conflict where the cost is known, or
    the thing has not ended.
    """
    session.refresh(spend, with_for_update=True)
    if spend.state == SpendState.RESERVED:
        raise Conflict("It has not ended: what it costs is counted then.")
    if not spend.is_open:
        raise Conflict(NOT_OPEN.format(spent=said(spend.spent)))
    before, spend.spent = spend.spent, amount
    spend.words = f"{user.name} said what was billed."
    spend.settled_at = clock.now(session)
    auth.record(
        session,
        "budget.cost_said",
        spend.subject,
        actor_id=user.id,
        project_id=spend.project_id,
        name=spend.name,
        amount=said(amount),
        before=before,
    )
    announce(session, f"project:{spend.project_id}")
