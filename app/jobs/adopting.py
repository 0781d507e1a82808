"""Jobs that were asked for elsewhere: a run that came home becomes a row like any other, that is
shown, and followed where it has not ended, and that nothing here ever starts.
"""

import hashlib
import uuid
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy.orm import Session

from app.catalog.prices import BY_THE_TOKEN, training_price
from app.connections.keys import origin
from app.connections.models import Connection
from app.core import clock
from app.datasets.models import DatasetVersion
from app.jobs.models import Job, JobStatus
from app.jobs.sweeps import NO_REASON, STATUS_OF
from app.providers.base import RunReport

# Only to make keys of: any fixed one will do.
ELSEWHERE = uuid.UUID("5e1f2c0a-7d3b-4c58-9e64-0b8a1d6f2c91")


class RunFile(NamedTuple):
    """A file of a run: its id at the provider, its bytes here, and the dataset they became."""

    file_id: str | None = None
    sha256: str | None = None
    version: DatasetVersion | None = None


def adopt_run(
    session: Session,
    connection: Connection,
    report: RunReport,
    *,
    name: str,
    training: RunFile,
    validation: RunFile,
) -> Job:
    """The job of a run that no row knows. It is never due: a sweep follows it until it has ended.

    The same run of the same place gets the same keys, so that of two who adopt it one is refused by
    the database. The caller holds the connection's row.
    """
    moment = clock.now(session)
    asked_at = report.created_at or moment
    status = STATUS_OF[report.status]
    key = _place_of(connection, report.run_id)
    job = Job(
        project_id=connection.project_id,
        created_by=None,
        created_at=asked_at,
        rescued_at=moment,
        name=name[:120],
        status=status,
        connection_id=connection.id,
        connection=connection,
        base_model=report.base_model,
        method=(report.method or "supervised")[:32],
        training_version=training.version,
        training_version_id=training.version.id if training.version else None,
        validation_version=validation.version,
        validation_version_id=validation.version.id if validation.version else None,
        hyperparameters=dict(report.hyperparameters),
        resolved=dict(report.hyperparameters),
        suffix=report.suffix[:64] if report.suffix else None,
        seed=report.seed,
        estimate=_price_of(session, connection.profile, report),
        op_key=str(uuid.uuid5(ELSEWHERE, f"{connection.project_id} {key}")),
        request_key=request_key_of(connection, report.run_id),
        request_sha256=hashlib.sha256(report.run_id.encode()).hexdigest(),
        training_sha256=training.sha256,
        training_rows=training.version.rows if training.version else None,
        validation_sha256=validation.sha256,
        validation_rows=validation.version.rows if validation.version else None,
        training_file_id=training.file_id,
        validation_file_id=validation.file_id,
        run_id=report.run_id,
        provider_status=report.provider_status[:255],
        started_at=asked_at,
        estimated_finish_at=report.estimated_finish_at,
        trained_tokens=report.trained_tokens,
        error=_error_of(status, report),
        due_at=None,
    )
    session.add(job)
    if job.has_ended:
        job.ended_at = report.finished_at or asked_at
    elif connection.refused_at is None:
        connection.due_at = moment
    return job


def request_key_of(connection: Connection, run_id: str) -> str:
    """The key under which the project has the job of a run, once it is adopted."""
    return f"rescue:{hashlib.sha256(_place_of(connection, run_id).encode()).hexdigest()}"


def _place_of(connection: Connection, run_id: str) -> str:
    return f"{origin(connection.base_url)} {run_id}"


def has_no_end(job: Job) -> bool:
    """True while nobody has said when a job ended that did."""
    return job.has_ended and job.ended_at == job.created_at


def take_end(job: Job, at: datetime | None) -> None:
    """The last word of its log is when it ended, where the provider does not say so itself."""
    if at is not None and has_no_end(job):
        job.ended_at = max(at, job.created_at)


def take_file(job: Job, file_id: str, file: RunFile) -> None:
    """What became of a file of the job that came home after it."""
    version = file.version
    rows = version.rows if version else None
    if job.training_file_id == file_id:
        job.training_sha256, job.training_rows = file.sha256, rows
        job.training_version_id = version.id if version else None
    if job.validation_file_id == file_id:
        job.validation_sha256, job.validation_rows = file.sha256, rows
        job.validation_version_id = version.id if version else None


def _price_of(session: Session, profile: str, report: RunReport) -> dict[str, Any]:
    """What the tokens it trained on cost, where that is known; nobody here ever estimated it."""
    is_by_the_token = (report.method or "supervised") in BY_THE_TOKEN
    price = training_price(session, profile, report.base_model) if is_by_the_token else None
    if price is None:
        return {"per_million": None, "total": None}
    tokens = report.trained_tokens
    return {
        "per_million": price.per_million,
        "total": None if tokens is None else tokens * price.per_million / 1e6,
        "source": price.source,
        "read_on": price.read_on.isoformat(),
    }


def _error_of(status: JobStatus, report: RunReport) -> str | None:
    if report.error is not None:
        return report.error.message
    return NO_REASON if status is JobStatus.FAILED else None
