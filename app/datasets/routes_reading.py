"""The page on which a person says how a file is read, where the guess was wrong."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import FileResponse, Response

from app.auth.access import CurrentUser, csrf_checked
from app.core.database import DbSession
from app.core.errors import WrongInput
from app.core.forms import Submission, submitted
from app.core.pages import page, redirect
from app.datasets import rereading, service
from app.datasets.access import CurrentVersion, EditableVersion
from app.datasets.forms import ReadingForm
from app.datasets.routes import as_it_came

router = APIRouter(dependencies=[Depends(csrf_checked)])

ReadingSubmission = Annotated[Submission[ReadingForm], Depends(submitted(ReadingForm))]


@router.get("/dataset-versions/{version_id}/reading", name="datasets.reading")
def reading(request: Request, version: EditableVersion) -> Response:
    view = rereading.view(version, rereading.begun(version), None)
    return page(request, "datasets/reading.html", view)


@router.post("/dataset-versions/{version_id}/reading", name="datasets.read_differently")
def read_differently(
    request: Request,
    session: DbSession,
    user: CurrentUser,
    version: EditableVersion,
    submission: ReadingSubmission,
) -> Response:
    source = rereading.begun(version)
    try:
        if submission.form is not None:
            asked = rereading.reading_from(source, submission.form)
            made = service.read_differently(session, version, asked, actor_id=user.id)
            said = f"Version {made.number} reads the same file as you say."
            return redirect(request, "datasets.show", version_id=made.id, toast=said)
    except WrongInput as error:
        submission = submission.refused(error)
    view = rereading.view(version, source, submission)
    return page(request, "datasets/reading.html", view, status=422)


@router.get("/dataset-versions/{version_id}/source", name="datasets.source")
def source(version: CurrentVersion) -> FileResponse:
    return as_it_came(version)
