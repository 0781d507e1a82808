"""The pages about models that are asked again by themselves: on an evaluation's page, the form."""

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
from app.evaluations.access import CurrentEvaluation, SpendableEvaluation
from app.evaluations.drift import service, views
from app.evaluations.drift.access import SpendableSchedule
from app.evaluations.drift.forms import ScheduleForm
from app.evaluations.models import Evaluation
from app.projects.access import role_here

router = APIRouter(dependencies=[Depends(csrf_checked)])

Values = Annotated[dict[str, str], Depends(form_values)]
BEGUN = "It is asked again by itself from now on."


@router.get("/evaluations/{evaluation_id}/schedules", name="schedules.of_evaluation")
def of_evaluation(request: Request, session: DbSession, evaluation: CurrentEvaluation) -> Response:
    can_spend = role_here(request).may("spend")
    view = views.schedules_view(session, evaluation, can_spend=can_spend)
    return page(request, "evaluations/drift/slot.html", view)


@router.get("/evaluations/{evaluation_id}/schedules/new", name="schedules.new")
def new(request: Request, session: DbSession, evaluation: SpendableEvaluation) -> Response:
    asked = {name: request.query_params.get(name, "") for name in ("contestant_id", "every")}
    return _form(request, session, evaluation, FormState({"every": "week", **_filled(asked)}))


@router.post("/evaluations/{evaluation_id}/schedules", name="schedules.ask")
def ask(
    request: Request,
    session: DbSession,
    user: CurrentUser,
    evaluation: SpendableEvaluation,
    values: Values,
) -> Response:
    try:
        form = validated(ScheduleForm, _filled(values))
        service.ask_again(session, evaluation, actor_id=user.id, form=form)
    except ProductError as error:
        found = {item.field.rpartition(".")[2]: item.message for item in error.errors}
        state = FormState(values, found or {"": error.message})
        return _form(request, session, evaluation, state, status=error.status)
    return redirect(request, "evaluations.show", evaluation_id=evaluation.id, toast=BEGUN)


@router.post("/schedules/{schedule_id}/pause", name="schedules.pause")
def pause(
    request: Request, session: DbSession, user: CurrentUser, schedule: SpendableSchedule
) -> Response:
    service.pause_schedule(session, schedule.id, actor_id=user.id)
    return _back(request, schedule.evaluation_id, "It is not asked until you let it go on.")


@router.post("/schedules/{schedule_id}/resume", name="schedules.resume")
def resume(
    request: Request, session: DbSession, user: CurrentUser, schedule: SpendableSchedule
) -> Response:
    service.resume_schedule(session, schedule.id, actor_id=user.id)
    return _back(request, schedule.evaluation_id, BEGUN)


@router.post("/schedules/{schedule_id}/remove", name="schedules.remove")
def remove(
    request: Request, session: DbSession, user: CurrentUser, schedule: SpendableSchedule
) -> Response:
    evaluation_id = schedule.evaluation_id
    service.remove_schedule(session, schedule.id, actor_id=user.id)
    return _back(request, evaluation_id, "Removed. The runs it began are still there.")


def _filled(values: dict[str, str]) -> dict[str, str]:
    return {name: one for name, one in values.items() if one.strip()}


def _back(request: Request, evaluation_id: int, toast: str) -> Response:
    return redirect(request, "evaluations.show", evaluation_id=evaluation_id, toast=toast)


def _form(
    request: Request,
    session: Session,
    evaluation: Evaluation,
    state: FormState,
    *,
    status: int = 200,
) -> Response:
    view = views.new_view(session, evaluation, state)
    return page(request, "evaluations/drift/new.html", view, status=status)
