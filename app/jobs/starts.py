"""From the click to a run: claims, files, one order written down before it is sent, and what its
answer means.

The steps follow the paid-start protocol: docs/decisions/003-paid-starts.md.
"""

from datetime import timedelta
from typing import NamedTuple

from sqlalchemy.orm import Session

from app.connections import standing
from app.connections.models import Connection
from app.core import clock, instance, leases
from app.core.storage import Blob
from app.jobs import lifetimes, queries
from app.jobs.models import WAITING, Job, JobStatus, StartAttempt
from app.jobs.service import end, log, tell
from app.providers.base import (
    KeyRejected,
    NotSent,
    Refused,
    RunReport,
    Started,
    StartOutcome,
)
from app.settings import settings

LEASE_SECONDS = 75
SEND_WITHIN_SECONDS = 10
NEVER_SHOWN = "The provider's list shows no such run ten minutes after the order."
KEY_REFUSED = "The connection's key is refused."
LOOKS = (15, 30, 60, 120, 300, 600)


class StartWork(NamedTuple):
    """A claimed start: the job and its connection as they were, and the order nobody has an answer
    to, if any.
    """

    job: Job
    connection: Connection
    fence: int
    doubt: StartAttempt | None


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
    doubt = queries.open_attempt(session, job_id)
    if doubt is None and _ends_here(session, job, job.connection):
        return None
    held_until = job.connection.not_before
    if held_until is not None and held_until > clock.now(session):
        leases.settle(job, due_at=held_until, error=job.connection.words)
        return None
    if job.status == JobStatus.QUEUED:
        job.status = JobStatus.STARTING
        tell(session, job)
    return StartWork(job, job.connection, fence, doubt)


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
    job = _held(session, work)
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
    job = _held(session, work)
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
    job = _held(session, work)
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
    job.lease_until = moment + timedelta(seconds=LEASE_SECONDS)
    return Order(attempt.id, instance.tag_of(session))


def record_not_sent(session: Session, work: StartWork, order: Order, reason: str) -> None:
    """Nothing left this machine: the job goes back into the queue."""
    attempt = session.get_one(StartAttempt, order.attempt_id)
    attempt.outcome, attempt.words = "not_sent", reason
    job = _held(session, work)
    if job is not None:
        _put_back(session, job, seconds=15, words=reason)


def record_outcome(session: Session, work: StartWork, order: Order, outcome: StartOutcome) -> None:
    """Keep what became of the order. An id is adopted even if the lease is gone: an id is never
    wrong.
    """
    attempt = session.get_one(StartAttempt, order.attempt_id)
    if isinstance(outcome, Started):
        attempt.outcome = "started"
        record_started(session, work.job.id, outcome.run)
        return
    if isinstance(outcome, NotSent):
        record_not_sent(session, work, order, outcome.reason)
        return
    if isinstance(outcome, Refused):
        _record_refusal(session, work, attempt, outcome)
        return
    job = _held(session, work)
    attempt.outcome, attempt.words = "unknown", outcome.reason
    if job is not None:
        log(
            session,
            job,
            f"No clear answer to the order: {outcome.reason} Looking for the run.",
            level="warn",
        )
        _look_later(session, job, attempt)


def _record_refusal(
    session: Session, work: StartWork, attempt: StartAttempt, refused: Refused
) -> None:
    """Clearly not created. What was refused for the key, or for the moment, is sent again."""
    if refused.refuses_key:
        # Connection before job, as a sweep does: two orders of locking are a deadlock.
        error = KeyRejected(refused.message, said=refused.message)
        standing.record_failure(session, work.connection, error)
        session.flush()
    job = _held(session, work)
    attempt.outcome, attempt.http_status = "refused", refused.http_status
    attempt.words = refused.message
    if job is None:
        return
    if refused.refuses_key:
        _stop(session, job)
    elif refused.is_put_back:
        seconds = max(refused.retry_after or 0, 15)
        _put_back(session, job, seconds=seconds, words=refused.message)
    else:
        end(session, job, JobStatus.FAILED, error=refused.message)
        log(session, job, f"The provider refused the order: {refused.message}", level="error")
        tell(session, job)


def record_found(session: Session, work: StartWork, runs: list[RunReport]) -> list[str]:
    """Keep what a search by tag found; returns the ids of runs to cancel because the oldest is
    ours.
    """
    attempt = work.doubt
    if attempt is None:
        return []
    attempt = session.get_one(StartAttempt, attempt.id)
    if runs:
        oldest, *others = sorted(
            runs, key=lambda run: (run.created_at is None, run.created_at, run.run_id)
        )
        attempt.outcome = "found"
        record_started(session, work.job.id, oldest)
        return [run.run_id for run in others if not run.status.has_ended]
    job = _held(session, work)
    if job is not None:
        attempt.looks += 1
        _look_later(session, job, attempt)
    return []


def record_spare(session: Session, job_id: int, words: str, *, level: str) -> None:
    """Tell what became of a second run with the job's tag: the job goes on with the first."""
    job = session.get_one(Job, job_id)
    log(session, job, words, level=level)
    tell(session, job)


def record_search_failed(session: Session, work: StartWork, words: str) -> None:
    """The list could not be read. That is never "none found": look again later, without counting
    it.
    """
    job = _held(session, work)
    if job is not None:
        leases.settle(
            job, due_at=clock.now(session) + timedelta(seconds=settings().wait(30)), error=words
        )


def record_started(session: Session, job_id: int, run: RunReport) -> None:
    """The job has a run: from now on its connection's sweeps follow it."""
    # Connection before job, as a sweep does: two orders of locking are a deadlock.
    connection_id = session.get_one(Job, job_id).connection_id
    connection = session.get_one(Connection, connection_id, with_for_update=True)
    job = session.get_one(Job, job_id, with_for_update=True, populate_existing=True)
    if job.has_ended or job.run_id is not None:
        return
    moment = clock.now(session)
    job.status = JobStatus.RUNNING
    job.run_id = run.run_id
    job.provider_status = run.provider_status
    job.started_at = job.changed_at = moment
    leases.settle(job, due_at=None)
    log(session, job, f"Order sent once, accepted as {run.run_id}.")
    connection.due_at = moment
    connection.sweep_seconds = 15.0
    tell(session, job)


def record_waiting(
    session: Session, work: StartWork, *, seconds: float, words: str | None = None
) -> None:
    """The start goes on a little later: the provider is still reading a file, or `words`."""
    job = _held(session, work)
    if job is not None:
        wait = timedelta(seconds=settings().wait(seconds))
        leases.settle(job, due_at=clock.now(session) + wait, error=words)


def record_trouble(session: Session, work: StartWork, words: str, *, seconds: float) -> None:
    """A step before the order failed for now: nothing is owed, try again later."""
    job = _held(session, work)
    if job is not None:
        _put_back(session, job, seconds=seconds, words=words)


def record_stopped(session: Session, work: StartWork) -> None:
    """The key is refused: nothing is owed, and the start goes on when there is one that works."""
    job = _held(session, work)
    if job is not None:
        _stop(session, job)


def record_refused(session: Session, work: StartWork, words: str) -> None:
    """A step before the order was refused for good: the job fails with the provider's words."""
    job = _held(session, work)
    if job is not None:
        end(session, job, JobStatus.FAILED, error=words)
        log(session, job, words, level="error")
        tell(session, job)


def _held(session: Session, work: StartWork) -> Job | None:
    """The job, while its start is ours to go on with: not ended, and without a run."""
    job: Job | None = leases.hold(session, Job, work.job.id, work.fence)
    return job if job is not None and job.status in WAITING and job.run_id is None else None


def _stop(session: Session, job: Job) -> None:
    """Stay due: what asks for due starts passes over connections whose key is refused."""
    if job.last_error != KEY_REFUSED:
        log(session, job, f"{KEY_REFUSED} The start goes on when it works.", level="warn")
    leases.settle(job, due_at=clock.now(session), error=KEY_REFUSED)
    tell(session, job)


def _put_back(session: Session, job: Job, *, seconds: float, words: str) -> None:
    wait = timedelta(seconds=settings().wait(seconds))
    if job.last_error != words:  # the same trouble every half minute is one line, not a thousand
        log(session, job, f"{words} Trying again in {seconds:.0f} s.", level="warn")
    leases.settle(job, due_at=clock.now(session) + wait, error=words)
    tell(session, job)


def _look_later(session: Session, job: Job, attempt: StartAttempt) -> None:
    """Look for the run 15 s to 10 min after the order; when it does not show, a person decides."""
    if attempt.looks >= len(LOOKS) and job.cancel_requested_at is not None:
        end(session, job, JobStatus.CANCELLED, error=NEVER_SHOWN)
        log(session, job, NEVER_SHOWN, level="warn")
    elif attempt.looks >= len(LOOKS):
        job.status = JobStatus.IN_DOUBT
        leases.settle(job, due_at=None, error=attempt.words)
        log(session, job, f"{NEVER_SHOWN} Nothing is sent again by itself.", level="warn")
    else:
        wait = timedelta(seconds=settings().wait(LOOKS[attempt.looks]))
        leases.settle(
            job, due_at=max(attempt.sent_at + wait, clock.now(session)), error=attempt.words
        )
    tell(session, job)
