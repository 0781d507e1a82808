"""The page that says which of a run's judges may be trusted, and why not."""

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from app.auth.access import CurrentUser, csrf_checked
from app.core.database import DbSession
from app.core.pages import page, redirect
from app.evaluations.access import CurrentRun, EditableRun
from app.evaluations.calibration import service, showing, views
from app.evaluations.people.views import head_of
from app.projects.access import role_here

router = APIRouter(dependencies=[Depends(csrf_checked)])


@router.get("/evaluation-runs/{evaluation_run_id}/judges", name="judges.index")
def index(request: Request, session: DbSession, run: CurrentRun) -> Response:
    judges, can_edit = showing.judges_of(session, run.id), role_here(request).may("edit")
    view = views.JudgesView(head_of(run), judges, can_edit=can_edit)
    return page(request, "evaluations/judges/index.html", view)


@router.post("/evaluation-runs/{evaluation_run_id}/judges", name="judges.measure")
def measure(request: Request, session: DbSession, user: CurrentUser, run: EditableRun) -> Response:
    service.measure_again(session, run, actor_id=user.id)
    return redirect(
        request, "judges.index", toast="The judges are measured.", evaluation_run_id=run.id
    )
