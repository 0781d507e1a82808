"""Writing down what a slice brought, about twice a second: answers, grades, refusals, and sums."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import insert, update
from sqlalchemy.orm import Session

from app.evaluations import queries_work, service
from app.evaluations.asking import rows
from app.evaluations.asking.questions import Answered, Failed, Question, Unsent
from app.evaluations.asking.slices import Brought
from app.evaluations.models import (
    Contestant,
    EvaluationRun,
    GivenAnswer,
    Grade,
    Result,
    ResultStatus,
)
from app.evaluations.reports import service as reports
from app.evaluations.work.claiming import Item, Work, hold
from app.evaluations.work.grading import Graders, Grades, Waiting, answer_of, graded
from app.evaluations.work.judgements import have_judged

Columns = dict[str, Any]
Graded = tuple[Question[Item], GivenAnswer, bool]
"""A result's question, its answer, and whether that was known before."""


def record(session: Session, work: Work, graders: Graders, brought: Brought[Item]) -> EvaluationRun:
    """Keep what a slice brought; the run as it stands. Raises LeaseLost."""
    run, row = hold(session, work)
    came = brought.came
    answered = [one for one in came if isinstance(one, Answered)]
    kept = rows.keep(session, work.project_id, work.share, answered)
    fresh = [(one.question, kept.given[one.question.digest], False) for one in answered]
    known = [(one, one.known, True) for one in brought.known if one.known is not None]
    _grade(session, row, graders, [*fresh, *known])
    row.prompt_tokens += sum(one.prompt_tokens or 0 for one in answered)
    row.completion_tokens += sum(one.completion_tokens or 0 for one in answered)
    failed = [one for one in came if isinstance(one, Failed)]
    fell = rows.fail(session, Result, failed, is_away=brought.is_away)
    row.failed += fell.given_up
    row.spent += kept.spent + fell.billed
    run.spent, run.guessed = run.spent + kept.spent + fell.billed, run.guessed + fell.billed
    unsent = [one.question for one in came if isinstance(one, Unsent)]
    row.asked -= rows.put_back(session, Result, [*unsent, *brought.left])
    if run.ended_at is not None and came:  # it was stopped, and this was on its way
        session.flush()
        service.count(session, run)
        reports.ask(session, run.id)
    if came or brought.known:
        service.tell(session, run)
    return run


def _grade(session: Session, row: Contestant, graders: Graders, answers: Iterable[Graded]) -> None:
    """Write down the answers of results, and what the quick graders say of them."""
    results: list[Columns] = []
    grades: list[Columns] = []
    for question, given, is_cached in answers:
        said = graded(graders.quick, question.of, answer_of(given))
        grades += _rows(question.row_id, row.run_id, said)
        ended: Columns = {"status": ResultStatus.ANSWERED, "score": None, "passed": None}
        if not graders.slow:
            ended = graders.ended(said)
        kept = {"answer_id": given.id, "is_cached": is_cached, "not_before": None}
        results.append({"id": question.row_id, **kept, **ended})
    _write(session, row, graders, results, grades)


def _write(
    session: Session,
    row: Contestant,
    graders: Graders,
    results: Sequence[Columns],
    grades: Sequence[Columns],
) -> None:
    """Keep results and grades; what is left to the judges is to be asked from now on."""
    if results:
        session.execute(update(Result), results)
    if grades:
        session.execute(insert(Grade), grades)
    row.graded += sum(one["status"] == ResultStatus.GRADED for one in results)
    row.passed += sum(bool(one["passed"]) for one in results)
    judging = [one["id"] for one in results if one["status"] == ResultStatus.JUDGING]
    if judging:
        have_judged(session, row.run_id, graders, judging)


def _rows(result_id: int, run_id: int, said: Grades) -> list[Columns]:
    return [
        {"result_id": result_id, "place": place, "run_id": run_id, **columns}
        for place, columns in said.items()
    ]


def record_grades(
    session: Session, work: Work, graders: Graders, said: Sequence[tuple[Waiting, Grades]]
) -> EvaluationRun:
    """Keep what the slow graders say, and what that makes of the results. Raises LeaseLost."""
    run, row = hold(session, work)
    results: list[Columns] = []
    grades: list[Columns] = []
    open_ = queries_work.answered_among(session, [one.result_id for one, _ in said])
    for one, new in said:
        if open_.get(one.result_id) != one.given.id:
            continue  # graded meanwhile, or a person has changed it
        grades += _rows(one.result_id, row.run_id, new)
        results.append({"id": one.result_id, **graders.ended({**one.grades, **new})})
    _write(session, row, graders, results, grades)
    if results:
        service.tell(session, run)
    return run
