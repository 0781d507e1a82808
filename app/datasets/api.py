"""Datasets as JSON."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import anyio.to_thread
from fastapi import APIRouter, Query, Request
from fastapi.responses import FileResponse, Response

from app.auth.access import CurrentUser
from app.core import storage
from app.core.api import Limit, Listing, keyed
from app.core.database import DbSession, unit_of_work
from app.core.errors import Conflict
from app.core.forms import validated
from app.core.keyset import page_of
from app.core.receiving import Received, receive_form
from app.datasets import queries, service
from app.datasets.access import CurrentDataset, CurrentVersion, EditableDataset, ReceivingDataset
from app.datasets.browsing import (
    FINDINGS,
    ROWS,
    findings_asked_for,
    read_rows,
    rows_asked_for,
)
from app.datasets.forms import DatasetForm, name_from
from app.datasets.index import open_index
from app.datasets.listing import DATASETS
from app.datasets.models import Dataset, DatasetVersion
from app.datasets.resources import (
    DatasetResource,
    ExampleResource,
    FindingResource,
    VersionResource,
    dataset_resource,
    example_resources,
    finding_resource,
    version_resource,
)
from app.datasets.routes import download
from app.datasets.routes_export import InWords, in_words_of
from app.projects.access import CurrentProject, ReceivingProject

router = APIRouter(prefix="/api/v1", tags=["datasets"])

Offset = Annotated[
    int,
    Query(ge=0, le=2**53 - 1, description="So many rows of the file are passed over."),
]

MULTIPART = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {"type": "string", "format": "binary"},
                        "name": {"type": "string"},
                    },
                }
            }
        },
    }
}


@router.get(
    "/projects/{project_id}/datasets", name="api.datasets.index", openapi_extra=DATASETS.openapi
)
def index(
    request: Request, session: DbSession, project: CurrentProject, limit: Limit = 50
) -> Listing[DatasetResource]:
    """A project's datasets with their newest versions, the latest upload first unless asked
    otherwise.
    """
    found = page_of(
        session, queries.ids_of_datasets(project.id), DATASETS.read(request), limit=limit
    )
    rows = queries.newest_versions(session, project.id, found.ids)
    return keyed(found, [dataset_resource(version) for version in rows])


@router.post(
    "/projects/{project_id}/datasets",
    name="api.datasets.create",
    status_code=202,
    openapi_extra=MULTIPART,
)
async def create(request: Request, entered: ReceivingProject) -> DatasetResource:
    """Upload a file as a new dataset; the check begins at once. Poll its version until `status` is
    ready or rejected.
    """
    received = await receive_form(request, sender=entered.user.id)
    return await anyio.to_thread.run_sync(_store, entered.thing.id, entered.user.id, received, None)


@router.post(
    "/datasets/{dataset_id}/versions",
    name="api.datasets.add_version",
    status_code=202,
    openapi_extra=MULTIPART,
)
async def add_version(request: Request, entered: ReceivingDataset) -> DatasetResource:
    """Upload a file as the next version of a dataset. Rows that are the same keep their ids."""
    received = await receive_form(request, sender=entered.user.id)
    dataset = entered.thing
    return await anyio.to_thread.run_sync(
        _store, dataset.project_id, entered.user.id, received, dataset
    )


def _store(
    project_id: int, user_id: int, received: Received, dataset: Dataset | None
) -> DatasetResource:
    name = received.fields.get("name") or name_from(received.file_name)
    form = validated(DatasetForm, {"name": name})
    with unit_of_work() as session:
        version = service.receive_upload(
            session,
            project_id=project_id,
            actor_id=user_id,
            blob=received.blob,
            file_name=received.file_name,
            name=form.name,
            dataset=dataset,
        )
        return dataset_resource(version)


@router.get("/datasets/{dataset_id}", name="api.datasets.show")
def show(session: DbSession, dataset: CurrentDataset) -> DatasetResource:
    """One dataset with its newest version."""
    version = queries.newest_version(session, dataset.id)
    assert version is not None  # noqa: S101 - a dataset is made together with its first version
    return dataset_resource(version)


@router.post("/datasets/{dataset_id}/archive", name="api.datasets.archive")
def archive(session: DbSession, user: CurrentUser, dataset: EditableDataset) -> DatasetResource:
    """Put a dataset out of the list and out of the form for a new job; everything of it stays."""
    service.archive_dataset(session, dataset, actor_id=user.id)
    return show(session, dataset)


@router.post("/datasets/{dataset_id}/unarchive", name="api.datasets.unarchive")
def unarchive(session: DbSession, user: CurrentUser, dataset: EditableDataset) -> DatasetResource:
    """Bring an archived dataset back."""
    service.unarchive_dataset(session, dataset, actor_id=user.id)
    return show(session, dataset)


@router.get("/dataset-versions/{version_id}", name="api.versions.show")
def show_version(version: CurrentVersion) -> VersionResource:
    """One version: its status, and once it was checked its counts."""
    return version_resource(version)


@router.get(
    "/dataset-versions/{version_id}/findings",
    name="api.versions.findings",
    openapi_extra=FINDINGS.openapi,
)
def findings(
    request: Request, version: CurrentVersion, limit: Limit = 50
) -> Listing[FindingResource]:
    """What the check found, row by row unless asked otherwise; `row` is the 1-based line, null for
    the file as a whole.
    """
    asked = FINDINGS.read(request)
    with open_index(_checked(version)) as opened:
        found = findings_asked_for(opened, asked).page(asked, limit=limit)
        shown = [finding_resource(one) for one in opened.findings_at(found.ids)]
    return keyed(found, shown)


@router.get(
    "/dataset-versions/{version_id}/examples",
    name="api.versions.examples",
    openapi_extra=ROWS.openapi,
)
def examples(
    request: Request, version: CurrentVersion, offset: Offset = 0, limit: Limit = 50
) -> Listing[ExampleResource]:
    """Rows, in the order of the file unless asked otherwise; narrowed as on the page. `label` is a
    label's code and `cluster` a cluster's id, as the page's own address has them.
    """
    with open_index(_checked(version)) as opened:
        asked = read_rows(request, opened, beside="offset")
        if offset and asked.after is None:
            asked = replace(asked, after=offset)
        found = rows_asked_for(opened, asked).page(asked, limit=limit)
        shown = example_resources(version, opened.rows_at(found.ids))
    return keyed(found, shown)


@router.get(
    "/dataset-versions/{version_id}/content",
    name="api.versions.content",
    response_class=FileResponse,
)
def content(version: CurrentVersion, dialect: InWords = None) -> Response:
    """The rows: the bytes that were uploaded, or what was made of them where these were a table.
    With `as` those that can be read, in the words of a provider or a program.
    """
    return download(version) if dialect is None else in_words_of(version, dialect)


def _checked(version: DatasetVersion) -> Path:
    """Where the index of a checked version lies. Raises Conflict while the check is running."""
    if not version.is_final:
        raise Conflict(f"The check of this version is not done; it is {version.status}.")
    return storage.index_path(version.id)
