"""What happens at a schedule's moment: a run begins, once, or it is said why not."""

from datetime import datetime

from sqlalchemy.orm import Session

from app.auth.models import User
from app.budgets import telling as budgets
from app.budgets.standing import OverBudget
from app.catalog.belief import in_words
from app.catalog.stopping import stop_of
from app.core import clock, leases
from app.core.errors import ProductError
from app.evaluations import service as evaluations
from app.evaluations.drift import queries, service, telling
from app.evaluations.drift.models import Every, Look, Schedule, ScheduleStatus
from app.evaluations.drift.moments import following
from app.evaluations.models import EvaluationRun
from app.evaluations.queries import UNENDED, evaluation_by_id
from app.projects.queries import membership

LEASE_SECONDS = 120.0
ORIGIN = "asked again by itself"
NOBODY = "Whoever set it may no longer spend money here: somebody who may has to let it go on."
NOT_OVER = "Nobody was asked: run {number} of the time before is not over."
STOPPED = "{name} stopped on {day}."


def look(session: Session, schedule_id: int) -> None:
    """Begin the run of a moment that has come. However many have passed unseen, it is one, and the
    next is yet to come.
    """
    is_active = Schedule.status == ScheduleStatus.ACTIVE
    fence = leases.claim(session, Schedule, schedule_id, seconds=LEASE_SECONDS, where=[is_active])
    row = queries.schedule_by_id(session, schedule_id) if fence is not None else None
    if row is None or row.due_at is None:
        return
    moment, now = row.due_at, clock.now(session)
    next_at = following(row.begins_at, Every(row.every), max(moment, now))
    ref = row.baseline.ref
    assert ref is not None  # noqa: S101 - baselines are models
    stop = stop_of(session, ref.connection, ref.name)
    if stop is not None and stop.day <= now.date() and not stop.is_earliest:
        words = STOPPED.format(name=row.baseline.name, day=in_words(stop.day))
        leases.settle(row, due_at=None)
        service.end(session, row, words)
    elif not _may_spend(session, row):
        leases.settle(row, due_at=None)
        service.wait(session, row, by="person", words=NOBODY)
        telling.tell_waits(session, row, NOBODY)
    elif ref.connection.refused_at is not None:
        leases.settle(row, due_at=None)
        service.wait(session, row, by="key", words=ref.connection.words)
    else:
        _write_down(session, row, moment)
        leases.settle(row, due_at=next_at)
        service.tell(session, row)


def _may_spend(session: Session, row: Schedule) -> bool:
    """Whether the one who answers for it still may."""
    if row.created_by is None:
        return False
    person = session.get(User, row.created_by)
    member = membership(session, row.created_by, row.project_id)
    is_here = person is not None and person.disabled_at is None
    return is_here and member is not None and member.may("spend")


def _write_down(session: Session, row: Schedule, moment: datetime) -> None:
    """The look of this moment, with its run or the reason why there is none."""
    run, words = None, None
    before = queries.last_look(session, row.id)
    if before is not None and before.run is not None and before.run.status in UNENDED:
        words = NOT_OVER.format(number=before.run.number)
    else:
        try:
            run = _started(session, row)
        except ProductError as error:
            words = f"Nobody was asked: {error.message}"
            if isinstance(error, OverBudget) and row.created_by is not None:
                what = f"Asking {row.baseline.name} again"
                budgets.tell_blocked(session, row.project_id, what, error, actor_id=row.created_by)
    now = clock.now(session)
    made = Look(
        schedule_id=row.id,
        moment=moment,
        run_id=run.id if run else None,
        words=words,
        created_at=now,
        due_at=now if run else None,
    )
    session.add(made)
    session.flush()


def _started(session: Session, row: Schedule) -> EvaluationRun:
    evaluation = evaluation_by_id(session, row.evaluation_id)
    assert evaluation is not None and row.due_at is not None  # noqa: S101, PT018 - it has one
    with session.begin_nested():
        return evaluations.start_run(
            session,
            evaluation,
            actor_id=row.created_by,
            form=service.run_form_of(row.baseline, row.cap),
            # The moment, in seconds from the beginning: the same moment finds its run.
            request_key=f"again:{row.id}:{(row.due_at - row.begins_at).total_seconds():.0f}",
            origin=ORIGIN,
        )
