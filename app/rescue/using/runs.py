"""Runs that came home: each becomes a job, unless the project has it already."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.connections.keys import origin
from app.connections.models import Connection
from app.core import clock, storage
from app.core.database import read_only, unit_of_work
from app.core.events import announce
from app.datasets.forms import name_from
from app.jobs import queries_runs as jobs
from app.jobs.adopting import RunFile, adopt_run, request_key_of
from app.jobs.keeping import keep_model
from app.jobs.models import Job, JobStatus
from app.jobs.sweeps import Sighting, record_progress
from app.providers.base import RunReport
from app.providers.reading import reader_of
from app.rescue.models import Kind, RescuedObject, RescuePart
from app.rescue.using import queries

AT_ONCE = 50
STRANGE = "This cannot be read as a run."


class Read(NamedTuple):
    """What lies in the manifest, read: the object's id and the run, None where it is none."""

    object_id: int
    report: RunReport | None


def use_runs(part: RescuePart, after: int) -> int | None:
    """Make jobs of a few runs."""
    with read_only() as session:
        kind = session.get_one(Connection, part.connection_id).kind
        found = queries.unused(session, part.connection_id, Kind.JOB, after=after, limit=AT_ONCE)
    if not found:
        return None
    reader = reader_of(kind)
    read = [Read(one.id, reader.run(body_of(one))) for one in found]
    try:
        with unit_of_work() as session:
            _use(session, part, read)
    except IntegrityError:
        # Another part of the rescue made the job of one of these runs at this very moment.
        return after
    return found[-1].id


def body_of(found: RescuedObject) -> bytes:
    """The object as its provider wrote it."""
    return b"".join(storage.read_blob(found.sha256 or ""))


def _use(session: Session, part: RescuePart, read: Sequence[Read]) -> None:
    connection = session.get_one(Connection, part.connection_id, with_for_update=True)
    objects = queries.held(session, [one.object_id for one in read])
    reports = [one.report for one in read if one.report is not None]
    known = _known(session, connection, reports)
    files = _files(session, connection, reports)
    moment = clock.now(session)
    made = []
    for one in read:
        if one.report is not None and one.report.run_id not in known:
            job = _adopted(session, connection, one.report, files)
            known[one.report.run_id] = job
            made.append(one.report.run_id)
    session.flush()
    for one in read:
        found = objects[one.object_id]
        found.used_at = moment
        if one.report is None:
            found.why_raw = STRANGE
            continue
        job = known[one.report.run_id]
        found.job_id = job.id
        _claim_figures(session, part.connection_id, one.report, job)
        if one.report.run_id not in made:
            _catch_up(session, job, one.report)
        elif job.status == JobStatus.SUCCEEDED and one.report.model_name:
            keep_model(session, job, one.report.model_name)
    announce(session, f"project:{part.project_id}")


def _known(
    session: Session, connection: Connection, reports: Sequence[RunReport]
) -> dict[str, Job]:
    """The project's jobs of these runs: over this connection, or over another to the same place;
    and those whose orders carried a run's tag.
    """
    project_id, place = connection.project_id, origin(connection.base_url)
    keys = {request_key_of(connection, report.run_id): report.run_id for report in reports}
    tags = {report.op_key for report in reports if report.op_key}
    kept = jobs.jobs_with_keys(session, project_id, request=keys.keys(), tags=tags)
    by_tag = {job.op_key: job for job in kept}
    known = {report.run_id: by_tag[report.op_key] for report in reports if report.op_key in by_tag}
    known |= {keys[job.request_key]: job for job in kept if job.request_key in keys}
    known |= {
        job.run_id: job
        for job in jobs.jobs_of_runs(session, project_id, [one.run_id for one in reports])
        if job.run_id is not None and origin(job.connection.base_url) == place
    }
    return known


def _files(
    session: Session, connection: Connection, reports: Iterable[RunReport]
) -> dict[str, RescuedObject]:
    """The files these runs learned from and were measured on, as far as they are home."""
    ids = {
        file_id
        for report in reports
        for file_id in (report.training_file_id, report.validation_file_id)
        if file_id is not None
    }
    found = queries.files_at_home(session, queries.alike(session, connection), ids)
    return {file.object_id: file for file in found}


def _adopted(
    session: Session, connection: Connection, report: RunReport, files: dict[str, RescuedObject]
) -> Job:
    file = files.get(report.training_file_id or "")
    name = report.suffix or (name_from(file.name) if file and file.name else report.run_id)
    return adopt_run(
        session,
        connection,
        report,
        name=name,
        training=_run_file(report.training_file_id, files),
        validation=_run_file(report.validation_file_id, files),
    )


def _run_file(file_id: str | None, files: dict[str, RescuedObject]) -> RunFile:
    file = files.get(file_id or "")
    if file is None:
        return RunFile(file_id)
    return RunFile(file_id, file.sha256, file.version)


def _claim_figures(session: Session, connection_id: int, report: RunReport, job: Job) -> None:
    """The files in which the run left its figures are the job's, whenever they come home."""
    for file in queries.files_over(session, connection_id, report.result_file_ids):
        if file.job_id != job.id:
            file.job_id, file.used_at = job.id, None


def _catch_up(session: Session, job: Job, report: RunReport) -> None:
    """A run that is known: one that came home earlier and was not at its end then may be now. What
    was started here is followed anyway, and better.
    """
    if job.rescued_at is not None and not job.has_ended:
        record_progress(session, job, Sighting(report))
