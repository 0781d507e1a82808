"""Decisions about schedules: set, paused, let go on, removed; and what they wait for."""

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.auth import service as auth
from app.budgets.money import said
from app.core import clock
from app.core.errors import Conflict, NotFound, WrongInput
from app.core.events import announce
from app.evaluations.drift import queries
from app.evaluations.drift.forms import ScheduleForm
from app.evaluations.drift.models import Every, Schedule, ScheduleStatus
from app.evaluations.drift.moments import following
from app.evaluations.forms import AnswerSettings, ContestantForm, RunForm, Shots
from app.evaluations.models import Contestant, Evaluation
from app.evaluations.orders import priced

NO_BASELINE = "The evaluation has no such model in a run that is done."
TWICE = "It is asked again already. Remove that first."
IS_OVER = "It has ended."
TOO_LITTLE = "One time is to cost about {cost}: with less it would pause each time."


def run_form_of(baseline: Contestant, cap: int | None) -> RunForm:
    """The run that asks a contestant the same afresh, beside what it answered then: those answers
    are graded once more, by the graders that grade the new ones.
    """
    run, ref = baseline.run, baseline.ref
    assert ref is not None  # noqa: S101 - baselines are models
    shots = None
    if baseline.shots_version_id is not None:
        chosen = {"version_id": baseline.shots_version_id, **(baseline.shots or {})}
        shots = Shots.model_validate(chosen)
    asked = ContestantForm(
        connection_id=ref.connection_id, model=ref.name, shots=shots, name=baseline.name
    )
    form = RunForm(
        contestants=[asked, ContestantForm(recorded_id=baseline.id)],
        settings=AnswerSettings.model_validate({**run.settings, "fresh": True}),
        repeats=run.repeats,
    )
    return form.model_copy(update={"cap_usd": cap})


def ask_again(
    session: Session, evaluation: Evaluation, *, actor_id: int, form: ScheduleForm
) -> Schedule:
    """Have a contestant asked again by itself, for the first time when as much time has passed as
    between the others. Raises WrongInput, and Conflict when it is asked again already.
    """
    baseline = next(iter(queries.baselines(session, evaluation.id, form.contestant_id)), None)
    if baseline is None:
        raise WrongInput.field("contestant_id", NO_BASELINE)
    cost = priced(session, evaluation, run_form_of(baseline, form.cap_usd))
    if form.cap_usd is not None and cost.expected is not None and form.cap_usd < cost.expected:
        raise WrongInput.field("cap_usd", TOO_LITTLE.format(cost=said(cost.expected)))
    moment = clock.now(session)
    made = Schedule(
        project_id=evaluation.project_id,
        evaluation_id=evaluation.id,
        baseline_id=baseline.id,
        every=form.every,
        cap=form.cap_usd,
        begins_at=moment,
        status=ScheduleStatus.ACTIVE,
        created_by=actor_id,
        created_at=moment,
        due_at=following(moment, form.every, moment),
    )
    try:
        with session.begin_nested():
            session.add(made)
    except IntegrityError:
        if queries.schedule_of(session, baseline.id) is None:
            raise
        raise Conflict(TWICE) from None
    _record(session, made, "evaluation.asked_again", actor_id, evaluation, baseline)
    tell(session, made)
    return made


def pause_schedule(session: Session, schedule_id: int, *, actor_id: int) -> Schedule:
    """Ask no more for now. Raises Conflict when it has ended."""
    row = _unended(session, schedule_id)
    if row.status == ScheduleStatus.ACTIVE or row.paused_by != "person":
        wait(session, row, by="person", words=None)
        _record_row(session, row, "evaluation.asked_again_paused", actor_id)
    return row


def resume_schedule(session: Session, schedule_id: int, *, actor_id: int) -> Schedule:
    """Ask again from its next moment on; whoever lets it go on answers for it. Raises Conflict when
    it has ended.
    """
    row = _unended(session, schedule_id)
    if row.status == ScheduleStatus.PAUSED:
        go_on(session, row)
        row.created_by = actor_id
        _record_row(session, row, "evaluation.asked_again_resumed", actor_id)
    return row


def remove_schedule(session: Session, schedule_id: int, *, actor_id: int) -> None:
    """Forget it. The runs that it began stay."""
    row = _held(session, schedule_id)
    _record_row(session, row, "evaluation.asked_again_removed", actor_id)
    tell(session, row)
    session.delete(row)
    session.flush()


def wait(session: Session, row: Schedule, *, by: str, words: str | None) -> None:
    """Let a schedule wait: for a `person`, or for the `key`."""
    row.status, row.paused_by, row.words = ScheduleStatus.PAUSED, by, words
    row.due_at = None
    tell(session, row)


def end(session: Session, row: Schedule, words: str) -> None:
    """There is nobody left to ask."""
    row.status, row.paused_by, row.words = ScheduleStatus.ENDED, None, words
    row.due_at = None
    tell(session, row)


def go_on(session: Session, row: Schedule) -> None:
    """Its next moment is the next to come: those that passed meanwhile are not made up for."""
    row.status, row.paused_by, row.words = ScheduleStatus.ACTIVE, None, None
    row.due_at = following(row.begins_at, Every(row.every), clock.now(session))
    row.attempts = 0
    tell(session, row)


def key_works(session: Session, connection_id: int, _words: str | None) -> None:
    """A connection is held no more: what waited for its key goes on."""
    for row in queries.paused_for_key(session, connection_id):
        go_on(session, row)


def tell(session: Session, row: Schedule) -> None:
    """Open pages of the evaluation look again."""
    announce(session, f"evaluation:{row.evaluation_id}")


def _held(session: Session, schedule_id: int) -> Schedule:
    row = queries.held_schedule(session, schedule_id)
    if row is None:  # somebody removed it a moment ago
        raise NotFound
    return row


def _unended(session: Session, schedule_id: int) -> Schedule:
    row = _held(session, schedule_id)
    if row.status == ScheduleStatus.ENDED:
        raise Conflict(IS_OVER)
    return row


def _record_row(session: Session, row: Schedule, verb: str, actor_id: int) -> None:
    evaluation = session.get_one(Evaluation, row.evaluation_id)
    baseline = session.get_one(Contestant, row.baseline_id)
    _record(session, row, verb, actor_id, evaluation, baseline)


def _record(
    session: Session,
    row: Schedule,
    verb: str,
    actor_id: int,
    evaluation: Evaluation,
    baseline: Contestant,
) -> None:
    auth.record(
        session,
        verb,
        f"evaluation:{row.evaluation_id}",
        actor_id=actor_id,
        project_id=row.project_id,
        name=f"{baseline.name}, {evaluation.name}",
        every=row.every,
    )
