"""Load a rescue and check that the person may see it or steer it."""

from typing import Annotated

from fastapi import Depends, Request

from app.auth.access import CurrentUser, PathId, declares
from app.core.database import DbSession
from app.projects.access import reach
from app.rescue import queries
from app.rescue.models import Rescue


@declares("view")
def viewable_rescue(
    request: Request, session: DbSession, user: CurrentUser, rescue_id: PathId
) -> Rescue:
    """The rescue of the URL, for members of its project."""
    return reach(request, session, user, queries.rescue_by_id(session, rescue_id), "view")


@declares("edit")
def editable_rescue(
    request: Request, session: DbSession, user: CurrentUser, rescue_id: PathId
) -> Rescue:
    """The rescue of the URL, for those who keep the project in order."""
    return reach(request, session, user, queries.rescue_by_id(session, rescue_id), "edit")


CurrentRescue = Annotated[Rescue, Depends(viewable_rescue)]
EditableRescue = Annotated[Rescue, Depends(editable_rescue)]
