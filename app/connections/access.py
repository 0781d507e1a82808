"""Load a connection and check that the person may see or use it."""

from typing import Annotated

from fastapi import Depends, Request

from app.auth.access import CurrentUser, PathId, declares
from app.connections import queries
from app.connections.models import Connection
from app.core.database import DbSession
from app.projects.access import reach


@declares("view")
def viewable_connection(
    request: Request, session: DbSession, user: CurrentUser, connection_id: PathId
) -> Connection:
    """The connection of the URL, for members of its project."""
    found = queries.connection_by_id(session, connection_id)
    return reach(request, session, user, found, "view")


CurrentConnection = Annotated[Connection, Depends(viewable_connection)]
