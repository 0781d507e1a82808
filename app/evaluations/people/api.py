"""Rounds of grading by people as JSON."""

from fastapi import APIRouter, Request
from sqlalchemy.orm import Session

from app.auth.access import CurrentUser
from app.auth.models import User
from app.core.api import Listing
from app.core.database import DbSession
from app.core.errors import Conflict
from app.core.views import FormState
from app.evaluations.access import CurrentRun, EditableRun
from app.evaluations.calibration.service import measure_run
from app.evaluations.people import queries, service, showing
from app.evaluations.people.access import CurrentRound, GradableRound
from app.evaluations.people.exporting import shown_in_round
from app.evaluations.people.forms import RoundForm
from app.evaluations.people.models import Round
from app.evaluations.people.resources import (
    GradeResource,
    RoundResource,
    grade_resource,
    round_resource,
)
from app.projects.access import role_here

router = APIRouter(prefix="/api/v1", tags=["evaluations"])


def _shown(request: Request, session: Session, user: User, round_: Round) -> RoundResource:
    return round_resource(round_, showing.show(request, session, user, round_, FormState()))


@router.get("/evaluation-runs/{evaluation_run_id}/rounds", name="api.rounds.index")
def index(
    request: Request, session: DbSession, user: CurrentUser, run: CurrentRun
) -> Listing[RoundResource]:
    """A run's rounds of grading by people, the newest first."""
    found = [queries.round_by_id(session, one.id) for one in queries.rounds_of(session, run.id)]
    data = [_shown(request, session, user, one) for one in found if one is not None]
    return Listing(data=data, next=None)


@router.post(
    "/evaluation-runs/{evaluation_run_id}/rounds", name="api.rounds.begin", status_code=201
)
def begin(
    request: Request, session: DbSession, user: CurrentUser, run: EditableRun, body: RoundForm
) -> RoundResource:
    """Draw cases for people to grade. `kind` is grades (one answer) or duels (two); `labels_of` the
    place of the run's judge whose labels they give; `against` a contestant that all others meet.
    """
    made = service.begin_round(session, run, body, actor_id=user.id)
    found = queries.round_by_id(session, made.id)
    assert found is not None  # noqa: S101 - it was just made
    return _shown(request, session, user, found)


@router.get("/grading-rounds/{round_id}", name="api.rounds.show")
def show(
    request: Request, session: DbSession, user: CurrentUser, round_: CurrentRound
) -> RoundResource:
    """One round: how far it is, and what people said where you may know."""
    return _shown(request, session, user, round_)


@router.post("/grading-rounds/{round_id}/close", name="api.rounds.close")
def close(
    request: Request, session: DbSession, user: CurrentUser, round_: GradableRound
) -> RoundResource:
    """Take no more grades, tell everybody what was said, and measure the run's judges by it."""
    service.close_round(session, round_, actor_id=user.id)
    measure_run(session, round_.run_id)
    return _shown(request, session, user, round_)


@router.get("/grading-rounds/{round_id}/grades", name="api.rounds.grades")
def grades(
    request: Request, session: DbSession, user: CurrentUser, round_: CurrentRound
) -> Listing[GradeResource]:
    """Every grade of a round; 409 for whoever could still grade."""
    can_grade = role_here(request).may("edit")
    me = queries.person_of(session, round_.id, user.id)
    if not service.may_see(round_, me, can_grade=can_grade):
        raise Conflict(service.NOT_YET)
    cases, names = shown_in_round(session, round_)
    said = queries.grades_of(session, [round_.id])
    return Listing(data=[grade_resource(one, cases, names) for one in said], next=None)
