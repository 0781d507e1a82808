"""The connections page."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from app.auth.access import CurrentUser, csrf_checked
from app.connections import queries, service, views
from app.connections.forms import ConnectionForm
from app.core.database import DbSession
from app.core.errors import WrongInput
from app.core.forms import Submission, submitted
from app.core.pages import page, redirect
from app.core.views import FormState
from app.projects.access import CurrentProject, ManagedProject, role_here

router = APIRouter(dependencies=[Depends(csrf_checked)])


@router.get("/projects/{project_id}/connections", name="connections.index")
def index(request: Request, session: DbSession, project: CurrentProject) -> Response:
    connections = queries.connections_of(session, project.id)
    can_manage = role_here(request).may("manage")
    view = views.index(project.id, connections, FormState(), can_manage=can_manage)
    return page(request, "connections/index.html", view)


@router.post("/projects/{project_id}/connections", name="connections.create")
def create(
    request: Request,
    session: DbSession,
    user: CurrentUser,
    project: ManagedProject,
    submission: Annotated[Submission[ConnectionForm], Depends(submitted(ConnectionForm))],
) -> Response:
    form = submission.form
    try:
        if form is not None:
            service.create_connection(
                session,
                project_id=project.id,
                actor_id=user.id,
                name=form.name,
                kind=form.kind,
                base_url=form.base_url,
                api_key=form.api_key.get_secret_value(),
            )
            return redirect(request, "connections.index", project_id=project.id)
    except WrongInput as error:
        submission = submission.refused(error)
    kept = FormState({**submission.values, "api_key": ""}, submission.errors)
    view = views.index(
        project.id, queries.connections_of(session, project.id), kept, can_manage=True
    )
    return page(request, "connections/index.html", view, status=422)
