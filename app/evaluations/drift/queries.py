"""Every select about models that are asked again by themselves."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session, contains_eager, joinedload
from sqlalchemy.sql.base import ExecutableOption

from app.catalog.models import ModelRef
from app.core import leases
from app.evaluations.drift.models import Look, Schedule, ScheduleStatus
from app.evaluations.models import (
    Contestant,
    ContestantKind,
    EvaluationRun,
    RunStatus,
)
from app.evaluations.reports.models import Report

MOST_OFFERED, MOST_SCHEDULES, MOST_LOOKS = 60, 100, 60


def baselines(session: Session, evaluation_id: int, *ids: int) -> Sequence[Contestant]:
    """Models that answered all of an evaluation's cases in a run that is done and can be asked
    again, the newest run first; of these ids alone where there are any.
    """
    query = (
        select(Contestant)
        .join(Contestant.run)
        .where(
            EvaluationRun.evaluation_id == evaluation_id,
            EvaluationRun.status == RunStatus.DONE,
            Contestant.kind == ContestantKind.MODEL,
            Contestant.model_ref_id.is_not(None),
            Contestant.graded > 0,
        )
        .options(
            contains_eager(Contestant.run),
            joinedload(Contestant.ref).joinedload(ModelRef.connection),
        )
        .order_by(EvaluationRun.number.desc(), Contestant.place)
    )
    if ids:
        query = query.where(Contestant.id.in_(ids))
    return session.scalars(query.limit(MOST_OFFERED)).all()


def schedule_by_id(session: Session, schedule_id: int) -> Schedule | None:
    """The schedule with its evaluation and baseline, whichever project's: the caller checks."""
    query = select(Schedule).where(Schedule.id == schedule_id).options(*_with_all())
    return session.scalar(query.execution_options(populate_existing=True))


def schedule_of(session: Session, baseline_id: int) -> Schedule | None:
    """The schedule by which this contestant is asked again."""
    return session.scalar(select(Schedule).where(Schedule.baseline_id == baseline_id))


def schedules_of(session: Session, evaluation_id: int) -> Sequence[Schedule]:
    """An evaluation's schedules with their baselines, the first made first."""
    query = select(Schedule).where(Schedule.evaluation_id == evaluation_id)
    query = query.options(*_with_all()).order_by(Schedule.id)
    return session.scalars(query.limit(MOST_SCHEDULES)).all()


def _with_all() -> Sequence[ExecutableOption]:
    baseline = joinedload(Schedule.baseline)
    return (
        joinedload(Schedule.evaluation),
        joinedload(Schedule.creator),
        baseline.joinedload(Contestant.run),
        baseline.joinedload(Contestant.ref).joinedload(ModelRef.connection),
    )


def paused_for_key(session: Session, connection_id: int) -> Sequence[Schedule]:
    """Schedules that wait for a connection's key."""
    query = (
        select(Schedule)
        .join(Schedule.baseline)
        .join(Contestant.ref)
        .where(Schedule.paused_by == "key", ModelRef.connection_id == connection_id)
    )
    return session.scalars(query).all()


def held_schedule(session: Session, schedule_id: int) -> Schedule | None:
    """The schedule, locked until the unit of work ends: before any of its looks, always."""
    query = select(Schedule).where(Schedule.id == schedule_id).with_for_update()
    return session.scalar(query.execution_options(populate_existing=True))


def last_look(session: Session, schedule_id: int) -> Look | None:
    """The look before this one that began a run, with it."""
    query = select(Look).where(Look.schedule_id == schedule_id, Look.run_id.is_not(None))
    query = query.options(joinedload(Look.run)).order_by(Look.moment.desc())
    return session.scalar(query.limit(1))


def look_by_id(session: Session, look_id: int) -> Look | None:
    """A look with its run."""
    query = select(Look).where(Look.id == look_id).options(joinedload(Look.run))
    return session.scalar(query.execution_options(populate_existing=True))


def looks_of(session: Session, schedule_ids: Sequence[int]) -> Sequence[Look]:
    """The newest looks of each of these schedules with their runs, the newest first."""
    turn = func.row_number().over(partition_by=Look.schedule_id, order_by=Look.moment.desc())
    turns = select(Look.id, turn.label("turn")).where(Look.schedule_id.in_(schedule_ids)).subquery()
    query = select(Look).join(turns, turns.c.id == Look.id).where(turns.c.turn <= MOST_LOOKS)
    return session.scalars(query.options(joinedload(Look.run)).order_by(Look.moment.desc())).all()


def count_compared(session: Session, schedule_id: int) -> int:
    """How many looks of a schedule are compared already."""
    query = select(func.count()).where(Look.schedule_id == schedule_id, Look.drift.is_not(None))
    return session.scalar(query) or 0


def compared_before(session: Session, look: Look) -> Look | None:
    """The compared look before this one."""
    query = select(Look).where(
        Look.schedule_id == look.schedule_id,
        Look.drift.is_not(None),
        Look.moment < look.moment,
    )
    return session.scalar(query.order_by(Look.moment.desc()).limit(1))


def due_schedules(session: Session) -> Sequence[int]:
    """Schedules whose moment has come."""
    return leases.due_ids(session, Schedule, Schedule.status == ScheduleStatus.ACTIVE)


def due_looks(session: Session) -> Sequence[int]:
    """Looks whose run is over, and reckoned where it is done."""
    return leases.due_ids(session, Look, is_over())


def is_over() -> ColumnElement[bool]:
    """A look whose run was stopped, or is done and reckoned."""
    done = (
        select(EvaluationRun.id)
        .join(Report, Report.run_id == EvaluationRun.id)
        .where(
            EvaluationRun.status == RunStatus.DONE,
            Report.due_at.is_(None),
            Report.figures.is_not(None),
        )
    )
    stopped = select(EvaluationRun.id).where(EvaluationRun.status == RunStatus.STOPPED)
    return or_(Look.run_id.in_(done), Look.run_id.in_(stopped))
