"""Load an evaluation or a run of one, and check that the person may see it or act on it."""

from typing import Annotated

from fastapi import Depends, Request

from app.auth.access import CurrentUser, PathId, declares
from app.core.database import DbSession
from app.evaluations import queries
from app.evaluations.models import Evaluation, EvaluationRun
from app.projects.access import reach


@declares("view")
def viewable_evaluation(
    request: Request, session: DbSession, user: CurrentUser, evaluation_id: PathId
) -> Evaluation:
    """The evaluation of the URL, for members of its project."""
    found = queries.evaluation_by_id(session, evaluation_id)
    return reach(request, session, user, found, "view")


@declares("edit")
def editable_evaluation(
    request: Request, session: DbSession, user: CurrentUser, evaluation_id: PathId
) -> Evaluation:
    """The evaluation of the URL, for those who may change it."""
    found = queries.evaluation_by_id(session, evaluation_id)
    return reach(request, session, user, found, "edit")


@declares("spend")
def spendable_evaluation(
    request: Request, session: DbSession, user: CurrentUser, evaluation_id: PathId
) -> Evaluation:
    """The evaluation of the URL, for those who may start what costs money."""
    found = queries.evaluation_by_id(session, evaluation_id)
    return reach(request, session, user, found, "spend")


@declares("view")
def viewable_run(
    request: Request, session: DbSession, user: CurrentUser, evaluation_run_id: PathId
) -> EvaluationRun:
    """The run of the URL, for members of its project."""
    return reach(request, session, user, queries.run_by_id(session, evaluation_run_id), "view")


@declares("edit")
def editable_run(
    request: Request, session: DbSession, user: CurrentUser, evaluation_run_id: PathId
) -> EvaluationRun:
    """The run of the URL, for those who may change what is kept of it."""
    return reach(request, session, user, queries.run_by_id(session, evaluation_run_id), "edit")


@declares("spend")
def spendable_run(
    request: Request, session: DbSession, user: CurrentUser, evaluation_run_id: PathId
) -> EvaluationRun:
    """The run of the URL, for those who may start and stop what costs money."""
    return reach(request, session, user, queries.run_by_id(session, evaluation_run_id), "spend")


CurrentEvaluation = Annotated[Evaluation, Depends(viewable_evaluation)]
EditableEvaluation = Annotated[Evaluation, Depends(editable_evaluation)]
SpendableEvaluation = Annotated[Evaluation, Depends(spendable_evaluation)]
CurrentRun = Annotated[EvaluationRun, Depends(viewable_run)]
EditableRun = Annotated[EvaluationRun, Depends(editable_run)]
SpendableRun = Annotated[EvaluationRun, Depends(spendable_run)]
