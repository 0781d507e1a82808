"""The pages of imports: the form, and what came in."""

from typing import Annotated

import anyio.to_thread
from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from sqlalchemy.orm import Session

from app.auth.access import OLD_FORM, checks_form_token, csrf_checked, is_csrf_token
from app.core import storage
from app.core.database import DbSession, read_only
from app.core.errors import NotAllowed, NotFound, ProductError, WrongInput
from app.core.forms import form_values, validated
from app.core.pages import page, redirect
from app.core.receiving import Received, receive_form
from app.core.views import FormState
from app.evaluations.access import CurrentEvaluation
from app.evaluations.imports import queries, service, views
from app.evaluations.imports.access import ImportingProject, ImportSeat
from app.evaluations.imports.forms import HowForm, ImportForm
from app.grading import queries as library
from app.projects.access import EditableProject, ReceivingProject

router = APIRouter(dependencies=[Depends(csrf_checked)])
importing = APIRouter()

Values = Annotated[dict[str, str], Depends(form_values)]
GRADER = "grader."


@router.get("/projects/{project_id}/evaluations/import", name="evaluations.import_form")
def import_form(request: Request, session: DbSession, project: EditableProject) -> Response:
    return _form(request, session, project.id, FormState())


@importing.post("/projects/{project_id}/evaluations/import", name="evaluations.import")
def import_pasted(
    request: Request, entered: ImportingProject, _seat: ImportSeat, values: Values
) -> Response:
    project_id, user_id = entered.thing.id, entered.user.id
    try:
        form = validated(ImportForm, _sent(values))
        made = service.take_in(
            project_id=project_id, actor_id=user_id, content=form.content.encode(), how=form
        )
    except ProductError as error:
        return _refused(request, project_id, values, error)
    return redirect(request, "evaluations.imported", evaluation_id=made)


@importing.post(
    "/projects/{project_id}/evaluations/import/upload", name="evaluations.import_file_form"
)
@checks_form_token
async def import_file(request: Request, entered: ReceivingProject) -> Response:
    try:
        received = await receive_form(request, sender=entered.user.id)
    except WrongInput as error:  # no file was chosen
        return await anyio.to_thread.run_sync(_refused, request, entered.thing.id, {}, error)
    if not is_csrf_token(request, received.fields.pop("csrf", None)):
        raise NotAllowed(OLD_FORM)
    return await anyio.to_thread.run_sync(
        _take_file, request, entered.thing.id, entered.user.id, received
    )


def _take_file(request: Request, project_id: int, user_id: int, received: Received) -> Response:
    values = received.fields
    try:
        form = validated(HowForm, _sent(values))
        service.check_size(received.blob.size)
        content = storage.blob_path(received.blob.sha256).read_bytes()
        made = service.take_in(project_id=project_id, actor_id=user_id, content=content, how=form)
    except ProductError as error:
        return _refused(request, project_id, values, error)
    return redirect(request, "evaluations.imported", evaluation_id=made)


@router.get("/evaluations/{evaluation_id}/import", name="evaluations.imported")
def imported(request: Request, session: DbSession, evaluation: CurrentEvaluation) -> Response:
    if evaluation.source.get("kind") != "imported":
        raise NotFound
    contestants = queries.first_contestants(session, evaluation.id)
    return page(request, "evaluations/imported.html", views.imported_view(evaluation, contestants))


def _sent(values: dict[str, str]) -> dict[str, object]:
    """The boxes as the form has them: empty ones are missing, ticked graders are a list."""
    filled: dict[str, object] = {
        name: value
        for name, value in values.items()
        if value.strip() and not name.startswith(GRADER)
    }
    ticked = [name.removeprefix(GRADER) for name in values if name.startswith(GRADER)]
    return {**filled, "graders": ticked}


def _refused(
    request: Request, project_id: int, values: dict[str, str], error: ProductError
) -> Response:
    found = {item.field.partition(".")[0]: item.message for item in error.errors}
    state = FormState(values, found or {"": error.message})
    with read_only() as session:
        return _form(request, session, project_id, state, status=max(error.status, 422))


def _form(
    request: Request, session: Session, project_id: int, state: FormState, *, status: int = 200
) -> Response:
    known = library.newest_versions(session, project_id)
    view = views.form_view(project_id, known, state)
    return page(request, "evaluations/import.html", view, status=status)
