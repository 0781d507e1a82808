"""A project's budget and what was spent as the API gives them."""

from dataclasses import dataclass
from datetime import datetime

from app.budgets.models import Spend, UnknownPrice
from app.budgets.money import ONE_DOLLAR, dollars
from app.budgets.standing import Standing
from app.budgets.views import month_key


@dataclass(frozen=True, slots=True)
class BudgetResource:
    """A project's budget and its month as the API gives it, in dollars. Null `monthly_usd` and
    `left_usd`: there is none. `unknown` counts what is in no sum because nobody knows its cost.
    """

    monthly_usd: float | None
    warn_percent: int
    unknown_price: str
    month: str
    spent_usd: float
    reserved_usd: float
    left_usd: float | None
    unknown: int
    is_warned: bool
    is_used_up: bool


def budget_resource(standing: Standing) -> BudgetResource:
    """The budget as the API gives it."""
    return BudgetResource(
        monthly_usd=dollars(standing.monthly),
        warn_percent=standing.warn_percent,
        unknown_price=UnknownPrice.BLOCK if standing.holds_unknown else UnknownPrice.ALLOW,
        month=f"{standing.month:%Y-%m}",
        spent_usd=standing.spent / ONE_DOLLAR,
        reserved_usd=standing.reserved / ONE_DOLLAR,
        left_usd=dollars(standing.left),
        unknown=standing.unknown,
        is_warned=standing.is_warned,
        is_used_up=standing.is_used_up,
    )


@dataclass(frozen=True, slots=True)
class SpendResource:
    """One paid thing. `key` names it (`job:12`); what is null is unknown. `is_open` where an owner
    may say what was billed.
    """

    id: int
    key: str
    about: str
    name: str
    month: str
    state: str
    reserved_usd: float | None
    spent_usd: float | None
    is_open: bool
    words: str | None
    created_by: int | None
    created_at: datetime
    settled_at: datetime | None


def spend_resource(spend: Spend) -> SpendResource:
    """A paid thing as the API gives it."""
    return SpendResource(
        id=spend.id,
        key=spend.key,
        about=spend.subject,
        name=spend.name,
        month=month_key(spend.month),
        state=spend.state,
        reserved_usd=dollars(spend.reserved),
        spent_usd=dollars(spend.spent),
        is_open=spend.is_open,
        words=spend.words,
        created_by=spend.created_by,
        created_at=spend.created_at,
        settled_at=spend.settled_at,
    )
