"""What stands on a job's page: what is evaluated when it has ended."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from sqlalchemy.orm import Session

from app.auth.access import CurrentUser, csrf_checked
from app.core.database import DbSession
from app.core.errors import ProductError
from app.core.forms import form_values, validated
from app.core.pages import page, redirect
from app.core.views import FormState
from app.evaluations.after import queries, service
from app.evaluations.after.access import AskedRow
from app.evaluations.after.forms import AfterForm
from app.evaluations.after.models import JobEvaluation
from app.evaluations.golden.queries import ready_evaluations
from app.jobs.access import CurrentJob, SpendableJob
from app.jobs.models import Job
from app.projects.access import role_here

router = APIRouter(dependencies=[Depends(csrf_checked)])

Values = Annotated[dict[str, str], Depends(form_values)]


@dataclass(frozen=True, slots=True)
class Row:
    """An evaluation asked for; `said` is what came of it, `because` the evidence."""

    id: int
    name: str
    said: str
    because: str
    has_begun: bool


@dataclass(frozen=True, slots=True)
class SlotView:
    """What is evaluated when a job has ended; `choices` are evaluations that may be asked for."""

    job_id: int
    rows: tuple[Row, ...]
    choices: tuple[tuple[int, str], ...]
    has_ended: bool
    can_spend: bool
    topic: str
    form: FormState


@router.get("/jobs/{job_id}/evaluations-after", name="job_evaluations.of_job")
def of_job(request: Request, session: DbSession, job: CurrentJob) -> Response:
    return _slot(request, session, job, FormState())


@router.post("/jobs/{job_id}/evaluations-after", name="job_evaluations.ask")
def ask(
    request: Request, session: DbSession, user: CurrentUser, job: SpendableJob, values: Values
) -> Response:
    filled = {name: one for name, one in values.items() if one.strip()}
    try:
        service.ask(session, job, actor_id=user.id, form=validated(AfterForm, filled))
    except ProductError as error:
        found = {item.field: item.message for item in error.errors} or {"": error.message}
        return _slot(request, session, job, FormState(values, found), status=422)
    return redirect(request, "jobs.show", job_id=job.id, toast="It runs when the job has ended.")


@router.post("/job-evaluations/{job_evaluation_id}/remove", name="job_evaluations.remove")
def remove(request: Request, session: DbSession, user: CurrentUser, row: AskedRow) -> Response:
    job_id = row.job_id
    service.take_back(session, row, actor_id=user.id)
    return redirect(request, "jobs.show", job_id=job_id, toast="It will not run.")


def _slot(
    request: Request, session: Session, job: Job, form: FormState, *, status: int = 200
) -> Response:
    rows = queries.of_job(session, job.id)
    taken = {one.evaluation_id for one in rows}
    known = ready_evaluations(session, job.project_id)
    view = SlotView(
        job_id=job.id,
        rows=tuple(map(_row, rows)),
        choices=tuple((one.id, one.name) for one in known if one.id not in taken),
        has_ended=job.status in queries.ENDED,
        can_spend=role_here(request).may("spend"),
        topic=f"job:{job.id}",
        form=form,
    )
    return page(request, "evaluations/after/slot.html", view, status=status)


def _row(one: JobEvaluation) -> Row:
    advice = one.advice or {}
    said = "waits for the job to end"
    if one.run is not None:
        said = advice.get("words") or f"run {one.run.number}, {one.run.status}"
    elif one.words:
        said = one.words
    because = advice.get("because", "")
    return Row(one.id, one.evaluation.name, said, because, has_begun=one.run_id is not None)
