"""Every select of the work on runs: what is to be asked and graded next, and what it takes."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    String,
    and_,
    func,
    literal,
    null,
    select,
)
from sqlalchemy.orm import Session, aliased, joinedload

from app.catalog.models import ModelRef
from app.evaluations.asking import queries as asking
from app.evaluations.models import (
    Case,
    Contestant,
    ContestantKind,
    EvaluationRun,
    Grade,
    Result,
    ResultStatus,
    RunGrader,
)
from app.evaluations.models_judges import Judgement
from app.grading.models import GraderVersion

# What a contestant still has to do.
OPEN = (ResultStatus.WAITING, ResultStatus.ASKED, ResultStatus.ANSWERED)
Recorded = aliased(Result)


def run_id_of(session: Session, contestant_id: int) -> int | None:
    """Which run a contestant takes part in."""
    return session.scalar(select(Contestant.run_id).where(Contestant.id == contestant_id))


def results_to_be(
    run: EvaluationRun, row: Contestant, repeat: int, numbers: Collection[int] | None = None
) -> Select[Any]:
    """A result for each case, or those of these `numbers`, in the order of `RESULT_COLUMNS`;
    recorded ones have their answer.
    """
    is_recorded = row.kind == ContestantKind.RECORDED
    status = ResultStatus.ANSWERED if is_recorded else ResultStatus.WAITING
    columns: list[Any] = [
        literal(run.id, Result.run_id.type),
        literal(row.id, Result.contestant_id.type),
        Case.id,
        literal(repeat, Result.repeat.type),
        literal(str(status), String),
        literal(0, Result.asked.type),
        literal(0, Result.tries.type),
        literal(is_recorded, Result.is_cached.type),
        Recorded.answer_id if is_recorded else null(),
    ]
    found = select(*columns).where(Case.evaluation_id == run.evaluation_id).order_by(Case.number)
    if numbers is not None:
        found = found.where(Case.number.in_(numbers))
    if not is_recorded:
        return found
    return found.join(
        Recorded,
        and_(
            Recorded.case_id == Case.id,
            Recorded.contestant_id == row.recorded_id,
            Recorded.repeat == repeat,
            Recorded.answer_id.is_not(None),
        ),
    )


RESULT_COLUMNS = (
    *("run_id", "contestant_id", "case_id", "repeat", "status", "asked", "tries"),
    *("is_cached", "answer_id"),
)


def next_results(
    session: Session, contestant_id: int, moment: datetime, *, behind: int, limit: int
) -> Sequence[Any]:
    """Those that may be asked for next: (id, repeat, tries, case)."""
    # The ids alone, of an index: SQLite sorts everything that it is asked for of all that wait.
    next_ids = (
        select(Result.id)
        .where(is_waiting(contestant_id, moment), Result.id > behind)
        .order_by(Result.id)
        .limit(limit)
    )
    return session.execute(
        select(Result.id, Result.repeat, Result.tries, Case)
        .join(Case, Case.id == Result.case_id)
        .where(Result.id.in_(next_ids))
        .order_by(Result.id)
    ).all()


def answered_among(session: Session, result_ids: Collection[int]) -> dict[int, int | None]:
    """The answers' ids of those of the results that still wait for graders, by the results'."""
    query = select(Result.id, Result.answer_id).where(
        Result.id.in_(result_ids), Result.status == ResultStatus.ANSWERED
    )
    return {row.id: row.answer_id for row in session.execute(query)}


def run_graders(session: Session, run_id: int) -> Sequence[RunGrader]:
    """A run's graders in the versions that it uses, by place."""
    query = select(RunGrader).where(RunGrader.run_id == run_id).order_by(RunGrader.place)
    return session.scalars(
        query.options(joinedload(RunGrader.version).joinedload(GraderVersion.grader))
    ).all()


def contestant_at_work(session: Session, contestant_id: int) -> Contestant:
    """A contestant with the model that is asked."""
    return session.scalars(
        select(Contestant)
        .where(Contestant.id == contestant_id)
        .options(joinedload(Contestant.ref).joinedload(ModelRef.connection))
    ).one()


def held_money(session: Session, run_id: int) -> int:
    """The most that a run's open requests may cost together; of those without a price nothing."""
    contestants = select(Contestant.id).where(Contestant.run_id == run_id)
    answers = asking.held_by(session, Result, Result.contestant_id.in_(contestants))
    return answers + asking.held_by(session, Judgement, Judgement.run_id == run_id)


def is_waiting(contestant_id: int, moment: datetime) -> ColumnElement[bool]:
    """A result that may be asked for now."""
    return and_(Result.contestant_id == contestant_id, asking.may_be_asked(Result, moment))


def count_results(session: Session, contestant_id: int) -> int:
    """How many results a contestant has, wherever they are."""
    query = select(func.count()).where(Result.contestant_id == contestant_id)
    return session.scalar(query) or 0


def ungraded(session: Session, contestant_id: int, *, limit: int) -> Sequence[Result]:
    """Answered results that wait for their graders, with the answer, the case and the grades that
    they have.
    """
    query = select(Result).where(
        Result.contestant_id == contestant_id, Result.status == ResultStatus.ANSWERED
    )
    return session.scalars(
        query.options(joinedload(Result.answer), joinedload(Result.case))
        .order_by(Result.id)
        .limit(limit)
    ).all()


def grades_of(session: Session, result_ids: Collection[int]) -> Sequence[Grade]:
    """What was said of these results so far."""
    return session.scalars(select(Grade).where(Grade.result_id.in_(result_ids))).all()


def has_answered(session: Session, contestant_id: int) -> bool:
    """Whether an answer waits for its graders."""
    query = select(Result.id).where(
        Result.contestant_id == contestant_id, Result.status == ResultStatus.ANSWERED
    )
    return session.scalar(query.limit(1)) is not None


def next_try(session: Session, contestant_id: int) -> datetime | None:
    """When the first of a contestant's waiting results may be asked for; None without any. Those
    that may be asked at once have no moment: ask `has_waiting` first.
    """
    return session.scalar(
        select(func.min(Result.not_before)).where(
            Result.contestant_id == contestant_id, Result.status == ResultStatus.WAITING
        )
    )


def has_open(session: Session, contestant_id: int) -> bool:
    """Whether anything of a contestant is still to be asked or graded, but by judges."""
    query = select(Result.id).where(Result.contestant_id == contestant_id, Result.status.in_(OPEN))
    return session.scalar(query.limit(1)) is not None


def has_work_now(session: Session, contestant_id: int, moment: datetime) -> bool:
    """Whether a result of the contestant's may be asked for now, or waits for its graders."""
    query = select(Result.id).where(is_waiting(contestant_id, moment)).limit(1)
    return session.scalar(query) is not None or has_answered(session, contestant_id)
