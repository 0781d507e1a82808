"""Load a dataset or a version and check that the person may see or change it."""

from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy.orm import Session

from app.auth.access import CurrentUser, PathId, declares
from app.auth.models import Access, User
from app.core.database import DbSession
from app.core.errors import NotFound
from app.datasets import queries
from app.datasets.models import Dataset, DatasetVersion
from app.projects.access import Entered, briefly, enter


@declares("view")
def viewable_dataset(
    request: Request, session: DbSession, user: CurrentUser, dataset_id: PathId
) -> Dataset:
    """The dataset of the URL, for members of its project."""
    return _dataset(request, session, user, dataset_id, "view")


@declares("edit")
def editable_dataset(
    request: Request, session: DbSession, user: CurrentUser, dataset_id: PathId
) -> Dataset:
    """The dataset of the URL, for those who may add to it."""
    return _dataset(request, session, user, dataset_id, "edit")


@declares("edit")
def receiving_dataset(request: Request, dataset_id: PathId) -> Entered[Dataset]:
    """The dataset of the URL for an upload: no session stays open while bytes arrive."""
    return briefly(
        request, lambda session, user: _dataset(request, session, user, dataset_id, "edit")
    )


@declares("view")
def viewable_version(
    request: Request, session: DbSession, user: CurrentUser, version_id: PathId
) -> DatasetVersion:
    """The version of the URL, for members of its project."""
    return _version(request, session, user, version_id, "view")


@declares("edit")
def editable_version(
    request: Request, session: DbSession, user: CurrentUser, version_id: PathId
) -> DatasetVersion:
    """The version of the URL, for those who may act on it."""
    return _version(request, session, user, version_id, "edit")


def _version(
    request: Request, session: Session, user: User, version_id: int, access: Access
) -> DatasetVersion:
    version = queries.version_by_id(session, version_id)
    if version is None:
        raise NotFound
    enter(request, session, user, version.project_id, access)
    return version


def _dataset(
    request: Request, session: Session, user: User, dataset_id: int, access: Access
) -> Dataset:
    dataset = queries.dataset_by_id(session, dataset_id)
    if dataset is None:
        raise NotFound
    enter(request, session, user, dataset.project_id, access)
    return dataset


CurrentDataset = Annotated[Dataset, Depends(viewable_dataset)]
EditableDataset = Annotated[Dataset, Depends(editable_dataset)]
ReceivingDataset = Annotated[Entered[Dataset], Depends(receiving_dataset)]
EditableVersion = Annotated[DatasetVersion, Depends(editable_version)]
CurrentVersion = Annotated[DatasetVersion, Depends(viewable_version)]
