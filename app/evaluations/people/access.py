"""Load a round of grading and check that the person may see it, or grade."""

from typing import Annotated

from fastapi import Depends, Request

from app.auth.access import CurrentUser, PathId, declares
from app.core.database import DbSession
from app.evaluations.people import queries
from app.evaluations.people.models import Round
from app.projects.access import reach


@declares("view")
def viewable_round(
    request: Request, session: DbSession, user: CurrentUser, round_id: PathId
) -> Round:
    """The round of the URL, for members of its project."""
    return reach(request, session, user, queries.round_by_id(session, round_id), "view")


@declares("edit")
def editable_round(
    request: Request, session: DbSession, user: CurrentUser, round_id: PathId
) -> Round:
    """The round of the URL, for those who may grade in it."""
    return reach(request, session, user, queries.round_by_id(session, round_id), "edit")


CurrentRound = Annotated[Round, Depends(viewable_round)]
GradableRound = Annotated[Round, Depends(editable_round)]
