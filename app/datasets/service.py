"""Decisions about datasets: what an upload becomes, how far a check is, and its verdict."""

from typing import Any, NamedTuple

from sqlalchemy.orm import Session

from app.auth import service as auth
from app.core import clock, leases
from app.core.errors import Conflict
from app.core.events import announce
from app.core.leases import LeaseLost
from app.core.queue import enqueue
from app.core.storage import Blob
from app.datasets import queries
from app.datasets.checks.base import Progress, Verdict
from app.datasets.derived import service as derived
from app.datasets.forms import label_of
from app.datasets.models import Dataset, DatasetVersion, VersionStatus
from app.datasets.sources import Reading

LEASE_SECONDS = 90
BUSY_SECONDS = 5.0
ROOM_SECONDS = 30.0
WAITS_FOR_ROOM = "The disk of this instance is full. The check goes on when there is room."


class CheckWork(NamedTuple):
    """What a worker needs to take the check of a version one slice further."""

    version_id: int
    fence: int
    sha256: str
    file_name: str
    progress: Progress
    inherit_id: int | None
    reading: Reading | None
    is_converted: bool


def receive_upload(
    session: Session,
    *,
    project_id: int,
    actor_id: int | None,
    blob: Blob,
    file_name: str,
    name: str,
    dataset: Dataset | None = None,
    licence: str | None = None,
    reading: Reading | None = None,
) -> DatasetVersion:
    """A new version of stored bytes, due to be checked: of `dataset`, or of a new one called
    `name`. Without a `reading` the worker recognises what they are.
    """
    moment = clock.now(session)
    if dataset is None:
        dataset = Dataset(
            project_id=project_id,
            name=name,
            licence=licence,
            created_by=actor_id,
            created_at=moment,
        )
        session.add(dataset)
        session.flush()
        number = 1
    else:
        dataset = session.get_one(Dataset, dataset.id, with_for_update=True)
        newest = queries.newest_version(session, dataset.id)
        number = newest.number + 1 if newest else 1
    version = DatasetVersion(
        project_id=project_id,
        dataset_id=dataset.id,
        dataset=dataset,
        number=number,
        status=VersionStatus.RECEIVED,
        file_name=label_of(file_name),
        size=blob.size,
        sha256=blob.sha256,
        reading=reading and reading.as_json(),
        created_by=actor_id,
        created_at=moment,
        due_at=moment,
    )
    session.add(version)
    session.flush()
    auth.record(
        session,
        "dataset.uploaded",
        f"version:{version.id}",
        actor_id=actor_id,
        project_id=project_id,
        name=dataset.name,
        number=number,
        bytes=blob.size,
        sha256=blob.sha256,
    )
    enqueue(session, "datasets.check", version.id)
    announce(session, f"project:{project_id}")
    return version


def archive_dataset(session: Session, dataset: Dataset, *, actor_id: int) -> None:
    """Put a dataset out of the list and out of the form for a new job; everything of it stays."""
    if dataset.archived_at is None:
        dataset.archived_at = clock.now(session)
        _record(session, dataset, "dataset.archived", actor_id)


def unarchive_dataset(session: Session, dataset: Dataset, *, actor_id: int) -> None:
    """Bring an archived dataset back."""
    if dataset.archived_at is not None:
        dataset.archived_at = None
        _record(session, dataset, "dataset.unarchived", actor_id)


def _record(session: Session, dataset: Dataset, verb: str, actor_id: int) -> None:
    auth.record(
        session,
        verb,
        f"dataset:{dataset.id}",
        actor_id=actor_id,
        project_id=dataset.project_id,
        name=dataset.name,
    )
    announce(session, f"project:{dataset.project_id}")


def claim_check(session: Session, version_id: int) -> CheckWork | None:
    """Take the check of a version for one slice; None when another worker has it, it is done, or
    newer code does something else with it.
    """
    unchecked = DatasetVersion.status.in_((VersionStatus.RECEIVED, VersionStatus.CHECKING))
    fence = leases.claim(
        session, DatasetVersion, version_id, seconds=LEASE_SECONDS, where=[unchecked]
    )
    if fence is None:
        return None
    version = session.get_one(DatasetVersion, version_id)
    if version.checked_at is not None and queries.is_earlier_unjudged(session, version):
        _put_off(session, version, BUSY_SECONDS)  # made anew, and its ids come from that one
        return None
    version.status = VersionStatus.CHECKING
    return CheckWork(
        version_id,
        fence,
        version.sha256,
        version.file_name,
        Progress.from_json(version.progress),
        queries.checked_version_before(session, version),
        Reading.from_json(version.reading),
        is_converted=version.source_sha256 is not None,
    )


def read_differently(
    session: Session, version: DatasetVersion, reading: Reading, *, actor_id: int
) -> DatasetVersion:
    """The dataset's next version, of the same bytes that came, read as a person says. While one is
    on its way that reads them so it is that one: a button is pressed twice.
    """
    session.get_one(Dataset, version.dataset_id, with_for_update=True)
    newest = queries.newest_version(session, version.dataset_id)
    asked = (version.came_as, reading, False)
    if newest and (newest.came_as, Reading.from_json(newest.reading), newest.is_final) == asked:
        return newest
    return receive_upload(
        session,
        project_id=version.project_id,
        actor_id=actor_id,
        blob=version.came_as,
        file_name=version.file_name,
        name=version.dataset.name,
        dataset=version.dataset,
        reading=reading,
    )


def record_converting(session: Session, work: CheckWork, offset: int) -> None:
    """Keep the lease while rows are made of another source, and how far it is. Raises LeaseLost."""
    if not leases.renew(
        session, DatasetVersion, work.version_id, work.fence, seconds=LEASE_SECONDS
    ):
        raise LeaseLost
    version = session.get_one(DatasetVersion, work.version_id)
    version.progress = Progress(offset=offset, phase="converting").as_json()
    announce(session, f"version:{version.id}")


def record_reading(
    session: Session, work: CheckWork, *, reading: Reading, blob: Blob | None = None
) -> None:
    """Keep how the source is read, and what rows were made of it; the check goes on with these."""
    version = leases.hold(session, DatasetVersion, work.version_id, work.fence)
    if version is None:
        return
    version.reading, version.progress = reading.as_json(), None
    if blob is not None:
        version.source_sha256, version.source_size = version.sha256, version.size
        version.sha256, version.size = blob.sha256, blob.size
    leases.settle(version, due_at=clock.now(session))
    enqueue(session, "datasets.check", version.id)
    announce(session, f"version:{version.id}")


def record_slice(session: Session, work: CheckWork, progress: Progress) -> None:
    """Keep how far the check is, and ask for the next slice."""
    version = leases.hold(session, DatasetVersion, work.version_id, work.fence)
    if version is None:
        return
    if progress == work.progress:  # another process is at this slice still
        leases.settle(version, due_at=clock.later(session, BUSY_SECONDS), has_progress=False)
        return
    version.progress = progress.as_json()
    leases.settle(version, due_at=clock.now(session))
    enqueue(session, "datasets.check", version.id)
    announce(session, f"version:{version.id}")


def wait_for(session: Session, work: CheckWork, *, words: str) -> None:
    """The disk is full, or the stored file is gone: the check goes on by itself when there is room,
    or when the file is back, and costs no attempt.
    """
    version = leases.hold(session, DatasetVersion, work.version_id, work.fence)
    if version is not None:
        _put_off(session, version, ROOM_SECONDS, words)
        announce(session, f"version:{version.id}")


def _put_off(
    session: Session, version: DatasetVersion, seconds: float, words: str | None = None
) -> None:
    leases.settle(version, due_at=clock.later(session, seconds), error=words)


def record_check(session: Session, work: CheckWork, verdict: Verdict) -> None:
    """Keep the verdict: the version is ready or rejected, and stays so."""
    version = leases.hold(session, DatasetVersion, work.version_id, work.fence)
    if version is None:
        return
    version.status = VersionStatus(verdict.status)
    version.reason = verdict.reason
    version.format = verdict.format
    version.rows = verdict.rows
    version.tokens = verdict.tokens
    version.errors = verdict.findings.get("error", 0)
    version.warnings = verdict.findings.get("warning", 0)
    version.hints = verdict.findings.get("hint", 0)
    version.report = _plain(verdict)
    version.progress = None
    version.checked_at = clock.now(session)
    leases.settle(version, due_at=None)
    if version.status == VersionStatus.READY:
        derived.begin(session, version)
    auth.record(
        session,
        "dataset.checked",
        f"version:{version.id}",
        actor_id=None,
        project_id=version.project_id,
        name=session.get_one(Dataset, version.dataset_id).name,
        number=version.number,
        status=version.status,
        rows=version.rows,
    )
    announce(session, f"version:{version.id}", f"project:{version.project_id}")


def retry_check(session: Session, version: DatasetVersion, *, actor_id: int) -> None:
    """Check once more what gave up after three dead workers. Raises Conflict when it did not give
    up.
    """
    held = session.get_one(DatasetVersion, version.id, with_for_update=True, populate_existing=True)
    if not leases.is_poisoned(held, clock.now(session)):
        raise Conflict("This check did not give up.")
    leases.try_again(session, held)
    enqueue(session, "datasets.check", held.id)
    auth.record(
        session,
        "dataset.retried",
        f"version:{held.id}",
        actor_id=actor_id,
        project_id=held.project_id,
    )
    announce(session, f"version:{held.id}")


def _plain(verdict: Verdict) -> dict[str, Any]:
    """What the row's own columns do not hold."""
    columns = ("status", "reason", "format", "rows", "tokens", "findings")
    return {name: value for name, value in verdict.as_json().items() if name not in columns}
