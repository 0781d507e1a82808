"""A rescue's page, put together: how it stands, what is there, what can be done with it."""

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from app.core import storage
from app.core.pages import Link, duration, number, size
from app.providers.profiles import profiles
from app.rescue.models import Kind, Outcome, Rescue, RescuePart, Stage
from app.rescue.pages import queries, standing
from app.rescue.pages.inventory import kind_row
from app.rescue.pages.risks import Loss
from app.rescue.pages.seen import MISSING, Seen, stop_of
from app.rescue.pages.standing import Measured, Sums
from app.rescue.pages.uses import uses_of
from app.rescue.tallies import tally
from app.rescue.views import (
    Brief,
    Deed,
    Part,
    Room,
    ShowView,
    brief,
    over_of,
)
from app.settings import settings

MEASURED_FOR = timedelta(minutes=2)
FEW_HOME, FEW_MISSING = 3, 3
SHAPES = {
    Stage.LOOKING: ("running", "Looking"),
    Stage.LOOKED: ("in_doubt", "Waits for you"),
    Stage.FETCHING: ("running", "Fetching"),
    Stage.VERIFYING: ("running", "Verifying"),
    Stage.USING: ("running", "Using"),
    Stage.DONE: ("succeeded", "Done"),
}


def overview(
    session: Session,
    rescue: Rescue,
    link: Link,
    *,
    moment: datetime,
    risks: dict[Kind, Loss],
    can_edit: bool,
) -> ShowView:
    """The page of one rescue, whose parts and connections are loaded."""
    tallies = tally(session, rescue)
    counts = {kind: n for one in tallies for kind, n in zip(one.kinds, one.each, strict=True)}
    seen = Seen(rescue, tallies, standing.sums_of(tallies), moment, risks, counts, link)
    stage = standing.stage_of(rescue)
    has_ended = all(part.ended_at is not None for part in rescue.parts)
    stands_still = stage not in {Stage.LOOKED, Stage.DONE} and not seen.is_moving
    shape, state = state_of(rescue, stands_still=stands_still)
    whose = _whose(seen)
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
        lead=standing.lead(rescue, seen.sums, evals, seen.evals_end, seen.today),
        has_looked=all(part.looked_at is not None for part in rescue.parts),
        deeds=tuple(_deeds(seen)) if can_edit else (),
        stops=tuple(stop for part in rescue.parts if (stop := stop_of(part, moment))),
        phases=_phases(session, seen, stage),
        phase=_phase(stage),
        share=_share(seen.sums) if stage == Stage.FETCHING else None,
        room=_room(seen.sums) if stage in {Stage.LOOKED, Stage.FETCHING} else None,
        parts=tuple(_part(part) for part in rescue.parts),
        kinds=tuple(kind_row(seen, one) for one in tallies),
        total=seen.sums.found,
        lines=_lines(session, seen),
        bytes_home=seen.sums.size,
        uses=tuple(uses_of(session, seen)),
        topic=None if has_ended else f"rescue:{rescue.id}",
        refresh_url=link("rescues.show", rescue_id=rescue.id),
    )


def _whose(seen: Seen) -> str:
    """The history by its provider's name, where it is one that is known by its address."""
    known = [profiles()[one.profile] for one in seen.connections]
    labels = {one.label if one.hosts else "" for one in known}
    return f"{labels.pop()} history".strip() if len(labels) == 1 else "history"


def state_of(rescue: Rescue, *, stands_still: bool = False) -> tuple[str, str]:
    """The badge of a rescue: its shape and its word."""
    if standing.is_paused(rescue):
        return "paused", "Paused"
    if stands_still:
        return "warning", "Stands still"
    return SHAPES[standing.stage_of(rescue)]


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
    elif any(stop_of(part, seen.moment) for part in at_work):
        found.append(deed("resume", "Try now", "retry"))
    if any(not part.is_paused for part in at_work):
        found.append(deed("pause", "Pause", "pause"))
    if not parts:
        words = "Try again what is missing" if seen.sums.missing else "Look for what is new"
        found.append(deed("ask_again", words, "retry"))
        if seen.sums.home:
            found.append(deed("verify", "Verify what is home", "shield"))
    return found


def _part(part: RescuePart) -> Part:
    shape, _ = ("paused", "") if part.is_paused else SHAPES[Stage(part.stage)]
    if part.words and part.ended_at is None and not part.is_paused:
        shape = "warning"
    words = standing.part_words(part)
    return Part(part.connection_id, part.connection.name, shape, words)


def _lines(session: Session, seen: Seen) -> tuple[Brief, ...]:
    ids = seen.connection_ids
    home = queries.first_lines(session, ids, [Outcome.HOME], limit=FEW_HOME)
    if not seen.sums.missing:  # then all rows would be looked through
        return tuple(map(brief, home))
    missing = queries.first_lines(session, ids, MISSING, limit=FEW_MISSING)
    return tuple(map(brief, [*home, *missing]))
