"""Rescues as JSON, and their manifest as a stream."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response
from fastapi.responses import StreamingResponse
from sqlalchemy.orm import Session

from app.auth.access import CurrentUser
from app.auth.models import User
from app.connections import queries as connections
from app.connections.models import Connection
from app.core.api import After, Limit, Listing, listing
from app.core.database import DbSession
from app.core.errors import WrongInput
from app.projects.access import CurrentProject, EditableProject
from app.rescue import manifest, queries, service, tallies
from app.rescue.access import CurrentRescue, EditableRescue
from app.rescue.forms import RescueForm
from app.rescue.models import Rescue
from app.rescue.resources import (
    BegunResource,
    ObjectResource,
    RescueResource,
    begun_resource,
    object_resource,
    rescue_resource,
)

router = APIRouter(prefix="/api/v1", tags=["rescues"])


@router.post("/projects/{project_id}/rescues", name="api.rescues.create", status_code=202)
def create(
    session: DbSession, user: CurrentUser, project: EditableProject, body: RescueForm
) -> BegunResource:
    """Bring the whole history behind some connections home. With `look_only` it counts what is
    there and waits for `go`. 409 while another rescue works over one of the connections.
    """
    rescue = service.begin(
        session,
        project_id=project.id,
        actor_id=user.id,
        connections=_named(session, project.id, body.connection_ids),
        with_completions=body.with_completions,
        is_asked_for=not body.look_only,
    )
    return begun_resource(rescue)


def _named(session: Session, project_id: int, connection_ids: list[int]) -> list[Connection]:
    found = []
    for connection_id in dict.fromkeys(connection_ids):
        connection = connections.connection_in(session, project_id, connection_id)
        if connection is None:
            raise WrongInput.field(
                "connection_ids", f"This project has no such connection: {connection_id}."
            )
        found.append(connection)
    return found


@router.get("/projects/{project_id}/rescues", name="api.rescues.index")
def index(
    session: DbSession, project: CurrentProject, after: After = None, limit: Limit = 50
) -> Listing[BegunResource]:
    """A project's rescues, the newest first."""
    found = queries.rescues_page(session, project.id, after=after, limit=limit + 1)
    return listing(found, limit, begun_resource)


@router.get("/rescues/{rescue_id}", name="api.rescues.show")
def show(session: DbSession, rescue: CurrentRescue) -> RescueResource:
    """One rescue: its part over each connection, and how far every kind is."""
    return rescue_resource(rescue, tallies.tally_by_kind(session, rescue))


@router.get(
    "/rescues/{rescue_id}/manifest",
    name="api.rescues.manifest",
    response_model=Listing[ObjectResource],
)
def show_manifest(
    session: DbSession,
    rescue: CurrentRescue,
    form: Annotated[
        Literal["json", "jsonl", "csv"],
        Query(alias="format", description="A page as JSON, or all of it as JSONL or CSV."),
    ] = "json",
    after: After = None,
    limit: Limit = 50,
) -> Listing[ObjectResource] | Response:
    """Every object behind the rescue's connections, in the order in which they were found."""
    connection_ids = [part.connection_id for part in rescue.parts]
    if form == "json":
        found = queries.objects_page(session, connection_ids, after=after, limit=limit + 1)
        return listing(found, limit, object_resource)
    return StreamingResponse(
        manifest.lines(connection_ids, form),
        media_type=manifest.FORMATS[form],
        headers={
            "Content-Disposition": f'attachment; filename="rescue-{rescue.id}-manifest.{form}"',
            "Content-Security-Policy": "sandbox; default-src 'none'",
        },
    )


@router.post("/rescues/{rescue_id}/go", name="api.rescues.go", status_code=202)
def go(session: DbSession, user: CurrentUser, rescue: EditableRescue) -> BegunResource:
    """Fetch what a look found."""
    return _asked(service.go, session, user, rescue)


@router.post("/rescues/{rescue_id}/pause", name="api.rescues.pause", status_code=202)
def pause(session: DbSession, user: CurrentUser, rescue: EditableRescue) -> BegunResource:
    """Stand still after what is under way. 409 when nothing works."""
    return _asked(service.pause, session, user, rescue)


@router.post("/rescues/{rescue_id}/resume", name="api.rescues.resume", status_code=202)
def resume(session: DbSession, user: CurrentUser, rescue: EditableRescue) -> BegunResource:
    """Go on where it was. 409 when nothing is left to do."""
    return _asked(service.resume, session, user, rescue)


@router.post("/rescues/{rescue_id}/again", name="api.rescues.again", status_code=202)
def again(session: DbSession, user: CurrentUser, rescue: EditableRescue) -> BegunResource:
    """Look again, and try once more for all that was refused, gone, damaged, or failed."""
    return _asked(service.ask_again, session, user, rescue)


@router.post("/rescues/{rescue_id}/verify", name="api.rescues.verify", status_code=202)
def verify(session: DbSession, user: CurrentUser, rescue: EditableRescue) -> BegunResource:
    """Read every stored byte again and compare it with its hash. 409 while something is still to
    come.
    """
    return _asked(service.verify, session, user, rescue)


def _asked(ask: service.Asking, session: Session, user: User, rescue: Rescue) -> BegunResource:
    ask(session, rescue, actor_id=user.id)
    return begun_resource(rescue)
