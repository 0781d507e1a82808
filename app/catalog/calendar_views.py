"""What the calendar shows: each day in words, who says so, how old that is, what hangs on it."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from app.catalog.belief import Dates, Origin, Said, in_words
from app.catalog.calendar_list import KINDS
from app.catalog.deadlines import Deadline
from app.catalog.recorded import Recordable, Recorded, recordable
from app.catalog.stopping import Dependant, StopDate, Undated
from app.catalog.strip import NEAR_DAYS, StopsView
from app.core.list_views import ListView
from app.providers.profiles import profiles

OLD_DAYS = 30
FEW = 3
WHOSE = {
    "provider": "the provider, for this model",
    "base": "the provider, for its base",
    "owner": "this instance's owner",
    "catalogue": "the catalogue",
}
ELSEWHERE = {
    "base_model": "base until",
    "training": "new jobs until",
    "tuned_model": "tuned models until",
    "deployment": "tuned models served until",
}


@dataclass(frozen=True, slots=True)
class Hanging:
    """One thing that hangs on what stops; `kind` says which page it has, if it has one."""

    kind: str
    id: int
    words: str


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """What another platform says of the same model, in words."""

    platform: str
    words: tuple[str, ...]
    read_on: date


@dataclass(frozen=True, slots=True)
class CalendarRow:
    """One thing that stops. `whose` word counts, `others` what is said too; `hangs` are the first
    of `more` things; `age_days` is how old the information is; `recordable` is whose answers can be
    kept, None for what gives none.
    """

    key: str
    day: date
    left_days: int
    is_near: bool
    is_earliest: bool
    name: str
    kind: str
    connection: str
    model_id: int | None
    text: str
    hangs: tuple[Hanging, ...]
    more: int
    base_model: str | None
    elsewhere: tuple[Elsewhere, ...]
    whose: str
    source: str
    source_url: str
    read_on: date
    age_days: int
    is_old: bool
    others: tuple[str, ...]
    recordable: Recordable | None


@dataclass(frozen=True, slots=True)
class CalendarView:
    """The calendar of a project. `is_past` shows what has stopped instead of what is to come;
    `old` are sources that nobody has read for a while, `undated` models without a day by what is
    known of them.
    """

    project_id: int
    lead: str
    strip: StopsView | None
    rows: tuple[CalendarRow, ...]
    list: ListView
    coming: int
    past: int
    is_past: bool
    old: tuple[tuple[str, int], ...]
    unknown: tuple[Undated, ...]
    ours: int
    can_change: bool
    can_spend: bool


def calendar_view(
    project_id: int,
    rows: Sequence[StopDate],
    coming: Sequence[StopDate],
    undated: Sequence[Undated],
    *,
    dates: Dates,
    recordings: Sequence[Recorded],
    today: date,
    **rest: Any,
) -> CalendarView:
    """The page."""
    return CalendarView(
        project_id=project_id,
        lead=_lead(coming, today),
        rows=tuple(_row(one, dates, recordings, today) for one in rows),
        coming=len(coming),
        old=_old(coming, today),
        unknown=tuple(one for one in undated if not one.is_ours),
        ours=sum(one.is_ours for one in undated),
        **rest,
    )


def _lead(coming: Sequence[StopDate], today: date) -> str:
    """How things stand: what of the project is next, and how much goes with it."""
    mine = [one for one in coming if one.connection_id is not None]
    if not mine:
        return "Nothing of this project has a day on which it stops."
    day = mine[0].day
    names = [one.name for one in mine if one.day == day]
    what = names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1:,} more"
    verb = "stops" if len(names) == 1 else "stop"
    return f"{what} {verb} on {in_words(day)}, {left(day, today)}."


def left(day: date, today: date) -> str:
    """How long until a day, or since."""
    days = (day - today).days
    if days == 0:
        return "today"
    words = f"{abs(days):,} day{'s' if abs(days) != 1 else ''}"
    return f"in {words}" if days > 0 else f"{words} ago"


def _old(coming: Sequence[StopDate], today: date) -> tuple[tuple[str, int], ...]:
    ages = {one.source: (today - one.read_on).days for one in coming}
    return tuple((source, age) for source, age in ages.items() if age > OLD_DAYS)


def _row(one: StopDate, dates: Dates, recordings: Sequence[Recorded], today: date) -> CalendarRow:
    age = (today - one.read_on).days
    return CalendarRow(
        key=one.key,
        day=one.day,
        left_days=(one.day - today).days,
        is_near=timedelta(0) <= one.day - today < timedelta(days=NEAR_DAYS),
        is_earliest=one.is_earliest,
        name=one.name,
        kind=KINDS[one.kind],
        connection=one.connection or profiles()[one.profile].label,
        model_id=one.model_id,
        text=one.text if one.connection_id is None else "",
        hangs=tuple(_hanging(found) for found in one.depends[:FEW]),
        more=max(0, len(one.depends) - FEW),
        base_model=one.base_model if one.kind == "base_model" else None,
        elsewhere=elsewhere(one, dates),
        whose=WHOSE[one.origin],
        source=one.source,
        source_url=one.source_url,
        read_on=one.read_on,
        age_days=age,
        is_old=age > OLD_DAYS,
        others=tuple(_other(said) for said in one.others if said.day != one.day),
        recordable=recordable(one, recordings, today),
    )


def _hanging(one: Dependant) -> Hanging:
    words = one.name
    if one.kind == "checkpoints":
        words = f"{one.count:,} checkpoint{'s' if one.count != 1 else ''}"
    return Hanging(one.kind, one.id, words)


def _other(said: Said) -> str:
    return f"{WHOSE[said.origin].capitalize()} says {in_words(said.day)} ({said.source})"


def elsewhere(one: StopDate, dates: Dates) -> tuple[Elsewhere, ...]:
    """What other platforms say of the model that stops, or of the base it was tuned on."""
    if one.base_model is None:
        return ()
    found: defaultdict[str, list[Deadline]] = defaultdict(list)
    for said in dates.elsewhere(one.profile, one.base_model):
        found[said.profile].append(said)
    return tuple(
        Elsewhere(
            profiles()[profile].label,
            tuple(_in_short(said) for said in every),
            min(said.read_on for said in every),
        )
        for profile, every in found.items()
    )


def _in_short(said: Deadline) -> str:
    words = ELSEWHERE[said.kind]
    if said.is_earliest:
        words = words.replace("until", "at least until")
    return f"{words} {in_words(said.day)}"


@dataclass(frozen=True, slots=True)
class DependantResource:
    """What hangs on a day: a tuned_model or a job by its id, or `count` checkpoints."""

    kind: str
    id: int | None
    name: str
    count: int


@dataclass(frozen=True, slots=True)
class SaidResource:
    """What somebody else says of the same: `profile` names another platform, null the same one."""

    profile: str | None
    kind: str
    day: date
    is_earliest: bool
    source: str
    source_url: str | None
    read_on: date


@dataclass(frozen=True, slots=True)
class DeadlineResource:
    """Something that stops on a day. `origin` says whose word counts: the provider's for the model,
    its word for the base, the instance owner's, the catalogue's; `others` what is said too,
    `elsewhere` what other platforms say of the same model. `golden_id` is the recording of its
    answers, where there is one.
    """

    key: str
    kind: str
    name: str
    day: date
    left_days: int
    is_earliest: bool
    connection_id: int | None
    profile: str
    base_model: str | None
    model_id: int | None
    origin: Origin
    source: str
    source_url: str | None
    read_on: date
    depends: list[DependantResource]
    others: list[SaidResource]
    elsewhere: list[SaidResource]
    golden_id: int | None


def deadline_resource(
    one: StopDate, dates: Dates, recordings: Sequence[Recorded], today: date
) -> DeadlineResource:
    """A day as the API gives it."""
    found = recordable(one, recordings, today)
    return DeadlineResource(
        key=one.key,
        kind=one.kind,
        name=one.name,
        day=one.day,
        left_days=(one.day - today).days,
        is_earliest=one.is_earliest,
        connection_id=one.connection_id,
        profile=one.profile,
        base_model=one.base_model,
        model_id=one.model_id,
        origin=one.origin,
        source=one.source,
        source_url=one.source_url or None,
        read_on=one.read_on,
        depends=[
            DependantResource(found.kind, found.id or None, found.name, found.count)
            for found in one.depends
        ],
        others=[
            SaidResource(
                None,
                said.origin,
                said.day,
                said.is_earliest,
                said.source,
                said.source_url or None,
                said.read_on,
            )
            for said in one.others
        ],
        elsewhere=[
            SaidResource(
                said.profile,
                said.kind,
                said.day,
                said.is_earliest,
                said.source,
                said.source_url or None,
                said.read_on,
            )
            for said in (
                dates.elsewhere(one.profile, one.base_model) if one.base_model is not None else ()
            )
        ],
        golden_id=found.recorded.id if found and found.recorded else None,
    )
