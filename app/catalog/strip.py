"""The strip of days: what stops next, drawn to scale from today."""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from app.catalog.deadlines import Deadline
from app.catalog.stopping import Calendar, StopDate
from app.providers.profiles import profiles

MOST, NEAR_DAYS = 4, 30
MARGIN_DAYS = 14
SERVED = ("tuned_model", "deployment")


@dataclass(frozen=True, slots=True)
class Stop:
    """One day. `at` is its place on the strip in percent; `mine` says what of the project stops."""

    day: date
    left_days: int
    title: str
    text: str
    mine: str
    source: str
    read_on: date
    at: float
    is_near: bool


@dataclass(frozen=True, slots=True)
class Month:
    """The first of a month on the strip."""

    name: str
    at: float


@dataclass(frozen=True, slots=True)
class StopsView:
    """The days that concern a project, the next first, and the months between today and `until`."""

    stops: tuple[Stop, ...]
    months: tuple[Month, ...]
    until: date
    sources: tuple[tuple[str, date], ...]


def strip(calendar: Calendar, today: date) -> StopsView | None:
    """The next days on which something of a project stops, or of the platforms it has connections
    to; None when there is no such day.
    """
    days: defaultdict[tuple[date, str], list[StopDate]] = defaultdict(list)
    for stop in calendar.stops:
        if stop.day >= today:
            days[stop.day, stop.profile].append(stop)
    shown = list(days.values())[:MOST]
    if not shown:
        return None
    last = shown[-1][0].day
    # The last day has room for its number, however far away it is.
    until = last + timedelta(days=max(MARGIN_DAYS, (last - today).days // 20))
    span = (until - today).days
    return StopsView(
        stops=tuple(_stop(found, calendar.dates.deadlines, today, span) for found in shown),
        months=_months(today, until, span),
        until=until,
        sources=tuple(dict.fromkeys((one.source, one.read_on) for found in shown for one in found)),
    )


def _stop(found: Sequence[StopDate], deadlines: Sequence[Deadline], today: date, span: int) -> Stop:
    first = found[0]
    title, text = _words(found, deadlines)
    return Stop(
        day=first.day,
        left_days=(first.day - today).days,
        title=title,
        text=text,
        mine=_mine(found),
        source=first.source,
        read_on=first.read_on,
        at=_place(first.day, today, span),
        is_near=(first.day - today).days < NEAR_DAYS,
    )


def _words(found: Sequence[StopDate], deadlines: Sequence[Deadline]) -> tuple[str, str]:
    """The catalogue's words for the day, or the names of what stops."""
    first = found[0]
    known = [one for one in deadlines if (one.day, one.profile) == (first.day, first.profile)]
    said = min(known, key=lambda one: one.kind == "training", default=None)
    if said is not None:
        return said.title, said.text
    names = [one.name for one in sorted(found, key=lambda one: one.kind in SERVED)]
    where = profiles()[first.profile].label
    if len(names) == 1:
        return f"{names[0]} stops at {where}", first.text
    return f"{names[0]} and {len(names) - 1:,} more stop at {where}", first.text


def _mine(found: Sequence[StopDate]) -> str:
    """What of the project stops that day, in words; empty when nothing is known to."""
    count = sum(one.kind in SERVED and one.connection_id is not None for one in found)
    if not count:
        return ""
    return "One tuned model of yours." if count == 1 else f"{count:,} tuned models of yours."


def _place(day: date, today: date, span: int) -> float:
    return round(100 * (day - today).days / span, 1)


def _months(today: date, until: date, span: int) -> tuple[Month, ...]:
    """The first days of months, at most about eight: then every second, every third."""
    count = (until.year - today.year) * 12 + until.month - today.month
    every = max(1, math.ceil(count / 8))
    found = []
    for ahead in range(every, count + 1, every):
        year, month = divmod(today.month - 1 + ahead, 12)
        first = date(today.year + year, month + 1, 1)
        found.append(Month(first.strftime("%b"), _place(first, today, span)))
    return tuple(found)
