"""Load a judge's comparing and check that the person may see or steer it."""

from typing import Annotated

from fastapi import Depends, Request

from app.auth.access import CurrentUser, PathId, declares
from app.core.database import DbSession
from app.evaluations.duels import queries
from app.evaluations.duels.models import JudgedDuels
from app.projects.access import reach


@declares("view")
def viewable_duels(
    request: Request, session: DbSession, user: CurrentUser, duels_id: PathId
) -> JudgedDuels:
    """The comparing of the URL, for members of its project."""
    return reach(request, session, user, queries.duels_by_id(session, duels_id), "view")


@declares("spend")
def steered_duels(
    request: Request, session: DbSession, user: CurrentUser, duels_id: PathId
) -> JudgedDuels:
    """The comparing of the URL, for those who may spend on it."""
    return reach(
        request, session, user, queries.duels_by_id(session, duels_id, is_held=True), "spend"
    )


CurrentDuels = Annotated[JudgedDuels, Depends(viewable_duels)]
SteeredDuels = Annotated[JudgedDuels, Depends(steered_duels)]
