"""A project's graders, their versions and trying them as JSON."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from sqlalchemy.orm import Session

from app.auth.access import CurrentUser
from app.core.api import Limit, Listing, keyed
from app.core.database import DbSession, read_only
from app.core.errors import NotFound, WrongInput
from app.core.keyset import page_of
from app.graders.base import Grader
from app.graders.reading import read_grader
from app.grading import queries, service
from app.grading.access import (
    CurrentGrader,
    DraftSeat,
    EditableGrader,
    GraderSeat,
    TriedGrader,
    TryingProject,
)
from app.grading.forms import GraderForm, TryBody, TryForm
from app.grading.listing import GRADERS
from app.grading.models import GraderVersion, LibraryGrader
from app.grading.resources import (
    GraderResource,
    GraderVersionResource,
    TriedResource,
    grader_resource,
    tried_resource,
    version_resource,
)
from app.grading.trying import tried
from app.projects.access import CurrentProject, EditableProject

router = APIRouter(prefix="/api/v1", tags=["graders"])

Number = Annotated[int | None, Query(ge=1, le=2**53, description="Of which version; the newest.")]


@router.get(
    "/projects/{project_id}/graders", name="api.graders.index", openapi_extra=GRADERS.openapi
)
def index(
    request: Request, session: DbSession, project: CurrentProject, limit: Limit = 50
) -> Listing[GraderResource]:
    """A project's graders, by name unless asked otherwise."""
    fenced = queries.ids_of_graders(project.id)
    found = page_of(session, fenced, GRADERS.read(request), limit=limit)
    rows = queries.graders_by_ids(session, project.id, found.ids)
    return keyed(found, [grader_resource(one) for one in rows])


@router.post("/projects/{project_id}/graders", name="api.graders.create", status_code=201)
def create(
    session: DbSession, user: CurrentUser, project: EditableProject, body: GraderForm
) -> GraderVersionResource:
    """Keep a grader: OpenAI's JSON, or one of Luthier's own types. Its `name` is the library's."""
    grader = service.create_grader(
        session,
        project_id=project.id,
        actor_id=user.id,
        body=body.grader,
        connection_id=body.connection_id,
    )
    return version_resource(_version(session, grader, None))


@router.get("/graders/{grader_id}", name="api.graders.show")
def show(
    session: DbSession, grader: CurrentGrader, version: Number = None
) -> GraderVersionResource:
    """A grader as it stands, or one of its versions; `grader` is what a job or a script takes."""
    return version_resource(_version(session, grader, version))


@router.get("/graders/{grader_id}/versions", name="api.graders.versions")
def versions(session: DbSession, grader: CurrentGrader) -> Listing[GraderVersionResource]:
    """A grader's versions, the newest first, 200 at most."""
    found = queries.versions_of(session, grader.id)
    return Listing(data=[version_resource(one) for one in found], next=None)


@router.put("/graders/{grader_id}", name="api.graders.change")
def change(
    session: DbSession, user: CurrentUser, grader: EditableGrader, body: GraderForm
) -> GraderVersionResource:
    """Make the next version. The newest comes back as it is where nothing changed."""
    version = service.change_grader(
        session,
        grader,
        actor_id=user.id,
        after=None,
        body=body.grader,
        connection_id=body.connection_id,
    )
    return version_resource(version)


@router.delete("/graders/{grader_id}", name="api.graders.delete", status_code=204)
def delete(session: DbSession, user: CurrentUser, grader: EditableGrader) -> Response:
    """Forget a grader with all its versions."""
    service.delete_grader(session, grader, actor_id=user.id)
    return Response(status_code=204)


@router.get("/graders/{grader_id}/try", name="api.graders.try")
def try_saved(
    entered: TriedGrader,
    _seat: GraderSeat,
    asked: Annotated[TryForm, Query()],
) -> TriedResource:
    """Grade the answers that stand in a dataset version's rows: up to 200 rows and two seconds at
    once. Go on with `next_first`.
    """
    with read_only() as session:
        read = read_grader(_version(session, entered.thing, None).settings)
    return tried_resource(tried(entered.thing.project_id, read, asked, None))


@router.post("/projects/{project_id}/graders/try", name="api.graders.try_draft")
def try_draft(entered: TryingProject, _seat: DraftSeat, body: TryBody) -> TriedResource:
    """Try a grader that is not kept, or one by its `name`, on rows with their own answers or with
    `answers` to them. Nothing is kept.
    """
    with read_only() as session:
        read = _meant(session, entered.thing.id, body)
    return tried_resource(tried(entered.thing.id, read, body, body.answers))


def _meant(session: Session, project_id: int, body: TryBody) -> Grader:
    if body.grader is not None:
        return service.understood(body.grader)
    found = queries.grader_named(session, project_id, body.name or "")
    if found is None:
        raise WrongInput.field("name", "The project has no such grader.")
    return read_grader(_version(session, found, None).settings)


def _version(session: Session, grader: LibraryGrader, number: int | None) -> GraderVersion:
    found = queries.version_of(session, grader, number)
    if found is None:
        raise NotFound
    return found
