"""The worker's part: a check goes slice by slice, and any worker can take the next."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from time import monotonic
from typing import Any

from sqlalchemy.orm import Session

from app.core import leases, storage
from app.core.database import read_only, unit_of_work
from app.core.errors import DiskFull, TooLarge
from app.core.leases import LeaseLost
from app.core.queue import Work, finds_work, post, task
from app.datasets import mending, service, uploads
from app.datasets.checks import Progress, check_slice, verdict
from app.datasets.converting import convert
from app.datasets.derived import service as derived
from app.datasets.derived.registry import DERIVERS
from app.datasets.derived.slices import derive_slice
from app.datasets.gone import FileGone, Gone, IndexGone, stored_file
from app.datasets.models import DatasetVersion, Derived, Moderation, Upload
from app.datasets.service import CheckWork
from app.datasets.sources import SAMPLE_BYTES, recognise_source
from app.formats.base import Finding, Unreadable
from app.settings import settings

TELL_SECONDS = 2.0
Record = Callable[[Session, CheckWork], None]


@finds_work("ingest")
def waiting() -> list[Work]:
    """Every version whose check is due, every further file of one, and every upload whose day may
    be over.
    """
    with read_only() as session:
        return [
            *(("datasets.check", row_id) for row_id in leases.due_ids(session, DatasetVersion)),
            *(("datasets.derive", row_id) for row_id in derived.due_ids(session)),
            *(("datasets.moderate", row_id) for row_id in leases.due_ids(session, Moderation)),
            *(("datasets.forget_upload", row_id) for row_id in leases.due_ids(session, Upload)),
        ]


@task("datasets.check", queue="ingest", time_limit=1800)
def check(version_id: int) -> None:
    """Make rows of a version's source, read the next stretch, or sum up what was found."""
    with unit_of_work() as session:
        work = service.claim_check(session, version_id)
    if work is None:
        return
    try:
        with storage.telling_a_full_disk():
            record = _read_source(work) or _check_rows(work)
    except LeaseLost:
        return
    except DiskFull:
        record = partial(service.wait_for, words=service.WAITS_FOR_ROOM)
    except FileGone as error:
        record = partial(service.wait_for, words=error.message)
    with unit_of_work() as session:
        record(session, work)


def _read_source(work: CheckWork) -> Record | None:
    """Recognise what came, and make rows of what is none; None where these are next."""
    is_begun = work.progress != Progress() and work.progress.phase != "converting"
    if work.is_converted or is_begun:
        return None
    source = stored_file(work.sha256)
    with source.open("rb") as file:
        reading = work.reading or recognise_source(file.read(SAMPLE_BYTES), work.file_name)
    if not reading.converts:
        is_news = reading.told and reading != work.reading
        return partial(service.record_reading, reading=reading) if is_news else None
    try:
        with storage.Incoming() as incoming:
            told = convert(source, reading, incoming.write, _Pace(work))
            reading = replace(reading, told=reading.told + told)
            return partial(service.record_reading, reading=reading, blob=incoming.keep())
    except Unreadable as error:
        finding = error.finding
    except TooLarge:
        finding = _too_large()
    return partial(service.record_reading, reading=replace(reading, told=(finding,)))


def _too_large() -> Finding:
    reason = (
        f"Made into rows, the file is larger than {settings().upload_limit:,} bytes, the limit of "
        "this instance."
    )
    return Finding("table.broken", None, "error", reason, "Upload it in parts.")


class _Pace:
    """Tells now and then how far a conversion is, which keeps its lease. Raises LeaseLost."""

    def __init__(self, work: CheckWork) -> None:
        self.work = work
        self.next = monotonic() + TELL_SECONDS

    def __call__(self, offset: int) -> None:
        if monotonic() > self.next:
            self.next = monotonic() + TELL_SECONDS
            with unit_of_work() as session:
                service.record_converting(session, self.work, offset)


def _check_rows(work: CheckWork) -> Record:
    index = storage.index_path(work.version_id)
    storage.check_room(index.parent)
    progress = check_slice(
        stored_file(work.sha256),
        index,
        work.progress,
        seconds=settings().slice_seconds,
        inherit=storage.index_path(work.inherit_id) if work.inherit_id else None,
        alive=partial(_keep, DatasetVersion, work.version_id, work.fence),
        asked=work.reading,
    )
    if progress.is_done:
        return partial(service.record_check, verdict=verdict(index))
    return partial(service.record_slice, progress=progress)


@task("datasets.derive", queue="ingest", time_limit=1800)
def derive(derived_id: int) -> None:
    """Make the next stretch of a version's further file."""
    with unit_of_work() as session:
        work = derived.claim(session, derived_id)
    if work is None:
        return
    deriver, index = DERIVERS[work.kind], storage.index_path(work.version_id)
    try:
        with storage.telling_a_full_disk():
            storage.check_room(index.parent)
            making = derive_slice(
                deriver,
                stored_file(work.sha256),
                index,
                work.making,
                seconds=settings().slice_seconds,
                alive=partial(_keep, Derived, derived_id, work.fence),
            )
    except LeaseLost:
        return
    except (DiskFull, Gone) as error:
        with unit_of_work() as session:
            derived.wait_for(session, work, _why(error))
        if isinstance(error, IndexGone):
            post("datasets.mend", work.version_id)
        return
    with unit_of_work() as session:
        if making.is_done:
            derived.record_made(session, work)
        else:
            derived.record_slice(session, work, making)


@task("datasets.mend", queue="ingest", time_limit=600)
def mend(version_id: int) -> None:
    """Somebody found that a file derived of a version cannot be read: look, and make it anew."""
    with read_only() as session:
        kept = mending.kept_with(session, version_id)
    lost = mending.lost_of(kept, suspect=version_id)
    if lost:
        with unit_of_work() as session:
            mending.make_anew(session, lost)


@task("datasets.forget_upload", queue="ingest")
def forget_upload(upload_id: int) -> None:
    """Forget an upload to which nothing came for a day, and one that ended a day ago."""
    with unit_of_work() as session:
        uploads.forget_if_over(session, upload_id)


def _why(error: DiskFull | Gone) -> str:
    return derived.WAITS_FOR_ROOM if isinstance(error, DiskFull) else error.message


def _keep(model: Any, row_id: int, fence: int) -> None:
    """A step that cannot be cut: keep the lease while it goes on. Raises LeaseLost."""
    with unit_of_work() as session:
        if not leases.renew(session, model, row_id, fence, seconds=service.LEASE_SECONDS):
            raise LeaseLost
