"""Decisions about jobs up to the order: what may start, what a click means the second time, what
cancel does.
"""

import hashlib
import json
import uuid
from dataclasses import asdict
from datetime import timedelta
from functools import partial
from typing import Any

from sqlalchemy import update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.auth import service as auth
from app.auth.models import User
from app.connections import queries as connections
from app.connections import standing
from app.connections.models import Connection
from app.core import clock, database, leases
from app.core.crash import checkpoint
from app.core.errors import Conflict
from app.core.events import announce
from app.core.queue import enqueue
from app.jobs import queries, queries_orders, spending
from app.jobs.estimates import Estimate
from app.jobs.forms import JobForm
from app.jobs.models import FOLLOWED, WAITING, Job, JobEvent, JobStatus
from app.jobs.orders import Checked, check_form
from app.jobs.telling import tell_end
from app.projects.models import Project
from app.settings import settings

WATCH = timedelta(seconds=40)


def create_job(
    session: Session, *, project: Project, user: User, form: JobForm, request_key: str
) -> Job:
    """The job this request asks for. The same key again gives the first job; with other content it
    is a Conflict.

    Raises WrongInput naming each field, Conflict when a version is not ready, OverBudget when the
    project's month has not so much left, TooMany when this person started enough of them in the
    last hour.
    """
    sha256 = _fingerprint(form)
    known = queries.job_asked_for(session, project.id, request_key)
    if known is None:
        connections.keep_in_place(session, form.connection_id)
        checked = check_form(session, project.id, form)
        _check_pace(session, user)
        try:
            with session.begin_nested():
                return _write_down(session, project, user, form, checked, request_key, sha256)
        except IntegrityError:
            known = queries.job_asked_for(session, project.id, request_key)
            if known is None:
                raise
    if known.request_sha256 != sha256:
        raise Conflict("This request key was used for another job. Take a fresh one for a new job.")
    return known


def _check_pace(session: Session, user: User) -> None:
    most = settings().starts_per_hour
    auth.check_pace(
        session,
        actor_id=user.id,
        verb="job.created",
        most=most,
        within=timedelta(hours=1),
        words=f"You started {most} jobs within an hour, as many as this instance allows. "
        "Wait a little; LUTHIER_STARTS_PER_HOUR says how many there may be.",
    )


def _write_down(
    session: Session,
    project: Project,
    user: User,
    form: JobForm,
    checked: Checked,
    request_key: str,
    sha256: str,
) -> Job:
    moment = clock.now(session)
    training, validation = checked.training, checked.validation
    is_split = form.validation_split is not None
    job = Job(
        project_id=project.id,
        created_by=user.id,
        created_at=moment,
        name=checked.suffix or f"{training.dataset.name} v{training.number}"[:120],
        status=JobStatus.QUEUED,
        connection_id=checked.connection.id,
        base_model=form.base_model,
        method=form.method,
        training_version_id=training.id,
        validation_version_id=validation.id if validation else None,
        validation_split=form.validation_split,
        hyperparameters=checked.hyperparameters,
        suffix=checked.suffix,
        seed=checked.seed,
        estimate=_jsonable(checked.estimate),
        op_key=str(uuid.uuid4()),
        request_key=request_key,
        request_sha256=sha256,
        training_sha256=None if is_split else training.sha256,
        training_rows=None if is_split else training.rows,
        validation_sha256=validation.sha256 if validation else None,
        validation_rows=validation.rows if validation else None,
        due_at=moment,
        changed_at=moment,
        connection=checked.connection,
        training_version=training,
        validation_version=validation,
        creator=user,
    )
    session.add(job)
    session.flush()
    # After the job's row: of two clicks the second waits there, and is the first one's job.
    spending.reserve(session, job)
    auth.record(
        session,
        "job.created",
        f"job:{job.id}",
        actor_id=user.id,
        project_id=project.id,
        name=job.name,
        base_model=job.base_model,
        training_sha256=training.sha256,
        estimate=job.estimate["total"],
    )
    database.after_commit(session, partial(checkpoint, "K2"))
    enqueue(session, "jobs.start", job.id)
    announce(session, f"project:{project.id}")
    checkpoint("K1")
    return job


def cancel_job(session: Session, job: Job, *, actor_id: int) -> None:
    """Stop a job. Before an order is out it ends at once; a run is asked to stop, and a sweep sees
    it end. An order in doubt is looked for first: what may run must be found to be stopped.

    Raises Conflict when it has ended already.
    """
    # Connection before job, as a sweep does: two orders of locking are a deadlock.
    connection = session.get_one(Connection, job.connection_id, with_for_update=True)
    held = session.get_one(Job, job.id, with_for_update=True, populate_existing=True)
    if held.has_ended:
        raise Conflict(f"This job has ended already: {held.status}.")
    moment = clock.now(session)
    held.cancel_requested_at = held.cancel_requested_at or moment
    unproved = queries_orders.unproved_attempts(session, held.id)
    is_out = any(attempt.outcome != "given_up" for attempt in unproved)
    is_held = held.lease_until is not None and held.lease_until > moment
    if held.status in FOLLOWED:
        if connection.refused_at is None:
            connection.due_at = moment
        enqueue(session, "jobs.sweep", held.connection_id)
        log(session, held, "Cancel asked for.")
    elif held.status == JobStatus.IN_DOUBT or (unproved and not is_out and not is_held):
        said = unproved[-1].words if unproved else None
        error = held.last_error or said
        end(session, held, JobStatus.CANCELLED, error=error, actor_id=actor_id)
        log(
            session,
            held,
            "Given up here. Should its run show up, it is cancelled there.",
            level="warn",
        )
    elif not is_out and not is_held:
        end(session, held, JobStatus.CANCELLED, actor_id=actor_id)
        log(session, held, "Cancelled before an order was sent.")
    else:
        log(session, held, "Cancel asked for; the order is out, or on its way.")
        if not is_held:
            leases.try_again(session, held)
            enqueue(session, "jobs.start", held.id)
    _record(session, held, "job.cancel_asked", actor_id)


def go_on(session: Session, connection_id: int, words: str | None) -> None:
    """Starts that wait because their connection was held with these words are due now."""
    moment = clock.now(session)
    waiting = (Job.connection_id == connection_id, Job.status.in_(WAITING), Job.due_at > moment)
    session.execute(
        update(Job)
        .where(*waiting, Job.last_error == words)
        .values(due_at=moment)
        .execution_options(synchronize_session=False)
    )


def archive_job(session: Session, job: Job, *, actor_id: int) -> None:
    """Put an ended job out of the list; everything of it stays. Raises Conflict while it runs."""
    held = session.get_one(Job, job.id, with_for_update=True, populate_existing=True)
    if not held.has_ended:
        raise Conflict(f"This job has not ended; it is {held.status}.")
    if held.archived_at is None:
        held.archived_at = clock.now(session)
        _record(session, held, "job.archived", actor_id)


def unarchive_job(session: Session, job: Job, *, actor_id: int) -> None:
    """Bring an archived job back into the list."""
    held = session.get_one(Job, job.id, with_for_update=True, populate_existing=True)
    if held.archived_at is not None:
        held.archived_at = None
        _record(session, held, "job.unarchived", actor_id)


def _record(session: Session, job: Job, verb: str, actor_id: int) -> None:
    auth.record(
        session, verb, f"job:{job.id}", actor_id=actor_id, project_id=job.project_id, name=job.name
    )
    tell(session, job)


def retry_start(session: Session, job: Job, *, actor_id: int) -> None:
    """Try a start once more that gave up after three dead workers. Raises Conflict when it did not
    give up.
    """
    held = session.get_one(Job, job.id, with_for_update=True, populate_existing=True)
    if not leases.is_poisoned(held, clock.now(session)):
        raise Conflict("This start did not give up.")
    leases.try_again(session, held)
    enqueue(session, "jobs.start", held.id)
    auth.record(
        session, "job.retried", f"job:{held.id}", actor_id=actor_id, project_id=held.project_id
    )
    tell(session, held)


def end(
    session: Session,
    job: Job,
    status: JobStatus,
    *,
    error: str | None = None,
    actor_id: int | None = None,
) -> None:
    """The job ends here, by this person's doing if any, and its project is told; ended jobs never
    change their state again.
    """
    if job.has_ended:
        return
    job.status = status
    job.error = error
    job.ended_at = clock.now(session)
    job.due_at = job.lease_until = None
    spending.close(session, job)
    tell_end(session, job, actor_id=actor_id)


def mark_watched(session: Session, job_id: int) -> None:
    """Somebody looks at this job: its connection is swept often for a while."""
    job = session.get_one(Job, job_id)
    job.watched_until = clock.now(session) + WATCH
    if job.status in FOLLOWED:
        standing.look_soon(session, session.get_one(Connection, job.connection_id))


def is_watch_due(job: Job, moment: Any) -> bool:
    """True when the watch must be renewed; asked first because reading pages should not write."""
    return not job.has_ended and (
        job.watched_until is None or job.watched_until - moment < WATCH / 2
    )


def log(session: Session, job: Job, text: str, *, level: str = "info") -> None:
    """Add one of our own lines to the job's log."""
    session.add(
        JobEvent(
            job_id=job.id,
            event_id=None,
            at=clock.now(session),
            level=level,
            is_ours=True,
            text=text,
        )
    )


def tell(session: Session, job: Job) -> None:
    """Tell open pages that the job changed."""
    announce(session, f"job:{job.id}", f"project:{job.project_id}")


def _fingerprint(form: JobForm) -> str:
    return hashlib.sha256(
        json.dumps(form.model_dump(mode="json"), sort_keys=True).encode()
    ).hexdigest()


def _jsonable(found: Estimate) -> dict[str, Any]:
    return {**asdict(found), "read_on": found.read_on.isoformat() if found.read_on else None}
