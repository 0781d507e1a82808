"""The pages' buttons for an order in doubt, and for a run that no job has."""

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from app.auth.access import CurrentUser, csrf_checked
from app.core.database import DbSession
from app.core.pages import redirect
from app.jobs import doubts
from app.jobs.access import SpendableJob, SpendableOrphan

router = APIRouter(dependencies=[Depends(csrf_checked)])


@router.post("/jobs/{job_id}/look-again", name="jobs.look_again")
def look_again(
    request: Request, session: DbSession, user: CurrentUser, job: SpendableJob
) -> Response:
    doubts.look_again(session, job, user=user)
    return redirect(request, "jobs.show", job_id=job.id, toast="It is looked for again.")


@router.post("/jobs/{job_id}/start-again", name="jobs.start_again")
def start_again(
    request: Request, session: DbSession, user: CurrentUser, job: SpendableJob
) -> Response:
    doubts.start_again(session, job, user=user)
    return redirect(request, "jobs.show", job_id=job.id, toast="Another order is on its way.")


@router.post("/jobs/{job_id}/did-not-start", name="jobs.did_not_start")
def did_not_start(
    request: Request, session: DbSession, user: CurrentUser, job: SpendableJob
) -> Response:
    doubts.did_not_start(session, job, user=user)
    return redirect(request, "jobs.show", job_id=job.id, toast="The job has ended here.")


@router.post("/orphans/{orphan_id}/adopt", name="orphans.adopt")
def adopt(
    request: Request, session: DbSession, user: CurrentUser, orphan: SpendableOrphan
) -> Response:
    job = doubts.adopt(session, orphan, user=user)
    return redirect(request, "jobs.show", job_id=job.id, toast="The job has its run.")


@router.post("/orphans/{orphan_id}/cancel", name="orphans.cancel")
def cancel(
    request: Request, session: DbSession, user: CurrentUser, orphan: SpendableOrphan
) -> Response:
    doubts.cancel_there(session, orphan, user=user)
    toast = "It is left alone." if orphan.has_ended else "It is asked to stop."
    return redirect(request, "connections.show", connection_id=orphan.connection_id, toast=toast)
