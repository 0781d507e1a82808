"""Every select about the instance as a whole."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select, text, true
from sqlalchemy import Connection as DatabaseConnection
from sqlalchemy.orm import Session

from app.auth.models import User
from app.connections.models import Connection
from app.core import clock, heartbeat, instance
from app.core.instance import ONLY
from app.core.leases import POISON_AFTER, Leased, is_due
from app.core.orm import Base, blob_columns
from app.datasets.models import Dataset, DatasetVersion, VersionStatus
from app.jobs.models import WAITING, Job, JobStatus, StartAttempt
from app.projects.models import Project
from app.upkeep.models import Housekeeping
from app.upkeep.room import Known

LARGEST = 10
FINAL = (VersionStatus.READY, VersionStatus.REJECTED)


def named_blobs(connection: DatabaseConnection) -> Iterator[str]:
    """The hash of every stored file that a row names, once each, in their order."""
    named = [select(one.label("sha256")).where(one.is_not(None)) for one in blob_columns()]
    first, *others = named
    yield from connection.scalars(first.union(*others).order_by("sha256"))


def has_accounts(connection: DatabaseConnection) -> bool:
    """False on a database that nobody uses yet."""
    return connection.scalar(select(User.id).limit(1)) is not None


def event_logs(connection: DatabaseConnection) -> Iterator[tuple[int, int]]:
    """The jobs that have an event log, and how many bytes of it are known to the database."""
    query = select(Job.id, Job.events_bytes).where(Job.events_bytes > 0).order_by(Job.id)
    yield from ((job_id, length) for job_id, length in connection.execute(query))


def judged_versions(connection: DatabaseConnection) -> Iterator[int]:
    """The dataset versions whose check has spoken: their index is written and stays as it is."""
    query = select(DatasetVersion.id).where(DatasetVersion.status.in_(FINAL))
    yield from connection.scalars(query.order_by(DatasetVersion.id))


def unjudged_versions(session: Session) -> Sequence[DatasetVersion]:
    """The versions whose check is still on its way."""
    return session.scalars(select(DatasetVersion).where(DatasetVersion.status.not_in(FINAL))).all()


def waiting_jobs(session: Session) -> Sequence[Job]:
    """The jobs that have no run yet, or none that is known."""
    return session.scalars(select(Job).where(Job.status.in_(WAITING)).order_by(Job.id)).all()


def leased_models() -> list[Any]:
    """Every kind of row that is work somebody may have taken."""
    return [one.class_ for one in Base.registry.mappers if issubclass(one.class_, Leased)]


def housekeeping(session: Session) -> Housekeeping | None:
    """The one row of the housekeeping; None before the first start."""
    return session.get(Housekeeping, ONLY)


def known(session: Session) -> Known:
    """What rows name of the files in the home."""
    versions = session.scalars(select(DatasetVersion.id))
    jobs = session.scalars(select(Job.id))
    return Known(
        frozenset(named_blobs(session.connection())),
        frozenset(map(str, versions)),
        frozenset(map(str, jobs)),
    )


def bytes_by_project(session: Session) -> list[dict[str, Any]]:
    """What each project's uploads take, the largest first; a file of two projects counts twice."""
    blobs = (
        select(DatasetVersion.project_id, DatasetVersion.sha256, DatasetVersion.size)
        .distinct()
        .subquery()
    )
    total = func.sum(blobs.c.size).label("total")
    query = (
        select(Project.id, Project.name, total, func.count())
        .join(blobs, blobs.c.project_id == Project.id)
        .group_by(Project.id, Project.name)
        .order_by(total.desc(), Project.id)
    )
    return [
        {"id": project_id, "name": name, "bytes": int(size), "files": files}
        for project_id, name, size, files in session.execute(query.limit(LARGEST))
    ]


def largest_versions(session: Session) -> list[dict[str, Any]]:
    """The largest uploads with their dataset and project."""
    query = (
        select(
            DatasetVersion.id,
            Dataset.name,
            DatasetVersion.number,
            Project.name,
            DatasetVersion.size,
        )
        .join(Dataset, Dataset.id == DatasetVersion.dataset_id)
        .join(Project, Project.id == DatasetVersion.project_id)
        .order_by(DatasetVersion.size.desc(), DatasetVersion.id)
    )
    return [
        {"id": version_id, "name": name, "number": number, "project": project, "bytes": size}
        for version_id, name, number, project, size in session.execute(query.limit(LARGEST))
    ]


def database_bytes(session: Session) -> int | None:
    """What PostgreSQL's database takes; None for SQLite, which is a file of the home."""
    if session.get_bind().dialect.name != "postgresql":
        return None
    return int(session.execute(text("SELECT pg_database_size(current_database())")).scalar_one())


def all_connections(session: Session) -> Sequence[Connection]:
    """The connections of every project."""
    return session.scalars(select(Connection).order_by(Connection.id)).all()


def stored_versions(session: Session) -> list[tuple[int, str, int]]:
    """Id, hash and size of every version that is ready."""
    ready = DatasetVersion.status == VersionStatus.READY
    query = select(DatasetVersion.id, DatasetVersion.sha256, DatasetVersion.size).where(ready)
    return [(number, sha256, size) for number, sha256, size in session.execute(query)]


def jobs_in_no_state(session: Session) -> tuple[int, Sequence[int]]:
    """How many jobs there are, and those whose state is unknown or does not fit their run."""
    needs_run = Job.status.in_((JobStatus.RUNNING, JobStatus.PAUSED, JobStatus.SUCCEEDED))
    ended = Job.status.in_((JobStatus.SUCCEEDED, JobStatus.FAILED, JobStatus.CANCELLED))
    wrong = or_(
        Job.status.not_in(list(JobStatus)),
        and_(needs_run, Job.run_id.is_(None)),
        and_(ended, Job.ended_at.is_(None)),
        and_(Job.status.in_(WAITING), or_(Job.run_id.is_not(None), Job.due_at.is_(None))),
    )
    return count(session, Job), session.scalars(select(Job.id).where(wrong)).all()


def jobs_ordered_twice(session: Session) -> tuple[int, Sequence[int]]:
    """How many orders there are, and the jobs of which two were accepted."""
    accepted = StartAttempt.outcome.in_(("started", "found"))
    query = select(StartAttempt.job_id).where(accepted).group_by(StartAttempt.job_id)
    return count(session, StartAttempt), session.scalars(query.having(func.count() > 1)).all()


def rescued_and_ordered(session: Session) -> tuple[int, Sequence[int]]:
    """How many jobs came home from elsewhere, and those ordered here, or due to be."""
    ordered = select(StartAttempt.job_id)
    wrong = or_(Job.id.in_(ordered), Job.due_at.is_not(None), Job.status.in_(WAITING))
    is_rescued = Job.rescued_at.is_not(None)
    total = session.scalar(select(func.count()).select_from(Job).where(is_rescued)) or 0
    return total, session.scalars(select(Job.id).where(is_rescued, wrong)).all()


def runs_of_two_jobs(session: Session) -> tuple[int, Sequence[str | None]]:
    """How many jobs have a run, and the runs that two jobs of one connection say are theirs."""
    has_run = Job.run_id.is_not(None)
    total = session.scalar(select(func.count()).select_from(Job).where(has_run)) or 0
    query = select(Job.run_id).where(has_run).group_by(Job.connection_id, Job.run_id)
    return total, session.scalars(query.having(func.count() > 1)).all()


def forgotten_leases(session: Session, seconds: float) -> tuple[int, list[str]]:
    """How many rows are taken, and those whose lease ended so long ago although work is due and a
    worker lives.
    """
    since = clock.now(session) - timedelta(seconds=seconds)
    lives = "worker" in heartbeat.living_kinds(session)
    total, found = 0, []
    for model in leased_models():
        taken = and_(model.lease_until.is_not(None), model.due_at.is_not(None))
        total += session.scalar(select(func.count()).select_from(model).where(taken)) or 0
        if lives:
            stale = and_(taken, model.lease_until < since, _may_be_tried(model))
            ids = session.scalars(select(model.id).where(stale, model.due_at < since))
            found += [f"{model.__tablename__} {row_id}" for row_id in ids]
    return total, found


def late_work(session: Session, seconds: float) -> tuple[int, list[str]]:
    """How many rows are due, and those that have been for so long although a worker lives."""
    moment = clock.now(session)
    since = moment - timedelta(seconds=seconds)
    lives = "worker" in heartbeat.living_kinds(session)
    total, found = 0, []
    for model in leased_models():
        due = is_due(model, moment)
        total += session.scalar(select(func.count()).select_from(model).where(due)) or 0
        if lives and not (model is Job and instance.held(session)):
            ids = session.scalars(select(model.id).where(due, model.due_at < since))
            found += [f"{model.__tablename__} {row_id}" for row_id in ids]
    return total, found


def _may_be_tried(model: Any) -> ColumnElement[bool]:
    return model.attempts < POISON_AFTER if model.IS_POISONABLE else true()


def count(session: Session, model: Any) -> int:
    """How many rows of a kind there are."""
    return session.scalar(select(func.count()).select_from(model)) or 0
