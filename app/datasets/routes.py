"""The pages about datasets: upload, report, the file itself."""

from typing import Annotated

import anyio.to_thread
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import FileResponse, JSONResponse, Response
from sqlalchemy.orm import Session

from app.auth.access import (
    OLD_FORM,
    CurrentUser,
    checks_form_token,
    csrf_checked,
    is_csrf_token,
    sent_token,
)
from app.core import clock, queue
from app.core.database import DbSession, unit_of_work
from app.core.errors import NotAllowed, NotFound
from app.core.forms import validated
from app.core.pages import page, path_for, redirect
from app.core.receiving import Received, receive_form, receive_raw
from app.core.storage import Blob
from app.core.views import FormState
from app.datasets import examples, queries, report, service
from app.datasets.access import CurrentDataset, CurrentVersion, EditableVersion, ReceivingDataset
from app.datasets.derived import service as derived
from app.datasets.derived.queries import derived_of
from app.datasets.forms import DatasetForm, label_of, name_from
from app.datasets.further import further as making
from app.datasets.gone import stored_file
from app.datasets.models import Dataset, DatasetVersion
from app.datasets.routes_export import InWords, in_words_of
from app.datasets.views import UploadVersionView
from app.projects.access import ReceivingProject, role_here
from app.settings import settings

router = APIRouter(dependencies=[Depends(csrf_checked)])
receiving = APIRouter()

Size = Annotated[int | None, Query(ge=0, le=2**53)]


@receiving.put("/projects/{project_id}/datasets/upload", name="datasets.upload")
async def upload(
    request: Request, entered: ReceivingProject, name: str, size: Size = None, title: str = ""
) -> Response:
    title = _title(title, name)  # before the bytes: a name that cannot be is told at once
    blob = await receive_raw(request, sender=entered.user.id, size=size)
    made = await anyio.to_thread.run_sync(
        _store, entered.thing.id, entered.user.id, blob, name, title, None
    )
    return _made(request, made)


@receiving.post("/projects/{project_id}/datasets/upload", name="datasets.upload_form")
@checks_form_token
async def upload_form(request: Request, entered: ReceivingProject) -> Response:
    received = await receive_form(request, sender=entered.user.id)
    _check_csrf(request, received)
    title = received.fields.get("name", "")
    made = await anyio.to_thread.run_sync(
        _store, entered.thing.id, entered.user.id, received.blob, received.file_name, title, None
    )
    return redirect(request, "datasets.show", version_id=made)


@router.get("/datasets/{dataset_id}/upload", name="datasets.upload_version_page")
def upload_version_page(
    request: Request, session: DbSession, user: CurrentUser, dataset: CurrentDataset
) -> Response:
    newest = queries.newest_version(session, dataset.id)
    if newest is None:
        raise NotFound
    view = UploadVersionView(
        project_id=dataset.project_id,
        dataset_id=dataset.id,
        dataset_name=dataset.name,
        newest_version_id=newest.id,
        next_number=newest.number + 1,
        form=FormState(),
        size_limit=settings().upload_limit,
        row_limit=settings().row_limit,
        unfinished=report.unfinished(
            queries.open_uploads_by(session, user.id, dataset.project_id, dataset.id)
        ),
    )
    return page(request, "datasets/upload.html", view)


@receiving.put("/datasets/{dataset_id}/upload", name="datasets.upload_version")
async def upload_version(
    request: Request, entered: ReceivingDataset, name: str, size: Size = None
) -> Response:
    blob = await receive_raw(request, sender=entered.user.id, size=size)
    dataset = entered.thing
    made = await anyio.to_thread.run_sync(
        _store, dataset.project_id, entered.user.id, blob, name, "", dataset
    )
    return _made(request, made)


@receiving.post("/datasets/{dataset_id}/upload", name="datasets.upload_version_form")
@checks_form_token
async def upload_version_form(request: Request, entered: ReceivingDataset) -> Response:
    received = await receive_form(request, sender=entered.user.id)
    _check_csrf(request, received)
    dataset = entered.thing
    made = await anyio.to_thread.run_sync(
        _store, dataset.project_id, entered.user.id, received.blob, received.file_name, "", dataset
    )
    return redirect(request, "datasets.show", version_id=made)


def _store(
    project_id: int, user_id: int, blob: Blob, file_name: str, title: str, dataset: Dataset | None
) -> int:
    with unit_of_work() as session:
        version = service.receive_upload(
            session,
            project_id=project_id,
            actor_id=user_id,
            blob=blob,
            file_name=file_name,
            name=_title(title, file_name),
            dataset=dataset,
        )
        return version.id


def _title(title: str, file_name: str) -> str:
    """What the dataset is called: as asked for, else like its file. Raises WrongInput."""
    return validated(DatasetForm, {"name": title.strip() or name_from(file_name)}).name


def _made(request: Request, version_id: int) -> Response:
    return JSONResponse(
        {"location": path_for(request, "datasets.show", version_id=version_id)}, 202
    )


def _check_csrf(request: Request, received: Received) -> None:
    """A form without script sends its token as a field; nothing of it is used before this."""
    if not is_csrf_token(request, received.fields.get("csrf")):
        raise NotAllowed(OLD_FORM)


@receiving.post("/projects/{project_id}/datasets/example", name="datasets.example")
@checks_form_token
def example(
    request: Request,
    entered: ReceivingProject,
    token: Annotated[str | None, Depends(sent_token)],
) -> Response:
    if not is_csrf_token(request, token):
        raise NotAllowed(OLD_FORM)
    version_id = examples.load_banking77(entered.thing.id, entered.user.id)
    said = "The example is here, with rows held out to measure by."
    return redirect(request, "datasets.show", version_id=version_id, toast=said)


@router.get("/dataset-versions/{version_id}", name="datasets.show")
def show(request: Request, session: DbSession, version: CurrentVersion) -> Response:
    return _report(request, session, version, None)


@router.get("/dataset-versions/{version_id}/progress", name="datasets.progress")
def progress(request: Request, session: DbSession, version: CurrentVersion) -> Response:
    return _report(request, session, version, "progress")


def _report(
    request: Request, session: Session, version: DatasetVersion, fragment: str | None
) -> Response:
    view = report.show(
        version,
        queries.versions_of(session, version.dataset_id),
        derived_of(session, version.id),
        clock.now(session),
        can_edit=role_here(request).may("edit"),
        can_spend=role_here(request).may("spend"),
    )
    if view.is_lost:
        queue.post("datasets.mend", version.id)
    return page(request, "datasets/show.html", view, fragment=fragment)


@router.get("/dataset-versions/{version_id}/further", name="datasets.further")
def further(request: Request, session: DbSession, version: CurrentVersion) -> Response:
    view = making(
        version,
        derived_of(session, version.id),
        clock.now(session),
        can_edit=role_here(request).may("edit"),
    )
    return page(request, "datasets/further.html", view, fragment="further")


@router.post("/dataset-versions/{version_id}/further/retry", name="datasets.retry_further")
def retry_further(
    request: Request, session: DbSession, user: CurrentUser, version: EditableVersion
) -> Response:
    derived.try_again(session, version, actor_id=user.id)
    return redirect(request, "datasets.show", version_id=version.id, toast="It goes on.")


@router.post("/dataset-versions/{version_id}/retry", name="datasets.retry")
def retry(
    request: Request, session: DbSession, user: CurrentUser, version: EditableVersion
) -> Response:
    service.retry_check(session, version, actor_id=user.id)
    return redirect(request, "datasets.show", version_id=version.id, toast="It is checked again.")


@router.get("/dataset-versions/{version_id}/content", name="datasets.content")
def content(version: CurrentVersion, dialect: InWords = None) -> Response:
    return download(version) if dialect is None else in_words_of(version, dialect)


def download(version: DatasetVersion) -> FileResponse:
    """The version's rows as an attachment that no browser shows or runs."""
    blob = Blob(version.sha256, version.size)
    return _attached(blob, f"{name_from(version.file_name)}-v{version.number}.jsonl")


def as_it_came(version: DatasetVersion) -> FileResponse:
    """The exact bytes that were uploaded, likewise."""
    return _attached(version.came_as, version.file_name)


def _attached(blob: Blob, name: str) -> FileResponse:
    return FileResponse(
        stored_file(*blob),
        media_type="application/octet-stream",
        filename=label_of(name),
        headers={"Content-Security-Policy": "sandbox; default-src 'none'"},
    )
