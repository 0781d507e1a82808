"""Every select that asks whether runs of evaluations are as their work leaves them."""

from sqlalchemy import String, and_, cast, func, literal, or_, select
from sqlalchemy.orm import Session

from app.budgets.models import Spend, SpendState
from app.evaluations.models import (
    Contestant,
    EvaluationRun,
    Result,
    ResultStatus,
    RunStatus,
)
from app.upkeep.queries import count
from app.upkeep.queries_invariants import Looked

HAS_ANSWER = (ResultStatus.ANSWERED, ResultStatus.GRADED)
OVER = (RunStatus.DONE, RunStatus.STOPPED)


def results_in_no_state(session: Session) -> Looked:
    """Results that have an answer and are to be asked again, or have none and are graded; graded
    ones without a verdict; failed ones that do not say why.
    """
    is_answered = Result.status.in_(HAS_ANSWER)
    wrong = or_(
        is_answered != Result.answer_id.is_not(None),
        and_(Result.status == ResultStatus.GRADED, Result.passed.is_(None)),
        and_(Result.status == ResultStatus.FAILED, Result.error.is_(None)),
        and_(Result.status == ResultStatus.ASKED, Result.asked == 0),
    )
    unfit = session.scalars(select(Result.id).where(wrong))
    return count(session, Result), [f"result {one}: its state does not fit" for one in unfit]


def contestants_that_do_not_add_up(session: Session) -> Looked:
    """Contestants whose sums are not those of their results."""
    sums = (
        select(
            Result.contestant_id.label("contestant_id"),
            func.count().label("expected"),
            func.count().filter(Result.status == ResultStatus.GRADED).label("graded"),
            func.count().filter(Result.status == ResultStatus.FAILED).label("failed"),
            func.count().filter(Result.passed.is_(True)).label("passed"),
            func.sum(Result.asked).label("asked"),
        )
        .group_by(Result.contestant_id)
        .subquery()
    )
    names = ("expected", "graded", "failed", "passed", "asked")
    differs = or_(*(getattr(Contestant, name) != sums.c[name] for name in names))
    query = select(Contestant.id).join(sums, sums.c.contestant_id == Contestant.id).where(differs)
    unfit = session.scalars(query)
    return count(session, Contestant), [
        f"contestant {one}: its sums are not those of its results" for one in unfit
    ]


def runs_that_do_not_fit(session: Session) -> Looked:
    """Runs that are over and have money set aside, or are not and have none; runs that are done
    while something is to be asked.
    """
    broken = []
    found = session.execute(
        select(EvaluationRun.id, EvaluationRun.status, Spend.state).outerjoin(
            Spend, Spend.key == literal("evaluation_run:") + cast(EvaluationRun.id, String)
        )
    )
    for run_id, status, state in found:
        if (status in OVER) == (state in {None, SpendState.RESERVED}):
            broken.append(f"run {run_id}: its row of the ledger does not fit")
    left = session.scalars(
        select(Contestant.run_id)
        .join(Contestant.run)
        .where(
            EvaluationRun.status == RunStatus.DONE,
            Contestant.graded + Contestant.failed < Contestant.expected,
        )
    )
    broken += [f"run {one}: it is done, and something is not answered" for one in left]
    return count(session, EvaluationRun), broken
