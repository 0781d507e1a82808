"""A run's judge in a worker's hands: taken for a slice, its questions claimed before they are
asked, its replies and what they come to written down.

Whatever is asked is written down first. A run is always held before its judges.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import insert, update
from sqlalchemy.orm import Session

from app.connections.models import Connection
from app.core import clock, leases
from app.evaluations import queries, queries_judges, queries_work, service
from app.evaluations.asking import paces, rows, standing
from app.evaluations.asking.asker import Share
from app.evaluations.asking.judges import question_to
from app.evaluations.asking.questions import Answered, Failed, Question, Unsent
from app.evaluations.asking.slices import Brought, Claimed
from app.evaluations.forms import AnswerSettings
from app.evaluations.models import (
    Contestant,
    EvaluationRun,
    GivenAnswer,
    Grade,
    ResultStatus,
    RunJudge,
    RunStatus,
)
from app.evaluations.models_judges import Judgement, JudgementStatus
from app.evaluations.reports import service as reports
from app.evaluations.work.claiming import LEASE_SECONDS, room_of
from app.evaluations.work.grading import Graders, Grades, answer_of, item_of, verdict
from app.graders.base import Grader, Ungradable
from app.graders.judge import Ask

UNASKED = {"status": JudgementStatus.WAITING, "asked": 0, "tries": 0}
GONE = "The connection of the judge {} was removed."


class JudgeWork(NamedTuple):
    """A judge taken for a slice, with all that asking takes."""

    judge_id: int
    fence: int
    run_id: int
    project_id: int
    place: int
    share: Share
    pass_rule: str
    anew: int | None


def claim(session: Session, judge_id: int) -> JudgeWork | None:
    """Take a judge for a slice; None when another has it, its run does not go on, or its connection
    may not be asked just now. What a dead worker had on its way waits again.
    """
    run_id = queries_judges.run_id_of(session, judge_id)
    if run_id is None:
        return None
    run = queries.held_run(session, run_id)
    fence = leases.claim(session, RunJudge, judge_id, seconds=LEASE_SECONDS)
    if fence is None:
        return None
    row = session.get_one(RunJudge, judge_id, populate_existing=True)
    if run.status != RunStatus.RUNNING:
        leases.settle(row, due_at=None)
        return None
    billed = rows.wait_again(session, Judgement, Judgement.judge_id == row.id)
    _bill(run, row, billed, guessed=billed)
    version, pause = queries_judges.version_of(session, row), service.pausing(session, run)
    connection = session.get(Connection, version.connection_id) if version.connection_id else None
    if connection is None:
        leases.settle(row, due_at=None)
        pause("provider", GONE.format(version.grader.name))
        return None
    if standing.stands_still(session, row, connection, pause):
        return None
    chosen = AnswerSettings.model_validate(run.settings)
    share = standing.share_of(
        session, connection, per_minute=chosen.per_minute, at_once=chosen.at_once
    )
    anew = run.id if chosen.fresh else None
    return JudgeWork(row.id, fence, run.id, run.project_id, row.place, share, run.pass_rule, anew)


def _bill(run: EvaluationRun, row: RunJudge, amount: int, *, guessed: int) -> None:
    row.spent += amount
    run.spent += amount
    run.guessed += guessed


def hold(session: Session, work: JudgeWork) -> tuple[EvaluationRun, RunJudge]:
    """The run and the judge, locked until the unit of work ends, the lease made longer. Raises
    LeaseLost when somebody else has it.
    """
    run = queries.held_run(session, work.run_id)
    row = leases.keep(session, RunJudge, work.judge_id, work.fence, seconds=LEASE_SECONDS)
    return run, row


def claim_judgements(
    session: Session, work: JudgeWork, grader: Grader, *, behind: int, limit: int
) -> Claimed[Ask]:
    """The next questions, written down as asked as far as the cap has room, but for those that
    were answered before. Nothing once the run pauses. Raises LeaseLost.
    """
    run, row = hold(session, work)
    if run.status != RunStatus.RUNNING:
        return Claimed([])
    moment = clock.now(session)
    waiting = queries_judges.waiting(session, row.id, moment, behind=behind, limit=limit)
    questions = list(_questions(work, grader, waiting))
    room = room_of(session, run)
    paces.hold(session, work.share.connection.id)  # nobody else asks the same meanwhile
    away = queries_judges.away(session, {one.digest for one in questions})
    claimed = rows.claimed(session, Judgement, work.project_id, questions, room, away)
    asked = [{"id": one.row_id, "digest": one.digest} for one in claimed.sent]
    if asked:
        session.execute(update(Judgement), asked)
    row.asked += len(asked)
    return claimed


def _questions(
    work: JudgeWork, grader: Grader, waiting: Sequence[Judgement]
) -> Iterator[Question[Ask]]:
    """Those that can be put: one with a place that is not filled has failed."""
    for row in waiting:
        judge = grader.judges[row.name]
        try:
            ask = judge.ask(item_of(row.result.case), answer_of(row.result.answer))
        except Ungradable as fault:
            row.status, row.error = JudgementStatus.FAILED, fault.reason
            continue
        yield question_to(judge, ask, work.share.connection, row, anew=work.anew)


def record(session: Session, work: JudgeWork, brought: Brought[Ask]) -> EvaluationRun:
    """Keep what a slice brought; the run as it stands. Raises LeaseLost."""
    run, row = hold(session, work)
    came = brought.came
    answered = [one for one in came if isinstance(one, Answered)]
    kept = rows.keep(session, work.project_id, work.share, answered)
    said = [_answered(one.question, kept.given[one.question.digest]) for one in answered]
    said += [_answered(one, one.known) for one in brought.known if one.known is not None]
    if said:
        session.execute(update(Judgement), said)
    failed = [one for one in came if isinstance(one, Failed)]
    fell = rows.fail(session, Judgement, failed, is_away=brought.is_away)
    _bill(run, row, kept.spent + fell.billed, guessed=fell.billed)
    unsent = [one.question for one in came if isinstance(one, Unsent)]
    row.asked -= rows.put_back(session, Judgement, [*unsent, *brought.left])
    if run.ended_at is not None and came:  # it was stopped, and this was on its way
        session.flush()
        service.count(session, run)
    if came or brought.known:
        service.tell(session, run)
    return run


def _answered(question: Question[Ask], given: GivenAnswer) -> dict[str, Any]:
    through: dict[str, Any] = {"status": JudgementStatus.ANSWERED, "not_before": None}
    return {"id": question.row_id, "answer_id": given.id, **through}


def have_judged(session: Session, run_id: int, graders: Graders, result_ids: Sequence[int]) -> None:
    """All judges of a run that is held are asked about these results, from now on."""
    judges = queries_judges.judges_of(session, run_id)
    made = [
        {"run_id": run_id, "judge_id": row.id, "result_id": one, "name": name, **UNASKED}
        for row in judges
        for one in result_ids
        for name in graders.judged[row.place].judges
    ]
    session.execute(insert(Judgement), made)
    moment = clock.now(session)
    for row in judges:
        if row.due_at is None:
            row.due_at = moment


def record_grades(
    session: Session, work: JudgeWork, graders: Graders, said: Grades
) -> EvaluationRun:
    """Keep the grades that this judge gives, by result, and what that makes of those that lack no
    other; the run is over with the last of them. Raises LeaseLost.
    """
    run, row = hold(session, work)
    places = {"place": work.place, "run_id": run.id}
    session.execute(insert(Grade), [{"result_id": one, **places, **said[one]} for one in said])
    session.execute(
        update(Judgement)
        .where(Judgement.judge_id == row.id, Judgement.result_id.in_(said))
        .values(status=JudgementStatus.GRADED)
        .execution_options(synchronize_session=False)
    )
    _complete(session, graders, list(said))
    session.flush()
    if run.ended_at is not None:
        reports.ask(session, run.id)
    elif not queries.is_any_unfinished(session, run.id):
        service.end(session, run, RunStatus.DONE)
    service.tell(session, run)
    return run


def _complete(session: Session, graders: Graders, result_ids: list[int]) -> None:
    """Those of the results that have all their grades are graded."""
    grades: dict[int, Grades] = {one: {} for one in result_ids}
    for one in queries_work.grades_of(session, result_ids):
        grades[one.result_id][one.place] = {"value": one.value, "passed": one.passed}
    for result in queries_judges.results_among(session, result_ids):
        its = grades[result.id]
        if result.status != ResultStatus.JUDGING or len(its) < graders.how_many:
            continue
        ended = verdict(its, graders.pass_rule)
        result.status, result.score, result.passed = (
            ended["status"],
            ended["score"],
            ended["passed"],
        )
        row = session.get_one(Contestant, result.contestant_id)
        row.graded += 1
        row.passed += bool(ended["passed"])
