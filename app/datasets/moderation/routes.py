"""The section of a version's report about moderation, and the same as JSON."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from app.auth.access import CurrentUser, csrf_checked
from app.connections import queries as connections
from app.core.database import DbSession
from app.core.errors import Conflict, WrongInput
from app.core.forms import Form, Submission, submitted
from app.core.pages import page, redirect
from app.core.views import FormState
from app.datasets.access import CurrentVersion, EditableVersion
from app.datasets.models import DatasetVersion
from app.datasets.moderation import service, views
from app.projects.access import role_here

router = APIRouter(dependencies=[Depends(csrf_checked)])
api = APIRouter(prefix="/api/v1", tags=["datasets"])

PATH = "/dataset-versions/{version_id}/moderation"
UNKNOWN = "This project has no such connection."


class ModerationForm(Form):
    """Over which connection the rows are to be moderated."""

    connection_id: int


@router.get(PATH, name="moderation.show")
def show(request: Request, session: DbSession, version: CurrentVersion) -> Response:
    return _section(request, session, version, FormState(), 200)


@router.post(PATH, name="moderation.ask")
def ask(
    request: Request,
    session: DbSession,
    user: CurrentUser,
    version: EditableVersion,
    sent: Annotated[Submission[ModerationForm], Depends(submitted(ModerationForm))],
) -> Response:
    if sent.form is not None:
        try:
            _begin(session, version, sent.form, actor_id=user.id)
        except (WrongInput, Conflict) as error:
            sent = sent.refused(error)
        else:
            said = "The rows are being moderated."
            return redirect(request, "datasets.show", version_id=version.id, toast=said)
    return _section(request, session, version, sent, 422)


@api.get(PATH, name="api.moderation.show")
def show_json(session: DbSession, version: CurrentVersion) -> views.ModerationResource:
    """What a provider's moderation says of a version's rows, since somebody last asked."""
    return views.resource(session, version)


@api.post(PATH, name="api.moderation.ask", status_code=202)
def ask_json(
    session: DbSession, user: CurrentUser, version: EditableVersion, body: ModerationForm
) -> views.ModerationResource:
    """Let a connection's provider moderate every row; the text of the rows is sent there. Poll
    until `status` is done or stopped. Asking again begins anew.
    """
    _begin(session, version, body, actor_id=user.id)
    return views.resource(session, version)


def _begin(
    session: DbSession, version: DatasetVersion, form: ModerationForm, *, actor_id: int
) -> None:
    connection = connections.connection_in(session, version.project_id, form.connection_id)
    if connection is None:
        raise WrongInput.field("connection_id", UNKNOWN)
    service.begin(session, version, connection, actor_id=actor_id)


def _section(
    request: Request, session: DbSession, version: DatasetVersion, form: FormState, status: int
) -> Response:
    can_edit = role_here(request).may("edit")
    view = views.section(session, version, can_edit=can_edit, form=form)
    return page(request, "datasets/moderation.html", view, status=status)
