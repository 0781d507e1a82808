"""Decisions about uploads that may break off and go on: begin, complete, give up, forget."""

import time
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from sqlalchemy.orm import Session

from app.auth import service as auth
from app.core import clock, leases, partial
from app.core.database import after_commit
from app.core.errors import NotFound, TooLarge, TooMany
from app.core.partial import GONE
from app.core.storage import PART_SECONDS, Blob
from app.datasets import queries, service
from app.datasets.forms import UploadForm, label_of
from app.datasets.models import Dataset, DatasetVersion, Upload
from app.settings import settings

LEASE_SECONDS = 60
MOST_OPEN = 20
DAY = timedelta(seconds=PART_SECONDS)


class Standing(NamedTuple):
    """How much of an upload is here, and when it goes unless more comes."""

    offset: int
    expires_at: datetime


def standing(upload: Upload, *, is_safe: bool = True) -> Standing | None:
    """How far an upload is: what is safely on the disk, unless that is not asked for. None when
    what had arrived is gone.
    """
    if upload.found is not None:
        return Standing(upload.size, upload.due_at or upload.created_at + DAY)
    here = partial.arrived(upload.part, is_safe=is_safe)
    return here and Standing(here.length, datetime.fromtimestamp(here.at, UTC) + DAY)


def begin(
    session: Session,
    *,
    project_id: int,
    actor_id: int,
    form: UploadForm,
    size: int,
    dataset_id: int | None = None,
) -> Upload:
    """An upload of so many bytes, none of which is here. Raises TooLarge, TooMany and DiskFull."""
    most = settings().upload_limit
    if size > most:
        raise TooLarge(f"The file has {size:,} bytes; the limit of this instance is {most:,}.")
    if queries.count_open_uploads(session, actor_id) >= MOST_OPEN:
        raise TooMany(
            f"{MOST_OPEN} uploads of yours have not ended. Go on with one, or remove one.",
            headers={"Retry-After": "60"},
        )
    moment = clock.now(session)
    upload = Upload(
        project_id=project_id,
        dataset_id=dataset_id,
        name=form.name,
        file_name=label_of(form.filename),
        modified=form.modified,
        size=size,
        sha256=form.sha256.lower() if form.sha256 else None,
        part=partial.begin(size),
        created_by=actor_id,
        created_at=moment,
        due_at=moment + DAY,
    )
    session.add(upload)
    session.flush()
    _record(session, upload, "upload.begun", actor_id)
    return upload


def note_hash(session: Session, upload_id: int, found: str) -> None:
    """All bytes are here and have this hash: they become its blob next."""
    upload = session.get(Upload, upload_id, with_for_update=True)
    if upload is None:
        raise NotFound(GONE)
    upload.found = found


def complete(session: Session, upload_id: int, *, actor_id: int) -> DatasetVersion:
    """The version that the stored bytes become, with its dataset: the same one however often this
    is asked. Raises NotFound.
    """
    upload = session.get(Upload, upload_id, with_for_update=True, populate_existing=True)
    if upload is None or upload.found is None:
        raise NotFound(GONE)
    if upload.version_id is None:
        dataset_id = upload.dataset_id
        upload.version_id = service.receive_upload(
            session,
            project_id=upload.project_id,
            actor_id=actor_id,
            blob=Blob(upload.found, upload.size),
            file_name=upload.file_name,
            name=upload.name,
            dataset=session.get_one(Dataset, dataset_id) if dataset_id else None,
        ).id
        upload.due_at = clock.now(session) + DAY
    version = queries.version_by_id(session, upload.version_id)
    assert version is not None  # noqa: S101 - the upload would have gone with it
    return version


def remove(session: Session, upload: Upload, *, actor_id: int) -> None:
    """Give an upload up; what has arrived goes. A version that came from it stays."""
    if upload.version_id is None:
        _record(session, upload, "upload.removed", actor_id)
    _forget(session, upload)


def forget_if_over(session: Session, upload_id: int) -> None:
    """Forget an upload a day after its last byte; ask again later where one came meanwhile."""
    if leases.claim(session, Upload, upload_id, seconds=LEASE_SECONDS) is None:
        return
    upload = session.get_one(Upload, upload_id, populate_existing=True)
    here = partial.arrived(upload.part, is_safe=False)
    left = DAY - timedelta(seconds=time.time() - here.at) if here else timedelta(0)
    if upload.version_id is None and left > timedelta(0):
        leases.settle(upload, due_at=clock.now(session) + left)
    else:
        _forget(session, upload)


def _forget(session: Session, upload: Upload) -> None:
    part = upload.part
    session.delete(upload)
    after_commit(session, lambda: partial.remove(part))


def _record(session: Session, upload: Upload, verb: str, actor_id: int) -> None:
    auth.record(
        session,
        verb,
        f"upload:{upload.id}",
        actor_id=actor_id,
        project_id=upload.project_id,
        name=upload.file_name,
        bytes=upload.size,
    )
