"""A rescue's page, put together: how it stands, what is there, what can be done with it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy.orm import Session

from app.connections.models import Connection
from app.core import leases, storage
from app.core.pages import Link, duration, number, size
from app.providers.profiles import profiles
from app.rescue import queries_pages as queries
from app.rescue import standing
from app.rescue.models import Kind, Outcome, Rescue, RescuePart, Stage
from app.rescue.standing import Measured, Sums
from app.rescue.tallies import KindTally, tally
from app.rescue.views import (
    Brief,
    Deed,
    KindRow,
    Part,
    Risk,
    Room,
    ShowView,
    Stop,
    Use,
    brief,
    over_of,
)
from app.settings import settings

MEASURED_FOR = timedelta(minutes=2)
FEW_HOME, FEW_MISSING = 3, 3
NEAR_DAYS = 30
MISSING = (Outcome.REFUSED, Outcome.GONE, Outcome.FAILED, Outcome.DAMAGED)
NOTES = {
    Kind.JOB: "of any state",
    Kind.FILE: "also those no job names",
    Kind.COMPLETION: "may hold personal data",
    Kind.USAGE: "who still calls which tune",
}
SHAPES = {
    Stage.LOOKING: ("running", "Looking"),
    Stage.LOOKED: ("in_doubt", "Waits for you"),
    Stage.FETCHING: ("running", "Fetching"),
    Stage.VERIFYING: ("running", "Verifying"),
    Stage.USING: ("running", "Using"),
    Stage.DONE: ("succeeded", "Done"),
}


@dataclass(frozen=True, slots=True)
class Seen:
    """Everything the page is made of."""

    rescue: Rescue
    tallies: Sequence[KindTally]
    sums: Sums
    moment: datetime
    risks: dict[Kind, date]
    link: Link

    @property
    def connections(self) -> list[Connection]:
        return [part.connection for part in self.rescue.parts]

    @property
    def connection_ids(self) -> list[int]:
        return [part.connection_id for part in self.rescue.parts]

    @property
    def is_moving(self) -> bool:
        return any(_is_moving(part, self.moment) for part in self.rescue.parts)

    @property
    def today(self) -> date:
        return self.moment.date()


def overview(
    session: Session,
    rescue: Rescue,
    link: Link,
    *,
    moment: datetime,
    risks: dict[Kind, date],
    can_edit: bool,
) -> ShowView:
    """The page of one rescue, whose parts and connections are loaded."""
    tallies = tally(session, rescue)
    seen = Seen(rescue, tallies, standing.sums_of(tallies), moment, risks, link)
    stage = standing.stage_of(rescue)
    has_ended = all(part.ended_at is not None for part in rescue.parts)
    stands_still = stage not in {Stage.LOOKED, Stage.DONE} and not seen.is_moving
    shape, state = state_of(rescue, stands_still=stands_still)
    labels = {profiles()[one.profile].label for one in seen.connections}
    whose = f"{labels.pop()} history" if len(labels) == 1 else "history"
    evals = standing.evals_of(tallies)
    is_home = stage == Stage.DONE and seen.sums.found > 0
    return ShowView(
        rescue_id=rescue.id,
        project_id=rescue.project_id,
        title=f"Your {whose} is home" if is_home else f"Bring your {whose} home",
        over=over_of([one.name for one in seen.connections]),
        stage=stage,
        shape=shape,
        state=state,
        lead=standing.lead(rescue, seen.sums, evals, risks.get(Kind.EVAL), seen.today),
        has_looked=all(part.looked_at is not None for part in rescue.parts),
        deeds=tuple(_deeds(seen)) if can_edit else (),
        stops=tuple(stop for part in rescue.parts if (stop := _stop(part, moment))),
        phases=_phases(session, seen, stage),
        phase=_phase(stage),
        share=_share(seen.sums) if stage == Stage.FETCHING else None,
        room=_room(seen.sums) if stage in {Stage.LOOKED, Stage.FETCHING} else None,
        parts=tuple(_part(part) for part in rescue.parts),
        kinds=tuple(_kind(seen, one) for one in tallies),
        total=seen.sums.found,
        lines=_lines(session, seen),
        bytes_home=seen.sums.size,
        uses=tuple(_uses(session, seen)),
        topic=None if has_ended else f"rescue:{rescue.id}",
        refresh_url=link("rescues.show", rescue_id=rescue.id),
    )


def state_of(rescue: Rescue, *, stands_still: bool = False) -> tuple[str, str]:
    """The badge of a rescue: its shape and its word."""
    if standing.is_paused(rescue):
        return "paused", "Paused"
    if stands_still:
        return "warning", "Stands still"
    return SHAPES[standing.stage_of(rescue)]


def _is_moving(part: RescuePart, moment: datetime) -> bool:
    """True while a worker may be at it: a look that waits for a word is not among them."""
    is_open = part.ended_at is None and part.stage != Stage.LOOKED and not part.is_paused
    return is_open and _stop(part, moment) is None


def _phase(stage: Stage) -> int:
    return {
        Stage.LOOKING: 0,
        Stage.LOOKED: 1,
        Stage.FETCHING: 1,
        Stage.VERIFYING: 2,
        Stage.USING: 3,
        Stage.DONE: 4,
    }[stage]


def _share(sums: Sums) -> float:
    return (sums.found - sums.waiting) / sums.found if sums.found else 0.0


def _phases(session: Session, seen: Seen, stage: Stage) -> tuple[tuple[str, str | None], ...]:
    sums = seen.sums
    total = sums.size + sums.announced
    found = f"{number(sums.found)} found" + (f", {size(total)}" if total else "")
    return (
        ("Look around", found if sums.found else None),
        ("Fetch", _fetch_note(session, seen, stage)),
        ("Verify", "re-reads every byte"),
        ("Use", "jobs, datasets, models"),
    )


def _fetch_note(session: Session, seen: Seen, stage: Stage) -> str | None:
    if stage == Stage.LOOKED:
        return "waits for your word"
    if stage != Stage.FETCHING or not seen.is_moving:
        return None
    since = seen.moment - MEASURED_FOR
    first, objects, file_bytes = queries.pace_since(session, seen.connection_ids, since)
    seconds = (seen.moment - first).total_seconds() if first else 0.0
    left = standing.seconds_left(seen.sums, Measured(seconds, objects, file_bytes))
    return None if left is None else f"about {duration(left)} left"


def _room(sums: Sums) -> Room | None:
    if not sums.waiting:
        return None
    has, reserve = storage.room().free, settings().disk_reserve
    short = sums.announced + reserve - has
    told = f"{size(sums.announced)}, as announced" if sums.announced else "no size was announced"
    words = f"Still to come: {told}. The disk here has {size(has)} free."
    if short > 0:
        words += f" {size(short)} are missing: it stops before the disk is full, and goes on later."
    return Room(words, is_short=short > 0)


def _deeds(seen: Seen) -> list[Deed]:
    rescue, parts = seen.rescue, [part for part in seen.rescue.parts if part.ended_at is None]

    def deed(key: str, words: str, icon: str, *, is_primary: bool = False) -> Deed:
        url = seen.link(f"rescues.{key}", rescue_id=rescue.id)
        return Deed(key, words, icon, url, is_primary)

    found = []
    if any(not part.is_asked_for for part in parts):
        found.append(deed("go", "Bring it home", "rescue", is_primary=True))
    at_work = [part for part in parts if part.stage != Stage.LOOKED]
    if any(part.is_paused for part in at_work):
        found.append(deed("resume", "Go on", "retry", is_primary=True))
    elif any(_stop(part, seen.moment) for part in at_work):
        found.append(deed("resume", "Try now", "retry"))
    if any(not part.is_paused for part in at_work):
        found.append(deed("pause", "Pause", "pause"))
    if not parts:
        words = "Try again what is missing" if seen.sums.missing else "Look for what is new"
        found.append(deed("ask_again", words, "retry"))
        if seen.sums.home:
            found.append(deed("verify", "Verify what is home", "shield"))
    return found


def _stop(part: RescuePart, moment: datetime) -> Stop | None:
    if part.ended_at is not None or part.is_paused:
        return None
    name, words = part.connection.name, part.words
    is_poisoned = leases.is_poisoned(part, moment)
    if is_poisoned:
        words = f"Three workers ended over it. {part.last_error or ''} Try now begins again."
    is_key = part.connection.refused_at is not None
    if is_key:
        words = part.connection.words
    if not words:
        return None
    is_later = part.due_at is not None and part.due_at > moment and not is_poisoned
    return Stop(
        part.connection_id,
        f"{name} needs another key" if is_key else f"{name} stands still",
        words,
        "bad" if is_key or is_poisoned else "warn",
        is_key,
        part.due_at if is_later else None,
    )


def _part(part: RescuePart) -> Part:
    shape, _ = ("paused", "") if part.is_paused else SHAPES[Stage(part.stage)]
    if part.words and part.ended_at is None and not part.is_paused:
        shape = "warning"
    words = standing.part_words(part)
    return Part(part.connection_id, part.connection.name, shape, words)


def _kind(seen: Seen, one: KindTally) -> KindRow:
    first = one.kinds[0]
    words, keyless = " ".join(one.words), _without_admin_key(seen)
    needs_key = first == Kind.USAGE and not one.found and keyless is not None
    if needs_key:
        words = "Needs an admin key of the organisation."
    return KindRow(
        label=one.label,
        note=words if words and one.found else NOTES.get(first, ""),
        risk=_risk(seen.risks.get(first), seen.today),
        found=one.found,
        bytes=one.size + one.announced,
        waiting=one.waiting,
        home=one.home,
        missing=standing.missing_of(one),
        missing_url=seen.link(
            "rescues.manifest",
            rescue_id=seen.rescue.id,
            query={"kind": ",".join(one.kinds), "outcome": ",".join(MISSING)},
        ),
        words="" if one.found else words,
        needs_admin_key=keyless if needs_key else None,
    )


def _without_admin_key(seen: Seen) -> int | None:
    """A connection that could have an admin key and has none, as no other has one either."""
    if any(one.admin_key_hint is not None for one in seen.connections):
        return None
    return seen.connection_ids[0]


def _risk(day: date | None, today: date) -> Risk | None:
    if day is None:
        return None
    days = (day - today).days
    if days < 0:
        return Risk(day, "over", "bad")
    left = {0: "today", 1: "1 day"}.get(days, f"{days:,} days")
    return Risk(day, left, "bad" if days < NEAR_DAYS else "warn")


def _lines(session: Session, seen: Seen) -> tuple[Brief, ...]:
    ids = seen.connection_ids
    home = queries.first_lines(session, ids, [Outcome.HOME], limit=FEW_HOME)
    missing = queries.first_lines(session, ids, MISSING, limit=FEW_MISSING)
    return tuple(map(brief, [*home, *missing]))


def _uses(session: Session, seen: Seen) -> list[Use]:
    made = queries.made_of(session, seen.connection_ids)
    project = {"project_id": seen.rescue.project_id}
    found = []

    def objects(kind: Kind) -> str:
        query = {"kind": kind, "outcome": Outcome.HOME}
        return seen.link("rescues.manifest", rescue_id=seen.rescue.id, query=query)

    if made.evals:
        title = f"Read {_many(made.evals, 'eval')} and their results"
        words = "Every run with its output items, and as promptfoo takes them."
        found.append(Use("eval", title, words, seen.link("rescued_evals.index", **project)))
    if made.jobs:
        title = f"{_many(made.jobs, 'job')} with their curves"
        words = "Redrawn from events and result files."
        rescued = seen.link("jobs.index", **project, query={"from": "elsewhere"})
        found.append(Use("job", title, words, rescued))
        title, words = "Retrain one elsewhere", "A job's page has it: with its rows and settings."
        found.append(Use("split", title, words, rescued))
    if made.datasets:
        many = made.datasets != 1
        title = f"{_many(made.datasets, 'file')} became {'datasets' if many else 'a dataset'}"
        rest = (
            f" {number(made.raw_files)} others stay readable as they are." if made.raw_files else ""
        )
        words = f"Checked like an upload.{rest}"
        found.append(Use("data", title, words, seen.link("datasets.index", **project)))
    elif made.raw_files:
        title = f"Read {_many(made.raw_files, 'file')}"
        found.append(Use("file", title, "As they came, page by page.", objects(Kind.FILE)))
    if made.models:
        title = f"{_many(made.models, 'model')} with their lineage"
        words = "What each was tuned on, and what it still answers."
        found.append(Use("model", title, words, seen.link("models.index", **project)))
    return found


def _many(count: int, noun: str) -> str:
    return f"{number(count)} {noun}{'' if count == 1 else 's'}"
