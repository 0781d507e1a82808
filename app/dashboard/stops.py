"""What stops for a project, and when: the strip of days on its home page."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy.orm import Session

from app.catalog import queries as catalog
from app.catalog.deadlines import Deadline, deadlines
from app.connections.models import Connection

MOST, NEAR_DAYS = 4, 30
MARGIN_DAYS = 14


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


def stops(
    session: Session, project_id: int, connections: Sequence[Connection], today: date
) -> StopsView | None:
    """The next days on which something stops that the project has a connection to; None when there
    is no such day.
    """
    known = deadlines(frozenset(one.profile for one in connections), since=today)[:MOST]
    if not known:
        return None
    tuned = catalog.count_models_by_base(session, project_id)
    until = known[-1].day + timedelta(days=MARGIN_DAYS)
    span = (until - today).days
    return StopsView(
        stops=tuple(
            Stop(
                day=one.day,
                left_days=(one.day - today).days,
                title=one.title,
                text=one.text,
                mine=_mine(one, tuned),
                source=one.source,
                read_on=one.read_on,
                at=_place(one.day, today, span),
                is_near=(one.day - today).days < NEAR_DAYS,
            )
            for one in known
        ),
        months=_months(today, until, span),
        until=until,
        sources=tuple(dict.fromkeys((one.source, one.read_on) for one in known)),
    )


def _mine(one: Deadline, tuned: Sequence[tuple[str, str, int]]) -> str:
    """What of the project stops that day, in words; empty when nothing is known to."""
    count = sum(n for profile, base, n in tuned if profile == one.profile and one.concerns(base))
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
