"""Projects as JSON."""

from fastapi import APIRouter

from app.auth.access import Myself
from app.core.api import After, Limit, Listing, listing
from app.core.database import DbSession
from app.projects import queries, service
from app.projects.access import CurrentProject
from app.projects.forms import ProjectForm
from app.projects.views import ProjectResource, resource

router = APIRouter(prefix="/api/v1", tags=["projects"])


@router.get("/projects", name="api.projects.index")
def index(
    session: DbSession, user: Myself, after: After = None, limit: Limit = 50
) -> Listing[ProjectResource]:
    """The projects you belong to, the newest first."""
    rows = queries.projects_of(session, user.id, after=after, limit=limit + 1)
    return listing(rows, limit, resource)


@router.post("/projects", name="api.projects.create", status_code=201)
def create(session: DbSession, user: Myself, body: ProjectForm) -> ProjectResource:
    """Make a project; you own it, and it has the connection Practice."""
    return resource(service.create_project(session, name=body.name, user=user))


@router.get("/projects/{project_id}", name="api.projects.show")
def show(project: CurrentProject) -> ProjectResource:
    """One project."""
    return resource(project)
