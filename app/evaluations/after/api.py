"""Evaluations after jobs as JSON."""

from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response
from pydantic import BaseModel

from app.auth.access import CurrentUser
from app.core.api import Listing
from app.core.database import DbSession
from app.evaluations.after import queries, service
from app.evaluations.after.access import AskedRow
from app.evaluations.after.forms import AfterForm
from app.evaluations.after.models import JobEvaluation
from app.jobs.access import CurrentJob, SpendableJob

router = APIRouter(prefix="/api/v1", tags=["evaluations"])


class JobEvaluationResource(BaseModel):
    """An evaluation that runs when the job has ended. `run_id` is its run, `words` why there is
    none; `advice` recommends a checkpoint, once the run is over.
    """

    id: int
    evaluation_id: int
    has_base: bool
    has_checkpoints: bool
    run_id: int | None
    words: str | None
    advice: dict[str, Any] | None


@router.get("/jobs/{job_id}/evaluations-after", name="api.job_evaluations.index")
def index(session: DbSession, job: CurrentJob) -> Listing[JobEvaluationResource]:
    """What is evaluated when a job has ended."""
    return Listing(data=[_resource(one) for one in queries.of_job(session, job.id)], next=None)


@router.post("/jobs/{job_id}/evaluations-after", name="api.job_evaluations.ask", status_code=201)
def ask(
    session: DbSession, user: CurrentUser, job: SpendableJob, body: AfterForm
) -> JobEvaluationResource:
    """Have an evaluation run when a job has ended, within `cap_usd` and the project's budget."""
    return _resource(service.ask(session, job, actor_id=user.id, form=body))


@router.delete(
    "/job-evaluations/{job_evaluation_id}", name="api.job_evaluations.remove", status_code=204
)
def remove(session: DbSession, user: CurrentUser, row: AskedRow) -> Response:
    """Do not run it after all. 409 once it has begun."""
    service.take_back(session, row, actor_id=user.id)
    return Response(status_code=204)


def _resource(one: JobEvaluation) -> JobEvaluationResource:
    return JobEvaluationResource(
        id=one.id,
        evaluation_id=one.evaluation_id,
        has_base=one.has_base,
        has_checkpoints=one.has_checkpoints,
        run_id=one.run_id,
        words=one.words,
        advice=one.advice,
    )
