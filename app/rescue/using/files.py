"""Files that came home: those in a format Luthier knows become datasets, checked as uploads are."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from app.connections.models import Connection
from app.core import clock
from app.core.database import read_only, unit_of_work
from app.core.storage import Blob
from app.datasets import service as datasets
from app.datasets.forms import name_from
from app.datasets.models import DatasetVersion
from app.datasets.sources import Reading
from app.jobs import queries_runs as jobs
from app.jobs.adopting import RunFile, take_file
from app.rescue.models import RescuedObject, RescuePart
from app.rescue.using import queries
from app.rescue.using.facts import time_in
from app.rescue.using.words import why_raw

AT_ONCE = 20
FIGURES = "fine-tune-results"
LONGEST_NAME, LONGEST_MORE = 80, 38  # with the comma as long as a dataset's name may be


def use_files(part: RescuePart, after: int) -> int | None:
    """Look into a few files and make datasets of those that can be some."""
    with read_only() as session:
        begun = queries.begun_at(session, part.rescue_id)
        found = queries.unread_files(
            session, part.connection_id, begun=begun, after=after, limit=AT_ONCE
        )
    rows = [one for one in found if not holds_figures(one)]
    reasons = {one.id: why_raw(one.sha256) for one in rows if one.sha256}
    if reasons:
        with unit_of_work() as session:
            _use(session, part, reasons)
    return found[-1].id if found else None


def holds_figures(file: RescuedObject) -> bool:
    """True of the file in which a run left its figures."""
    return file.facts.get("purpose") == FIGURES or file.job_id is not None


def _use(session: Session, part: RescuePart, reasons: dict[int, str | None]) -> None:
    queries.hold_project(session, part.project_id)
    files = list(queries.held(session, reasons.keys()).values())
    hashes = [file.sha256 for file in files if file.sha256]
    known = queries.versions_of_bytes(session, part.project_id, hashes)
    asker = queries.asker_id(session, part.rescue_id)
    moment = clock.now(session)
    for file in files:
        file.used_at, file.why_raw = moment, reasons[file.id]
        if file.sha256 is not None and file.why_raw is None:
            version = known.get(file.sha256) or _dataset_of(session, file, asker)
            file.version_id, known[file.sha256] = version.id, version
    _tell_jobs(session, part, files, known)


def _dataset_of(session: Session, file: RescuedObject, asker: int | None) -> DatasetVersion:
    return datasets.receive_upload(
        session,
        project_id=file.project_id,
        actor_id=asker,
        blob=Blob(file.sha256 or "", file.size or 0),
        file_name=file.name or file.object_id,
        name=_free_name(session, file),
        reading=Reading(),  # the very bytes that jobs learned from
    )


def _free_name(session: Session, file: RescuedObject) -> str:
    """The file's own name; where another dataset has it, with the day the file was made."""
    name = name_from(file.name or file.object_id)
    if not queries.has_dataset_called(session, file.project_id, name):
        return name
    at = time_in(file.facts, "created_at")
    more = f"{at:%Y-%m-%d %H:%M}" if at else file.object_id
    return f"{name[:LONGEST_NAME]}, {more[:LONGEST_MORE]}"


def _tell_jobs(
    session: Session,
    part: RescuePart,
    files: Sequence[RescuedObject],
    known: dict[str, DatasetVersion],
) -> None:
    """Jobs that came home before their rows get them now."""
    connection = session.get_one(Connection, part.connection_id)
    by_id = {file.object_id: file for file in files}
    waiting = jobs.rescued_jobs_of_files(session, queries.alike(session, connection), by_id.keys())
    for job in waiting:
        for file_id in (job.training_file_id, job.validation_file_id):
            if file_id in by_id:
                file = by_id[file_id]
                version = known.get(file.sha256 or "") if file.version_id else None
                take_file(job, file_id, RunFile(file_id, file.sha256, version))
