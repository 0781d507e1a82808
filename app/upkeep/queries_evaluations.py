"""Every select that asks whether runs of evaluations are as their work leaves them."""

from sqlalchemy import String, and_, cast, func, literal, or_, select
from sqlalchemy.orm import Session

from app.budgets.models import Spend, SpendState
from app.evaluations.models import (
    Contestant,
    EvaluationRun,
    Grade,
    Result,
    ResultStatus,
    RunJudge,
    RunStatus,
)
from app.evaluations.models_judges import Judgement, JudgementStatus
from app.upkeep.queries import count
from app.upkeep.queries_invariants import Looked

HAS_ANSWER = (ResultStatus.ANSWERED, ResultStatus.JUDGING, ResultStatus.GRADED)
IS_TO_COME = (JudgementStatus.WAITING, JudgementStatus.ASKED)
OVER = (RunStatus.DONE, RunStatus.STOPPED)


def results_in_no_state(session: Session) -> Looked:
    """Results that have an answer and are to be asked again, or have none and are graded; graded
    ones without a verdict, of which no grader says why; failed ones that do not say why; those that
    wait for judges who are asked nothing.
    """
    is_answered = Result.status.in_(HAS_ANSWER)
    has_fault = select(Grade.place).where(Grade.result_id == Result.id, Grade.fault.is_not(None))
    is_asked_about = select(Judgement.id).where(
        Judgement.result_id == Result.id, Judgement.status != JudgementStatus.GRADED
    )
    wrong = or_(
        is_answered != Result.answer_id.is_not(None),
        and_(Result.status == ResultStatus.GRADED, Result.passed.is_(None), ~has_fault.exists()),
        and_(Result.status == ResultStatus.JUDGING, ~is_asked_about.exists()),
        and_(Result.status == ResultStatus.FAILED, Result.error.is_(None)),
        and_(Result.status == ResultStatus.ASKED, Result.asked == 0),
    )
    unfit = session.scalars(select(Result.id).where(wrong))
    return count(session, Result), [f"result {one}: its state does not fit" for one in unfit]


def judgements_in_no_state(session: Session) -> Looked:
    """Questions to judges that have a reply and are to be asked again; that are said to be answered
    and are not; that failed and do not say why; that are graded without a grade.
    """
    has_reply = Judgement.answer_id.is_not(None)
    has_grade = (
        select(Grade.place)
        .join(RunJudge, and_(RunJudge.run_id == Grade.run_id, RunJudge.place == Grade.place))
        .where(Grade.result_id == Judgement.result_id, RunJudge.id == Judgement.judge_id)
    )
    wrong = or_(
        and_(Judgement.status.in_(IS_TO_COME), has_reply),
        and_(Judgement.status == JudgementStatus.GRADED, ~has_reply, Judgement.error.is_(None)),
        and_(Judgement.status == JudgementStatus.ANSWERED, ~has_reply),
        and_(Judgement.status == JudgementStatus.FAILED, Judgement.error.is_(None)),
        and_(Judgement.status == JudgementStatus.ASKED, Judgement.asked == 0),
        (Judgement.status == JudgementStatus.GRADED) != has_grade.exists(),
    )
    unfit = session.scalars(select(Judgement.id).where(wrong))
    return count(session, Judgement), [f"judgement {one}: its state does not fit" for one in unfit]


def judges_that_do_not_add_up(session: Session) -> Looked:
    """Judges of runs whose count of what was sent is not that of their questions."""
    asked = (
        select(func.coalesce(func.sum(Judgement.asked), 0))
        .where(Judgement.judge_id == RunJudge.id)
        .scalar_subquery()
    )
    unfit = session.scalars(select(RunJudge.id).where(RunJudge.asked != asked))
    return count(session, RunJudge), [
        f"judge {one} of a run: its sum is not that of its questions" for one in unfit
    ]


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
