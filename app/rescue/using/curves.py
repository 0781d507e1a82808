"""What runs said of themselves: their logs, curves and checkpoints, drawn again from what came."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

from sqlalchemy.orm import Session

from app.catalog import service as catalog
from app.connections.models import Connection
from app.core import clock, storage
from app.core.database import read_only, unit_of_work
from app.jobs import metrics
from app.jobs import queries_runs as jobs
from app.jobs.adopting import take_end
from app.jobs.keeping import keep_checkpoints, keep_events, keep_points
from app.jobs.models import Job
from app.jobs.points import take_point
from app.jobs.service import tell
from app.providers.base import CheckpointInfo, RunEvent
from app.providers.reading import Reader, reader_of
from app.rescue.models import Kind, RescuedObject, RescuePart
from app.rescue.using import queries
from app.rescue.using.files import holds_figures
from app.rescue.using.words import FIGURES

AT_ONCE = 20
MOST_LINES = 1_000_000
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
# Other names of our series: in OpenAI's older tables, and in Azure's.
COLUMNS = {
    "train_accuracy": "train_mean_token_accuracy",
    "valid_accuracy": "valid_mean_token_accuracy",
    "validation_loss": "valid_loss",
    "validation_mean_token_accuracy": "valid_mean_token_accuracy",
    "full_validation_loss": "full_valid_loss",
    "full_validation_mean_token_accuracy": "full_valid_mean_token_accuracy",
}
UNREADABLE_FIGURES = "No table of figures by step."


def use_events(part: RescuePart, after: int) -> int | None:
    """Logs and curves of a few jobs, from their events."""
    reader, found = _next(part, Kind.JOB_EVENTS, after)
    read = {one.id: _events(reader, one) for one, _ in found}
    if found:
        with unit_of_work() as session:
            moment, drawn = clock.now(session), []
            for one, job in _held(session, part, found):
                if job.rescued_at is not None:
                    events = read[one.id]
                    keep_events(session, job, events, moment, is_raw_kept=True)
                    take_end(job, max((event.at for event in events if event.at), default=None))
                    drawn.append(job)
                one.used_at, one.job_id = moment, job.id
            _tell(session, drawn)
    return found[-1][0].id if found else None


def use_checkpoints(part: RescuePart, after: int) -> int | None:
    """The models that a few jobs saved on their way."""
    reader, found = _next(part, Kind.CHECKPOINTS, after)
    read = {one.id: list(_checkpoints(reader, one)) for one, _ in found}
    if found:
        with unit_of_work() as session:
            moment = clock.now(session)
            for one, job in _held(session, part, found):
                if job.rescued_at is not None:
                    keep_checkpoints(session, job, read[one.id], moment)
                one.used_at, one.job_id = moment, job.id
    return found[-1][0].id if found else None


def use_figures(part: RescuePart, after: int) -> int | None:
    """Curves of a few jobs whose events brought none, from the tables their runs left."""
    with read_only() as session:
        found = queries.unused(session, part.connection_id, Kind.FILE, after=after, limit=AT_ONCE)
    tables = [one for one in found if holds_figures(one)]
    read = {one.id: list(_points(one)) for one in tables}
    if tables:
        with unit_of_work() as session:
            moment = clock.now(session)
            files = queries.held(session, read.keys())
            theirs = [one.job_id for one in files.values() if one.job_id is not None]
            held, drawn = jobs.held_jobs(session, theirs), []
            for one in files.values():
                one.used_at = moment
                one.why_raw = FIGURES if read[one.id] else UNREADABLE_FIGURES
                job = held.get(one.job_id or 0)
                if job is not None and job.rescued_at is not None and job.step is None:
                    _draw(session, job, read[one.id])
                    drawn.append(job)
            _tell(session, drawn)
    return found[-1].id if found else None


def _next(
    part: RescuePart, kind: Kind, after: int
) -> tuple[Reader, Sequence[tuple[RescuedObject, int]]]:
    with read_only() as session:
        reader = reader_of(session.get_one(Connection, part.connection_id).kind)
        return reader, queries.followers(
            session, part.connection_id, kind, after=after, limit=AT_ONCE
        )


def _held(
    session: Session, part: RescuePart, found: Sequence[tuple[RescuedObject, int]]
) -> Iterator[tuple[RescuedObject, Job]]:
    # Connection before job, as a sweep does: two orders of locking are a deadlock.
    session.get_one(Connection, part.connection_id, with_for_update=True)
    objects = queries.held(session, [one.id for one, _ in found])
    held = jobs.held_jobs(session, [job_id for _, job_id in found])
    for one, job_id in found:
        yield objects[one.id], held[job_id]


def _draw(session: Session, job: Job, rows: Iterable[dict[str, float | int]]) -> None:
    series: dict[str, list[metrics.Point]] = {}
    for row in rows:
        take_point(job, row, series)
    keep_points(session, job, series)


def _tell(session: Session, drawn: Sequence[Job]) -> None:
    """Their models learn how good they were, and whoever looks at one of the jobs sees it."""
    catalog.note_losses(session, {job.id: job.best_valid_loss for job in drawn})
    for job in drawn:
        tell(session, job)


def _events(reader: Reader, found: RescuedObject) -> list[RunEvent]:
    """A job's events, the newest first, however its pages overlapped."""
    events = [event for line in _lines(found) if (event := reader.event(line)) is not None]
    # Lists come newest first; of equal seconds the order stays.
    return sorted(events, key=lambda event: event.at or LONG_AGO, reverse=True)


def _checkpoints(reader: Reader, found: RescuedObject) -> Iterator[CheckpointInfo]:
    for line in _lines(found):
        if (info := reader.checkpoint(line)) is not None:
            yield info


def _lines(found: RescuedObject) -> Iterator[bytes]:
    with storage.blob_path(found.sha256 or "").open("rb") as file:
        yield from file


def _points(found: RescuedObject) -> Iterator[dict[str, float | int]]:
    """The rows of a run's table that have a step, by the names of our series."""
    path = storage.blob_path(found.sha256 or "")
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        table = csv.reader(file)
        try:
            header = [_series_of(name) for name in next(table, [])]
            if "step" not in header:
                return
            for number, row in enumerate(table):
                if number == MOST_LINES:
                    return
                yield _point(header, row)
        except csv.Error:
            return


def _series_of(column: str) -> str:
    name = column.strip().lower()
    return COLUMNS.get(name, name)


def _point(header: Sequence[str], row: Sequence[str]) -> dict[str, float | int]:
    point: dict[str, float | int] = {}
    for name, text in zip(header, row, strict=False):
        if not name.isprintable():
            continue
        try:
            value = float(text)
        except ValueError:
            continue
        point[name] = int(value) if name == "step" and value.is_integer() else value
    return point
