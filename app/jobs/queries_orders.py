"""Every select about orders: those out, the looks for their runs, and runs that no job has."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session, joinedload

from app.connections.models import Connection
from app.jobs.models import UNENDED, Job, JobStatus, Orphan, StartAttempt, StartLook
from app.providers.values import MARK_LETTERS

MOST_LOOKED_AT = 50

# Nobody knows whether it made a run.
UNPROVED: ColumnElement[bool] = or_(
    StartAttempt.outcome.is_(None), StartAttempt.outcome.in_(("unknown", "given_up"))
)


def attempts_of(session: Session, job_id: int) -> Sequence[StartAttempt]:
    """A job's orders, the first first."""
    query = select(StartAttempt).where(StartAttempt.job_id == job_id)
    return session.scalars(query.order_by(StartAttempt.number)).all()


def unproved_attempts(session: Session, job_id: int) -> Sequence[StartAttempt]:
    """Those of which nobody knows whether they made a run, the first first."""
    query = select(StartAttempt).where(StartAttempt.job_id == job_id, UNPROVED)
    return session.scalars(query.order_by(StartAttempt.number)).all()


def looks_of(session: Session, job_id: int, *, limit: int) -> Sequence[StartLook]:
    """The looks for a job's run, the latest first."""
    query = select(StartLook).where(StartLook.job_id == job_id)
    return session.scalars(query.order_by(StartLook.id.desc()).limit(limit)).all()


def count_looks(session: Session, job_id: int) -> int:
    """How often a job's run was looked for."""
    query = select(func.sum(StartLook.times)).where(StartLook.job_id == job_id)
    return int(session.scalar(query) or 0)


def has_run(session: Session, connection_id: int, run_id: str, *, but: int) -> bool:
    """True when another job of the connection has this run."""
    query = select(Job.id).where(Job.connection_id == connection_id, Job.run_id == run_id)
    return session.scalar(query.where(Job.id != but).limit(1)) is not None


def connections_to_look_through(session: Session, moment: datetime) -> Sequence[int]:
    """The ids of connections whose runs are due to be held against the jobs, the longest waiting
    first. Over one whose key is refused nothing is asked.
    """
    due = Connection.orphans_due_at <= moment
    query = select(Connection.id).where(due, Connection.refused_at.is_(None))
    return session.scalars(query.order_by(Connection.orphans_due_at).limit(MOST_LOOKED_AT)).all()


def first_order_of(session: Session, connection_id: int, *, after: datetime) -> datetime | None:
    """When the first order went out over a connection after a moment, or before it where its job
    is in doubt still; None where there is none.
    """
    recent = or_(StartAttempt.sent_at > after, Job.status == JobStatus.IN_DOUBT)
    query = select(func.min(StartAttempt.sent_at)).join(Job, Job.id == StartAttempt.job_id)
    return session.scalar(query.where(Job.connection_id == connection_id, recent))


def has_open_order(session: Session, connection_id: int) -> bool:
    """True while a job over a connection waits to learn which run an order of its made, if any."""
    query = select(StartAttempt.id).join(Job, Job.id == StartAttempt.job_id).where(UNPROVED)
    waits = (Job.connection_id == connection_id, Job.run_id.is_(None), Job.status.in_(UNENDED))
    return session.scalar(query.where(*waits).limit(1)) is not None


def jobs_with_tags(session: Session, tags: Collection[str]) -> dict[str, Job]:
    """The jobs, of whatever project, whose orders carry these tags, by tag."""
    return {
        job.op_key: job for job in session.scalars(select(Job).where(Job.op_key.in_(tags))).all()
    }


def jobs_with_marks(session: Session, connection_id: int, marks: Collection[str]) -> dict[str, Job]:
    """The connection's jobs whose orders' keys begin with these marks, by mark."""
    if not marks:
        return {}
    mark = func.substr(Job.op_key, 1, MARK_LETTERS)
    query = select(Job).where(Job.connection_id == connection_id, mark.in_(marks))
    return {job.op_key[:MARK_LETTERS]: job for job in session.scalars(query)}


def guesses_for(session: Session, job_id: int) -> Sequence[Orphan]:
    """The runs without a tag of which a person is to say whether they are the job's."""
    open_ones = (Orphan.settled_at.is_(None), Orphan.is_tagged.is_(False))
    return session.scalars(select(Orphan).where(Orphan.job_id == job_id, *open_ones)).all()


def runs_with_jobs(session: Session, run_ids: Collection[str]) -> set[str]:
    """Those of the runs that a job, of whatever project, has for its own."""
    found = session.scalars(select(Job.run_id).where(Job.run_id.in_(run_ids)))
    return {run_id for run_id in found if run_id is not None}


def orphan_by_id(session: Session, orphan_id: int) -> Orphan | None:
    """The run that no job has, whichever project it is of: the caller checks the fence."""
    query = select(Orphan).where(Orphan.id == orphan_id)
    return session.scalar(query.options(joinedload(Orphan.connection), joinedload(Orphan.job)))


def orphan_of_run(session: Session, connection_id: int, run_id: str) -> Orphan | None:
    """What is known of a run that no job has."""
    query = select(Orphan).where(Orphan.connection_id == connection_id, Orphan.run_id == run_id)
    return session.scalar(query)


def open_orphans(
    session: Session, *, project_id: int | None = None, connection_id: int | None = None
) -> Sequence[Orphan]:
    """The runs that no job has and that wait for a person, of a project or a connection, the first
    found first.
    """
    query = select(Orphan).where(Orphan.settled_at.is_(None)).order_by(Orphan.id)
    if project_id is not None:
        query = query.where(Orphan.project_id == project_id)
    if connection_id is not None:
        query = query.where(Orphan.connection_id == connection_id)
    named = (joinedload(Orphan.connection), joinedload(Orphan.job))
    return session.scalars(query.options(*named)).all()
