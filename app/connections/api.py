"""Connections as JSON."""

from fastapi import APIRouter
from fastapi.responses import Response

from app.auth.access import CurrentUser
from app.connections import queries, service
from app.connections.access import (
    ConnectionToTest,
    CurrentConnection,
    ManagedConnection,
    TestSeat,
)
from app.connections.asking import test_connection
from app.connections.forms import ConnectionChange, ConnectionForm
from app.connections.resources import ConnectionResource, resource
from app.core.api import After, Limit, Listing, listing
from app.core.database import DbSession, read_only
from app.core.errors import NotFound
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


@router.patch("/connections/{connection_id}", name="api.connections.change")
def change(
    session: DbSession, user: CurrentUser, connection: ManagedConnection, body: ConnectionChange
) -> ConnectionResource:
    """Rename a connection, move it, or give it another key or admin key. A key is never sent to
    another origin than it was given for: moving there needs it again, and forgets the admin key.
    """
    service.change_connection(
        session,
        connection,
        actor_id=user.id,
        name=body.name,
        base_url=body.base_url,
        api_key=body.api_key.get_secret_value() if body.api_key else None,
        admin_key=body.admin_key.get_secret_value() if body.admin_key else None,
    )
    return resource(connection)


@router.delete(
    "/connections/{connection_id}/admin-key", name="api.connections.forget_admin", status_code=204
)
def forget_admin(session: DbSession, user: CurrentUser, connection: ManagedConnection) -> Response:
    """Forget a connection's admin key; nothing happens where there is none."""
    service.remove_admin_key(session, connection, actor_id=user.id)
    return Response(status_code=204)


@router.delete("/connections/{connection_id}", name="api.connections.delete", status_code=204)
def delete(session: DbSession, user: CurrentUser, connection: ManagedConnection) -> Response:
    """Remove a connection nothing came over yet; 409 says what did."""
    service.delete_connection(session, connection, actor_id=user.id)
    return Response(status_code=204)


@router.post("/connections/{connection_id}/test", name="api.connections.test")
def test(entered: ConnectionToTest, _seat: TestSeat) -> ConnectionResource:
    """Ask the provider whose key it is, which models it lists and what it allows. A refusal is an
    answer too: `status` and `words` hold it.
    """
    test_connection(entered.thing, user_id=entered.user.id)
    with read_only() as session:
        connection = queries.connection_by_id(session, entered.thing.id)
    if connection is None:
        raise NotFound
    return resource(connection)
