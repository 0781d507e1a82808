"""Load a collection or a row of one and check that the person may see or change it."""

from typing import Annotated

from fastapi import Depends, Request

from app.auth.access import CurrentUser, PathId, declares, sent_token
from app.collections import queries
from app.collections.models import Collection, CollectionRow
from app.core.database import DbSession
from app.projects.access import Entered, briefly, reach


@declares("view")
def viewable_collection(
    request: Request, session: DbSession, user: CurrentUser, collection_id: PathId
) -> Collection:
    """The collection of the URL, for members of its project."""
    found = queries.collection_by_id(session, collection_id)
    return reach(request, session, user, found, "view")


@declares("edit")
def editable_collection(
    request: Request, session: DbSession, user: CurrentUser, collection_id: PathId
) -> Collection:
    """The collection of the URL, for those who may change it."""
    found = queries.collection_by_id(session, collection_id)
    return reach(request, session, user, found, "edit")


@declares("edit")
def made_collection(
    request: Request, collection_id: PathId, sent: Annotated[str | None, Depends(sent_token)]
) -> Entered[Collection]:
    """The collection of the URL to make a dataset of: no session stays open while its rows are
    written to a file.
    """
    return briefly(
        request,
        lambda session, user: reach(
            request, session, user, queries.collection_by_id(session, collection_id), "edit"
        ),
        sent,
    )


@declares("edit")
def editable_row(
    request: Request, session: DbSession, user: CurrentUser, row_id: PathId
) -> CollectionRow:
    """The row of the URL, for those who may change its collection."""
    return reach(request, session, user, queries.row_by_id(session, row_id), "edit")


CurrentCollection = Annotated[Collection, Depends(viewable_collection)]
EditableCollection = Annotated[Collection, Depends(editable_collection)]
MadeCollection = Annotated[Entered[Collection], Depends(made_collection)]
EditableRow = Annotated[CollectionRow, Depends(editable_row)]
