"""Collections as JSON."""

from fastapi import APIRouter, Request
from fastapi.responses import Response
from sqlalchemy.orm import Session

from app.auth.access import CurrentUser
from app.collections import making, queries, service
from app.collections.access import (
    CurrentCollection,
    EditableCollection,
    EditableRow,
    MadeCollection,
)
from app.collections.forms import CollectionForm, RenameForm, RowForm
from app.collections.listing import COLLECTIONS, ROWS
from app.collections.models import Collection
from app.collections.resources import (
    CollectionResource,
    RowResource,
    collection_resource,
    row_resource,
)
from app.core.api import Limit, Listing, keyed
from app.core.database import DbSession
from app.core.keyset import page_of
from app.datasets.resources import DatasetResource, dataset_resource
from app.projects.access import CurrentProject, EditableProject

router = APIRouter(prefix="/api/v1", tags=["collections"])

BY_SCRIPT = "a script"


@router.get(
    "/projects/{project_id}/collections",
    name="api.collections.index",
    openapi_extra=COLLECTIONS.openapi,
)
def index(
    request: Request, session: DbSession, project: CurrentProject, limit: Limit = 50
) -> Listing[CollectionResource]:
    """A project's collections, the last changed first."""
    fenced = queries.ids_of_collections(project.id)
    found = page_of(session, fenced, COLLECTIONS.read(request), limit=limit)
    rows = queries.collections_by_ids(session, project.id, found.ids)
    counts = queries.row_counts(session, found.ids)
    return keyed(found, [collection_resource(one, counts.get(one.id, 0)) for one in rows])


@router.post("/projects/{project_id}/collections", name="api.collections.create", status_code=201)
def create(
    session: DbSession, user: CurrentUser, project: EditableProject, body: CollectionForm
) -> CollectionResource:
    """Begin a collection; `format` is chat, preference or evaluation."""
    made = service.create(
        session, project_id=project.id, actor_id=user.id, name=body.name, kind=body.format
    )
    return collection_resource(made, 0)


@router.get("/collections/{collection_id}", name="api.collections.show")
def show(session: DbSession, collection: CurrentCollection) -> CollectionResource:
    """One collection."""
    return _resource(session, collection)


@router.patch("/collections/{collection_id}", name="api.collections.change")
def change(
    session: DbSession, user: CurrentUser, collection: EditableCollection, body: RenameForm
) -> CollectionResource:
    """Give it another name."""
    service.rename(session, collection, name=body.name, actor_id=user.id)
    return _resource(session, collection)


@router.delete("/collections/{collection_id}", name="api.collections.delete", status_code=204)
def delete(session: DbSession, user: CurrentUser, collection: EditableCollection) -> Response:
    """Forget it with its rows; what was made of it stays."""
    service.delete(session, collection, actor_id=user.id)
    return Response(status_code=204)


@router.get(
    "/collections/{collection_id}/rows",
    name="api.collections.rows",
    openapi_extra=ROWS.openapi,
)
def rows(
    request: Request, session: DbSession, collection: CurrentCollection, limit: Limit = 50
) -> Listing[RowResource]:
    """Its rows, the last saved first."""
    found = page_of(session, queries.ids_of_rows(collection.id), ROWS.read(request), limit=limit)
    return keyed(found, [row_resource(one) for one in queries.rows_by_ids(session, found.ids)])


@router.post("/collections/{collection_id}/rows", name="api.collections.add_row", status_code=201)
def add_row(
    session: DbSession, user: CurrentUser, collection: EditableCollection, body: RowForm
) -> RowResource:
    """Keep a row of the collection's format; one that is there already is given back."""
    saved = service.save(session, collection, body.row, actor_id=user.id, origin=BY_SCRIPT)
    return row_resource(saved.row)


@router.delete("/collection-rows/{row_id}", name="api.collections.remove_row", status_code=204)
def remove_row(session: DbSession, user: CurrentUser, row: EditableRow) -> Response:
    """Take a row out; for a day its page or `put-back` has it again."""
    service.remove_row(session, row, actor_id=user.id)
    return Response(status_code=204)


@router.post("/collection-rows/{row_id}/put-back", name="api.collections.put_back")
def put_back(session: DbSession, user: CurrentUser, row: EditableRow) -> RowResource:
    """Have a row again that was taken out within a day."""
    service.put_back(session, row, actor_id=user.id)
    return row_resource(row)


@router.post("/collections/{collection_id}/dataset", name="api.collections.make", status_code=202)
def make(entered: MadeCollection) -> DatasetResource:
    """Make a dataset of the rows, or the next version of the one made before; the same rows make
    no second version. Poll its version until `status` is ready or rejected.
    """
    return dataset_resource(making.make(entered.thing.id, actor_id=entered.user.id).version)


def _resource(session: Session, collection: Collection) -> CollectionResource:
    return collection_resource(collection, queries.row_count(session, collection.id))
