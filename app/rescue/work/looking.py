"""Looking around: every list that says what is there, walked page by page, many lists at once."""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from functools import partial

from sqlalchemy import update
from sqlalchemy.orm import Session

from app.core import clock
from app.core.database import read_only, unit_of_work
from app.core.gather import gather
from app.providers.base import (
    Archive,
    ArchivePage,
    KeyRejected,
    NotFound,
    ProviderError,
    RequestRejected,
)
from app.rescue import queries
from app.rescue.models import Kind, Outcome, RescuedObject, RescuePart
from app.rescue.work.asking import (
    ALIVE_SECONDS,
    AT_ONCE,
    MOST_BEGINNINGS,
    Asker,
    is_lost_place,
    is_too_fast,
)
from app.rescue.work.keeping import Found, insert_lines, keep_found, look_up, store, update_objects
from app.rescue.work.lines import LISTED_NOWHERE, lines_of, month_of, months
from app.rescue.work.tries import MOST_TRIES, wait_after
from app.rescue.work.walks import KINDS_OF, Look, Unseen, Walk
from app.rescue.work.working import WAITS, Rest, Work, hold, keep_alive
from app.settings import settings

ORDER = {archive: number for number, archive in enumerate(KINDS_OF)}
# A model's name does not always say that a team made it: the jobs that name it come first.
FIRST_LISTS = ((Archive.EVALS, Archive.JOBS, Archive.FILES), (Archive.MODELS,))
# Objects that have lists of their own, and those lists.
BELOW = ((Kind.EVAL, Archive.EVAL_RUNS), (Kind.MODEL, Archive.COMPLETIONS))
LISTED = (Kind.EVAL, Kind.EVAL_RUN, Kind.MODEL, Kind.JOB)
NEEDS_ADMIN = "Needs an admin key."
MOST_MONTHS = timedelta(days=3 * 365)
LATE = timedelta(days=2)  # a day's usage is still counted on the next
YEAR_3000 = 32_503_680_000
STORE_AT_ONCE = 24  # the disk takes many small files together
# Four to a thread: while a round is kept no thread asks.
WALKS_AT_ONCE = 4 * AT_ONCE
# Pages of one list in a round: few lists are out at first, and those are long.
PAGES_AHEAD, AHEAD_SECONDS = 20, 2.0

Page = tuple[Walk, ArchivePage]
Failure = tuple[Walk, ProviderError]


def look(work: Work, asker: Asker) -> Rest | None:
    """Walk the lists for a slice. None when all is seen.

    Raises KeyRejected, DiskFull, LeaseLost.
    """
    state = Look.read(work.part.place)
    ends_at = time.monotonic() + settings().slice_seconds
    while time.monotonic() < ends_at:
        _begin_walks(work, state)
        if not state.walks:
            with unit_of_work() as session:
                _finish(session, work, hold(session, work), asker)
            return None
        rest = _round(work, state, asker)
        if rest is not None:
            return rest
    return Rest()


def _begin_walks(work: Work, state: Look) -> None:
    """Let as many lists be out as fill a round, the first ones before those below them."""
    if state.begun < len(FIRST_LISTS):
        if not state.walks:
            state.walks = [Walk(archive) for archive in FIRST_LISTS[state.begun]]
            state.begun += 1
        return
    if any(not walk.parents for walk in state.walks):
        return
    for kind, archive in BELOW:
        room = WALKS_AT_ONCE - len(state.walks)
        if room <= 0 or (archive is Archive.COMPLETIONS and not work.part.rescue.with_completions):
            continue
        with read_only() as session:
            parents = queries.parents_page(
                session,
                work.part.connection_id,
                kind,
                after=state.behind.get(kind, 0),
                limit=room,
            )
        state.walks += [Walk(archive, [parent.object_id]) for parent in parents]
        if parents:
            state.behind[kind] = parents[-1].id


def _round(work: Work, state: Look, asker: Asker) -> Rest | None:
    """One page of every list that is out. A rest where something stands in the way."""
    alive = partial(keep_alive, work)
    pages, errors = _read_pages(state, asker, alive)
    lines = [
        line for walk, page in pages for line in lines_of(walk.archive, walk.parents, page.items)
    ]
    with read_only() as session:
        found = look_up(session, work.part.connection_id, lines)
    _store(found, alive)
    unseen: Unseen = {}
    for walk, page in pages:
        if walk not in state.walks:  # it goes in circles, and was left at an earlier page
            continue
        ids = {item.object_id for item in page.items}
        new = sum(1 for one in found if one.is_new and one.line.object_id in ids)
        unseen |= state.go_on(walk, page, new)
    errors = [(walk, error) for walk, error in errors if walk in state.walks]
    doubtful, more = _take_errors(state, errors)
    has_answer = bool(pages) or (bool(doubtful) and asker.is_there(alive))
    rest = _rest_after(state, doubtful, asker, is_away=not has_answer, is_calm=bool(pages))
    unseen |= more | _give_up(state, doubtful)
    with unit_of_work() as session:
        part = hold(session, work)
        keep_found(session, work, found, has_admin_key=asker.has_admin_key)
        part.kinds = {**part.kinds, **unseen}
        part.place = asdict(state)
        if part.is_paused:
            rest = Rest()
    for _, error in errors:
        if isinstance(error, KeyRejected):
            raise error
    return rest


def _read_pages(
    state: Look, asker: Asker, alive: Callable[[], None]
) -> tuple[list[Page], list[Failure]]:
    """The next pages of each list, in the lists' own order, and what went wrong."""
    pages: list[Page] = []
    errors: list[Failure] = []
    walks = iter(list(state.walks))
    read = partial(_read_ahead, asker)
    for batch in gather(read, walks, at_once=AT_ONCE, every=ALIVE_SECONDS):
        if len(batch) < len(state.walks):
            alive()
        for walk, several, error in batch:
            pages += [(walk, page) for page in several]
            if error is not None:
                errors.append((walk, error))
    return sorted(pages, key=lambda page: ORDER[page[0].archive]), errors


def _read_ahead(asker: Asker, walk: Walk) -> tuple[Walk, list[ArchivePage], ProviderError | None]:
    """Some pages of a list, to the end of a pass at most, and what stopped it."""
    pages: list[ArchivePage] = []
    cursor, ends_at = walk.cursor, time.monotonic() + settings().wait(AHEAD_SECONDS)
    try:
        while True:
            pages.append(asker.page(walk.archive, walk.parents, cursor))
            cursor = pages[-1].cursor
            if cursor is None or len(pages) == PAGES_AHEAD or time.monotonic() > ends_at:
                break
    except ProviderError as error:
        return walk, pages, error
    return walk, pages, None


def _store(found: Sequence[Found], alive: Callable[[], None]) -> None:
    """Bring to the disk what the pages brought and does not lie here."""
    raw = [one.line.raw for one in found if one.is_changed and one.line.raw is not None]
    for batch in gather(store, iter(raw), at_once=STORE_AT_ONCE, every=ALIVE_SECONDS):
        if len(batch) < len(raw):
            alive()


def _take_errors(state: Look, errors: Sequence[Failure]) -> tuple[list[Failure], Unseen]:
    """Leave the lists that the provider refuses, and begin those anew whose place it lost. What is
    left may be tried again.
    """
    unseen: Unseen = {}
    doubtful = []
    for walk, error in errors:
        if isinstance(error, KeyRejected) or is_too_fast(error):
            continue
        if not isinstance(error, RequestRejected):
            doubtful.append((walk, error))
        elif is_lost_place(error, walk.cursor) and walk.beginnings < MOST_BEGINNINGS:
            walk.begin_anew()
        elif walk.parents and isinstance(error, NotFound):
            state.walks.remove(walk)  # what it is a list of went meanwhile
        else:
            unseen |= state.leave(walk, error.message)
    return doubtful, unseen


def _rest_after(
    state: Look, doubtful: Sequence[Failure], asker: Asker, *, is_away: bool, is_calm: bool
) -> Rest | None:
    """How long to leave the provider alone. Where it answers nothing at all, that says nothing of
    the lists, and is no try of theirs.
    """
    if asker.pace.is_held:
        return Rest(asker.pace.held_seconds, WAITS)
    if not doubtful:
        return None
    words = doubtful[0][1].message
    if is_away:
        state.outages += 1
        return Rest(wait_after(state.outages), words)
    for walk, _ in doubtful:
        walk.tries += 1
    return None if is_calm else Rest(wait_after(max(walk.tries for walk, _ in doubtful)), words)


def _give_up(state: Look, doubtful: Sequence[Failure]) -> Unseen:
    """Lists that failed often enough are left, so that the others come home."""
    unseen: Unseen = {}
    for walk, error in doubtful:
        if walk.tries >= MOST_TRIES:
            unseen |= state.leave(walk, error.message)
    return unseen


def _finish(session: Session, work: Work, part: RescuePart, asker: Asker) -> None:
    """Everything is seen: what no list shows any more is gone, and usage has its months."""
    gone = [kind for kind in LISTED if kind not in part.kinds]
    session.execute(
        update(RescuedObject)
        .where(
            RescuedObject.connection_id == part.connection_id,
            RescuedObject.outcome == Outcome.WAITING,
            RescuedObject.kind.in_(gone),
        )
        .values(outcome=Outcome.GONE, error=LISTED_NOWHERE)
        .execution_options(synchronize_session=False)
    )
    if not asker.has_admin_key:
        words = {"words": NEEDS_ADMIN}
        part.kinds = {**part.kinds, Kind.USAGE: words, Kind.PERMISSIONS: words}
        return
    moment = clock.now(session)
    first = _first_job(session, part.connection_id) or moment
    lines = months(max(first, moment - MOST_MONTHS), moment)
    insert_lines(session, work, lines, [{}] * len(lines), moment)
    open_months = [
        {"id": one.id, "outcome": Outcome.WAITING}
        for one in queries.objects_of_kind(session, part.connection_id, Kind.USAGE)
        if one.fetched_at is not None and one.fetched_at < month_of(one.object_id)[1] + LATE
    ]
    update_objects(session, open_months)


def _first_job(session: Session, connection_id: int) -> datetime | None:
    """When the first job was made; usage of a tuned model is younger."""
    found = queries.objects_of_kind(session, connection_id, Kind.JOB)
    stamps = [one.facts.get("created_at") for one in found]
    whole = [stamp for stamp in stamps if isinstance(stamp, int) and 0 < stamp < YEAR_3000]
    return datetime.fromtimestamp(min(whole), UTC) if whole else None
