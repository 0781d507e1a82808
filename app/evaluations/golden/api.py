"""Golden recordings as JSON."""

import uuid
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Header
from fastapi.encoders import jsonable_encoder
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel
from sqlalchemy.orm import Session

from app.auth.access import CurrentUser
from app.auth.models import User
from app.budgets import telling
from app.budgets.standing import OverBudget
from app.core.database import DbSession
from app.core.errors import NotFound
from app.core.problems import problem
from app.evaluations.golden import queries, service
from app.evaluations.golden.access import CurrentRecording, RecordedModel, SpendableRecording
from app.evaluations.golden.forms import BaseForm, CheckForm, RecordForm
from app.evaluations.golden.models import GoldenRecording, SuccessionCheck
from app.evaluations.golden.reckoning import NON_INFERIORITY
from app.evaluations.service import key_for
from app.evidence.words import sentence
from app.projects.access import SpendableProject

router = APIRouter(prefix="/api/v1", tags=["evaluations"])

Key = Annotated[str | None, Header(alias="Idempotency-Key", max_length=200)]


class CheckResource(BaseModel):
    """A successor held against a recording by a run of its own; `verdict` and `words` are null
    until that is over. `margin` in points.
    """

    id: int
    run_id: int
    margin: float
    verdict: dict[str, object] | None
    words: str | None
    created_at: datetime


class RecordingResource(BaseModel):
    """A recording: `run_id` is its run, `contestant_id` what later runs take as `recorded_id`;
    `model_id` is null of what was not tuned here.
    `noise` says how much the model differs from itself; null until the run is over.
    """

    id: int
    model_id: int | None
    run_id: int
    contestant_id: int
    status: str
    repeats: int
    noise: dict[str, object] | None
    checks: list[CheckResource]
    created_at: datetime


@router.post(
    "/models/{model_id}/golden",
    name="api.golden.record",
    status_code=201,
    response_model=RecordingResource,
)
def record(
    session: DbSession,
    user: CurrentUser,
    model: RecordedModel,
    body: RecordForm,
    idempotency_key: Key = None,
) -> Response:
    """Record a model's answers to an evaluation's cases while it lasts; they are kept for ever. 409
    where the budget has no room.
    """
    return _record(session, user, service.tuned(model), body, idempotency_key)


@router.post(
    "/projects/{project_id}/golden",
    name="api.golden.record_base",
    status_code=201,
    response_model=RecordingResource,
)
def record_base(
    session: DbSession,
    user: CurrentUser,
    project: SpendableProject,
    body: BaseForm,
    idempotency_key: Key = None,
) -> Response:
    """The same for any model of a connection, by its name: one that was not tuned here."""
    model = service.named(session, project.id, body.connection_id, body.model)
    return _record(session, user, model, body, idempotency_key)


def _record(
    session: Session, user: User, model: service.Recorded, body: RecordForm, nonce: str | None
) -> Response:
    key = key_for("golden", nonce or str(uuid.uuid4()))
    try:
        made = service.record(session, model, actor_id=user.id, form=body, request_key=key)
    except OverBudget as error:
        what = "A golden recording"
        telling.tell_blocked(session, model.project_id, what, error, actor_id=user.id)
        return problem(error)
    return JSONResponse(jsonable_encoder(_found(session, made.id)), 201)


@router.get("/golden/{golden_id}", name="api.golden.show")
def show(session: DbSession, recording: CurrentRecording) -> RecordingResource:
    """A recording, and the successors that were held against it."""
    return _resource(session, recording)


@router.post(
    "/golden/{golden_id}/checks",
    name="api.golden.check",
    status_code=201,
    response_model=RecordingResource,
)
def check(
    session: DbSession,
    user: CurrentUser,
    recording: SpendableRecording,
    body: CheckForm,
    idempotency_key: Key = None,
) -> Response:
    """Ask another model the same, and say whether it is at most `margin` points worse. 409 until
    the recording is complete, and where the budget has no room.
    """
    key = key_for("check", idempotency_key or str(uuid.uuid4()))
    try:
        service.check(session, recording, actor_id=user.id, form=body, request_key=key)
    except OverBudget as error:
        what = "A check of a successor"
        telling.tell_blocked(session, recording.project_id, what, error, actor_id=user.id)
        return problem(error)
    return JSONResponse(jsonable_encoder(_found(session, recording.id)), 201)


def _found(session: Session, recording_id: int) -> RecordingResource:
    session.flush()
    session.expire_all()
    found = queries.recording_by_id(session, recording_id)
    if found is None:
        raise NotFound
    return _resource(session, found)


def _resource(session: Session, one: GoldenRecording) -> RecordingResource:
    return RecordingResource(
        id=one.id,
        model_id=one.model_id,
        run_id=one.run_id,
        contestant_id=one.run.contestants[0].id,
        status=one.run.status,
        repeats=one.run.repeats,
        noise=one.noise,
        checks=[_check(each) for each in queries.checks_of(session, one.id)],
        created_at=one.created_at,
    )


def _check(one: SuccessionCheck) -> CheckResource:
    found = None if one.verdict is None else NON_INFERIORITY.validate_python(one.verdict)
    return CheckResource(
        id=one.id,
        run_id=one.run_id,
        margin=round(one.margin * 100, 6),
        verdict=one.verdict,
        words=None if found is None else sentence(found),
        created_at=one.created_at,
    )
