"""The pages of collections: the list, one with its rows, and what becomes of them."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from sqlalchemy.orm import Session

from app.auth.access import CurrentUser, csrf_checked
from app.auth.models import User
from app.collections import making, queries, service, views
from app.collections.access import (
    CurrentCollection,
    EditableCollection,
    EditableRow,
    MadeCollection,
)
from app.collections.forms import CollectionForm, RenameForm
from app.collections.listing import COLLECTIONS, KINDS, ROWS
from app.collections.models import Collection, Kind
from app.core.database import DbSession
from app.core.errors import WrongInput
from app.core.forms import Submission, submitted
from app.core.keyset import page_of, place_of
from app.core.list_views import list_view
from app.core.listing import NUMBER
from app.core.pages import asked_part, page, path_for, redirect
from app.core.views import FormState
from app.datasets.access import CurrentVersion
from app.datasets.queries import newest_version
from app.projects.access import CurrentProject, EditableProject, role_here
from app.projects.models import Project
from app.projects.queries import members_of

router = APIRouter(dependencies=[Depends(csrf_checked)])
# It looks at the token itself, before it writes a file.
makes = APIRouter()

PAGE, ROWS_PAGE = 25, 20


@router.get("/projects/{project_id}/collections", name="collections.index")
def index(request: Request, session: DbSession, project: CurrentProject) -> Response:
    view = _index(request, session, project, FormState())
    return page(request, "collections/index.html", view, fragment=asked_part(request, "rows"))


@router.get("/dataset-versions/{version_id}/collection", name="collections.of_version")
def of_version(request: Request, session: DbSession, version: CurrentVersion) -> Response:
    found = queries.collection_of_dataset(session, version.dataset_id)
    view = views.OriginView(found.id if found else None, found.name if found else "")
    return page(request, "collections/of_version.html", view)


@router.post("/projects/{project_id}/collections", name="collections.create")
def create(
    request: Request,
    session: DbSession,
    user: CurrentUser,
    project: EditableProject,
    submission: Annotated[Submission[CollectionForm], Depends(submitted(CollectionForm))],
) -> Response:
    form = submission.form
    try:
        if form is not None:
            made = service.create(
                session, project_id=project.id, actor_id=user.id, name=form.name, kind=form.format
            )
            return redirect(request, "collections.show", collection_id=made.id)
    except WrongInput as error:
        submission = submission.refused(error)
    view = _index(request, session, project, submission)
    return page(request, "collections/index.html", view, status=422)


def _index(
    request: Request, session: Session, project: Project, form: FormState
) -> views.IndexView:
    asked, fenced = COLLECTIONS.read(request), queries.ids_of_collections(project.id)
    found = page_of(session, fenced, asked, limit=PAGE)
    rows = queries.collections_by_ids(session, project.id, found.ids)
    counts = queries.row_counts(session, found.ids)
    place = place_of(session, fenced, asked, found)
    options = {"by": _people(session, project.id)}
    return views.IndexView(
        project_id=project.id,
        collections=tuple(views.line(one, counts) for one in rows),
        list=list_view(request, asked, found, place, options=options),
        has_any=bool(rows) or queries.has_collections(session, project.id),
        can_edit=role_here(request).may("edit"),
        kinds=tuple((kind.value, words) for kind, words in KINDS.items()),
        form=form,
    )


@router.get("/collections/{collection_id}", name="collections.show")
def show(
    request: Request,
    session: DbSession,
    user: CurrentUser,
    collection: CurrentCollection,
    removed: str = "",
) -> Response:
    view = _show(request, session, user, collection, FormState(), removed)
    return page(request, "collections/show.html", view, fragment=asked_part(request, "rows"))


def _show(
    request: Request,
    session: Session,
    user: User,
    collection: Collection,
    form: FormState,
    removed: str = "",
) -> views.ShowView:
    asked, fenced = ROWS.read(request), queries.ids_of_rows(collection.id)
    found = page_of(session, fenced, asked, limit=ROWS_PAGE)
    place = place_of(session, fenced, asked, found)
    options = {"by": _people(session, collection.project_id)}
    path = path_for(request, "collections.show", collection_id=collection.id)
    newest = newest_version(session, collection.dataset_id) if collection.dataset_id else None
    cards = queries.rows_by_ids(session, found.ids)
    return views.ShowView(
        project_id=collection.project_id,
        collection_id=collection.id,
        name=collection.name,
        kind=KINDS[Kind(collection.format)],
        by=views.name_of(collection.creator),
        created_at=collection.created_at,
        rows=queries.row_count(session, collection.id),
        cards=tuple(views.card(one, collection.format, user) for one in cards),
        list=list_view(request, asked, found, place, options=options, path=path),
        dataset=(newest.id, newest.dataset.name, newest.number) if newest else None,
        removed_id=_removed(session, collection, removed),
        can_edit=role_here(request).may("edit"),
        form=form,
    )


def _removed(session: Session, collection: Collection, text: str) -> int | None:
    """The row of the address, where it was taken out of this collection and can be put back."""
    row = queries.row_by_id(session, int(text)) if NUMBER.fullmatch(text) else None
    if row is None or row.collection_id != collection.id or row.removed_at is None:
        return None
    return row.id


def _people(session: Session, project_id: int) -> list[tuple[str, str]]:
    return [(str(one.user_id), one.user.name) for one in members_of(session, project_id)]


@router.post("/collections/{collection_id}/rename", name="collections.rename")
def rename(
    request: Request,
    session: DbSession,
    user: CurrentUser,
    collection: EditableCollection,
    submission: Annotated[Submission[RenameForm], Depends(submitted(RenameForm))],
) -> Response:
    try:
        if submission.form is not None:
            service.rename(session, collection, name=submission.form.name, actor_id=user.id)
            return redirect(request, "collections.show", collection_id=collection.id)
    except WrongInput as error:
        submission = submission.refused(error)
    view = _show(request, session, user, collection, submission)
    return page(request, "collections/show.html", view, status=422)


@router.post("/collections/{collection_id}/delete", name="collections.delete")
def delete(
    request: Request, session: DbSession, user: CurrentUser, collection: EditableCollection
) -> Response:
    service.delete(session, collection, actor_id=user.id)
    said = f"{collection.name} is deleted."
    return redirect(request, "collections.index", toast=said, project_id=collection.project_id)


@makes.post("/collections/{collection_id}/dataset", name="collections.make")
def make(request: Request, entered: MadeCollection) -> Response:
    made = making.make(entered.thing.id, actor_id=entered.user.id)
    said = "This is" if made.is_new else "Nothing has changed since"
    toast = f"{said} version {made.version.number}."
    return redirect(request, "datasets.show", toast=toast, version_id=made.version.id)


@router.post("/collection-rows/{row_id}/remove", name="collections.remove_row")
def remove_row(
    request: Request, session: DbSession, user: CurrentUser, row: EditableRow
) -> Response:
    service.remove_row(session, row, actor_id=user.id)
    return redirect(
        request, "collections.show", query={"removed": row.id}, collection_id=row.collection_id
    )


@router.post("/collection-rows/{row_id}/put-back", name="collections.put_back")
def put_back(request: Request, session: DbSession, user: CurrentUser, row: EditableRow) -> Response:
    service.put_back(session, row, actor_id=user.id)
    return redirect(
        request, "collections.show", toast="It is back.", collection_id=row.collection_id
    )
