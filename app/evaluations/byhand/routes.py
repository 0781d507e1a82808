"""The pages on which people answer the cases of a run by hand."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from sqlalchemy.orm import Session

from app.auth.access import CurrentUser, PathId, csrf_checked
from app.auth.models import User
from app.core.database import DbSession
from app.core.errors import Conflict, WrongInput
from app.core.forms import Submission, submitted
from app.core.pages import asked_part, page, path_for, redirect
from app.core.views import FormState
from app.evaluations.access import CurrentRun, EditableRun
from app.evaluations.byhand import service, showing
from app.evaluations.byhand.forms import HandForm
from app.evaluations.models import EvaluationRun

router = APIRouter(dependencies=[Depends(csrf_checked)])

ALL_GIVEN = "Nothing is left for you to answer."


@router.get("/evaluation-runs/{evaluation_run_id}/people", name="hand.show")
def show(request: Request, session: DbSession, user: CurrentUser, run: CurrentRun) -> Response:
    view = showing.overview(request, session, user, run)
    return page(request, "evaluations/byhand/show.html", view, fragment=asked_part(request, "now"))


@router.post("/evaluation-runs/{evaluation_run_id}/people/next", name="hand.next")
def go_to_next(
    request: Request, session: DbSession, user: CurrentUser, run: EditableRun
) -> Response:
    number = service.claim_next(session, run.id, user_id=user.id)
    if number is None:
        return redirect(request, "hand.show", toast=ALL_GIVEN, evaluation_run_id=run.id)
    return redirect(request, "hand.case", evaluation_run_id=run.id, number=number)


@router.post("/evaluation-runs/{evaluation_run_id}/people/end", name="hand.end")
def end(request: Request, session: DbSession, user: CurrentUser, run: EditableRun) -> Response:
    left = service.end_wait(session, run.id, actor_id=user.id)
    toast = f"Nobody waits any more for {left:,} answers." if left else "Nothing was waited for."
    return redirect(request, "hand.show", toast=toast, evaluation_run_id=run.id)


@router.get("/evaluation-runs/{evaluation_run_id}/people/{number}", name="hand.case")
def case(
    request: Request, session: DbSession, user: CurrentUser, run: EditableRun, number: PathId
) -> Response:
    return _case(request, session, user, run, number, FormState())


@router.post("/evaluation-runs/{evaluation_run_id}/people/{number}", name="hand.give")
def give(
    request: Request,
    session: DbSession,
    user: CurrentUser,
    run: EditableRun,
    number: PathId,
    submission: Annotated[Submission[HandForm], Depends(submitted(HandForm))],
) -> Response:
    try:
        if submission.form is not None:
            _keep(session, user, run, number, submission.form)
            return _next(request, session, user, run, number)
    except (WrongInput, Conflict) as error:
        submission = submission.refused(error)
    return _case(request, session, user, run, number, submission, status=422)


def _keep(session: Session, user: User, run: EvaluationRun, number: int, form: HandForm) -> None:
    if form.skip:
        service.skip(session, run.id, user_id=user.id)
    else:
        service.give(session, run.id, number, form.text, user_id=user.id)


def _next(
    request: Request, session: Session, user: User, run: EvaluationRun, number: int
) -> Response:
    """What comes after the case of this number, in its place."""
    following = service.claim_next(session, run.id, user_id=user.id, after=number)
    if following is None:
        return redirect(request, "hand.show", toast=ALL_GIVEN, evaluation_run_id=run.id)
    if asked_part(request, "item") is None:
        return redirect(request, "hand.case", evaluation_run_id=run.id, number=following)
    answer = _case(request, session, user, run, following, FormState())
    path = path_for(request, "hand.case", evaluation_run_id=run.id, number=following)
    answer.headers["HX-Push-Url"] = path
    return answer


def _case(
    request: Request,
    session: Session,
    user: User,
    run: EvaluationRun,
    number: int,
    form: FormState,
    *,
    status: int = 200,
) -> Response:
    view = showing.answering(session, user, run, number, form)
    part = asked_part(request, "item")
    return page(request, "evaluations/byhand/case.html", view, fragment=part, status=status)
