"""Load a dataset or a version and check that the person may see or change it."""

from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy.orm import Session

from app.auth.access import CurrentUser, PathId, declares
from app.auth.models import User
from app.core.database import DbSession
from app.datasets import queries
from app.datasets.models import Dataset, DatasetVersion, Upload
from app.projects.access import Entered, briefly, reach


@declares("view")
def viewable_dataset(
    request: Request, session: DbSession, user: CurrentUser, dataset_id: PathId
) -> Dataset:
    """The dataset of the URL, for members of its project."""
    return reach(request, session, user, queries.dataset_by_id(session, dataset_id), "view")


@declares("edit")
def editable_dataset(
    request: Request, session: DbSession, user: CurrentUser, dataset_id: PathId
) -> Dataset:
    """The dataset of the URL, for those who may add to it."""
    return reach(request, session, user, queries.dataset_by_id(session, dataset_id), "edit")


@declares("edit")
def receiving_dataset(request: Request, dataset_id: PathId) -> Entered[Dataset]:
    """The dataset of the URL for an upload: no session stays open while bytes arrive."""

    def load(session: Session, user: User) -> Dataset:
        return reach(request, session, user, queries.dataset_by_id(session, dataset_id), "edit")

    return briefly(request, load)


@declares("view")
def viewable_version(
    request: Request, session: DbSession, user: CurrentUser, version_id: PathId
) -> DatasetVersion:
    """The version of the URL, for members of its project."""
    return reach(request, session, user, queries.version_by_id(session, version_id), "view")


@declares("edit")
def editable_version(
    request: Request, session: DbSession, user: CurrentUser, version_id: PathId
) -> DatasetVersion:
    """The version of the URL, for those who may act on it."""
    return reach(request, session, user, queries.version_by_id(session, version_id), "edit")


@declares("edit")
def editable_upload(
    request: Request, session: DbSession, user: CurrentUser, upload_id: PathId
) -> Upload:
    """The upload of the URL, for those who may go on with it."""
    return reach(request, session, user, queries.upload_by_id(session, upload_id), "edit")


@declares("edit")
def receiving_upload(request: Request, upload_id: PathId) -> Entered[Upload]:
    """The upload of the URL for its next bytes: no session stays open while they arrive."""

    def load(session: Session, user: User) -> Upload:
        return reach(request, session, user, queries.upload_by_id(session, upload_id), "edit")

    return briefly(request, load)


CurrentDataset = Annotated[Dataset, Depends(viewable_dataset)]
EditableDataset = Annotated[Dataset, Depends(editable_dataset)]
ReceivingDataset = Annotated[Entered[Dataset], Depends(receiving_dataset)]
EditableVersion = Annotated[DatasetVersion, Depends(editable_version)]
CurrentVersion = Annotated[DatasetVersion, Depends(viewable_version)]
EditableUpload = Annotated[Upload, Depends(editable_upload)]
ReceivingUpload = Annotated[Entered[Upload], Depends(receiving_upload)]
