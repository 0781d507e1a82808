"""The pages on which people grade a run's answers, and those that tell what they said."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from sqlalchemy.orm import Session

from app.auth.access import CurrentUser, csrf_checked
from app.auth.models import User
from app.core.database import DbSession
from app.core.errors import Conflict, WrongInput
from app.core.forms import Submission, submitted
from app.core.pages import asked_part, page, redirect
from app.core.views import FormState
from app.evaluations.access import CurrentRun, EditableRun
from app.evaluations.calibration.service import measure_run
from app.evaluations.people import queries, service, showing
from app.evaluations.people.access import CurrentRound, GradableRound
from app.evaluations.people.exporting import grades_as_csv
from app.evaluations.people.forms import AskForm, GradeForm, RoundForm
from app.evaluations.people.models import Round
from app.projects.access import role_here

router = APIRouter(dependencies=[Depends(csrf_checked)])


@router.get("/evaluation-runs/{evaluation_run_id}/rounds", name="rounds.index")
def index(request: Request, session: DbSession, user: CurrentUser, run: CurrentRun) -> Response:
    form = FormState({"kind": "grades", "cases": "50", "per_item": "2", "shows_reference": "yes"})
    return page(
        request, "evaluations/people/index.html", showing.index(request, session, user, run, form)
    )


@router.post("/evaluation-runs/{evaluation_run_id}/rounds", name="rounds.begin")
def begin(
    request: Request,
    session: DbSession,
    user: CurrentUser,
    run: EditableRun,
    submission: Annotated[Submission[RoundForm], Depends(submitted(RoundForm))],
) -> Response:
    try:
        if submission.form is not None:
            made = service.begin_round(session, run, submission.form, actor_id=user.id)
            return redirect(request, "rounds.show", round_id=made.id)
    except WrongInput as error:
        submission = submission.refused(error)
    view = showing.index(request, session, user, run, submission)
    return page(request, "evaluations/people/index.html", view, status=422)


@router.get("/grading-rounds/{round_id}", name="rounds.show")
def show(request: Request, session: DbSession, user: CurrentUser, round_: CurrentRound) -> Response:
    view = showing.show(request, session, user, round_, FormState())
    return page(request, "evaluations/people/show.html", view, fragment=asked_part(request, "told"))


@router.post("/grading-rounds/{round_id}/people", name="rounds.ask")
def ask(
    request: Request,
    session: DbSession,
    user: CurrentUser,
    round_: GradableRound,
    submission: Annotated[Submission[AskForm], Depends(submitted(AskForm))],
) -> Response:
    try:
        if submission.form is not None:
            service.ask(session, round_, user_id=submission.form.user_id, actor_id=user.id)
            return redirect(request, "rounds.show", round_id=round_.id)
    except (WrongInput, Conflict) as error:
        submission = submission.refused(error)
    view = showing.show(request, session, user, round_, submission)
    return page(request, "evaluations/people/show.html", view, status=422)


@router.post("/grading-rounds/{round_id}/close", name="rounds.close")
def close(
    request: Request, session: DbSession, user: CurrentUser, round_: GradableRound
) -> Response:
    service.close_round(session, round_, actor_id=user.id)
    measure_run(session, round_.run_id)
    return redirect(request, "rounds.show", toast="The round is closed.", round_id=round_.id)


@router.get("/grading-rounds/{round_id}/grade", name="rounds.grade")
def grade(
    request: Request, session: DbSession, user: CurrentUser, round_: GradableRound
) -> Response:
    return _item(request, session, round_, user, FormState())


@router.post("/grading-rounds/{round_id}/grade", name="rounds.give")
def give(
    request: Request,
    session: DbSession,
    user: CurrentUser,
    round_: GradableRound,
    submission: Annotated[Submission[GradeForm], Depends(submitted(GradeForm))],
) -> Response:
    try:
        if submission.form is not None:
            service.give(session, round_, submission.form, user_id=user.id)
            return _next(request, session, round_, user, FormState())
    except (WrongInput, Conflict) as error:
        submission = submission.refused(error)
    return _item(request, session, round_, user, submission, status=422)


@router.post("/grading-rounds/{round_id}/undo", name="rounds.undo")
def undo(
    request: Request, session: DbSession, user: CurrentUser, round_: GradableRound
) -> Response:
    last = service.take_back(session, round_, user_id=user.id)
    note = FormState({"note": last.note, "number": str(last.number)}) if last else FormState()
    return _next(request, session, round_, user, note)


@router.post("/grading-rounds/{round_id}/finish", name="rounds.finish")
def finish(
    request: Request, session: DbSession, user: CurrentUser, round_: GradableRound
) -> Response:
    service.finish(session, round_, user_id=user.id)
    return redirect(request, "rounds.show", round_id=round_.id)


@router.get("/grading-rounds/{round_id}/grades.csv", name="rounds.export")
def export(
    request: Request, session: DbSession, user: CurrentUser, round_: CurrentRound
) -> Response:
    can_grade = role_here(request).may("edit")
    me = queries.person_of(session, round_.id, user.id)
    if not service.may_see(round_, me, can_grade=can_grade):
        raise Conflict(service.NOT_YET)
    return Response(
        grades_as_csv(session, round_),
        media_type="text/csv; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="round-{round_.id}-grades.csv"',
            "Content-Security-Policy": "sandbox; default-src 'none'",
        },
    )


def _next(
    request: Request, session: Session, round_: Round, user: User, form: FormState
) -> Response:
    if asked_part(request, "item"):
        return _item(request, session, round_, user, form)
    return redirect(request, "rounds.grade", round_id=round_.id)


def _item(
    request: Request,
    session: Session,
    round_: Round,
    user: User,
    form: FormState,
    *,
    status: int = 200,
) -> Response:
    view = showing.grading(session, round_, user, form)
    part = asked_part(request, "item")
    return page(request, "evaluations/people/grade.html", view, fragment=part, status=status)
