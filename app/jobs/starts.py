"""From the click to a run: claims, files, one order written down before it is sent, and what its
answer means.

The steps follow the paid-start protocol: docs/decisions/003-paid-starts.md.
"""

from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import update
from sqlalchemy.orm import Session

from app.connections import standing
from app.connections.models import Connection
from app.core import clock, instance, leases
from app.core.storage import Blob
from app.jobs import lifetimes, queries, queries_orders
from app.jobs.likeness import settle_guesses
from app.jobs.looks import look_later
from app.jobs.models import UNSURE, WAITING, Job, JobStatus, StartAttempt
from app.jobs.service import end, log, tell
from app.providers.base import (
    KeyRejected,
    NotSent,
    ProviderUnavailable,
    Refused,
    RunReport,
    Started,
    StartOutcome,
    Unknown,
)
from app.settings import settings

LEASE_SECONDS = 75
SEND_WITHIN_SECONDS = 10
LOOK_THROUGH_SECONDS = 900.0
KEY_REFUSED = "The connection's key is refused."
PAY_FIRST = "Nothing was ordered. When that is settled there, start it once more."


class StartWork(NamedTuple):
    """A claimed start: the job and its connection as they were, and the latest order of which
    nobody knows whether it made a run, if any. `since` is when the first such was sent.
    """

    job: Job
    connection: Connection
    fence: int
    doubt: StartAttempt | None = None
    since: datetime | None = None

    @property
    def may_order(self) -> bool:
        """True when an order may go out: none is out, or a person takes the risk of a second."""
        return self.doubt is None or self.doubt.outcome == "given_up"


class Order(NamedTuple):
    """An order written down: from here on its outcome is unknown until it is proved. `instance` is
    what the run is tagged with beside the job's own key.
    """

    attempt_id: int
    instance: str


def claim_start(session: Session, job_id: int) -> StartWork | None:
    """Take the start of a job; None when it is not due, is another's, or the connection is held, or
    the whole instance since it was restored. While a key is refused it stays due, for the moment
    when it works again.
    """
    job = queries.job_by_id(session, job_id)
    if job is None or job.status not in WAITING or instance.held(session) is not None:
        return None
    # What came home was started elsewhere: nothing is ever paid for it here.
    if job.connection.refused_at is not None or job.rescued_at is not None:
        return None
    fence = leases.claim(session, Job, job_id, seconds=LEASE_SECONDS)
    if fence is None:
        return None
    session.refresh(job, ["fence", "attempts", "lease_until"])
    unproved = queries_orders.unproved_attempts(session, job_id)
    work = StartWork(job, job.connection, fence)
    if unproved:
        work = work._replace(doubt=unproved[-1], since=unproved[0].sent_at)
    if work.may_order and _ends_here(session, job, job.connection):
        return None
    held_until = job.connection.not_before
    if held_until is not None and held_until > clock.now(session):
        leases.settle(job, due_at=held_until, error=job.connection.words)
        return None
    if job.status == JobStatus.QUEUED:
        job.status = JobStatus.STARTING
        tell(session, job)
    return work


def _ends_here(session: Session, job: Job, connection: Connection) -> bool:
    """Whether the job ends before anything is ordered: somebody cancelled it, or it can no longer
    end before its base model stops, since days change between the form and the start.
    """
    if job.cancel_requested_at is not None:
        end(session, job, JobStatus.CANCELLED)
    elif (refusal := lifetimes.outlook_of(session, job, connection).refusal) is not None:
        end(session, job, JobStatus.FAILED, error=f"{refusal.message} Nothing was ordered.")
        log(session, job, refusal.message, level="error")
    else:
        return False
    tell(session, job)
    return True


def keep_lease(session: Session, work: StartWork, *, seconds: float) -> bool:
    """Say that the start is still being worked on; False when it was taken away."""
    return leases.renew(session, Job, work.job.id, work.fence, seconds=seconds)


def record_split(
    session: Session,
    work: StartWork,
    *,
    training: Blob,
    training_rows: int,
    validation: Blob,
    validation_rows: int,
) -> None:
    """Keep the two files that the job's split made."""
    job = held(session, work)
    if job is not None:
        job.training_sha256, job.training_rows = training.sha256, training_rows
        job.validation_sha256, job.validation_rows = validation.sha256, validation_rows
        log(
            session,
            job,
            f"{validation_rows:,} rows split off to validate, {training_rows:,} left to train on.",
        )


def record_file(
    session: Session,
    work: StartWork,
    *,
    is_training: bool,
    file_id: str,
    size: int,
    was_there: bool,
) -> None:
    """Keep the provider's name for a file of the job."""
    job = held(session, work)
    if job is None:
        return
    if is_training:
        job.training_file_id = file_id
    else:
        job.validation_file_id = file_id
    which = "Training" if is_training else "Validation"
    how = "was at the provider already" if was_there else f"sent, {size:,} bytes"
    log(session, job, f"{which} file {how}.")
    job.attempts = 0
    tell(session, job)


def write_order(session: Session, work: StartWork) -> Order | None:
    """Write the order down. None when the job is no longer ours, somebody cancelled it, or its base
    model stops before it could end.
    """
    # Connection before job, as a sweep does: two orders of locking are a deadlock.
    orphans_due(session, work.connection.id, after_seconds=LOOK_THROUGH_SECONDS)
    job = held(session, work)
    if job is None:
        return None
    moment = clock.now(session)
    if _ends_here(session, job, work.connection):
        return None
    attempt = StartAttempt(
        job_id=job.id,
        number=queries.count_attempts(session, job.id) + 1,
        fence=work.fence,
        sent_at=moment,
    )
    session.add(attempt)
    session.flush()
    job.lease_until = moment + timedelta(seconds=settings().lease(LEASE_SECONDS))
    return Order(attempt.id, instance.tag_of(session))


def record_not_sent(session: Session, work: StartWork, order: Order, reason: str) -> None:
    """Nothing left this machine: the job goes back into the queue."""
    attempt = session.get_one(StartAttempt, order.attempt_id)
    attempt.outcome, attempt.words = "not_sent", reason
    job = _held_or_freed(session, work)
    if job is not None:
        _put_back(session, job, seconds=15, words=reason)


def record_outcome(session: Session, work: StartWork, order: Order, outcome: StartOutcome) -> None:
    """Keep what became of the order. An id is adopted even if the lease is gone: an id is never
    wrong.
    """
    attempt = session.get_one(StartAttempt, order.attempt_id)
    if isinstance(outcome, Started):
        outcome = _unless_taken(session, work, outcome)
    if isinstance(outcome, Started):
        is_ours = record_started(session, work.job.id, outcome.run)
        attempt.outcome = "started" if is_ours else "spare"
        return
    if attempt.outcome not in UNSURE:  # whoever took over was faster, and what is proved stays
        return
    if isinstance(outcome, NotSent):
        record_not_sent(session, work, order, outcome.reason)
        return
    if isinstance(outcome, Refused):
        _record_refusal(session, work, attempt, outcome)
        return
    job = held(session, work)
    attempt.outcome, attempt.words = attempt.outcome or "unknown", outcome.reason
    if job is not None:
        log(
            session,
            job,
            f"No clear answer to the order: {outcome.reason} Looking for the run.",
            level="warn",
        )
        look_later(session, job, attempt)


def _unless_taken(session: Session, work: StartWork, started: Started) -> StartOutcome:
    """An answer with the run of another job is none: ours is to be looked for."""
    run_id = started.run.run_id
    if queries_orders.has_run(session, work.connection.id, run_id, but=work.job.id):
        return Unknown(f"The answer names the run of another job, {run_id}.")
    return started


def _record_refusal(
    session: Session, work: StartWork, attempt: StartAttempt, refused: Refused
) -> None:
    """Clearly not created. What was refused for the key, or for the moment, is sent again; what
    only a person can pay for is not.
    """
    seconds = max(refused.retry_after or 0, 15)
    # Connection before job, as a sweep does: two orders of locking are a deadlock.
    if refused.refuses_key:
        error = KeyRejected(refused.message, said=refused.message)
        standing.record_failure(session, work.connection, error)
    elif refused.is_put_back and not refused.is_of_starts:
        hurry = ProviderUnavailable(refused.message, http_status=refused.http_status)
        standing.hold(session, work.connection, hurry, seconds=seconds)
    session.flush()
    attempt.outcome, attempt.http_status = "refused", refused.http_status
    attempt.words = refused.message
    job = _held_or_freed(session, work)
    if job is None:
        return
    if refused.refuses_key:
        _stop(session, job)
    elif refused.is_put_back:
        _put_back(session, job, seconds=seconds, words=refused.message)
    else:
        words = f"{refused.message} {PAY_FIRST}" if refused.needs_person else refused.message
        end(session, job, JobStatus.FAILED, error=words)
        log(session, job, f"The provider refused the order: {words}", level="error")
        tell(session, job)


def record_started(session: Session, job_id: int, run: RunReport) -> bool:
    """The job has a run: from now on its connection's sweeps follow it. False when it has another,
    or has ended: then this one has no job, and is soon looked for.
    """
    # Connection before job, as a sweep does: two orders of locking are a deadlock.
    connection_id = session.get_one(Job, job_id).connection_id
    connection = session.get_one(Connection, connection_id, with_for_update=True)
    job = session.get_one(Job, job_id, with_for_update=True, populate_existing=True)
    moment = clock.now(session)
    if job.has_ended or job.run_id is not None:
        if job.run_id != run.run_id:
            connection.orphans_due_at = moment
        return job.run_id == run.run_id
    take_run(session, connection, job, run.run_id, run.provider_status)
    log(session, job, f"The order was accepted as {run.run_id}.")
    return True


def take_run(
    session: Session, connection: Connection, job: Job, run_id: str, provider_status: str
) -> None:
    """The run is the job's from now on, and is looked at soon. The caller holds both rows."""
    moment = clock.now(session)
    job.status = JobStatus.RUNNING
    job.run_id, job.provider_status = run_id, provider_status
    job.started_at = job.changed_at = moment
    settle_guesses(session, job, run_id)
    leases.settle(job, due_at=None)
    connection.due_at = moment
    connection.sweep_seconds = 15.0
    tell(session, job)


def orphans_due(session: Session, connection_id: int, *, after_seconds: float) -> None:
    """An order goes out: the connection's runs are held against the jobs a while after it."""
    due_at = clock.later(session, after_seconds)
    session.execute(
        update(Connection)
        .where(Connection.id == connection_id, Connection.orphans_due_at.is_(None))
        .values(orphans_due_at=due_at)
        .execution_options(synchronize_session=False)
    )


def record_waiting(
    session: Session, work: StartWork, *, seconds: float, words: str | None = None
) -> None:
    """The start goes on a little later: the provider is still reading a file, or `words`."""
    job = held(session, work)
    if job is not None:
        leases.settle(job, due_at=clock.later(session, seconds), error=words)


def record_trouble(session: Session, work: StartWork, words: str, *, seconds: float) -> None:
    """A step before the order failed for now: nothing is owed, try again later."""
    job = held(session, work)
    if job is not None:
        _put_back(session, job, seconds=seconds, words=words)


def record_stopped(session: Session, work: StartWork) -> None:
    """The key is refused: nothing is owed, and the start goes on when there is one that works."""
    job = held(session, work)
    if job is not None:
        _stop(session, job)


def record_refused(session: Session, work: StartWork, words: str) -> None:
    """A step before the order was refused for good: the job fails with the provider's words."""
    job = held(session, work)
    if job is not None:
        end(session, job, JobStatus.FAILED, error=words)
        log(session, job, words, level="error")
        tell(session, job)


def held(session: Session, work: StartWork) -> Job | None:
    """The job, while its start is ours to go on with: not ended, and without a run."""
    job: Job | None = leases.hold(session, Job, work.job.id, work.fence)
    return job if job is not None and job.status in WAITING and job.run_id is None else None


def _held_or_freed(session: Session, work: StartWork) -> Job | None:
    """The job as `held` gives it; else one in doubt whose last doubt ended just now, because who
    was taken for dead came back and knows that its order made no run.
    """
    job = held(session, work)
    if job is not None:
        return job
    job = session.get_one(Job, work.job.id, with_for_update=True, populate_existing=True)
    if job.status != JobStatus.IN_DOUBT or queries_orders.unproved_attempts(session, job.id):
        return None
    job.status = JobStatus.STARTING
    return job


def _stop(session: Session, job: Job) -> None:
    """Stay due: what asks for due starts passes over connections whose key is refused."""
    if job.last_error != KEY_REFUSED:
        log(session, job, f"{KEY_REFUSED} The start goes on when it works.", level="warn")
    leases.settle(job, due_at=clock.now(session), error=KEY_REFUSED)
    tell(session, job)


def _put_back(session: Session, job: Job, *, seconds: float, words: str) -> None:
    if job.last_error != words:  # the same trouble every half minute is one line, not a thousand
        log(session, job, f"{words} Trying again in {seconds:.0f} s.", level="warn")
    leases.settle(job, due_at=clock.later(session, seconds), error=words)
    tell(session, job)
