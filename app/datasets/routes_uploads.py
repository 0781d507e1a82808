"""Uploads that go on where they broke, by tus 1.0: for pages with a cookie, for scripts with a
token. When all bytes are here, `complete` makes them a dataset or its next version.
"""

from datetime import UTC, datetime
from typing import Annotated

import anyio.to_thread
from fastapi import APIRouter, Depends, Header, Request
from fastapi.responses import JSONResponse, Response

from app.auth.access import CurrentUser, csrf_checked
from app.core import storage, tus
from app.core.api import Listing, is_for_scripts
from app.core.database import DbSession, read_only, unit_of_work
from app.core.errors import Conflict, NotFound, WrongInput
from app.core.forms import validated
from app.core.pages import path_for, redirect
from app.core.partial import Partial
from app.core.receiving import one_of_few, receive_more
from app.datasets import queries, resources, uploads
from app.datasets.access import EditableDataset, EditableUpload, ReceivingUpload
from app.datasets.forms import UploadForm, name_from
from app.datasets.models import DatasetVersion, Upload
from app.datasets.resources import DatasetResource, UploadResource, dataset_resource
from app.projects.access import CurrentProject, EditableProject

pages = APIRouter(dependencies=[Depends(csrf_checked), Depends(tus.spoken)])
receiving = APIRouter(dependencies=[Depends(tus.spoken)])
api = APIRouter(prefix="/api/v1", tags=["uploads"], dependencies=[Depends(tus.spoken)])

Size = Annotated[int, Header(ge=0, le=tus.MOST_BYTES, description="How many bytes will come.")]
Offset = Annotated[int, Header(ge=0, le=tus.MOST_BYTES, description="How many came before.")]
Metadata = Annotated[
    str,
    Header(description="`filename`, `name` (the dataset's), `sha256`, `modified`; each in base64."),
]
Digest = Annotated[str | None, Header(description="A hash of this body: `sha256 …` in base64.")]


@api.options("/projects/{project_id}/uploads", name="api.uploads.options", include_in_schema=False)
def options(_project: EditableProject) -> Response:
    return Response(status_code=204, headers=tus.abilities())


@api.get("/projects/{project_id}/uploads", name="api.uploads.index")
def index(session: DbSession, project: CurrentProject) -> Listing[UploadResource]:
    """The uploads of a project that have not ended, the latest begun first. Each goes on from its
    `offset`.
    """
    found = queries.open_uploads(session, project.id)
    return Listing(data=resources.upload_resources(found), next=None)


@pages.post("/projects/{project_id}/uploads", name="uploads.create", status_code=201)
@api.post("/projects/{project_id}/uploads", name="api.uploads.create", status_code=201)
def create(
    request: Request,
    response: Response,
    session: DbSession,
    user: CurrentUser,
    project: EditableProject,
    upload_length: Size,
    upload_metadata: Metadata = "",
) -> UploadResource:
    """Begin an upload of a new dataset. Its bytes go by PATCH to the `Location`: any client of tus
    1.0 does that, and goes on after a break.
    """
    upload = uploads.begin(
        session,
        project_id=project.id,
        actor_id=user.id,
        form=_form(upload_metadata),
        size=upload_length,
    )
    return _begun(request, response, upload)


@pages.post("/datasets/{dataset_id}/uploads", name="uploads.create_version", status_code=201)
@api.post("/datasets/{dataset_id}/uploads", name="api.uploads.create_version", status_code=201)
def create_version(
    request: Request,
    response: Response,
    session: DbSession,
    user: CurrentUser,
    dataset: EditableDataset,
    upload_length: Size,
    upload_metadata: Metadata = "",
) -> UploadResource:
    """Begin an upload of a dataset's next version."""
    upload = uploads.begin(
        session,
        project_id=dataset.project_id,
        dataset_id=dataset.id,
        actor_id=user.id,
        form=_form(upload_metadata),
        size=upload_length,
    )
    return _begun(request, response, upload)


def _form(header: str) -> UploadForm:
    """What the metadata says that means something here. Raises WrongInput."""
    told = tus.metadata(header)
    known = {name: told[name] for name in UploadForm.model_fields if name in told}
    name = known.get("name", "").strip() or name_from(known.get("filename", ""))
    return validated(UploadForm, {**known, "name": name})


def _begun(request: Request, response: Response, upload: Upload) -> UploadResource:
    route = "api.uploads.show" if is_for_scripts(request.scope["path"]) else "uploads.show"
    response.headers["Location"] = path_for(request, route, upload_id=upload.id)
    return show(response, upload)


@pages.get("/uploads/{upload_id}", name="uploads.show")
@pages.head("/uploads/{upload_id}", name="uploads.offset")
@api.get("/uploads/{upload_id}", name="api.uploads.show")
@api.head("/uploads/{upload_id}", name="api.uploads.offset", include_in_schema=False)
def show(response: Response, upload: EditableUpload) -> UploadResource:
    """How far an upload is. HEAD says the same in `Upload-Offset`."""
    told = resources.upload_resource(upload)
    response.headers.update(tus.standing(told.offset, told.size, told.expires_at))
    return told


@receiving.patch("/uploads/{upload_id}", name="uploads.append")
@api.patch("/uploads/{upload_id}", name="api.uploads.append", status_code=204)
async def append(
    request: Request,
    entered: ReceivingUpload,
    upload_offset: Offset,
    content_type: Annotated[str, Header()] = "",
    upload_checksum: Digest = None,
) -> Response:
    """Send the next bytes as `application/offset+octet-stream`, all that are left or some of them.

    If the connection breaks, what has arrived stays for a day: ask for the offset and go on there.
    """
    if content_type.partition(";")[0].strip().lower() != tus.CONTENT:
        raise tus.OtherContent(f"Send the bytes as {tus.CONTENT}.")
    upload = entered.thing
    if upload.found is not None:
        raise Conflict("All bytes of this upload are here.")
    checksum = tus.Checksum(upload_checksum) if upload_checksum is not None else None
    offset = await receive_more(
        request,
        Partial(upload.part, size=upload.size),
        sender=entered.user.id,
        offset=upload_offset,
        checksum=checksum,
    )
    expires_at = datetime.now(UTC) + uploads.DAY
    return Response(status_code=204, headers=tus.standing(offset, upload.size, expires_at))


@pages.delete("/uploads/{upload_id}", name="uploads.delete")
@api.delete("/uploads/{upload_id}", name="api.uploads.delete", status_code=204)
def delete(session: DbSession, user: CurrentUser, upload: EditableUpload) -> Response:
    """Give an upload up; what has arrived is removed. A dataset that came from it stays."""
    uploads.remove(session, upload, actor_id=user.id)
    return Response(status_code=204, headers={"Tus-Resumable": tus.VERSION})


@pages.post("/uploads/{upload_id}/remove", name="uploads.remove")
def remove(
    request: Request, session: DbSession, user: CurrentUser, upload: EditableUpload
) -> Response:
    uploads.remove(session, upload, actor_id=user.id)
    said = f"What had arrived of {upload.file_name} is removed."
    if upload.dataset_id is not None:
        return redirect(
            request, "datasets.upload_version_page", dataset_id=upload.dataset_id, toast=said
        )
    return redirect(request, "datasets.index", project_id=upload.project_id, toast=said)


@receiving.post("/uploads/{upload_id}/complete", name="uploads.complete")
async def complete(request: Request, entered: ReceivingUpload) -> Response:
    version = await _completed(entered.thing, entered.user.id)
    where = path_for(request, "datasets.show", version_id=version.id)
    return JSONResponse({"location": where}, 202)


@api.post("/uploads/{upload_id}/complete", name="api.uploads.complete", status_code=202)
async def complete_by_script(entered: ReceivingUpload) -> DatasetResource:
    """Make what has arrived a dataset, or its next version; the check begins at once. Asked again,
    the answer is the same dataset. Refused while bytes are missing, or when they have not the
    `sha256` that was declared.
    """
    return dataset_resource(await _completed(entered.thing, entered.user.id))


async def _completed(upload: Upload, user_id: int) -> DatasetVersion:
    with one_of_few(user_id):
        return await anyio.to_thread.run_sync(_complete, upload, user_id)


def _complete(upload: Upload, user_id: int) -> DatasetVersion:
    if upload.version_id is None:
        _make_blob(upload, user_id)
    with unit_of_work() as session:
        return uploads.complete(session, upload.id, actor_id=user_id)


def _make_blob(upload: Upload, user_id: int) -> None:
    """Whoever dies in here leaves either the part or, with its hash written down, the blob."""
    try:
        with Partial(upload.part, size=upload.size) as part:
            found = part.sha256()
            if upload.sha256 in {None, found}:
                with unit_of_work() as session:
                    uploads.note_hash(session, upload.id, found)
                part.become_blob(found)
                return
    except NotFound:
        with read_only() as session:
            row = queries.upload_by_id(session, upload.id)
        if row is None or row.found is None or not storage.is_stored(row.found):
            raise
        return
    with unit_of_work() as session:
        row = queries.upload_by_id(session, upload.id)
        if row is not None:
            uploads.remove(session, row, actor_id=user_id)
    raise WrongInput.field(
        "sha256",
        f"The bytes that arrived have the SHA-256 {found}, not the one that was declared. They "
        "were removed: upload the file again.",
    )
