"""What people are told of a budget, once a month each."""

from sqlalchemy.orm import Session

from app.budgets.money import said
from app.budgets.standing import OverBudget, Standing, numbers
from app.notices.telling import Topic, tell


def tell_warned(session: Session, project_id: int, standing: Standing, amount: int | None) -> None:
    """So much of the month's budget is taken that people want to know."""
    taken = standing.taken + (amount or 0)
    share = f"{standing.warn_percent} % of the budget for {standing.month:%B}"
    rest = "What no longer fits does not start."
    tell(
        session,
        project_id=project_id,
        topic=Topic.BUDGET,
        key=f"warned:{standing.month:%Y-%m}",
        title=f"{share} is taken",
        text=f"{said(taken)} of {said(standing.monthly)} is spent or reserved. {rest}",
        path=_path(project_id),
        facts=numbers(standing, amount),
    )


def tell_blocked(
    session: Session, project_id: int, what: str, error: OverBudget, *, actor_id: int
) -> None:
    """Something did not start for want of money; who tried has been told."""
    tell(
        session,
        project_id=project_id,
        topic=Topic.BUDGET,
        key=f"blocked:{error.standing.month:%Y-%m}",
        title=f"{what} did not start: the budget for {error.standing.month:%B} does not allow it",
        text=error.message,
        path=_path(project_id),
        actor_id=actor_id,
        facts=numbers(error.standing, error.amount),
    )


def _path(project_id: int) -> str:
    return f"/projects/{project_id}/budget"
