"""Load a judge's comparing and check that the person may see or steer it."""

from typing import Annotated

from fastapi import Depends, Request

from app.auth.access import CurrentUser, PathId, declares
from app.core.database import DbSession
from app.evaluations.duels import queries
from app.evaluations.duels.models import JudgedDuels
from app.evaluations.models import EvaluationRun
from app.evaluations.people.queries import run_by_id
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


@declares("spend")
def ordered_run(
    request: Request, session: DbSession, user: CurrentUser, evaluation_run_id: PathId
) -> EvaluationRun:
    """The run of the URL, for those who may have a judge compare its contestants."""
    return reach(request, session, user, run_by_id(session, evaluation_run_id), "spend")


CurrentDuels = Annotated[JudgedDuels, Depends(viewable_duels)]
SteeredDuels = Annotated[JudgedDuels, Depends(steered_duels)]
OrderedRun = Annotated[EvaluationRun, Depends(ordered_run)]
