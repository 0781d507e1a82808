"""Every select about jobs."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select
from sqlalchemy.orm import Session, defer, joinedload, load_only
from sqlalchemy.sql.base import ExecutableOption

from app.auth.models import User
from app.connections import queries as connections
from app.connections.models import Connection
from app.core import clock, leases
from app.core.orm import holds
from app.datasets.models import Dataset, DatasetVersion
from app.jobs.models import (
    UNENDED,
    WAITING,
    Checkpoint,
    Job,
    JobEvent,
    JobStatus,
    StartAttempt,
)


def _with_all(query: Select[Job]) -> Select[Job]:
    return query.options(
        joinedload(Job.connection),
        _named(Job.training_version),
        _named(Job.validation_version),
        joinedload(Job.creator),
    )


def _named(version: Any) -> ExecutableOption:
    """A version with its dataset, without the report: that is a page of its own, and long."""
    return joinedload(version).options(
        defer(DatasetVersion.report, raiseload=True),
        defer(DatasetVersion.progress, raiseload=True),
        joinedload(DatasetVersion.dataset),
    )


# A job's row is long, and its JSON is decoded column by column.
IN_A_LINE = (
    load_only(
        Job.name,
        Job.status,
        Job.provider_status,
        Job.connection_id,
        Job.base_model,
        Job.method,
        Job.estimate,
        Job.run_id,
        Job.created_at,
        Job.rescued_at,
        Job.training_since,
        Job.estimated_finish_at,
        Job.ended_at,
        Job.trained_tokens,
        Job.step,
        Job.total_steps,
        Job.best_valid_loss,
        Job.spark,
        raiseload=True,
    ),
    joinedload(Job.connection).load_only(Connection.name, Connection.profile, raiseload=True),
    joinedload(Job.creator).load_only(User.name, raiseload=True),
    joinedload(Job.training_version)
    .load_only(DatasetVersion.number, raiseload=True)
    .joinedload(DatasetVersion.dataset)
    .load_only(Dataset.name, raiseload=True),
)


def job_by_id(session: Session, job_id: int) -> Job | None:
    """The job with all that its page shows, whichever project it belongs to: the caller checks the
    fence.
    """
    return session.scalar(_with_all(select(Job).where(Job.id == job_id)))


def job_asked_for(session: Session, project_id: int, request_key: str) -> Job | None:
    """The job this request made already."""
    return session.scalar(
        _with_all(select(Job).where(Job.project_id == project_id, Job.request_key == request_key))
    )


def ids_of_jobs(project_id: int) -> Select[int]:
    """The ids of a project's jobs, archived ones included: what its list is sorted and filtered
    from.
    """
    return select(Job.id).where(Job.project_id == project_id)


def jobs_by_ids(session: Session, project_id: int, ids: Sequence[int]) -> Sequence[Job]:
    """Those of the ids that are jobs of the project, in the order of the ids."""
    query = _with_all(select(Job).where(Job.project_id == project_id, Job.id.in_(ids)))
    query = query.options(defer(Job.first_answer, raiseload=True))
    found = {job.id: job for job in session.scalars(query)}
    return [found[job_id] for job_id in ids if job_id in found]


def listed_jobs(session: Session, project_id: int, ids: Sequence[int]) -> Sequence[Job]:
    """Those of the ids that are jobs of the project, in the order of the ids, with no more of each
    than its line shows.
    """
    query = select(Job).where(Job.project_id == project_id, Job.id.in_(ids)).options(*IN_A_LINE)
    found = {job.id: job for job in session.scalars(query)}
    return [found[job_id] for job_id in ids if job_id in found]


def jobs_of(session: Session, project_id: int, *, after: int | None, limit: int) -> Sequence[Job]:
    """A project's jobs, the newest first, from behind `after`."""
    query = select(Job).where(Job.project_id == project_id, Job.archived_at.is_(None))
    if after is not None:
        query = query.where(Job.id < after)
    return session.scalars(_with_all(query).order_by(Job.id.desc()).limit(limit)).all()


def jobs_named(
    session: Session, project_ids: Select[int], words: Sequence[str], *, limit: int
) -> Sequence[Job]:
    """Jobs of these projects whose name, or the run's id at its provider, holds all words, the
    newest first.
    """
    return session.scalars(
        select(Job)
        .where(
            Job.project_id.in_(project_ids),
            Job.archived_at.is_(None),
            or_(holds(Job.name, words), holds(Job.run_id, words)),
        )
        .order_by(Job.id.desc())
        .limit(limit)
    ).all()


def jobs_over(session: Session, connection_id: int, *, limit: int) -> Sequence[Job]:
    """The latest jobs of a connection, archived ones too."""
    query = _with_all(select(Job).where(Job.connection_id == connection_id))
    return session.scalars(query.order_by(Job.id.desc()).limit(limit)).all()


def count_jobs_over(session: Session, connection_id: int) -> int:
    """How many jobs were asked for over a connection."""
    query = select(func.count()).where(Job.connection_id == connection_id)
    return session.scalar(query) or 0


def unended_by_model(session: Session, project_id: int) -> Sequence[tuple[int, str, int, str]]:
    """Connection, base model, id and name of a project's jobs that have not ended."""
    rows = session.execute(
        select(Job.connection_id, Job.base_model, Job.id, Job.name)
        .where(Job.project_id == project_id, Job.status.in_(UNENDED))
        .order_by(Job.id)
    )
    return [(row.connection_id, row.base_model, row.id, row.name) for row in rows]


def checkpoints_by_job(
    session: Session, project_id: int
) -> Sequence[tuple[int, str, int, str, int]]:
    """Connection, base model, id and name of a project's jobs that saved checkpoints, and how
    many.
    """
    rows = session.execute(
        select(Job.connection_id, Job.base_model, Job.id, Job.name, func.count())
        .join(Checkpoint, Checkpoint.job_id == Job.id)
        .where(Job.project_id == project_id)
        .group_by(Job.connection_id, Job.base_model, Job.id, Job.name)
    )
    return [(connection, base, job, name, count) for connection, base, job, name, count in rows]


def base_models_used(session: Session, project_id: int) -> Sequence[str]:
    """The base models a project's listed jobs were tuned from, by name."""
    query = select(Job.base_model).where(Job.project_id == project_id, Job.archived_at.is_(None))
    return sorted(session.scalars(query.distinct()))


def unended_jobs_of(session: Session, project_id: int, *, limit: int = 20) -> Sequence[Job]:
    """Jobs of a project that have not ended: those in doubt, then the others, the newest first."""
    query = select(Job).where(Job.project_id == project_id, Job.status.in_(UNENDED))
    is_sure = case((Job.status == JobStatus.IN_DOUBT, 0), else_=1)
    return session.scalars(_with_all(query).order_by(is_sure, Job.id.desc()).limit(limit)).all()


def count_unended(session: Session, project_id: int) -> int:
    """How many of a project's jobs have not ended."""
    query = (
        select(func.count())
        .select_from(Job)
        .where(Job.project_id == project_id, Job.status.in_(UNENDED))
    )
    return session.scalar(query) or 0


def count_unended_by_project(session: Session, project_ids: Select[int]) -> dict[int, int]:
    """How many jobs of each of these projects have not ended; those without one are left out."""
    rows = session.execute(
        select(Job.project_id, func.count())
        .where(Job.project_id.in_(project_ids), Job.status.in_(UNENDED))
        .group_by(Job.project_id)
    )
    return dict(rows.all())


def failed_lately(session: Session, project_id: int, since: datetime) -> Sequence[Job]:
    """Jobs that failed or vanished here since a moment, the newest first: not what a rescue brought
    home as failed, which is history.
    """
    query = select(Job).where(
        Job.project_id == project_id,
        Job.status.in_([JobStatus.FAILED, JobStatus.VANISHED]),
        Job.archived_at.is_(None),
        Job.ended_at >= since,
        or_(Job.rescued_at.is_(None), Job.ended_at > Job.rescued_at),
    )
    return session.scalars(_with_all(query).order_by(Job.id.desc()).limit(5)).all()


def names_under_way(session: Session, connection_id: int) -> Sequence[str]:
    """What the jobs of a connection that have not ended are called, the first asked for first."""
    query = select(Job.name).where(Job.connection_id == connection_id, Job.status.in_(UNENDED))
    return session.scalars(query.order_by(Job.id)).all()


def startable() -> ColumnElement[bool]:
    """Starts that may go on: those over a connection whose key is refused wait for another key, and
    what was started elsewhere is never started here.
    """
    is_ours = and_(Job.status.in_(WAITING), Job.rescued_at.is_(None))
    return and_(is_ours, Job.connection_id.not_in(connections.stopped()))


def given_up(session: Session) -> Sequence[Job]:
    """Jobs that wait for a person because three workers died over their start."""
    moment = clock.now(session)
    return session.scalars(select(Job).where(leases.is_given_up(Job, moment), startable())).all()


def open_attempt(session: Session, job_id: int) -> StartAttempt | None:
    """The attempt of which nobody knows yet whether it made a run."""
    return session.scalar(
        select(StartAttempt)
        .where(
            StartAttempt.job_id == job_id,
            or_(StartAttempt.outcome.is_(None), StartAttempt.outcome == "unknown"),
        )
        .order_by(StartAttempt.number.desc())
        .limit(1)
    )


def count_attempts(session: Session, job_id: int) -> int:
    """How many orders were written down for a job."""
    return (
        session.scalar(
            select(func.count()).select_from(StartAttempt).where(StartAttempt.job_id == job_id)
        )
        or 0
    )


def events_of(
    session: Session, job_id: int, *, after: int | None = None, limit: int
) -> Sequence[JobEvent]:
    """A job's log, the newest line first, from behind `after`."""
    query = select(JobEvent).where(JobEvent.job_id == job_id)
    if after is not None:
        query = query.where(JobEvent.id < after)
    return session.scalars(query.order_by(JobEvent.id.desc()).limit(limit)).all()


def count_events(session: Session, job_id: int) -> int:
    """How many lines a job's log has."""
    return (
        session.scalar(select(func.count()).select_from(JobEvent).where(JobEvent.job_id == job_id))
        or 0
    )


def known_event_ids(session: Session, job_id: int, event_ids: Sequence[str]) -> set[str]:
    """Those of the provider's event ids that the log holds already."""
    query = select(JobEvent.event_id).where(
        JobEvent.job_id == job_id, JobEvent.event_id.in_(event_ids)
    )
    return {known for known in session.scalars(query) if known is not None}


def checkpoints_of(session: Session, job_id: int) -> Sequence[Checkpoint]:
    """A job's checkpoints, the latest first."""
    return session.scalars(
        select(Checkpoint).where(Checkpoint.job_id == job_id).order_by(Checkpoint.step.desc())
    ).all()


def has_jobs(session: Session, project_id: int) -> bool:
    """True when the project ever started a job."""
    return session.scalar(select(Job.id).where(Job.project_id == project_id).limit(1)) is not None


def speed_of(session: Session, connection_id: int, base_model: str) -> float | None:
    """Trained tokens a second of the latest succeeded job with this base model; None before there
    is one.
    """
    row = session.execute(
        select(Job.trained_tokens, Job.training_since, Job.ended_at)
        .where(
            Job.connection_id == connection_id,
            Job.base_model == base_model,
            Job.status == JobStatus.SUCCEEDED,
            Job.trained_tokens.is_not(None),
            Job.training_since.is_not(None),
        )
        .order_by(Job.id.desc())
        .limit(1)
    ).first()
    if row is None:
        return None
    tokens, since, ended = row
    if tokens is None or since is None or ended is None:
        return None
    seconds = (ended - since).total_seconds()
    return float(tokens / seconds) if seconds > 0 else None


def project_id_of_job(session: Session, job_id: int) -> int | None:
    """The project a job belongs to."""
    return session.scalar(select(Job.project_id).where(Job.id == job_id))


def count_by_status(session: Session) -> dict[str, int]:
    """How many jobs of the whole instance are in each status that any has."""
    query = select(Job.status, func.count()).group_by(Job.status)
    return dict(session.execute(query).all())
