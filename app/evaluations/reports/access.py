"""Load an evaluation or a run of one, and check that the person may see it."""

from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy.orm import Session

from app.auth.access import CurrentUser, PathId, declares
from app.auth.models import User
from app.core.database import DbSession
from app.evaluations.models import Evaluation, EvaluationRun
from app.evaluations.reports import queries
from app.projects.access import Entered, briefly, reach


@declares("view")
def viewable_evaluation(
    request: Request, session: DbSession, user: CurrentUser, evaluation_id: PathId
) -> Evaluation:
    """The evaluation of the URL, for members of its project."""
    found = queries.evaluation_by_id(session, evaluation_id)
    return reach(request, session, user, found, "view")


@declares("view")
def viewable_run(
    request: Request, session: DbSession, user: CurrentUser, evaluation_run_id: PathId
) -> EvaluationRun:
    """The run of the URL, for members of its project."""
    return reach(request, session, user, queries.run_by_id(session, evaluation_run_id), "view")


@declares("edit")
def collected_run(
    request: Request, session: DbSession, user: CurrentUser, evaluation_run_id: PathId
) -> EvaluationRun:
    """The run of the URL, for those who may keep rows of its cases."""
    return reach(request, session, user, queries.run_by_id(session, evaluation_run_id), "edit")


@declares("view")
def streamed_run(request: Request, evaluation_run_id: PathId) -> Entered[EvaluationRun]:
    """The run of the URL for a file made of it: no session stays open while it is sent."""

    def load(session: Session, user: User) -> EvaluationRun:
        return reach(request, session, user, queries.run_by_id(session, evaluation_run_id), "view")

    return briefly(request, load)


ReadEvaluation = Annotated[Evaluation, Depends(viewable_evaluation)]
ReadRun = Annotated[EvaluationRun, Depends(viewable_run)]
CollectedRun = Annotated[EvaluationRun, Depends(collected_run)]
StreamedRun = Annotated[Entered[EvaluationRun], Depends(streamed_run)]
