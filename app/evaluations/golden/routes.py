"""The pages of golden recordings: on a model's page, the form, a recording with its successors."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from sqlalchemy.orm import Session

from app.auth.access import CurrentUser, csrf_checked
from app.budgets import telling
from app.budgets.standing import OverBudget
from app.catalog.access import CurrentModel
from app.catalog.models import TunedModel
from app.connections import queries as connections
from app.core.database import DbSession
from app.core.errors import ProductError
from app.core.forms import form_values, validated
from app.core.pages import asked_part, page, redirect
from app.core.views import FormState
from app.evaluations.golden import queries, service, views
from app.evaluations.golden.access import CurrentRecording, RecordedModel, SpendableRecording
from app.evaluations.golden.forms import (
    USUAL_MARGIN,
    USUAL_REPEATS,
    BaseForm,
    CheckForm,
    RecordForm,
)
from app.evaluations.golden.models import GoldenRecording
from app.evaluations.service import key_for
from app.projects.access import SpendableProject, role_here

router = APIRouter(dependencies=[Depends(csrf_checked)])

START = {"repeats": str(USUAL_REPEATS), "temperature": "0", "max_tokens": "512"}
Values = Annotated[dict[str, str], Depends(form_values)]


@router.get("/models/{model_id}/golden/latest", name="golden.of_model")
def of_model(request: Request, session: DbSession, model: CurrentModel) -> Response:
    rows = queries.recordings_of_model(session, model.id)
    can_spend = role_here(request).may("spend")
    view = views.slot_view(session, model, rows, can_spend=can_spend)
    return page(request, "evaluations/golden/slot.html", view)


@router.get("/models/{model_id}/golden", name="golden.new")
def new(request: Request, session: DbSession, model: RecordedModel) -> Response:
    return _form(request, session, model, FormState(START))


@router.post("/models/{model_id}/golden", name="golden.record")
def record(
    request: Request, session: DbSession, user: CurrentUser, model: RecordedModel, values: Values
) -> Response:
    try:
        form = validated(RecordForm, _filled(values))
        made = service.record(
            session,
            service.tuned(model),
            actor_id=user.id,
            form=form,
            request_key=_key("golden", values),
        )
    except ProductError as error:
        _tell(session, model.project_id, "A golden recording", error, user.id)
        return _form(request, session, model, _state(values, error), status=_status(error))
    return redirect(request, "golden.show", golden_id=made.id, toast="The recording has begun.")


@router.get("/projects/{project_id}/golden/new", name="golden.new_base")
def new_base(request: Request, session: DbSession, project: SpendableProject) -> Response:
    asked = {name: request.query_params.get(name, "") for name in ("connection_id", "model")}
    return _base_form(request, session, project.id, FormState({**START, **asked}))


@router.post("/projects/{project_id}/golden", name="golden.record_base")
def record_base(
    request: Request,
    session: DbSession,
    user: CurrentUser,
    project: SpendableProject,
    values: Values,
) -> Response:
    try:
        form = validated(BaseForm, _filled(values))
        made = service.record(
            session,
            service.named(session, project.id, form.connection_id, form.model),
            actor_id=user.id,
            form=form,
            request_key=_key("golden", values),
        )
    except ProductError as error:
        _tell(session, project.id, "A golden recording", error, user.id)
        state = _state(values, error)
        return _base_form(request, session, project.id, state, status=_status(error))
    return redirect(request, "golden.show", golden_id=made.id, toast="The recording has begun.")


@router.get("/golden/{golden_id}", name="golden.show")
def show(request: Request, session: DbSession, recording: CurrentRecording) -> Response:
    return _show(request, session, recording, FormState({"margin": f"{USUAL_MARGIN:g}"}))


@router.post("/golden/{golden_id}/checks", name="golden.check")
def check(
    request: Request,
    session: DbSession,
    user: CurrentUser,
    recording: SpendableRecording,
    values: Values,
) -> Response:
    try:
        form = validated(CheckForm, _filled(values))
        service.check(
            session, recording, actor_id=user.id, form=form, request_key=_key("check", values)
        )
    except ProductError as error:
        _tell(session, recording.project_id, "A check of a successor", error, user.id)
        return _show(request, session, recording, _state(values, error), _status(error))
    return redirect(request, "golden.show", golden_id=recording.id, toast="The successor is asked.")


def _filled(values: dict[str, str]) -> dict[str, str]:
    return {name: one for name, one in values.items() if one.strip() and name != "nonce"}


def _key(kind: str, values: dict[str, str]) -> str:
    return key_for(kind, values.get("nonce") or str(uuid.uuid4()))


def _state(values: dict[str, str], error: ProductError) -> FormState:
    found = {item.field.rpartition(".")[2]: item.message for item in error.errors}
    return FormState(values, found or {"": error.message})


def _status(error: ProductError) -> int:
    return 409 if error.status == 409 else 422  # noqa: PLR2004 - what fits no state, or no form


def _tell(session: Session, project_id: int, what: str, error: ProductError, user_id: int) -> None:
    if isinstance(error, OverBudget):
        telling.tell_blocked(session, project_id, what, error, actor_id=user_id)


def _form(
    request: Request, session: Session, model: TunedModel, state: FormState, *, status: int = 200
) -> Response:
    state = FormState({**state.values, "nonce": str(uuid.uuid4())}, state.errors)
    known = queries.ready_evaluations(session, model.project_id)
    view = views.record_view(session, model, known, state)
    return page(request, "evaluations/golden/record.html", view, status=status)


def _base_form(
    request: Request, session: Session, project_id: int, state: FormState, *, status: int = 200
) -> Response:
    state = FormState({**state.values, "nonce": str(uuid.uuid4())}, state.errors)
    view = views.base_view(
        session,
        project_id,
        connections.connections_of(session, project_id),
        queries.ready_evaluations(session, project_id),
        state,
    )
    return page(request, "evaluations/golden/record.html", view, status=status)


def _show(
    request: Request,
    session: Session,
    recording: GoldenRecording,
    state: FormState,
    status: int = 200,
) -> Response:
    view = views.show_view(
        recording,
        queries.checks_of(session, recording.id),
        connections.connection_names(session, recording.project_id),
        state,
        nonce=str(uuid.uuid4()),
        can_spend=role_here(request).may("spend"),
    )
    part = asked_part(request, "standing")
    return page(request, "evaluations/golden/show.html", view, fragment=part, status=status)
