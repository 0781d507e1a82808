"""What the page of a project's budget, and the lines about it elsewhere, show."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from app.budgets.models import Budget, Spend, SpendState, UnknownPrice
from app.budgets.money import ONE_DOLLAR, said, typed
from app.budgets.queries import Month, Sums
from app.budgets.standing import Standing
from app.core.list_views import ListView
from app.core.pages import Link
from app.core.views import ChartColumn, ColumnChart, FormState

PAGES = {
    "job": ("jobs.show", "job_id"),
    "connection": ("connections.show", "connection_id"),
    "evaluation_run": ("evaluation_runs.show", "evaluation_run_id"),
    "duels": ("duels.show", "duels_id"),
}
STATES = {
    SpendState.RESERVED: "reserved",
    SpendState.SPENT: "spent",
    SpendState.RELEASED: "given back",
}
MONTHS_SHOWN = 12


@dataclass(frozen=True, slots=True)
class SpendRow:
    """A line of the ledger in words. `is_open` where a person may say what it cost."""

    id: int
    name: str
    url: str | None
    state: str
    amount: str
    estimate: str
    words: str
    at: datetime
    is_open: bool


@dataclass(frozen=True, slots=True)
class MonthView:
    """A month in words; the dollars are for the meter. `left` is empty without a budget."""

    name: str
    monthly: str
    spent: str
    reserved: str
    left: str
    unknown: int
    taken_dollars: float
    monthly_dollars: float
    lead: str


@dataclass(frozen=True, slots=True)
class BudgetView:
    """The page. Fields of `form`: monthly_usd, warn_percent, unknown_price. `listed` is the month
    whose rows stand in the list, empty where its filters say so.
    """

    project_id: int
    month: MonthView
    is_set: bool
    can_manage: bool
    form: FormState
    warn_percent: int
    unknown_price: str
    changed_at: datetime | None
    rows: tuple[SpendRow, ...]
    list: ListView
    listed: str
    chart: ColumnChart | None
    topic: str


@dataclass(frozen=True, slots=True)
class SpendView:
    """One line of the ledger, and the form that says what it cost. Field: spent_usd."""

    project_id: int
    row: SpendRow
    month: str
    form: FormState
    can_say: bool


def month_view(standing: Standing) -> MonthView:
    """The month as the page tells it."""
    return MonthView(
        name=f"{standing.month:%B %Y}",
        monthly=said(standing.monthly) if standing.monthly is not None else "",
        spent=said(standing.spent),
        reserved=said(standing.reserved),
        left=said(standing.left) if standing.left is not None else "",
        unknown=standing.unknown,
        taken_dollars=standing.taken / ONE_DOLLAR,
        monthly_dollars=(standing.monthly or 0) / ONE_DOLLAR,
        lead=lead(standing),
    )


def lead(standing: Standing) -> str:
    """How the month stands, and what that means, in a sentence or two."""
    month, taken = f"{standing.month:%B}", said(standing.taken)
    if standing.monthly is None:
        return f"No budget is set: every job may start. {month} came to {taken} so far."
    if standing.taken > standing.monthly:
        over = said(standing.taken - standing.monthly)
        return f"{month} is {over} over its budget. What costs something does not start."
    if standing.is_used_up:
        return f"Nothing is left for {month}. What costs something does not start."
    left = said(standing.left)
    return (
        f"{left} of {said(standing.monthly)} is left for {month}. What does not fit does not start."
    )


def form_of(budget: Budget | None) -> FormState:
    """The form as the budget stands."""
    if budget is None:
        return FormState({"warn_percent": "80", "unknown_price": UnknownPrice.BLOCK.value})
    return FormState(
        {
            "monthly_usd": typed(budget.monthly),
            "warn_percent": str(budget.warn_percent),
            "unknown_price": budget.unknown_price,
        }
    )


def row_of(spend: Spend, link: Link) -> SpendRow:
    """A line of the ledger in words. `link` makes paths of route names."""
    kind, _, number = spend.subject.partition(":")
    route = PAGES.get(kind)
    state = SpendState(spend.state)
    amounts = {SpendState.RESERVED: spend.reserved, SpendState.SPENT: spend.spent}
    return SpendRow(
        id=spend.id,
        name=spend.name,
        url=link(route[0], **{route[1]: int(number)}) if route else None,
        state=STATES[state],
        amount=said(amounts.get(state, 0)),
        estimate=said(spend.reserved) if spend.key == spend.subject else "none",
        words=spend.words or "",
        at=spend.created_at,
        is_open=spend.is_open,
    )


def chart_of(months: Sequence[Month]) -> ColumnChart | None:
    """The last twelve months until the latest in which something was ordered."""
    shown = _without_gaps(months)[-MONTHS_SHOWN:]
    top = max((one.sums.spent + one.sums.reserved for one in shown), default=0)
    if top == 0:
        return None
    columns = tuple(
        ChartColumn(
            f"{one.month:%b %Y}",
            (one.sums.spent + one.sums.reserved) / ONE_DOLLAR,
            f"{said(one.sums.spent)} spent, {said(one.sums.reserved)} reserved",
        )
        for one in shown
    )
    ticks = ((0.0, "$0"), (top / 2 / ONE_DOLLAR, said(top // 2)), (top / ONE_DOLLAR, said(top)))
    return ColumnChart(columns, ticks)


def _without_gaps(months: Sequence[Month]) -> list[Month]:
    """The earliest first, with the months in which nothing was ordered."""
    known = {one.month: one for one in months}
    filled, month = [], min(known, default=date.max)
    while known and month <= max(known):
        filled.append(known.get(month, Month(month, Sums(0, 0, 0), 0)))
        month = date(month.year + month.month // 12, month.month % 12 + 1, 1)
    return filled


def month_key(month: date) -> str:
    """A month as addresses and scripts have it: 2026-11."""
    return f"{month:%Y-%m}"
