"""The pages of evaluations that are read: the list, an evaluation, two runs beside each other, the
latest verdict on a job and on a model.
"""

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from app.auth.access import csrf_checked
from app.catalog.access import CurrentModel
from app.core.database import DbSession
from app.core.errors import WrongInput
from app.core.listing import NUMBER
from app.core.pages import asked_part, page
from app.evaluations.access import CurrentEvaluation
from app.evaluations.reports import comparing, listing_pages, queries
from app.evaluations.reports.entrants import opened_all
from app.evaluations.reports.views import CompareView
from app.jobs.access import CurrentJob
from app.projects.access import CurrentProject, role_here

router = APIRouter(dependencies=[Depends(csrf_checked)])

NO_TWO = "It takes two runs that are over to compare them."
NO_RUN = "A run of this evaluation, by its number."


@router.get("/projects/{project_id}/evaluations", name="evaluations.index")
def index(request: Request, session: DbSession, project: CurrentProject) -> Response:
    can_edit = role_here(request).may("edit")
    view = listing_pages.index_view(request, session, project.id, can_edit=can_edit)
    return page(request, "evaluations/index.html", view, fragment=asked_part(request, "rows"))


@router.get("/evaluations/{evaluation_id}", name="evaluations.show")
def show(request: Request, session: DbSession, evaluation: CurrentEvaluation) -> Response:
    can_edit = role_here(request).may("edit")
    view = listing_pages.evaluation_view(session, evaluation, can_edit=can_edit)
    return page(request, "evaluations/show.html", view, fragment=asked_part(request, "standing"))


@router.get("/evaluations/{evaluation_id}/compare", name="evaluations.compare")
def compare(
    request: Request,
    session: DbSession,
    evaluation: CurrentEvaluation,
    first: str = "",
    second: str = "",
) -> Response:
    runs = opened_all(session, queries.runs_of(session, evaluation.id))
    known = {one.run.number: one for one in runs if one.figures is not None}
    numbers = sorted(known, reverse=True)
    now, before = (
        _number("second", second, numbers[:1]),
        _number("first", first, numbers[1:2]),
    )
    if {now, before} - {None, *known}:
        raise WrongInput.field("first", NO_RUN)
    pair = (known[now], known[before]) if now and before else None
    view = CompareView(
        project_id=evaluation.project_id,
        evaluation_id=evaluation.id,
        name=evaluation.name,
        runs=tuple((number, f"run {number}") for number in numbers),
        first=before or 0,
        second=now or 0,
        lead=comparing.lead(session, *pair) if pair else NO_TWO,
        rows=comparing.thens_of(session, *pair) if pair else (),
        alone=comparing.alone_of(*pair) if pair else (),
        why="" if pair else NO_TWO,
    )
    return page(request, "evaluations/compare.html", view)


def _number(name: str, text: str, usual: list[int]) -> int | None:
    """The number of a run that the address has. Raises WrongInput."""
    if not text:
        return next(iter(usual), None)
    if not NUMBER.fullmatch(text):
        raise WrongInput.field(name, NO_RUN)
    return int(text)


@router.get("/jobs/{job_id}/evaluations", name="evaluations.of_job")
def of_job(request: Request, session: DbSession, job: CurrentJob) -> Response:
    run = queries.latest_run_with_job(session, job.id)
    view = listing_pages.latest_view(session, job.project_id, run)
    return page(request, "evaluations/latest.html", view)


@router.get("/models/{model_id}/evaluations", name="evaluations.of_model")
def of_model(request: Request, session: DbSession, model: CurrentModel) -> Response:
    run = queries.latest_run_with_ref(session, model.model_ref_id)
    view = listing_pages.latest_view(session, model.project_id, run)
    return page(request, "evaluations/latest.html", view)
