"""Making evaluations, starting their runs and steering them, as JSON."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Header
from fastapi.encoders import jsonable_encoder
from fastapi.responses import JSONResponse, Response
from sqlalchemy.orm import Session

from app.auth.access import CurrentUser
from app.budgets import telling
from app.budgets.standing import OverBudget
from app.core.database import DbSession
from app.core.errors import NotFound
from app.core.problems import problem
from app.evaluations import queries, service
from app.evaluations.access import (
    CurrentEvaluation,
    CurrentRun,
    SpendableEvaluation,
    SpendableRun,
)
from app.evaluations.forms import EvaluationForm, ResumeForm, RunForm
from app.evaluations.queries_judges import open_questions
from app.evaluations.resources import (
    EvaluationResource,
    RunResource,
    evaluation_resource,
    run_resource,
)
from app.projects.access import EditableProject

router = APIRouter(prefix="/api/v1", tags=["evaluations"])


@router.post("/projects/{project_id}/evaluations", name="api.evaluations.create", status_code=201)
def create(
    session: DbSession, user: CurrentUser, project: EditableProject, body: EvaluationForm
) -> EvaluationResource:
    """Make an evaluation. Its cases are read by a worker: poll until `status` is ready."""
    made = service.create_evaluation(session, project_id=project.id, actor_id=user.id, form=body)
    found = queries.evaluation_by_id(session, made.id)
    if found is None:
        raise NotFound
    return evaluation_resource(found)


@router.get("/evaluations/{evaluation_id}", name="api.evaluations.show")
def show(evaluation: CurrentEvaluation) -> EvaluationResource:
    """One evaluation."""
    return evaluation_resource(evaluation)


@router.post(
    "/evaluations/{evaluation_id}/runs",
    name="api.evaluation_runs.start",
    status_code=201,
    response_model=RunResource,
)
def start(
    session: DbSession,
    user: CurrentUser,
    evaluation: SpendableEvaluation,
    body: RunForm,
    idempotency_key: Annotated[str | None, Header(max_length=200)] = None,
) -> Response:
    """Put the cases to contestants. With an `Idempotency-Key` it starts once, however often it is
    sent: the repeat gets the run as it stands, the same key with other content 409. So does a run
    that the project's budget has no room for: `budget` has the numbers.
    """
    key = service.key_for("api", idempotency_key) if idempotency_key else f"once:{uuid.uuid4()}"
    try:
        made = service.start_run(session, evaluation, actor_id=user.id, form=body, request_key=key)
    except OverBudget as error:
        # Answered, not raised: the run is undone, and that people are told of it is not.
        telling.tell_blocked(
            session, evaluation.project_id, "A run of an evaluation", error, actor_id=user.id
        )
        return problem(error)
    return JSONResponse(jsonable_encoder(_run(session, made.id)), 201)


@router.get("/evaluation-runs/{evaluation_run_id}", name="api.evaluation_runs.show")
def show_run(session: DbSession, run: CurrentRun) -> RunResource:
    """A run, and how far each contestant is, and each judge."""
    return run_resource(run, open_questions(session, [run.id]))


@router.post("/evaluation-runs/{evaluation_run_id}/pause", name="api.evaluation_runs.pause")
def pause(session: DbSession, user: CurrentUser, run: SpendableRun) -> RunResource:
    """Ask nobody any more for now; what is on its way is kept. 409 once it is over."""
    service.pause_run(session, run.id, actor_id=user.id)
    return _run(session, run.id)


@router.post("/evaluation-runs/{evaluation_run_id}/resume", name="api.evaluation_runs.resume")
def resume(
    session: DbSession, user: CurrentUser, run: SpendableRun, body: ResumeForm
) -> RunResource:
    """Go on where it was paused, with another cap if one is given. 409 once it is over."""
    service.resume_run(session, run.id, actor_id=user.id, cap=body.cap_usd)
    return _run(session, run.id)


@router.post("/evaluation-runs/{evaluation_run_id}/stop", name="api.evaluation_runs.stop")
def stop(session: DbSession, user: CurrentUser, run: SpendableRun) -> RunResource:
    """End it for good; what was answered stays. 409 once it is over."""
    service.stop_run(session, run.id, actor_id=user.id)
    return _run(session, run.id)


def _run(session: Session, run_id: int) -> RunResource:
    session.flush()
    session.expire_all()
    found = queries.run_by_id(session, run_id)
    if found is None:
        raise NotFound
    return run_resource(found, open_questions(session, [run_id]))
