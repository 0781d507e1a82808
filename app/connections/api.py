"""Connections as JSON."""

from fastapi import APIRouter

from app.auth.access import CurrentUser
from app.connections import queries, service
from app.connections.access import CurrentConnection
from app.connections.forms import ConnectionForm
from app.connections.views import ConnectionResource, resource
from app.core.api import After, Limit, Listing, listing
from app.core.database import DbSession
from app.projects.access import CurrentProject, ManagedProject

router = APIRouter(prefix="/api/v1", tags=["connections"])


@router.get("/projects/{project_id}/connections", name="api.connections.index")
def index(
    session: DbSession, project: CurrentProject, after: After = None, limit: Limit = 50
) -> Listing[ConnectionResource]:
    """A project's connections; the first is Practice, the trainer on this machine."""
    rows = queries.connections_page(session, project.id, after=after, limit=limit + 1)
    return listing(rows, limit, resource)


@router.post("/projects/{project_id}/connections", name="api.connections.create", status_code=201)
def create(
    session: DbSession, user: CurrentUser, project: ManagedProject, body: ConnectionForm
) -> ConnectionResource:
    """Add an account at a provider. The key is sealed and never given back."""
    connection = service.create_connection(
        session,
        project_id=project.id,
        actor_id=user.id,
        name=body.name,
        kind=body.kind,
        base_url=body.base_url,
        api_key=body.api_key.get_secret_value(),
    )
    return resource(connection)


@router.get("/connections/{connection_id}", name="api.connections.show")
def show(connection: CurrentConnection) -> ConnectionResource:
    """One connection."""
    return resource(connection)
