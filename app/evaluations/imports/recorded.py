"""The answers that an import brought, as a run that was: graded as they came."""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import insert
from sqlalchemy.orm import Session

from app.core.queue import enqueue
from app.evaluations.imports.base import AnswerToBe, ContestantToBe
from app.evaluations.models import (
    Contestant,
    ContestantKind,
    Evaluation,
    EvaluationRun,
    GivenAnswer,
    Grade,
    Result,
    ResultStatus,
    RunGrader,
    RunStatus,
)
from app.evaluations.reports import service as reports
from app.grading import queries as library
from app.grading.models import LibraryGrader

AT_ONCE = 1_000


def keep_run(
    session: Session,
    made: Evaluation,
    graders: Mapping[int, LibraryGrader],
    contestants: Sequence[ContestantToBe],
    case_ids: Sequence[int],
) -> None:
    """The run that it was elsewhere; `graders` by their places in the import. Answers that nobody
    judged there are graded by a worker.
    """
    is_open = any(_is_open(one) for each in contestants for one in each.answers)
    run = EvaluationRun(
        project_id=made.project_id,
        evaluation_id=made.id,
        number=1,
        request_key=f"import:{made.id}",
        status=RunStatus.RUNNING if is_open else RunStatus.DONE,
        settings={},
        pass_rule=made.pass_rule,
        repeats=max(_repeats(each) for each in contestants),
        origin=f"came with {made.source['what']}"[:64],
        created_by=made.created_by,
        created_at=made.created_at,
        ended_at=None if is_open else made.created_at,
    )
    session.add(run)
    session.flush()
    places: dict[int, int] = {}
    for place, grader in graders.items():
        version = library.version_of(session, grader)
        if version is not None:
            session.add(RunGrader(run_id=run.id, place=len(places), version_id=version.id))
            places[place] = len(places)
    for place, each in enumerate(contestants):
        _keep_contestant(session, run, place, each, case_ids, places)
    reports.ask(session, run.id)


def _repeats(contestant: ContestantToBe) -> int:
    counts = Counter(one.case for one in contestant.answers)
    return max(counts.values(), default=1)


def _is_open(answer: AnswerToBe) -> bool:
    return answer.error is None and answer.passed is None


def _keep_contestant(
    session: Session,
    run: EvaluationRun,
    place: int,
    each: ContestantToBe,
    case_ids: Sequence[int],
    places: Mapping[int, int],
) -> None:
    failed = sum(one.error is not None for one in each.answers)
    left = sum(map(_is_open, each.answers))
    row = Contestant(
        run_id=run.id,
        place=place,
        kind=ContestantKind.RECORDED,
        name=each.name[:255],
        expected=len(each.answers),
        graded=len(each.answers) - failed - left,
        passed=sum(bool(one.passed) for one in each.answers if one.error is None),
        failed=failed,
        prompt_tokens=sum(one.prompt_tokens or 0 for one in each.answers),
        completion_tokens=sum(one.completion_tokens or 0 for one in each.answers),
        due_at=run.created_at if left else None,
    )
    session.add(row)
    session.flush()
    answer_ids = _keep_answers(session, run, row, each)
    seen: Counter[int] = Counter()
    results = []
    for nth, one in enumerate(each.answers):
        results.append(
            {
                "run_id": run.id,
                "contestant_id": row.id,
                "case_id": case_ids[one.case],
                "repeat": seen[one.case],
                "status": _status(one),
                "asked": 0,
                "tries": 0,
                "is_cached": True,
                "answer_id": answer_ids.get(nth),
                "passed": None if one.error is not None else one.passed,
                "score": None if _is_open(one) or one.error is not None else one.score,
                "error": one.error,
            }
        )
        seen[one.case] += 1
    ids = insert_all(session, Result, results)
    grades = [
        {
            "result_id": result_id,
            "run_id": run.id,
            "place": places[grade.place],
            "value": grade.value,
            "passed": grade.passed,
            "fault": None,
            "detail": {"reason": grade.reason} if grade.reason else {},
        }
        for result_id, one in zip(ids, each.answers, strict=True)
        if not _is_open(one)
        for grade in one.grades
        if grade.place in places
    ]
    for first in range(0, len(grades), AT_ONCE):
        session.execute(insert(Grade), grades[first : first + AT_ONCE])
    if left:
        enqueue(session, "evaluations.answer", row.id)


def _status(answer: AnswerToBe) -> ResultStatus:
    if answer.error is not None:
        return ResultStatus.FAILED
    return ResultStatus.ANSWERED if _is_open(answer) else ResultStatus.GRADED


def _keep_answers(
    session: Session, run: EvaluationRun, row: Contestant, each: ContestantToBe
) -> dict[int, int]:
    """The ids of what was answered, by the answer's place."""
    given = {nth: one for nth, one in enumerate(each.answers) if one.error is None}
    rows = [
        {
            "project_id": run.project_id,
            "digest": hashlib.sha256(f"imported:{row.id}:{nth}".encode()).hexdigest(),
            "text": one.text,
            "calls": list(one.calls),
            "refusal": one.refusal,
            "finish_reason": one.finish_reason,
            "prompt_tokens": one.prompt_tokens,
            "completion_tokens": one.completion_tokens,
            "total_ms": one.total_ms,
            "cost": one.cost,
            "answered_at": run.created_at,
        }
        for nth, one in given.items()
    ]
    return dict(zip(given, insert_all(session, GivenAnswer, rows), strict=True))


def insert_all(session: Session, table: Any, rows: Sequence[dict[str, Any]]) -> list[int]:
    """Insert rows; their ids in the same order."""
    made = insert(table).returning(table.id, sort_by_parameter_order=True)
    ids: list[int] = []
    for first in range(0, len(rows), AT_ONCE):
        ids += session.scalars(made, list(rows[first : first + AT_ONCE]))
    return ids
