"""Fetching: what waits, in the order of ranks, many objects at once, kept in batches."""

import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy.orm import Session

from app.core import clock, storage
from app.core.database import read_only, unit_of_work
from app.core.errors import DiskFull
from app.core.gather import gather
from app.providers.base import KeyRejected, NotFound, ProviderError, RequestRejected
from app.rescue import queries
from app.rescue.models import Outcome
from app.rescue.work.asking import AT_ONCE, Asker, is_too_fast
from app.rescue.work.bringing import Answer, Brought, Missed, Wanted, bring, wanted_of
from app.rescue.work.keeping import insert_lines, update_objects
from app.rescue.work.tries import MOST_TRIES, wait_after
from app.rescue.work.working import WAITS, Rest, Work, hold, keep_alive
from app.settings import settings

RECORD_SECONDS = 0.5
READ_AT_ONCE = 200
# So many failures in a row, and nothing else, look like a provider that is away.
AWAY_AFTER = 2 * AT_ONCE
KEPT_AS_IT_WAS = "It could not be read again, and what came before is kept: {words}"

Values = dict[str, Any]


@dataclass
class Slice:
    """What a slice has seen so far. `promised` are the announced bytes of what is out."""

    ends_at: float
    behind: queries.Place = (0, 0)
    out: int = 0
    promised: int = 0
    answered: int = 0
    in_a_row: int = 0
    doubtful: list[Missed] = field(default_factory=list)
    key: KeyRejected | None = None
    disk: DiskFull | None = None
    is_paused: bool = False
    has_asked: bool = False

    def is_over(self, asker: Asker) -> bool:
        """Whether nothing more should be asked for."""
        return bool(
            time.monotonic() > self.ends_at
            or asker.pace.is_held
            or self.key
            or self.disk
            or self.is_paused
            or self.in_a_row >= AWAY_AFTER
        )


def fetch(work: Work, asker: Asker) -> Rest | None:
    """Fetch for a slice. None when nothing waits any more.

    Raises KeyRejected, DiskFull, LeaseLost.
    """
    seen = Slice(time.monotonic() + settings().slice_seconds)
    wanted = _wanted(work, asker, seen)
    batches = gather(partial(bring, asker), wanted, at_once=AT_ONCE, every=RECORD_SECONDS)
    with closing(batches), asker.leaving_early():
        for batch in batches:
            _sort(seen, batch)
            _keep(work, seen, batch)
    return _outcome(work, asker, seen)


def _wanted(work: Work, asker: Asker, seen: Slice) -> Iterator[Wanted]:
    """What waits, the lowest rank first, as long as the slice lasts and the disk has room."""
    while True:
        with read_only() as session:
            rows = queries.waiting_objects(
                session,
                work.part.connection_id,
                clock.now(session),
                behind=seen.behind,
                limit=READ_AT_ONCE,
            )
        for row in rows:
            if seen.is_over(asker):
                return
            one = wanted_of(row)
            if not _has_room(seen, one):
                return
            seen.behind = (row.rank, row.id)
            seen.out, seen.promised = seen.out + 1, seen.promised + (one.announced or 0)
            seen.has_asked = True
            yield one
        if len(rows) < READ_AT_ONCE:
            return


def _has_room(seen: Slice, wanted: Wanted) -> bool:
    """Whether what is out and this one fit on the disk. While something is out the slice ends, and
    the next sees how much it really took.
    """
    if not wanted.announced:
        return True
    free = storage.room().free - settings().disk_reserve
    if seen.promised + wanted.announced <= free:
        return True
    if not seen.out:
        seen.disk = DiskFull(storage.NO_ROOM)
    seen.has_asked = True
    return False


def _sort(seen: Slice, batch: Sequence[Answer]) -> None:
    """Take note of what answers say beyond their object."""
    for answer in batch:
        seen.out -= 1
        seen.promised -= answer.wanted.announced or 0
        if isinstance(answer, Brought) or _is_final(answer.error):
            seen.answered, seen.in_a_row = seen.answered + 1, 0
        elif isinstance(answer.error, KeyRejected):
            seen.key = answer.error
        elif isinstance(answer.error, DiskFull):
            seen.disk = answer.error
        elif not is_too_fast(answer.error):
            seen.doubtful.append(answer)
            seen.in_a_row += 1


def _is_doubtful(error: Exception) -> bool:
    """Whether an error may say something of the provider rather than of the object."""
    return isinstance(error, ProviderError) and not isinstance(error, RequestRejected)


def _keep(work: Work, seen: Slice, batch: Sequence[Answer]) -> None:
    brought = [one for one in batch if isinstance(one, Brought)]
    refused = [one for one in batch if isinstance(one, Missed) and _is_final(one.error)]
    with unit_of_work() as session:
        part = hold(session, work)
        seen.is_paused = part.is_paused
        moment = clock.now(session)
        update_objects(session, [_home(one, moment) for one in brought])
        update_objects(session, [_lost(one) for one in refused])
        follows = [line for one in brought for line in one.follows]
        insert_lines(session, work, follows, [{}] * len(follows), moment)


def _is_final(error: Exception) -> bool:
    """Whether asking again would change nothing."""
    return not (
        isinstance(error, (DiskFull, KeyRejected)) or is_too_fast(error) or _is_doubtful(error)
    )


def _home(one: Brought, moment: datetime) -> Values:
    return {
        "id": one.wanted.id,
        "outcome": Outcome.HOME,
        "size": one.blob.size,
        "lines": one.lines,
        "sha256": one.blob.sha256,
        "error": one.note,
        "tries": 0,
        "retry_at": None,
        "fetched_at": moment,
        "verified_at": None,
        "used_at": None,
    }


def _lost(one: Missed) -> Values:
    outcome = Outcome.GONE if isinstance(one.error, NotFound) else Outcome.REFUSED
    return _ended(one, outcome)


def _ended(one: Missed, outcome: Outcome) -> Values:
    """What came before stays home, whatever the provider says now."""
    is_here = one.wanted.begun is not None and storage.is_stored(one.wanted.begun)
    words = one.error.message
    return {
        "id": one.wanted.id,
        "outcome": Outcome.HOME if is_here else outcome,
        "error": KEPT_AS_IT_WAS.format(words=words) if is_here else words,
        "retry_at": None,
    }


def _outcome(work: Work, asker: Asker, seen: Slice) -> Rest | None:
    """What the slice means for the next."""
    if seen.doubtful:
        is_away = not (seen.answered or asker.is_there(partial(keep_alive, work)))
        if is_away:
            return _away(work, seen)
        with unit_of_work() as session:
            hold(session, work)
            _try_later(session, seen.doubtful)
    if seen.key is not None:
        raise seen.key
    if seen.disk is not None:
        raise seen.disk
    if asker.pace.is_held:
        return Rest(asker.pace.held_seconds, WAITS)
    if seen.has_asked:
        return Rest()
    with read_only() as session:
        if not queries.is_anything_waiting(session, work.part.connection_id):
            return None
        due_at = queries.next_try(session, work.part.connection_id)
        left = due_at - clock.now(session) if due_at else timedelta(seconds=1)
    return Rest(max(left.total_seconds() * settings().wait_divisor, 1.0))


def _away(work: Work, seen: Slice) -> Rest:
    """The provider does not answer at all: that says nothing of the objects."""
    with unit_of_work() as session:
        part = hold(session, work)
        outages = part.place.get("outages", 0) + 1
        part.place = {**part.place, "outages": outages}
    return Rest(wait_after(outages), seen.doubtful[0].error.message)


def _try_later(session: Session, doubtful: Sequence[Missed]) -> None:
    moment = clock.now(session)
    again, failed = [], []
    for one in doubtful:
        tries = one.wanted.tries + 1
        if tries >= MOST_TRIES:
            failed.append({**_ended(one, Outcome.FAILED), "tries": tries})
            continue
        wait = timedelta(seconds=settings().wait(wait_after(tries)))
        again.append(
            {
                "id": one.wanted.id,
                "tries": tries,
                "retry_at": moment + wait,
                "error": one.error.message,
            }
        )
    update_objects(session, again)
    update_objects(session, failed)
