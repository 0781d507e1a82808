"""How a project's month stands: what may be spent, what is, and whether something more fits."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy.orm import Session

from app.budgets import queries
from app.budgets.models import USUAL_WARN_PERCENT, Budget, UnknownPrice
from app.budgets.money import dollars, said
from app.core import clock
from app.core.errors import Conflict

NOT_KNOWN = (
    "What this costs is not known: its price is not in the price book. This project's budget holds "
    "such starts back; an owner of the project can let them through."
)


@dataclass(frozen=True, slots=True)
class Standing:
    """A month of a project, in millionths of a dollar. `monthly` None: there is no budget.
    `unknown` counts the things of which nobody knows what they cost; they are in no sum.
    """

    month: date
    monthly: int | None
    warn_percent: int
    holds_unknown: bool
    spent: int
    reserved: int
    unknown: int

    @property
    def taken(self) -> int:
        """Spent, or set aside for what has not ended."""
        return self.spent + self.reserved

    @property
    def left(self) -> int | None:
        """What may still be set aside; None without a budget."""
        return None if self.monthly is None else max(0, self.monthly - self.taken)

    @property
    def is_used_up(self) -> bool:
        """True when nothing that costs something can start."""
        return self.left == 0

    @property
    def is_warned(self) -> bool:
        """True from the share on at which people are told."""
        return self.would_warn(0)

    def would_warn(self, amount: int | None) -> bool:
        """Whether people are to be told once so much more is taken. A budget of nothing, of which
        nothing was taken, is as somebody wanted it.
        """
        taken = self.taken + (amount or 0)
        if self.monthly is None or taken == 0:
            return False
        return taken * 100 >= self.monthly * self.warn_percent

    def refusal(self, amount: int | None) -> str | None:
        """Why something of this cost may not start, in words; None when it may. What is free always
        starts.
        """
        if self.monthly is None or amount == 0:
            return None
        if amount is None:
            return NOT_KNOWN if self.holds_unknown else self._used_up()
        if self.taken + amount <= self.monthly:
            return None
        return (
            f"This takes about {said(amount)}, and {self.month:%B} has {said(self.left)} left: of "
            f"{said(self.monthly)}, {self.parts}. {OWNER_RAISES}"
        )

    def _used_up(self) -> str | None:
        if not self.is_used_up:
            return None
        return (
            f"What this costs is not known, and nothing is left for {self.month:%B}: of "
            f"{said(self.monthly)}, {self.parts}. {OWNER_RAISES}"
        )

    @property
    def parts(self) -> str:
        """What is taken, in words."""
        return f"{said(self.spent)} is spent and {said(self.reserved)} reserved"


OWNER_RAISES = "An owner of the project can raise the budget."


class OverBudget(Conflict):
    """Something would take more than the month has left. `standing` is how it was, `amount` what it
    asked for.
    """

    def __init__(self, message: str, standing: Standing, amount: int | None) -> None:
        super().__init__(message, details={"budget": numbers(standing, amount)})
        self.standing = standing
        self.amount = amount


def numbers(standing: Standing, amount: int | None) -> dict[str, Any]:
    """A refusal's numbers for scripts, in dollars."""
    return {
        "month": f"{standing.month:%Y-%m}",
        "monthly_usd": dollars(standing.monthly),
        "spent_usd": dollars(standing.spent),
        "reserved_usd": dollars(standing.reserved),
        "left_usd": dollars(standing.left),
        "asked_usd": dollars(amount),
    }


def month_of(moment: datetime) -> date:
    """The first day of a moment's month, in UTC."""
    return date(moment.year, moment.month, 1)


def standing_of(session: Session, project_id: int, month: date | None = None) -> Standing:
    """How a project's month stands, this one unless another is named."""
    budget = queries.budget_of(session, project_id)
    return with_sums(session, project_id, budget, month or month_of(clock.now(session)))


def standing_of_budget(session: Session, project_id: int, moment: datetime) -> Standing | None:
    """How a moment's month stands where there is a budget, asked for with one question."""
    month = month_of(moment)
    found = queries.budget_with_sums(session, project_id, month)
    if found is None or found[0].monthly is None:
        return None
    return _standing(month, *found)


def with_sums(session: Session, project_id: int, budget: Budget | None, month: date) -> Standing:
    """The month beside a budget that is read already, or held."""
    return _standing(month, budget, queries.sums_of(session, project_id, month))


def _standing(month: date, budget: Budget | None, sums: queries.Sums) -> Standing:
    return Standing(
        month=month,
        monthly=budget.monthly if budget else None,
        warn_percent=budget.warn_percent if budget else USUAL_WARN_PERCENT,
        holds_unknown=budget is None or budget.unknown_price == UnknownPrice.BLOCK,
        spent=sums.spent,
        reserved=sums.reserved,
        unknown=sums.unknown,
    )
