"""The pages of contestants head to head: what judges and people prefer."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from app.auth.access import CurrentUser, csrf_checked
from app.core import secrets
from app.core.database import DbSession
from app.core.errors import Conflict, ProductError, WrongInput
from app.core.forms import Submission, submitted
from app.core.pages import asked_part, page, redirect
from app.core.views import FormState
from app.evaluations.access import CurrentRun, SpendableRun
from app.evaluations.duels import service, showing
from app.evaluations.duels.access import CurrentDuels, SteeredDuels
from app.evaluations.duels.forms import CapForm, DuelsForm

router = APIRouter(dependencies=[Depends(csrf_checked)])

INDEX, SHOW = "evaluations/duels/index.html", "evaluations/duels/show.html"
PREVIEW_SEED = 0
After = Annotated[int, Query(ge=0, le=2**53)]


@router.get("/evaluation-runs/{evaluation_run_id}/duels", name="duels.index")
def index(request: Request, session: DbSession, user: CurrentUser, run: CurrentRun) -> Response:
    form = FormState({"cases": "100", "both_ways": "yes", "nonce": str(uuid.uuid4())})
    return page(request, INDEX, showing.index(request, session, user, run, form))


@router.post("/evaluation-runs/{evaluation_run_id}/duels/price", name="duels.price")
def price(
    request: Request,
    session: DbSession,
    user: CurrentUser,
    run: SpendableRun,
    submission: Annotated[Submission[DuelsForm], Depends(submitted(DuelsForm))],
) -> Response:
    found = None
    try:
        if submission.form is not None:
            found = service.planned(session, run, submission.form, PREVIEW_SEED).price
    except WrongInput as error:
        submission = submission.refused(error)
    view = showing.index(request, session, user, run, submission, found)
    return page(request, INDEX, view, fragment=asked_part(request, "price"))


@router.post("/evaluation-runs/{evaluation_run_id}/duels", name="duels.begin")
def begin(
    request: Request,
    session: DbSession,
    user: CurrentUser,
    run: SpendableRun,
    submission: Annotated[Submission[DuelsForm], Depends(submitted(DuelsForm))],
) -> Response:
    status = 422
    try:
        if submission.form is not None:
            nonce = submission.form.nonce or str(uuid.uuid4())
            key = f"form:{secrets.fingerprint(nonce)[:48]}"
            made = service.begin_duels(session, run, submission.form, actor_id=user.id, key=key)
            return redirect(request, "duels.show", duels_id=made.id)
    except ProductError as error:
        submission, status = submission.refused(error), error.status
    view = showing.index(request, session, user, run, submission)
    return page(request, INDEX, view, status=status)


@router.get("/duels/{duels_id}", name="duels.show")
def show(request: Request, session: DbSession, row: CurrentDuels, after: After = 0) -> Response:
    view = showing.show(request, session, row, FormState(), after=after)
    return page(request, SHOW, view, fragment=asked_part(request, "state"))


@router.post("/duels/{duels_id}/pause", name="duels.pause")
def pause(request: Request, session: DbSession, user: CurrentUser, row: SteeredDuels) -> Response:
    service.pause_duels(session, row, actor_id=user.id)
    return redirect(request, "duels.show", duels_id=row.id)


@router.post("/duels/{duels_id}/resume", name="duels.resume")
def resume(
    request: Request,
    session: DbSession,
    user: CurrentUser,
    row: SteeredDuels,
    submission: Annotated[Submission[CapForm], Depends(submitted(CapForm))],
) -> Response:
    try:
        if submission.form is not None:
            cap = submission.form.cap_usd
            service.resume_duels(session, row, actor_id=user.id, cap_usd=cap)
            return redirect(request, "duels.show", duels_id=row.id)
    except (WrongInput, Conflict) as error:
        submission = submission.refused(error)
    return page(request, SHOW, showing.show(request, session, row, submission), status=422)


@router.post("/duels/{duels_id}/stop", name="duels.stop")
def stop(request: Request, session: DbSession, user: CurrentUser, row: SteeredDuels) -> Response:
    service.stop_duels(session, row, actor_id=user.id)
    return redirect(request, "duels.show", toast="It is stopped.", duels_id=row.id)
