"""The page that says which of a run's judges may be trusted, and why not."""

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from app.auth.access import csrf_checked
from app.core.database import DbSession
from app.core.pages import page, redirect
from app.evaluations.calibration import queries, service, views
from app.evaluations.people.access import GradableRun, JudgedRun
from app.evaluations.people.views import head_of
from app.projects.access import role_here

router = APIRouter(dependencies=[Depends(csrf_checked)])


@router.get("/evaluation-runs/{run_id}/judges", name="judges.index")
def index(request: Request, session: DbSession, run: JudgedRun) -> Response:
    graders = [row[1:] for row in queries.graders_of(session, run.id)]
    found = [*graders, *queries.comparing_judges_of(session, run.id)]
    judges = {
        version.id: views.judge(version, calibration, service.NEVER)
        for version, calibration in found
        if service.asks_a_model(version)
    }
    view = views.JudgesView(
        head_of(run), tuple(judges.values()), can_edit=role_here(request).may("edit")
    )
    return page(request, "evaluations/judges/index.html", view)


@router.post("/evaluation-runs/{run_id}/judges", name="judges.measure")
def measure(request: Request, session: DbSession, run: GradableRun) -> Response:
    service.measure_run(session, run.id)
    return redirect(request, "judges.index", toast="The judges are measured.", run_id=run.id)
