"""Contestants head to head by a judge, as JSON."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Header, Request
from sqlalchemy.orm import Session

from app.auth.access import CurrentUser
from app.core import secrets
from app.core.api import Listing
from app.core.database import DbSession
from app.core.views import FormState
from app.evaluations.access import CurrentRun, SpendableRun
from app.evaluations.duels import queries, service, showing
from app.evaluations.duels.access import CurrentDuels, SteeredDuels
from app.evaluations.duels.forms import CapForm, DuelsForm
from app.evaluations.duels.models import JudgedDuels
from app.evaluations.duels.resources import DuelsResource, duels_resource

router = APIRouter(prefix="/api/v1", tags=["evaluations"])


def _shown(request: Request, session: Session, row: JudgedDuels) -> DuelsResource:
    return duels_resource(row, showing.show(request, session, row, FormState()))


@router.get("/evaluation-runs/{evaluation_run_id}/duels", name="api.duels.index")
def index(request: Request, session: DbSession, run: CurrentRun) -> Listing[DuelsResource]:
    """What judges compared of a run, the newest first."""
    found = [queries.duels_by_id(session, one.id) for one in queries.duels_of_run(session, run.id)]
    data = [_shown(request, session, one) for one in found if one is not None]
    return Listing(data=data, next=None)


@router.post("/evaluation-runs/{evaluation_run_id}/duels", name="api.duels.begin", status_code=201)
def begin(
    request: Request,
    session: DbSession,
    user: CurrentUser,
    run: SpendableRun,
    body: DuelsForm,
    idempotency_key: Annotated[str | None, Header(max_length=200)] = None,
) -> DuelsResource:
    """Have a judge of two compare the run's contestants. With an `Idempotency-Key` it begins once.
    409 where the budget has no room.
    """
    key = f"api:{secrets.fingerprint(idempotency_key or str(uuid.uuid4()))[:48]}"
    made = service.begin_duels(session, run, body, actor_id=user.id, key=key)
    found = queries.duels_by_id(session, made.id)
    assert found is not None  # noqa: S101 - it was just made
    return _shown(request, session, found)


@router.get("/duels/{duels_id}", name="api.duels.show")
def show(request: Request, session: DbSession, row: CurrentDuels) -> DuelsResource:
    """A judge's comparing: how far it is, the win rates, and whether it minds the place."""
    return _shown(request, session, row)


@router.post("/duels/{duels_id}/pause", name="api.duels.pause")
def pause(
    request: Request, session: DbSession, user: CurrentUser, row: SteeredDuels
) -> DuelsResource:
    """Ask nothing for now."""
    service.pause_duels(session, row, actor_id=user.id)
    return _shown(request, session, row)


@router.post("/duels/{duels_id}/resume", name="api.duels.resume")
def resume(
    request: Request, session: DbSession, user: CurrentUser, row: SteeredDuels, body: CapForm
) -> DuelsResource:
    """Go on, with another `cap_usd` if there is one."""
    service.resume_duels(session, row, actor_id=user.id, cap_usd=body.cap_usd)
    return _shown(request, session, row)


@router.post("/duels/{duels_id}/stop", name="api.duels.stop")
def stop(
    request: Request, session: DbSession, user: CurrentUser, row: SteeredDuels
) -> DuelsResource:
    """End it; what was said stays."""
    service.stop_duels(session, row, actor_id=user.id)
    return _shown(request, session, row)
