"""The worker's part: a check goes slice by slice, and any worker can take the next."""

from functools import partial

from app.core import leases, storage
from app.core.database import read_only, unit_of_work
from app.core.errors import DiskFull
from app.core.leases import LeaseLost
from app.core.queue import Work, finds_work, post, task
from app.datasets import service, uploads
from app.datasets.checks import check_slice, verdict
from app.datasets.models import DatasetVersion, Upload
from app.datasets.service import CheckWork
from app.settings import settings


@finds_work
def waiting() -> list[Work]:
    """Every version whose check is due, and every upload whose day may be over."""
    with read_only() as session:
        return [
            *(("datasets.check", row_id) for row_id in leases.due_ids(session, DatasetVersion)),
            *(("datasets.forget_upload", row_id) for row_id in leases.due_ids(session, Upload)),
        ]


@task("datasets.due", queue="ingest")
def due() -> None:
    """Ring for everything about datasets that is due."""
    for name, row_id in waiting():
        post(name, row_id)


@task("datasets.check", queue="ingest", time_limit=1800)
def check(version_id: int) -> None:
    """Read the next stretch of a version, or sum up what was found."""
    with unit_of_work() as session:
        work = service.claim_check(session, version_id)
    if work is None:
        return
    index = storage.index_path(version_id)
    inherit = storage.index_path(work.inherit_id) if work.inherit_id else None
    try:
        with storage.telling_a_full_disk():
            storage.check_room(index.parent)
            progress = check_slice(
                storage.blob_path(work.sha256),
                index,
                work.progress,
                seconds=settings().slice_seconds,
                inherit=inherit,
                alive=partial(_keep, work),
            )
    except LeaseLost:
        return
    except DiskFull:
        with unit_of_work() as session:
            service.wait_for_room(session, work)
        return
    if not progress.is_done:
        with unit_of_work() as session:
            service.record_slice(session, work, progress)
        return
    found = verdict(index)
    with unit_of_work() as session:
        service.record_check(session, work, found)


@task("datasets.forget_upload", queue="ingest")
def forget_upload(upload_id: int) -> None:
    """Forget an upload to which nothing came for a day, and one that ended a day ago."""
    with unit_of_work() as session:
        uploads.forget_if_over(session, upload_id)


def _keep(work: CheckWork) -> None:
    """A finishing step cannot be cut: keep the lease while it goes on. Raises LeaseLost."""
    with unit_of_work() as session:
        if not leases.renew(
            session, DatasetVersion, work.version_id, work.fence, seconds=service.LEASE_SECONDS
        ):
            raise LeaseLost
