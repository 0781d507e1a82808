"""Every select about the instance as a whole."""

from collections.abc import Iterator, Sequence

from sqlalchemy import Connection, Table, select
from sqlalchemy.orm import Session

from app.auth.models import User
from app.core.orm import Base, blob_columns
from app.datasets.models import DatasetVersion, VersionStatus
from app.jobs.models import WAITING, Job

FINAL = (VersionStatus.READY, VersionStatus.REJECTED)


def named_blobs(connection: Connection) -> Iterator[str]:
    """The hash of every stored file that a row names, once each, in their order."""
    named = [select(one.label("sha256")).where(one.is_not(None)) for one in blob_columns()]
    first, *others = named
    yield from connection.scalars(first.union(*others).order_by("sha256"))


def has_accounts(connection: Connection) -> bool:
    """False on a database that nobody uses yet."""
    return connection.scalar(select(User.id).limit(1)) is not None


def event_logs(connection: Connection) -> Iterator[tuple[int, int]]:
    """The jobs that have an event log, and how many bytes of it are known to the database."""
    query = select(Job.id, Job.events_bytes).where(Job.events_bytes > 0).order_by(Job.id)
    yield from ((job_id, length) for job_id, length in connection.execute(query))


def judged_versions(connection: Connection) -> Iterator[int]:
    """The dataset versions whose check has spoken: their index is written and stays as it is."""
    query = select(DatasetVersion.id).where(DatasetVersion.status.in_(FINAL))
    yield from connection.scalars(query.order_by(DatasetVersion.id))


def unjudged_versions(session: Session) -> Sequence[DatasetVersion]:
    """The versions whose check is still on its way."""
    return session.scalars(select(DatasetVersion).where(DatasetVersion.status.not_in(FINAL))).all()


def waiting_jobs(session: Session) -> Sequence[Job]:
    """The jobs that have no run yet, or none that is known."""
    return session.scalars(select(Job).where(Job.status.in_(WAITING)).order_by(Job.id)).all()


def leased_tables() -> list[Table]:
    """Every table whose rows are work that somebody may have taken."""
    return [one for one in Base.metadata.sorted_tables if "lease_until" in one.columns]
