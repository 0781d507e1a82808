"""Following runs: one sweep a connection at a time, progress kept by step, the end kept once."""

import random
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy.orm import Session

from app.auth import service as auth
from app.catalog import service as catalog
from app.connections import standing
from app.connections.models import Connection
from app.connections.service import capabilities_of
from app.core import clock, instance, leases
from app.jobs import queries_runs, spending
from app.jobs.keeping import keep_checkpoints, keep_events, keep_model
from app.jobs.models import ENDED, Job, JobStatus
from app.jobs.service import end, log, tell
from app.providers.base import (
    AllowanceSpent,
    CheckpointInfo,
    ProviderError,
    ProviderUnavailable,
    RunEvent,
    RunReport,
    RunStatus,
)
from app.settings import settings

LEASE_SECONDS = 25
FIRST_SECONDS, MOST_SECONDS, GROWTH = 15.0, 300.0, 1.5
# While webhooks arrive, an end is heard of at once.
MOST_SECONDS_HOOKED, HOOKED_WITHIN = 600.0, timedelta(hours=1)
MOST_FAILURES = 6
EVENTS_EVERY = timedelta(seconds=15)
EVENTS_UNWATCHED_EVERY = timedelta(minutes=10)
# An end is known at once; for so long it is tried to read the last lines of the log.
LOGS_WITHIN = timedelta(hours=1)
NO_REASON = "The provider gave no reason."
VANISHED_AFTER, VANISHED_WITHIN, VANISHED_FOR = 3, timedelta(hours=1), timedelta(days=7)

STATUS_OF = {
    RunStatus.QUEUED: JobStatus.RUNNING,
    RunStatus.RUNNING: JobStatus.RUNNING,
    RunStatus.UNKNOWN: JobStatus.RUNNING,
    RunStatus.PAUSED: JobStatus.PAUSED,
    RunStatus.SUCCEEDED: JobStatus.SUCCEEDED,
    RunStatus.FAILED: JobStatus.FAILED,
    RunStatus.CANCELLED: JobStatus.CANCELLED,
}


class FollowedRun(NamedTuple):
    """A run to look at, and what its job's row says of it. One that `has_ended` is not listed any
    more: only its log has not been read to the end.
    """

    job_id: int
    run_id: str
    has_ended: bool
    started_at: datetime | None
    provider_status: str | None
    estimated_finish_at: datetime | None
    trained_tokens: int | None
    resolved: Mapping[str, Any] | None
    is_missed: bool
    known_event_id: str | None
    wants_events: bool
    wants_cancel: bool
    is_watched: bool

    def is_told_more_by(self, report: RunReport) -> bool:
        """Whether a report says anything that the row does not: where it says nothing new, nothing
        is written.
        """
        return (
            self.is_missed
            or report.provider_status[:255] != self.provider_status
            or report.estimated_finish_at != self.estimated_finish_at
            or (report.trained_tokens or self.trained_tokens) != self.trained_tokens
            or (report.hyperparameters or self.resolved) != self.resolved
        )


class Watch(NamedTuple):
    """A claimed sweep; `vanished` are the jobs of runs that the provider no longer knew."""

    connection: Connection
    fence: int
    claimed_at: datetime
    runs: tuple[FollowedRun, ...]
    vanished: Mapping[str, int]

    @property
    def is_watched(self) -> bool:
        """True when somebody looks at one of the jobs."""
        return any(run.is_watched for run in self.runs)


class Sighting(NamedTuple):
    """What a sweep saw of one run: what the provider says of it, or that it does not know it.
    `events` are newest first, None where the log was not read.
    """

    report: RunReport | None
    events: Sequence[RunEvent] | None = None
    checkpoints: Sequence[CheckpointInfo] = ()
    is_missing: bool = False


def claim_sweep(session: Session, connection_id: int) -> Watch | None:
    """Take the next look at a connection's runs, those first that somebody watches, then those
    whose log was not read for longest; None when it is not due or there is nothing to follow. Over
    a connection whose key is refused a look is also the probe whether it works again, and due for
    that alone.
    """
    fence = leases.claim(session, Connection, connection_id, seconds=LEASE_SECONDS)
    if fence is None:
        return None
    connection = session.get_one(Connection, connection_id, populate_existing=True)
    moment, is_refused = clock.now(session), connection.refused_at is not None
    rows = queries_runs.followed(session, connection_id, ended_since=moment - LOGS_WITHIN)
    not_before = connection.not_before
    is_early = not_before > moment if not_before is not None else is_refused
    if is_early or not (rows or is_refused):
        leases.settle(connection, due_at=not_before if is_refused or rows else None)
        return None
    is_ours = capabilities_of(connection).is_ours
    held = instance.held(session)
    # What was asked for in another life of this instance is not carried out by this one unasked.
    asked_since = held.restored_at if held is not None else None
    runs = [_followed(row, moment, asked_since, is_ours=is_ours) for row in rows]
    runs.sort(key=lambda run: not run.is_watched)
    vanished = queries_runs.vanished(session, connection_id, since=moment - VANISHED_FOR)
    connection.swept_at = moment
    return Watch(connection, fence, moment, tuple(runs), vanished)


def keep_lease(session: Session, watch: Watch) -> bool:
    """Say that the sweep is still going on; False when it was taken away."""
    return leases.renew(
        session, Connection, watch.connection.id, watch.fence, seconds=LEASE_SECONDS
    )


def _followed(
    row: Any, moment: datetime, asked_since: datetime | None, *, is_ours: bool
) -> FollowedRun:
    asked_at, has_ended = row.cancel_requested_at, row.status in ENDED
    is_watched = row.watched_until is not None and row.watched_until > moment
    unwatched = EVENTS_EVERY if is_ours else EVENTS_UNWATCHED_EVERY
    every = timedelta() if is_watched else unwatched
    is_asked_to_end = asked_at is not None and (asked_since is None or asked_at > asked_since)
    return FollowedRun(
        job_id=row.id,
        run_id=row.run_id or "",
        has_ended=has_ended,
        started_at=row.started_at,
        provider_status=row.provider_status,
        estimated_finish_at=row.estimated_finish_at,
        trained_tokens=row.trained_tokens,
        resolved=row.resolved,
        is_missed=row.misses > 0,
        known_event_id=row.known_event_id,
        wants_events=row.events_at is None or moment - row.events_at >= every,
        wants_cancel=is_asked_to_end and not has_ended,
        is_watched=is_watched,
    )


def record_sweep(
    session: Session,
    watch: Watch,
    seen: Mapping[int, Sighting],
    error: ProviderError | None = None,
    *,
    is_answered: bool = False,
) -> None:
    """Keep everything a sweep saw, and say when the next is due. After an `error` that is when the
    provider says so, or ever later, by chance, where nothing `is_answered` before: every call over
    the connection waits.
    """
    connection = leases.hold(session, Connection, watch.connection.id, watch.fence)
    if connection is None:
        return
    was_refused = connection.refused_at is not None
    if error is None:
        standing.record_answer(session, connection.id)
    has_changed = _keep(session, watch, seen)
    if has_changed:
        connection.sweep_seconds = FIRST_SECONDS
    if error is not None:
        connection.attempts = 1 if is_answered else connection.attempts
        _hold(session, watch, connection, error)
    else:
        next_at = _next_sweep(session, watch, connection, has_changed=has_changed)
        asked_for = connection.due_at
        # Somebody asked for a look while this one was out.
        if asked_for is not None and asked_for > watch.claimed_at:
            next_at = min(next_at, asked_for)
        leases.settle(connection, due_at=next_at)
    if was_refused or error is not None:
        for job in queries_runs.watched_jobs(session, connection.id, clock.now(session)):
            tell(session, job)


def _keep(session: Session, watch: Watch, seen: Mapping[int, Sighting]) -> bool:
    """True when anything changed."""
    asked = {run.job_id: run.run_id for run in watch.runs}
    asked |= {job_id: run_id for run_id, job_id in watch.vanished.items()}
    has_changed = False
    for job_id, job in queries_runs.held_jobs(session, seen.keys()).items():
        sighting = seen[job_id]
        # Meanwhile it may have gone over to an older run of its own: this is not of that one.
        if job.run_id != asked[job_id]:
            continue
        if sighting.is_missing:
            has_changed |= _missed(session, job)
        elif job.status in ENDED:
            _keep_rest(session, job, sighting)
        else:
            has_changed |= record_progress(session, job, sighting)
    return has_changed


def _hold(session: Session, watch: Watch, connection: Connection, error: ProviderError) -> None:
    """The provider does not answer, says wait, or refuses the key."""
    if isinstance(error, AllowanceSpent):  # our own pace: whoever needs a call now may have it
        leases.settle(connection, due_at=clock.later(session, error.retry_after or FIRST_SECONDS))
        return
    asked = error.retry_after if isinstance(error, ProviderUnavailable) else None
    most = min(FIRST_SECONDS * 2 ** min(connection.attempts, MOST_FAILURES), MOST_SECONDS)
    seconds = random.uniform(1, most) if asked is None else asked  # noqa: S311
    until = standing.hold(session, watch.connection, error, seconds=seconds)
    leases.settle(connection, due_at=until, has_progress=False, error=error.message)


def record_progress(session: Session, job: Job, sighting: Sighting) -> bool:
    """Keep what a run says of itself. True when anything changed."""
    moment = clock.now(session)
    if job.status == JobStatus.VANISHED:
        come_back(session, job)
    before = (job.status, job.provider_status, job.known_event_id)
    job.misses, job.missed_since = 0, None
    _keep_log(session, job, sighting, moment)
    if sighting.report is not None:
        _keep_report(session, job, sighting.report, is_read=sighting.events is not None)
    has_changed = before != (job.status, job.provider_status, job.known_event_id)
    if has_changed:
        job.changed_at = moment
        tell(session, job)
    return has_changed


def _keep_log(session: Session, job: Job, sighting: Sighting, moment: datetime) -> None:
    if sighting.events is not None:
        job.events_at = moment
        keep_events(session, job, sighting.events, moment)
        keep_checkpoints(session, job, sighting.checkpoints, moment)


def _keep_report(session: Session, job: Job, report: RunReport, *, is_read: bool) -> None:
    job.estimated_finish_at = report.estimated_finish_at
    job.trained_tokens = report.trained_tokens or job.trained_tokens
    if report.hyperparameters:
        job.resolved = dict(report.hyperparameters)
    # A list may lag behind what it said before: what runs is not queued again.
    if (job.run_status, report.status) == (RunStatus.RUNNING, RunStatus.QUEUED):
        return
    job.provider_status, job.run_status = report.provider_status[:255], report.status
    if not report.status.has_ended:
        job.status = STATUS_OF[report.status]
        return
    if not is_read:
        job.events_at = None  # its last lines are read when the allowance has room
    finish(session, job, report)


def _keep_rest(session: Session, job: Job, sighting: Sighting) -> None:
    """The last lines of a run whose end is known; the end stays as it is."""
    if sighting.events is None:
        return
    _keep_log(session, job, sighting, clock.now(session))
    if job.best_valid_loss is not None:
        catalog.note_losses(session, {job.id: job.best_valid_loss})
    tell(session, job)


def come_back(session: Session, job: Job) -> None:
    """The provider shows a run again that it did not know for an hour: its job goes on."""
    job.status = JobStatus.RUNNING
    job.error = job.ended_at = job.missed_since = None
    job.misses = 0
    spending.reopen(session, job, job.run_id or "")
    log(session, job, "The provider shows this run again.")
    standing.look_soon(session, session.get_one(Connection, job.connection_id))


def finish(session: Session, job: Job, report: RunReport) -> None:
    """Keep the end of a run, and the model it made."""
    status = STATUS_OF[report.status]
    error = report.error.message if report.error else None
    if status is JobStatus.FAILED and error is None:
        error = NO_REASON
    end(session, job, status, error=error)
    if report.finished_at is not None:
        job.ended_at = min(report.finished_at, job.ended_at or report.finished_at)
    if status is JobStatus.SUCCEEDED and report.model_name:
        keep_model(session, job, report.model_name)
    auth.record(
        session,
        f"job.{status}",
        f"job:{job.id}",
        actor_id=None,
        project_id=job.project_id,
        run_id=job.run_id,
        name=job.name,
    )


def _missed(session: Session, job: Job) -> bool:
    """The provider does not know the run: three times over an hour, and the job has vanished, which
    is not failed.
    """
    moment = clock.now(session)
    job.misses += 1
    job.missed_since = job.missed_since or moment
    within = timedelta(seconds=settings().wait(VANISHED_WITHIN.total_seconds()))
    if job.misses < VANISHED_AFTER or moment - job.missed_since < within:
        return False
    end(session, job, JobStatus.VANISHED, error="The provider no longer knows this run.")
    log(session, job, "The provider has not known this run for an hour.", level="warn")
    tell(session, job)
    return True


def _next_sweep(
    session: Session, watch: Watch, connection: Connection, *, has_changed: bool
) -> datetime:
    moment = clock.now(session)
    ahead = queries_runs.ahead(session, connection.id, after=watch.claimed_at)
    soonest = max(moment, watch.claimed_at + standing.look_every(connection) - standing.TICK)
    if ahead.watched_until is not None and ahead.watched_until > moment:
        return soonest
    is_hooked = connection.hooked_at is not None and moment - connection.hooked_at < HOOKED_WITHIN
    most = MOST_SECONDS_HOOKED if is_hooked else MOST_SECONDS
    if not has_changed:
        connection.sweep_seconds = min(connection.sweep_seconds * GROWTH, most)
    jitter = random.uniform(0.8, 1.2)  # noqa: S311 - spreads load, guards nothing
    usual = moment + timedelta(seconds=settings().wait(connection.sweep_seconds * jitter))
    if ahead.expected_end is None:
        return usual
    # A little after it: on our own trainer two seconds, ten elsewhere.
    after = 2 * standing.look_every(connection)
    return min(usual, max(ahead.expected_end + after, soonest))
