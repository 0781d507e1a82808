"""Models that are asked again by themselves as JSON."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response
from pydantic import BaseModel
from sqlalchemy.orm import Session

from app.auth.access import CurrentUser
from app.budgets.money import dollars
from app.core.api import Listing
from app.core.database import DbSession
from app.core.errors import NotFound
from app.evaluations.access import CurrentEvaluation, SpendableEvaluation
from app.evaluations.drift import queries, service
from app.evaluations.drift.access import CurrentSchedule, SpendableSchedule
from app.evaluations.drift.comparing import DRIFT
from app.evaluations.drift.forms import ScheduleForm
from app.evaluations.drift.models import Look, Schedule
from app.evidence.words import sentence

router = APIRouter(prefix="/api/v1", tags=["evaluations"])


class LookResource(BaseModel):
    """One time it was asked again: `run_id` is its run, null where none began. `drift` is the
    evidence once the run is over, `is_shown` in it whether the model has drifted; `scores` are the
    model's and the baseline's. `words` are the verdict, or why there is none.
    """

    moment: datetime
    run_id: int | None
    words: str | None
    drift: dict[str, Any] | None
    scores: list[Any] | None


class ScheduleResource(BaseModel):
    """A contestant that is asked again `every` day, week or month. `status` is active, paused or
    ended; paused, `paused_by` says for whom it waits. `looks` are the newest 60 times.
    """

    id: int
    evaluation_id: int
    contestant_id: int
    baseline_run_id: int
    model: str
    every: str
    cap_usd: float | None
    status: str
    paused_by: str | None
    words: str | None
    next_at: datetime | None
    looks: list[LookResource]
    created_at: datetime


@router.get("/evaluations/{evaluation_id}/schedules", name="api.schedules.index")
def index(session: DbSession, evaluation: CurrentEvaluation) -> Listing[ScheduleResource]:
    """What of an evaluation is asked again by itself."""
    rows = queries.schedules_of(session, evaluation.id)
    looks = queries.looks_of(session, [one.id for one in rows])
    return Listing(data=[_resource(one, looks) for one in rows], next=None)


@router.post("/evaluations/{evaluation_id}/schedules", name="api.schedules.ask", status_code=201)
def ask(
    session: DbSession, user: CurrentUser, evaluation: SpendableEvaluation, body: ScheduleForm
) -> ScheduleResource:
    """Have a contestant of a run that is done asked again by itself; its answers then are the
    baseline. 409 when it is already.
    """
    made = service.ask_again(session, evaluation, actor_id=user.id, form=body)
    return _found(session, made.id)


@router.get("/schedules/{schedule_id}", name="api.schedules.show")
def show(session: DbSession, schedule: CurrentSchedule) -> ScheduleResource:
    """One of them, with what each time came to."""
    return _resource(schedule, queries.looks_of(session, [schedule.id]))


@router.post("/schedules/{schedule_id}/pause", name="api.schedules.pause")
def pause(session: DbSession, user: CurrentUser, schedule: SpendableSchedule) -> ScheduleResource:
    """Ask no more for now. 409 when it has ended."""
    service.pause_schedule(session, schedule.id, actor_id=user.id)
    return _found(session, schedule.id)


@router.post("/schedules/{schedule_id}/resume", name="api.schedules.resume")
def resume(session: DbSession, user: CurrentUser, schedule: SpendableSchedule) -> ScheduleResource:
    """Ask again from the next moment on; it runs under your name then. 409 when it has ended."""
    service.resume_schedule(session, schedule.id, actor_id=user.id)
    return _found(session, schedule.id)


@router.delete("/schedules/{schedule_id}", name="api.schedules.remove", status_code=204)
def remove(session: DbSession, user: CurrentUser, schedule: SpendableSchedule) -> Response:
    """Forget it; the runs that it began stay."""
    service.remove_schedule(session, schedule.id, actor_id=user.id)
    return Response(status_code=204)


def _found(session: Session, schedule_id: int) -> ScheduleResource:
    session.flush()
    found = queries.schedule_by_id(session, schedule_id)
    if found is None:
        raise NotFound
    return _resource(found, queries.looks_of(session, [schedule_id]))


def _resource(one: Schedule, looks: Sequence[Look]) -> ScheduleResource:
    return ScheduleResource(
        id=one.id,
        evaluation_id=one.evaluation_id,
        contestant_id=one.baseline_id,
        baseline_run_id=one.baseline.run_id,
        model=one.baseline.name,
        every=one.every,
        cap_usd=None if one.cap is None else dollars(one.cap),
        status=one.status,
        paused_by=one.paused_by,
        words=one.words,
        next_at=one.due_at,
        looks=[_look(each) for each in looks if each.schedule_id == one.id],
        created_at=one.created_at,
    )


def _look(one: Look) -> LookResource:
    words = one.words
    if one.drift is not None:
        words = sentence(DRIFT.validate_python(one.drift))
    return LookResource(
        moment=one.moment, run_id=one.run_id, words=words, drift=one.drift, scores=one.scores
    )
