"""What other pages say of a budget: that the month is nearly taken, what a job would take, what one
took.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from app.budgets.models import Spend, SpendState
from app.budgets.money import said
from app.budgets.standing import Standing, standing_of_budget


@dataclass(frozen=True, slots=True)
class BudgetLine:
    """A slim line for pages where jobs are started: the month is nearly, or all, taken."""

    tone: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class BudgetEffect:
    """What something would take, for a receipt. `left` as it is, `after` as it would be; `warning`
    where people would be told.
    """

    left: str
    of: str
    after: str
    warning: str


@dataclass(frozen=True, slots=True)
class JobSpend:
    """What a job takes of its project's month, for its own page."""

    month: str
    words: str
    note: str


def spend_words(spend: Spend) -> JobSpend | None:
    """What a paid thing takes of the month in which it was ordered; None where that is nothing."""
    if spend.state == SpendState.RESERVED and spend.reserved != 0:
        words = f"{said(spend.reserved)} reserved"
    elif spend.state == SpendState.SPENT and (spend.spent != 0 or spend.reserved != 0):
        words = f"{said(spend.spent)} spent"
    else:
        return None
    return JobSpend(f"{spend.month:%B %Y}", words, spend.words or "")


def line_of(session: Session, project_id: int, moment: datetime) -> BudgetLine | None:
    """The slim line about a moment's month, from the share on at which people are told."""
    standing = standing_of_budget(session, project_id, moment)
    if standing is None or not standing.is_warned:
        return None
    of = f"Of {said(standing.monthly)}, {standing.parts}."
    if standing.is_used_up:
        return BudgetLine(
            "bad",
            f"Nothing is left of the budget for {standing.month:%B}",
            f"{of} What costs something does not start; what is free does.",
        )
    return BudgetLine(
        "warn",
        f"{said(standing.left)} is left of the budget for {standing.month:%B}",
        f"{of} What does not fit does not start.",
    )


def effect_of(standing: Standing, amount: int | None) -> BudgetEffect | None:
    """What something of this cost would take of the month; None without a budget."""
    if standing.monthly is None or standing.left is None:
        return None
    of = f"of {said(standing.monthly)} in {standing.month:%B}"
    if standing.refusal(amount) is not None:
        return BudgetEffect(said(standing.left), of, "it does not start", "")
    after = "unknown" if amount is None else said(max(0, standing.left - amount))
    warning = _warning(standing, amount) if amount != 0 else ""
    return BudgetEffect(said(standing.left), of, after, warning)


def _warning(standing: Standing, amount: int | None) -> str:
    if amount is None:
        return "What this costs is not known: it counts once somebody says what was billed."
    if not standing.would_warn(amount):
        return ""
    taken = said(standing.taken + amount)
    return (
        f"With this, {taken} of {said(standing.monthly)} is taken, which is past the "
        f"{standing.warn_percent} % at which people are told."
    )
