"""Load what came home, of any kind, and check that the person may see it."""

from typing import Annotated

from fastapi import Depends, Request

from app.auth.access import CurrentUser, PathId, declares
from app.core.database import DbSession
from app.projects.access import reach
from app.rescue.models import RescuedObject
from app.rescue.pages import queries


@declares("view")
def viewable_object(
    request: Request, session: DbSession, user: CurrentUser, rescued_id: PathId
) -> RescuedObject:
    """The object of the URL, for members of its project."""
    return reach(request, session, user, queries.object_by_id(session, rescued_id), "view")


CurrentObject = Annotated[RescuedObject, Depends(viewable_object)]
