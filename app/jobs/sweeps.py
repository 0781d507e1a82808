"""Following runs: one sweep a connection at a time, progress kept by step, the end kept once."""

import random
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy.orm import Session

from app.auth import service as auth
from app.connections import standing
from app.connections.models import Connection
from app.connections.service import capabilities_of
from app.core import clock, instance, leases
from app.jobs import queries
from app.jobs.keeping import keep_checkpoints, keep_events, keep_model
from app.jobs.models import Job, JobStatus
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
AFTER_THE_END = timedelta(seconds=2)
EVENTS_EVERY = timedelta(seconds=15)
EVENTS_UNWATCHED_EVERY = timedelta(minutes=10)
TICK = timedelta(seconds=0.4)
NO_REASON = "The provider gave no reason."
VANISHED_AFTER, VANISHED_WITHIN = 3, timedelta(hours=1)

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
    """A run to look at, and what is known of it."""

    job_id: int
    run_id: str
    started_at: datetime | None
    provider_status: str | None
    known_event_id: str | None
    wants_events: bool
    wants_cancel: bool
    is_watched: bool


class Watch(NamedTuple):
    """A claimed sweep."""

    connection: Connection
    fence: int
    claimed_at: datetime
    runs: tuple[FollowedRun, ...]

    @property
    def is_watched(self) -> bool:
        """True when somebody looks at one of the jobs."""
        return any(run.is_watched for run in self.runs)


class Sighting(NamedTuple):
    """What a sweep saw of one run. No report: the provider does not know it. `events` are newest
    first.
    """

    report: RunReport | None
    events: Sequence[RunEvent] = ()
    checkpoints: Sequence[CheckpointInfo] = ()


def claim_sweep(session: Session, connection_id: int) -> Watch | None:
    """Take the next look at a connection's runs, those first that somebody watches, then those not
    seen for longest; None when it is not due or there is nothing to follow. Over a connection whose
    key is refused a look is also the probe whether it works again, and due for that alone.
    """
    fence = leases.claim(session, Connection, connection_id, seconds=LEASE_SECONDS)
    if fence is None:
        return None
    connection = session.get_one(Connection, connection_id, populate_existing=True)
    jobs = queries.followed_jobs(session, connection_id)
    moment, is_refused = clock.now(session), connection.refused_at is not None
    is_early = connection.not_before is None or connection.not_before > moment
    if (is_refused and is_early) or not (jobs or is_refused):
        leases.settle(connection, due_at=connection.not_before if is_refused else None)
        return None
    is_ours = capabilities_of(connection).is_ours
    held = instance.held(session)
    # What was asked for in another life of this instance is not carried out by this one unasked.
    asked_since = held.restored_at if held is not None else None
    runs = [_followed(job, moment, asked_since, is_ours=is_ours) for job in jobs]
    runs.sort(key=lambda run: not run.is_watched)
    return Watch(connection, fence, moment, tuple(runs))


def keep_lease(session: Session, watch: Watch) -> bool:
    """Say that the sweep is still going on; False when it was taken away."""
    return leases.renew(
        session, Connection, watch.connection.id, watch.fence, seconds=LEASE_SECONDS
    )


def _followed(
    job: Job, moment: datetime, asked_since: datetime | None, *, is_ours: bool
) -> FollowedRun:
    asked_at = job.cancel_requested_at
    is_watched = job.watched_until is not None and job.watched_until > moment
    if is_watched and is_ours:
        every = timedelta()
    else:
        every = EVENTS_EVERY if is_watched or is_ours else EVENTS_UNWATCHED_EVERY
    is_stale = job.events_at is None or moment - job.events_at >= every
    return FollowedRun(
        job_id=job.id,
        run_id=job.run_id or "",
        started_at=job.started_at,
        provider_status=job.provider_status,
        known_event_id=job.known_event_id,
        wants_events=is_stale,
        wants_cancel=asked_at is not None and (asked_since is None or asked_at > asked_since),
        is_watched=is_watched,
    )


def record_sweep(session: Session, watch: Watch, seen: Mapping[int, Sighting]) -> None:
    """Keep everything a sweep saw, and say when the next is due."""
    connection = leases.hold(session, Connection, watch.connection.id, watch.fence)
    if connection is None:
        return
    if connection.refused_at is not None:
        for job in queries.unended_jobs_over(session, connection.id):
            tell(session, job)
    standing.record_answer(session, connection.id)
    has_changed = False
    asked = {run.job_id: run.run_id for run in watch.runs}
    for job_id, sighting in seen.items():
        job = session.get_one(Job, job_id, with_for_update=True, populate_existing=True)
        # Meanwhile it may have gone over to an older run of its own: this is not of that one.
        if job.has_ended or job.run_id != asked[job_id]:
            continue
        if sighting.report is None:
            has_changed |= _missed(session, job)
        else:
            has_changed |= record_progress(session, job, sighting)
    next_at = _next_sweep(session, watch, connection, has_changed=has_changed)
    asked_for = connection.due_at
    # Somebody asked for a look while this one was out.
    if asked_for is not None and asked_for > watch.claimed_at:
        next_at = min(next_at, asked_for)
    leases.settle(connection, due_at=next_at)


def hold_connection(session: Session, watch: Watch, error: ProviderError) -> None:
    """The provider does not answer, says wait, or refuses the key: every call over the connection
    waits.
    """
    connection = leases.hold(session, Connection, watch.connection.id, watch.fence)
    if connection is None:
        return
    seconds = min(max(connection.sweep_seconds * 2, FIRST_SECONDS), MOST_SECONDS)
    if not isinstance(error, AllowanceSpent):
        connection.sweep_seconds = seconds
    if isinstance(error, ProviderUnavailable) and error.retry_after is not None:
        seconds = error.retry_after
    until = standing.hold(session, watch.connection, error, seconds=seconds)
    leases.settle(connection, due_at=until, error=error.message)
    for job in queries.unended_jobs_over(session, connection.id):
        tell(session, job)


def record_progress(session: Session, job: Job, sighting: Sighting) -> bool:
    """Keep what a run says of itself. True when anything changed."""
    report = sighting.report
    assert report is not None  # noqa: S101 - the caller looked
    moment = clock.now(session)
    before = (job.status, job.provider_status, job.known_event_id)
    job.misses, job.missed_since = 0, None
    job.provider_status = report.provider_status[:255]
    job.estimated_finish_at = report.estimated_finish_at
    job.trained_tokens = report.trained_tokens or job.trained_tokens
    if report.hyperparameters:
        job.resolved = dict(report.hyperparameters)
    job.events_at = moment
    keep_events(session, job, sighting.events, moment)
    keep_checkpoints(session, job, sighting.checkpoints, moment)
    if report.status.has_ended:
        finish(session, job, report)
    else:
        job.status = STATUS_OF[report.status]
    has_changed = before != (job.status, job.provider_status, job.known_event_id)
    if has_changed:
        job.changed_at = moment
        tell(session, job)
    return has_changed


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
    watched_each = timedelta(seconds=capabilities_of(connection).watch_seconds)
    until = queries.watched_until(session, connection.id)
    if until is not None and until > moment:
        # Counted from its beginning, and a little less than the clock's tick that will find it.
        return max(moment, watch.claimed_at + watched_each - TICK)
    connection.sweep_seconds = (
        FIRST_SECONDS if has_changed else min(connection.sweep_seconds * GROWTH, MOST_SECONDS)
    )
    jitter = random.uniform(0.8, 1.2)  # noqa: S311 - spreads load, guards nothing
    usual = moment + timedelta(seconds=settings().wait(connection.sweep_seconds * jitter))
    expected = queries.next_expected_end(session, connection.id, after=watch.claimed_at)
    if expected is None:
        return usual
    return min(usual, max(expected + AFTER_THE_END, moment + watched_each))
