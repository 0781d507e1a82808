"""What a person decides about an order that nobody proved (look again, start again, it did not
start), and about a run that no job has (adopt it, cancel it there).
"""

from sqlalchemy.orm import Session

from app.auth import service as auth
from app.auth.models import User
from app.connections.models import Connection
from app.core import clock, leases
from app.core.errors import Conflict
from app.core.queue import enqueue
from app.jobs import orphans, queries_orders, spending
from app.jobs.likeness import settle_guesses
from app.jobs.models import Job, JobStatus, Orphan, StartAttempt
from app.jobs.service import end, log, tell
from app.jobs.starts import take_run

SETTLED = "This run is settled already: {outcome}."
NO_JOB = "Nobody here knows which job this run is of. It can only be cancelled there."
HAS_RUN = "This run's job has another one: {run_id}."
NOT_IN_DOUBT = "This job is not in doubt any more: it is {status}."


def look_again(session: Session, job: Job, *, user: User) -> None:
    """Look for the run at once, and then for ten minutes as if the order had just been sent. Raises
    Conflict when the job is not in doubt.
    """
    job, attempts = _in_doubt(session, job)
    attempts[-1].looks, attempts[-1].looking_since = 0, clock.now(session)
    log(session, job, f"{user.name} asked to look again.")
    _go_on(session, job, user, "job.looked_again")


def start_again(session: Session, job: Job, *, user: User) -> None:
    """Let another order go out, by a person's decision; it carries the same tag, so that the first
    one's run is still found, and so that a provider that knows repeated orders tells them apart
    from new ones. The list is looked through once more just before. Both may be billed, so as much
    again is set aside. Raises Conflict when the job is not in doubt, OverBudget when the month has
    not so much left.
    """
    job, attempts = _in_doubt(session, job)
    spending.reserve_again(session, job)
    for attempt in attempts:
        attempt.outcome = "given_up"
    settle_guesses(session, job, None)
    words = f"{user.name} took the risk of a second order. The first one is still looked for."
    log(session, job, words, level="warn")
    _go_on(session, job, user, "job.started_again")


def did_not_start(session: Session, job: Job, *, user: User) -> None:
    """End the job: a person says that there is no run. Should one show up after all, it is
    cancelled there. Raises Conflict when the job is not in doubt.
    """
    job, attempts = _in_doubt(session, job)
    for attempt in attempts:
        attempt.outcome = "did_not_start"
    settle_guesses(session, job, None)
    words = f"It did not start, says {user.name}."
    end(session, job, JobStatus.CANCELLED, error=words, actor_id=user.id)
    log(session, job, f"{words} Should its run show up, it is cancelled there.", level="warn")
    _record(session, job, user, "job.did_not_start")


def _in_doubt(session: Session, job: Job) -> tuple[Job, list[StartAttempt]]:
    held = session.get_one(Job, job.id, with_for_update=True, populate_existing=True)
    attempts = list(queries_orders.unproved_attempts(session, held.id))
    if held.status != JobStatus.IN_DOUBT or not attempts:
        raise Conflict(NOT_IN_DOUBT.format(status=held.status.replace("_", " ")))
    return held, attempts


def _go_on(session: Session, job: Job, user: User, verb: str) -> None:
    job.status = JobStatus.STARTING
    leases.try_again(session, job)
    enqueue(session, "jobs.start", job.id)
    _record(session, job, user, verb)


def _record(session: Session, job: Job, user: User, verb: str) -> None:
    subject, project = f"job:{job.id}", job.project_id
    auth.record(session, verb, subject, actor_id=user.id, project_id=project, name=job.name)
    tell(session, job)


def adopt(session: Session, orphan: Orphan, *, user: User) -> Job:
    """The run is its job's own from now on, although that had ended, or nothing but its file says
    so: it is followed to its end. Only a person does this. Raises Conflict when the run is settled,
    or no job here is without one and waits for it.
    """
    connection, orphan = _unsettled(session, orphan)
    if orphan.job_id is None:
        raise Conflict(NO_JOB)
    job = session.get_one(Job, orphan.job_id, with_for_update=True, populate_existing=True)
    if job.run_id is not None:
        raise Conflict(HAS_RUN.format(run_id=job.run_id))
    for attempt in queries_orders.unproved_attempts(session, job.id):
        attempt.outcome = "found"
    job.error = job.ended_at = job.cancel_requested_at = job.archived_at = None
    take_run(session, connection, job, orphan.run_id, orphan.provider_status)
    spending.reopen(session, job, orphan.run_id)
    log(session, job, f"{user.name} adopted run {orphan.run_id}, which had shown up there.")
    orphans.settle(session, orphan, "adopted")
    _record(session, job, user, "job.adopted")
    orphans.tell_of(session, connection)
    return job


def cancel_there(session: Session, orphan: Orphan, *, user: User) -> None:
    """Ask a worker to stop the run at its provider; one that has ended is left alone. Raises
    Conflict when the run is settled.
    """
    connection, orphan = _unsettled(session, orphan)
    moment = clock.now(session)
    orphan.cancel_asked_at, orphan.words = orphan.cancel_asked_at or moment, None
    if orphan.has_ended:
        orphans.settle(session, orphan, "ended")
    else:
        connection.orphans_due_at = moment
        enqueue(session, "jobs.orphans", connection.id)
    auth.record(
        session,
        "connection.run_cancel_asked",
        f"connection:{connection.id}",
        actor_id=user.id,
        project_id=connection.project_id,
        name=orphan.run_id,
    )
    orphans.tell_of(session, connection)


def _unsettled(session: Session, orphan: Orphan) -> tuple[Connection, Orphan]:
    """Its connection and its row, both held: connection before all, as a sweep does."""
    connection = session.get_one(Connection, orphan.connection_id, with_for_update=True)
    held = session.get_one(Orphan, orphan.id, with_for_update=True, populate_existing=True)
    if held.settled_at is not None:
        raise Conflict(SETTLED.format(outcome=held.outcome))
    return connection, held
