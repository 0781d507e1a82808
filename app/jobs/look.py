"""One look at a connection's runs: all their states first, by as few calls as will do; then, with
what is left of the allowance, what single runs say. None is asked that another run pays for.
"""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import NamedTuple, Protocol

from app.jobs.sweeps import FollowedRun, Sighting, Watch
from app.providers.base import (
    AllowanceSpent,
    CheckpointInfo,
    KeyRejected,
    NotFound,
    Provider,
    ProviderError,
    ProviderUnavailable,
    RequestRejected,
    RunEvent,
    RunReport,
)

MOST_PAGES = 10
MOST_SINGLY = 20
CLOCKS_DIFFER = timedelta(minutes=1)
LOOK_SECONDS = 20.0
KEEP_EVERY_SECONDS = 5.0

Keep = Callable[[], None]
Seen = dict[int, Sighting]


class Gate(Protocol):
    """What paces the provider's calls."""

    def take_what_is_left(self) -> None:
        """Let calls through from now on only where none has to wait for it."""


class Log(NamedTuple):
    """What a run wrote since the line that is known, newest first, and what it saved."""

    events: Sequence[RunEvent] = ()
    checkpoints: Sequence[CheckpointInfo] = ()


@dataclass
class Look:
    """What a look saw, by job: nothing of a run that says what is known already. `error` is what
    ended it before its time, `is_answered` whether it had an answer before.
    """

    seen: Seen = field(default_factory=dict)
    error: ProviderError | None = None
    is_answered: bool = False


def look_at_runs(watch: Watch, provider: Provider, *, gate: Gate, keep: Keep) -> Look:
    """List the runs, stop those that are to be stopped, ask singly for those no list shows, and
    read the logs of those that may have more to say: until twenty seconds have passed, or the
    allowance of calls is spent. The rest waits for the next look. `keep` renews the sweep's lease
    and raises when it is lost.
    """
    look = Look()
    seen, keep = look.seen, _now_and_then(keep)
    try:
        unlisted = _list(watch, provider, keep, look)
        _cancel(watch, provider, seen)
        gate.take_what_is_left()
        with suppress(AllowanceSpent):
            _ask_singly(unlisted, provider, keep, seen)
            unknown = {run.job_id for run in unlisted} - seen.keys()
            known = [run for run in watch.runs if run.job_id not in unknown]
            _read_logs(known, watch, provider, keep, seen)
    except ProviderError as error:
        look.error = error
    return look


def _list(watch: Watch, provider: Provider, keep: Keep, look: Look) -> list[FollowedRun]:
    """List until every run is seen, the page is older than the oldest of them, or twenty seconds
    have passed; those no page showed.
    """
    unlisted = [run for run in watch.runs if not run.has_ended]
    if watch.runs and not unlisted:
        return []
    oldest = min((run.started_at for run in unlisted if run.started_at), default=None)
    cursor: str | None = None
    until = time.monotonic() + LOOK_SECONDS
    for _ in range(MOST_PAGES):
        keep()
        page = provider.list_runs(cursor=cursor)
        look.is_answered = True
        shown = {report.run_id: report for report in page.items}
        for run in unlisted:
            if run.run_id in shown and run.is_told_more_by(shown[run.run_id]):
                look.seen[run.job_id] = Sighting(shown[run.run_id])
        unlisted = [run for run in unlisted if run.run_id not in shown]
        for run_id in watch.vanished.keys() & shown.keys():
            look.seen[watch.vanished[run_id]] = Sighting(shown[run_id])
        cursor = page.cursor
        last = page.items[-1].created_at if page.items else None
        is_older = last is not None and oldest is not None and oldest - last > CLOCKS_DIFFER
        if cursor is None or not unlisted or is_older or time.monotonic() > until:
            break
    return unlisted


def _cancel(watch: Watch, provider: Provider, seen: Seen) -> None:
    """Ask those to stop that somebody cancelled and that are not known to have ended."""
    for run in watch.runs:
        if run.wants_cancel and not _ends(_report(run, seen)):
            with _of_one_run():
                seen[run.job_id] = Sighting(provider.cancel(run.run_id))


def _ask_singly(
    unlisted: Sequence[FollowedRun], provider: Provider, keep: Keep, seen: Seen
) -> None:
    """Those no list shows: first those that somebody waits for, then as many of the others as the
    allowance leaves, drawn by lot, so that in the end all are asked for.
    """
    unlisted = [run for run in unlisted if run.job_id not in seen]
    first = [run for run in unlisted if run.is_watched or run.wants_cancel]
    others = [run for run in unlisted if not (run.is_watched or run.wants_cancel)]
    random.shuffle(others)
    for run in [*first, *others][:MOST_SINGLY]:
        keep()
        with _of_one_run():
            try:
                seen[run.job_id] = Sighting(provider.report(run.run_id))
            except NotFound:
                seen[run.job_id] = Sighting(None, is_missing=True)


def _read_logs(
    runs: Sequence[FollowedRun], watch: Watch, provider: Provider, keep: Keep, seen: Seen
) -> None:
    """What the runs wrote since the line that is known: of those that ended, then of those that
    somebody watches, that changed, that were not read for longest. Who watches one waits no longer
    for the others than for the next look.
    """
    seconds = provider.capabilities().watch_seconds if watch.is_watched else LOOK_SECONDS
    until = time.monotonic() + seconds
    wanted = [run for run in runs if _wants_log(run, seen)]
    for run in sorted(wanted, key=lambda run: _patience_with(run, seen)):
        keep()
        if time.monotonic() > until:
            return
        log = _log(run, _report(run, seen), provider, keep)
        if log is not None:
            known = seen.get(run.job_id, Sighting(None))
            seen[run.job_id] = known._replace(events=log.events, checkpoints=log.checkpoints)


def _log(run: FollowedRun, report: RunReport | None, provider: Provider, keep: Keep) -> Log | None:
    """What a run wrote and saved; None when that cannot be read now."""
    try:
        events = list(_kept(provider.events(run.run_id, known_id=run.known_event_id), keep))
    except RequestRejected:
        return Log()  # it has none to tell, and is asked when it would be anyway
    except (ProviderUnavailable, KeyRejected):
        raise
    except ProviderError:
        return None
    checkpoints: Sequence[CheckpointInfo] = ()
    with _of_one_run():
        checkpoints = _checkpoints(run, report, events, provider)
    return Log(events, checkpoints)


@contextmanager
def _of_one_run() -> Iterator[None]:
    """What is wrong with one run concerns that run: another look asks again."""
    try:
        yield
    except (ProviderUnavailable, KeyRejected):
        raise
    except ProviderError:
        return


def _wants_log(run: FollowedRun, seen: Seen) -> bool:
    is_missing = run.job_id in seen and seen[run.job_id].is_missing
    return not is_missing and (run.wants_events or _has_changed(run, seen))


def _has_changed(run: FollowedRun, seen: Seen) -> bool:
    report = _report(run, seen)
    return report is not None and report.provider_status != run.provider_status


def _report(run: FollowedRun, seen: Seen) -> RunReport | None:
    return seen[run.job_id].report if run.job_id in seen else None


def _patience_with(run: FollowedRun, seen: Seen) -> tuple[bool, bool, bool]:
    ends = run.has_ended or _ends(_report(run, seen))
    return not ends, not run.is_watched, not _has_changed(run, seen)


def _ends(report: RunReport | None) -> bool:
    return report is not None and report.status.has_ended


def _checkpoints(
    run: FollowedRun, report: RunReport | None, events: Sequence[RunEvent], provider: Provider
) -> list[CheckpointInfo]:
    """Asked for when one may be new: at the end, and when the full validation set was measured."""
    is_measured = any("full_valid_loss" in event.data for event in events)
    is_saved = run.has_ended or _ends(report) or is_measured
    if not is_saved or "checkpoints" not in provider.capabilities().abilities:
        return []
    return provider.checkpoints(run.run_id)


def _kept(events: Iterator[RunEvent], keep: Keep) -> Iterator[RunEvent]:
    for event in events:
        keep()
        yield event


def _now_and_then(keep: Keep) -> Keep:
    kept_at = time.monotonic()

    def sometimes() -> None:
        nonlocal kept_at
        if time.monotonic() - kept_at > KEEP_EVERY_SECONDS:
            kept_at = time.monotonic()
            keep()

    return sometimes
