"""Every select about jobs by the runs that their provider knows."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Row, and_, func, or_, select
from sqlalchemy.orm import Session, joinedload

from app.jobs.models import ENDED, FOLLOWED, UNENDED, Job, JobStatus

# What a look compares; a job's whole row is long, and hundreds of them are looked at.
IN_A_LOOK = (
    Job.id,
    Job.run_id,
    Job.status,
    Job.started_at,
    Job.provider_status,
    Job.estimated_finish_at,
    Job.trained_tokens,
    Job.resolved,
    Job.misses,
    Job.known_event_id,
    Job.events_at,
    Job.cancel_requested_at,
    Job.watched_until,
)


class Ahead(NamedTuple):
    """Until when somebody looks at one of a connection's jobs, and when the provider expects the
    next of its runs to end; one overdue is no expectation any more.
    """

    watched_until: datetime | None
    expected_end: datetime | None


def followed(session: Session, connection_id: int, *, ended_since: datetime) -> Sequence[Row[Any]]:
    """What a look needs of the jobs of a connection whose runs go on, and of those that ended since
    a moment and whose log was not read to the end; the log that was not read for longest first.
    """
    has_ended = and_(Job.status.in_(ENDED), Job.events_at.is_(None), Job.changed_at > ended_since)
    # What came home as ended is read by who brought it.
    is_news = or_(Job.rescued_at.is_(None), Job.ended_at > Job.rescued_at)
    order = (Job.events_at.nulls_first(), Job.id)
    here = and_(Job.connection_id == connection_id, Job.run_id.is_not(None))
    going_on = session.execute(
        select(*IN_A_LOOK).where(here, Job.status.in_(FOLLOWED)).order_by(*order)
    ).all()
    unread = session.execute(select(*IN_A_LOOK).where(here, has_ended, is_news)).all()
    return [*unread, *going_on]


def ahead(session: Session, connection_id: int, *, after: datetime) -> Ahead:
    """What is to come over a connection after a moment."""
    expected = func.min(Job.estimated_finish_at).filter(Job.estimated_finish_at > after)
    row = session.execute(
        select(func.max(Job.watched_until), expected).where(
            Job.connection_id == connection_id, Job.status.in_(FOLLOWED)
        )
    ).one()
    return Ahead(*row)


def vanished(session: Session, connection_id: int, *, since: datetime) -> dict[str, int]:
    """The jobs of a connection that vanished since a moment, by their runs."""
    rows = session.execute(
        select(Job.run_id, Job.id).where(
            Job.connection_id == connection_id,
            Job.status == JobStatus.VANISHED,
            Job.ended_at >= since,
        )
    )
    return {run_id: job_id for run_id, job_id in rows if run_id is not None}


def watched_jobs(session: Session, connection_id: int, moment: datetime) -> Sequence[Job]:
    """The jobs of a connection that have not ended and that somebody looks at."""
    return session.scalars(
        select(Job).where(
            Job.connection_id == connection_id,
            Job.status.in_(UNENDED),
            Job.watched_until > moment,
        )
    ).all()


def held_jobs(session: Session, job_ids: Collection[int]) -> dict[int, Job]:
    """These jobs, for the rest of the unit of work."""
    query = select(Job).where(Job.id.in_(job_ids)).order_by(Job.id).with_for_update()
    fresh = query.execution_options(populate_existing=True)
    return {job.id: job for job in session.scalars(fresh)}


def job_of_run(session: Session, connection_id: int, run_id: str) -> Job | None:
    """The job that follows a run over a connection."""
    query = select(Job).where(Job.connection_id == connection_id, Job.run_id == run_id)
    return session.scalar(query.order_by(Job.id).limit(1))


def jobs_of_runs(session: Session, project_id: int, run_ids: Collection[str]) -> Sequence[Job]:
    """The project's jobs with one of these runs, the first asked for first."""
    query = select(Job).where(Job.project_id == project_id, Job.run_id.in_(run_ids))
    return session.scalars(query.options(joinedload(Job.connection)).order_by(Job.id)).all()


def jobs_with_keys(
    session: Session, project_id: int, *, request: Collection[str], tags: Collection[str]
) -> Sequence[Job]:
    """The project's jobs that were made by one of these requests, or whose orders carried one of
    these tags.
    """
    is_it = or_(Job.request_key.in_(request), Job.op_key.in_(tags))
    return session.scalars(select(Job).where(Job.project_id == project_id, is_it)).all()


def rescued_jobs_of_files(
    session: Session, connection_ids: Collection[int], file_ids: Collection[str]
) -> Sequence[Job]:
    """The rescued jobs over these connections that name one of the files as their rows."""
    named = or_(Job.training_file_id.in_(file_ids), Job.validation_file_id.in_(file_ids))
    return session.scalars(
        select(Job).where(Job.connection_id.in_(connection_ids), Job.rescued_at.is_not(None), named)
    ).all()
