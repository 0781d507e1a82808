"""Every select about jobs by what their provider knows them by."""

from collections.abc import Collection, Sequence

from sqlalchemy import or_, select
from sqlalchemy.orm import Session, joinedload

from app.jobs.models import Job


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
