"""Pages about projects: which there are, and making one."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from app.auth.access import Myself, csrf_checked
from app.core.database import DbSession
from app.core.forms import Submission, submitted
from app.core.pages import page, redirect
from app.core.views import FormState
from app.projects import queries, service, views
from app.projects.forms import ProjectForm

router = APIRouter(dependencies=[Depends(csrf_checked)])


@router.get("/projects", name="projects.index")
def index(request: Request, session: DbSession, user: Myself) -> Response:
    memberships = queries.memberships_of(session, user.id)
    request.state.shell = views.shell_of(request, user, memberships, None)
    return page(request, "projects/index.html", views.index(memberships))


@router.get("/projects/new", name="projects.new")
def new(request: Request, session: DbSession, user: Myself) -> Response:
    request.state.shell = views.shell_of(
        request, user, queries.memberships_of(session, user.id), None
    )
    return page(request, "projects/new.html", views.NewView(FormState()))


@router.post("/projects", name="projects.create")
def create(
    request: Request,
    session: DbSession,
    user: Myself,
    submission: Annotated[Submission[ProjectForm], Depends(submitted(ProjectForm))],
) -> Response:
    if submission.form is None:
        request.state.shell = views.shell_of(
            request, user, queries.memberships_of(session, user.id), None
        )
        return page(request, "projects/new.html", views.NewView(submission), status=422)
    project = service.create_project(session, name=submission.form.name, user=user)
    return redirect(request, "dashboard.home", project_id=project.id)
