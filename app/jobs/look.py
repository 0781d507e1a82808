"""One look at a connection's runs: as few calls as will do, and none that another run pays for."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import timedelta

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


def look_at_runs(watch: Watch, provider: Provider, *, keep: Keep) -> dict[int, Sighting]:
    """What each run says, by job, in their order; after twenty seconds, or when the allowance of
    calls is spent, the rest waits for the next look. `keep` renews the sweep's lease and raises
    when it is lost.

    Raises ProviderUnavailable and KeyRejected; what goes wrong with one run concerns that run.
    """
    keep = _now_and_then(keep)
    listed = _listed(watch.runs, provider, keep)
    seen: dict[int, Sighting] = {}
    singly = MOST_SINGLY
    until = time.monotonic() + LOOK_SECONDS
    for run in watch.runs:
        keep()
        if time.monotonic() > until:
            break
        report = listed.get(run.run_id)
        if report is None:
            if singly == 0:
                continue
            singly -= 1
        try:
            seen[run.job_id] = _look(run, report or provider.report(run.run_id), provider, keep)
        except NotFound:
            seen[run.job_id] = Sighting(None)
        except AllowanceSpent:
            if not seen:
                raise
            break  # the rest waits for the next look
        except (ProviderUnavailable, KeyRejected):
            raise
        except ProviderError:
            continue  # what is wrong with one run concerns that run
    return seen


def _listed(runs: Sequence[FollowedRun], provider: Provider, keep: Keep) -> dict[str, RunReport]:
    """List until every run is seen, the page is older than the oldest of them, or twenty seconds
    have passed.
    """
    wanted = {run.run_id for run in runs}
    oldest = min((run.started_at for run in runs if run.started_at is not None), default=None)
    found: dict[str, RunReport] = {}
    cursor: str | None = None
    until = time.monotonic() + LOOK_SECONDS
    for _ in range(MOST_PAGES):
        keep()
        page = provider.list_runs(cursor=cursor)
        found.update({report.run_id: report for report in page.items if report.run_id in wanted})
        cursor = page.cursor
        last = page.items[-1].created_at if page.items else None
        is_older = last is not None and oldest is not None and oldest - last > CLOCKS_DIFFER
        is_late = time.monotonic() > until
        if cursor is None or len(found) == len(wanted) or is_older or is_late:
            break
    return found


def _look(run: FollowedRun, report: RunReport, provider: Provider, keep: Keep) -> Sighting:
    if run.wants_cancel and not report.status.has_ended:
        with suppress(RequestRejected):  # it has ended meanwhile: the next look keeps the truth
            report = provider.cancel(run.run_id)
    has_changed = report.provider_status != run.provider_status
    if not (run.wants_events or has_changed or report.status.has_ended):
        return Sighting(report)
    try:
        events = list(_kept(provider.events(run.run_id, known_id=run.known_event_id), keep))
        return Sighting(report, events, _checkpoints(run, report, events, provider))
    except (ProviderUnavailable, KeyRejected):
        raise
    except ProviderError:
        return Sighting(report)  # its state is known; its log is asked for again


def _checkpoints(
    run: FollowedRun, report: RunReport, events: Sequence[RunEvent], provider: Provider
) -> list[CheckpointInfo]:
    """Asked for when one may be new: at the end, and when the full validation set was measured."""
    is_saved = report.status.has_ended or any("full_valid_loss" in event.data for event in events)
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
