"""Every select about the instance as a whole."""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection as DatabaseConnection
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from app.auth.models import User
from app.connections.models import Connection
from app.core.instance import ONLY
from app.core.leases import Leased
from app.core.orm import Base, blob_columns
from app.datasets.models import Dataset, DatasetVersion, VersionStatus
from app.jobs.models import WAITING, Job
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
    version = DatasetVersion
    came = select(version.project_id, version.source_sha256, version.source_size)
    blobs = (
        select(version.project_id, version.sha256, version.size)
        .union(came.where(version.source_sha256.is_not(None)))
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


def stored_versions(session: Session) -> list[tuple[int, str, int, int]]:
    """Id, hash, size and number of rows of every version that is ready."""
    version, ready = DatasetVersion, DatasetVersion.status == VersionStatus.READY
    query = select(version.id, version.sha256, version.size, version.rows).where(ready)
    return [(one, sha256, size, rows or 0) for one, sha256, size, rows in session.execute(query)]


def count(session: Session, model: Any) -> int:
    """How many rows of a kind there are."""
    return session.scalar(select(func.count()).select_from(model)) or 0
