"""Every select of the work of a run's judges: what they are to be asked, and what can be graded."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import Select, and_, func, select
from sqlalchemy.orm import Session, aliased, joinedload

from app.evaluations.asking.queries import may_be_asked
from app.evaluations.models import Result, RunGrader, RunJudge
from app.evaluations.models_judges import Judgement, JudgementStatus
from app.grading.models import GraderVersion

OPEN = (JudgementStatus.WAITING, JudgementStatus.ASKED)
THROUGH = (JudgementStatus.ANSWERED, JudgementStatus.FAILED)
Beside = aliased(Judgement)


def run_id_of(session: Session, judge_id: int) -> int | None:
    """Which run a judge grades."""
    return session.scalar(select(RunJudge.run_id).where(RunJudge.id == judge_id))


def judges_of(session: Session, run_id: int) -> Sequence[RunJudge]:
    """A run's judges, by place."""
    query = select(RunJudge).where(RunJudge.run_id == run_id).order_by(RunJudge.place)
    return session.scalars(query).all()


def version_of(session: Session, judge: RunJudge) -> GraderVersion:
    """The grader that a judge is, in the version that its run uses."""
    is_its = and_(RunGrader.run_id == judge.run_id, RunGrader.place == judge.place)
    query = select(GraderVersion).join(RunGrader, RunGrader.version_id == GraderVersion.id)
    return session.scalars(query.where(is_its).options(joinedload(GraderVersion.grader))).one()


def waiting(
    session: Session, judge_id: int, moment: datetime, *, behind: int, limit: int
) -> Sequence[Judgement]:
    """The next that a judge may be asked, behind the one of this id, with the answer and the case
    that it is about.
    """
    # The ids alone, of an index, as with the results that wait.
    next_ids = (
        select(Beside.id)
        .where(Beside.judge_id == judge_id, may_be_asked(Beside, moment), Beside.id > behind)
        .order_by(Beside.id)
        .limit(limit)
    )
    of = joinedload(Judgement.result)
    query = select(Judgement).where(Judgement.id.in_(next_ids)).order_by(Judgement.id)
    return session.scalars(
        query.options(of.joinedload(Result.answer), of.joinedload(Result.case))
    ).all()


def away(session: Session, digests: Collection[str]) -> set[str]:
    """What of this is being asked just now, of whatever run it is."""
    query = select(Judgement.digest).where(
        Judgement.digest.in_(digests), Judgement.status == JudgementStatus.ASKED
    )
    return {one for one in session.scalars(query) if one is not None}


def _ready(judge_id: int) -> Select[int]:
    is_open = select(Beside.id).where(
        Beside.result_id == Judgement.result_id,
        Beside.judge_id == judge_id,
        Beside.status.in_(OPEN),
    )
    return select(Judgement.result_id).where(
        Judgement.judge_id == judge_id, Judgement.status.in_(THROUGH), ~is_open.exists()
    )


def ready(session: Session, judge_id: int, *, limit: int) -> Sequence[Judgement]:
    """All that a judge was asked about the next results of which nothing is open any more, with
    its replies, the answers and the cases.
    """
    ids = session.scalars(_ready(judge_id).distinct().limit(limit)).all()
    of = joinedload(Judgement.result)
    query = (
        select(Judgement)
        .where(Judgement.judge_id == judge_id, Judgement.result_id.in_(ids))
        .options(
            joinedload(Judgement.answer), of.joinedload(Result.answer), of.joinedload(Result.case)
        )
    )
    return session.scalars(query.order_by(Judgement.result_id, Judgement.id)).all()


def next_moment(session: Session, judge_id: int, moment: datetime) -> datetime | None:
    """When a judge has something to do: now, when the first that waits may be asked, or never."""
    at_once = select(Judgement.id).where(
        Judgement.judge_id == judge_id, may_be_asked(Judgement, moment)
    )
    for query in (at_once, _ready(judge_id)):
        if session.scalar(query.limit(1)) is not None:
            return moment
    return session.scalar(
        select(func.min(Judgement.not_before)).where(
            Judgement.judge_id == judge_id, Judgement.status == JudgementStatus.WAITING
        )
    )


def results_among(session: Session, result_ids: Collection[int]) -> Sequence[Result]:
    """These results."""
    return session.scalars(select(Result).where(Result.id.in_(result_ids))).all()


def open_questions(session: Session, run_ids: Collection[int]) -> dict[int, int]:
    """How many questions are still to be asked of each judge of these runs, or on their way."""
    query = (
        select(Judgement.judge_id, func.count().label("questions"))
        .where(Judgement.run_id.in_(run_ids), Judgement.status.in_(OPEN))
        .group_by(Judgement.judge_id)
    )
    return {row.judge_id: row.questions for row in session.execute(query)}
