"""Evaluations and runs put straight into the database, as their work leaves them: nobody is asked,
and the answers are graded by the run's own graders.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from app.catalog import service as catalog
from app.connections.models import Connection
from app.core import clock
from app.core.database import unit_of_work
from app.datasets.models import DatasetVersion
from app.evaluations.models import (
    Case,
    CaseTag,
    Contestant,
    ContestantKind,
    Evaluation,
    EvaluationGrader,
    EvaluationRun,
    EvaluationStatus,
    GivenAnswer,
    Grade,
    Result,
    ResultStatus,
    RunGrader,
    RunStatus,
)
from app.evaluations.reports import service as reports
from app.evaluations.reports import tasks as reports_tasks
from app.evaluations.reports.models import Report
from app.graders.base import Answer
from app.graders.reading import read_grader
from app.grading import queries as graders
from app.grading.models import LibraryGrader
from app.projects.models import Project
from tests import make

LABELS = ("delivery", "refund", "card_arrival", "change_pin")
AT_ONCE = 5_000

Says = Callable[[int, int, str], str | None]
"""What a contestant answers to a case: its number, the repeat and the reference. None: nothing."""


@dataclass(frozen=True)
class Player:
    """A contestant to be. `says` gives its answers; `connection` makes it a model of that one."""

    name: str
    says: Says
    kind: ContestantKind = ContestantKind.MODEL
    connection: Connection | None = None
    shots: Mapping[str, Any] | None = None
    job_id: int | None = None
    checkpoint_step: int | None = None
    ms: int = 400
    cost: int | None = 12


@dataclass(frozen=True)
class Question:
    """A case to be."""

    text: str
    reference: str | None
    tags: Mapping[str, str] = field(default_factory=dict)
    line: int | None = None
    row_id: int | None = None


def right_in(percent: int, seed: int = 0, labels: Sequence[str] = LABELS) -> Says:
    """Answers with the reference in about so many of a hundred cases, else with another label; the
    same each time.
    """

    def says(number: int, repeat: int, reference: str) -> str:
        drawn = int.from_bytes(hashlib.sha256(f"{seed}:{number}:{repeat}".encode()).digest()[:4])
        if drawn % 100 < percent or len(labels) == 1:
            return reference
        others = [one for one in labels if one != reference]
        return others[drawn // 100 % len(others)]

    return says


def questions(count: int, labels: Sequence[str] = LABELS) -> list[Question]:
    """So many questions with a label each, tagged by channel."""
    return [
        Question(
            f"Question {n}: what about my {labels[n % len(labels)].replace('_', ' ')}?",
            labels[n % len(labels)],
            {"channel": ("mail", "phone", "chat")[n % 3]},
        )
        for n in range(1, count + 1)
    ]


def plant_evaluation(
    session: Session,
    project: Project,
    asked: Sequence[Question] = (),
    *,
    name: str = "Held-out questions",
    grader: LibraryGrader | None = None,
    version: DatasetVersion | None = None,
) -> Evaluation:
    """An evaluation that has its cases, by default twelve, and one grader: is it the reference."""
    moment = clock.now(session)
    rows = list(asked) or questions(12)
    kept = Evaluation(
        project_id=project.id,
        name=name,
        status=EvaluationStatus.READY,
        source={"kind": "version", "version_id": version.id} if version else {"kind": "pasted"},
        dataset_version_id=version.id if version else None,
        pass_rule="all",
        cases=len(rows),
        created_by=project.created_by,
        created_at=moment,
    )
    session.add(kept)
    session.flush()
    judge = grader or make.make_grader(session, project, f"{name}, right")
    session.add(EvaluationGrader(evaluation_id=kept.id, place=0, grader_id=judge.id))
    _insert(session, Case, [_case(kept.id, n, row) for n, row in enumerate(rows, start=1)])
    found = select(Case.number, Case.id).where(Case.evaluation_id == kept.id)
    ids = {row.number: row.id for row in session.execute(found)}
    _insert(
        session,
        CaseTag,
        [
            {"case_id": ids[n], "field": name, "value": value, "evaluation_id": kept.id}
            for n, row in enumerate(rows, start=1)
            for name, value in row.tags.items()
        ],
    )
    session.flush()
    return kept


def _case(evaluation_id: int, number: int, row: Question) -> dict[str, Any]:
    system = {"role": "system", "content": make.SYSTEM}
    return {
        "evaluation_id": evaluation_id,
        "number": number,
        "line": row.line,
        "row_id": row.row_id,
        "messages": [system, {"role": "user", "content": row.text}],
        "tools": None,
        "item": {"question": row.text, "answer": row.reference, **row.tags},
        "reference": row.reference,
    }


def plant_run(
    session: Session,
    evaluation: Evaluation,
    *players: Player,
    status: RunStatus = RunStatus.DONE,
    repeats: int = 1,
    answered: int | None = None,
    origin: str | None = None,
    key: str = "",
) -> EvaluationRun:
    """A run in which everybody has answered every case, or the first `answered` ones."""
    moment = clock.now(session)
    before = select(func.max(EvaluationRun.number)).where(
        EvaluationRun.evaluation_id == evaluation.id
    )
    number = (session.scalar(before) or 0) + 1
    run = EvaluationRun(
        project_id=evaluation.project_id,
        evaluation_id=evaluation.id,
        number=number,
        request_key=key or f"planted:{evaluation.id}:{number}",
        status=status,
        settings={"temperature": 0},
        pass_rule=evaluation.pass_rule,
        repeats=repeats,
        origin=origin,
        created_by=None if origin else evaluation.created_by,
        created_at=moment - timedelta(minutes=5),
        ended_at=moment if status in {RunStatus.DONE, RunStatus.STOPPED} else None,
    )
    session.add(run)
    session.flush()
    used = [
        version
        for one in session.scalars(
            select(LibraryGrader)
            .join(EvaluationGrader, EvaluationGrader.grader_id == LibraryGrader.id)
            .where(EvaluationGrader.evaluation_id == evaluation.id)
            .order_by(EvaluationGrader.place)
        )
        if (version := graders.version_of(session, one)) is not None
    ]
    session.add_all(
        RunGrader(run_id=run.id, place=place, version_id=version.id)
        for place, version in enumerate(used)
    )
    cases = session.scalars(
        select(Case).where(Case.evaluation_id == evaluation.id).order_by(Case.number)
    ).all()
    readers = [read_grader(version.settings) for version in used]
    for place, player in enumerate(players):
        _play(session, run, place, player, cases, readers, answered)
    session.flush()
    session.refresh(run)
    return run


def _play(
    session: Session,
    run: EvaluationRun,
    place: int,
    player: Player,
    cases: Sequence[Case],
    readers: Sequence[Any],
    answered: int | None,
) -> None:
    ref = None
    if player.connection is not None:
        ref = catalog.ref_of(
            session,
            project_id=run.project_id,
            connection_id=player.connection.id,
            name=player.name,
        )
    contestant = Contestant(
        run_id=run.id,
        place=place,
        kind=player.kind,
        name=player.name,
        model_ref_id=ref.id if ref else None,
        shots=dict(player.shots) if player.shots else None,
        job_id=player.job_id,
        checkpoint_step=player.checkpoint_step,
        expected=len(cases) * run.repeats,
    )
    session.add(contestant)
    session.flush()
    asked = cases if answered is None else cases[:answered]
    said = [
        (case, repeat, player.says(case.number, repeat, case.reference or ""))
        for case in asked
        for repeat in range(run.repeats)
    ]
    digests = _give(session, run, contestant, player, said)
    results, grades = [], []
    for case, repeat, text in said:
        scores = [] if text is None else [one.grade(case.item, Answer(text)) for one in readers]
        passed = [one.passes(score) for one, score in zip(readers, scores, strict=False)]
        results.append(
            {
                "run_id": run.id,
                "contestant_id": contestant.id,
                "case_id": case.id,
                "repeat": repeat,
                "status": ResultStatus.FAILED if text is None else ResultStatus.GRADED,
                "asked": 1,
                "answer_id": digests.get((case.number, repeat)),
                "is_cached": False,
                "passed": None if text is None else all(passed),
                "score": sum(one.value for one in scores) / len(scores) if scores else None,
                "error": "The provider did not answer within 60 seconds." if text is None else None,
            }
        )
        grades.append(
            [
                {"place": at, "value": score.value, "passed": has_passed, "detail": score.detail}
                for at, (score, has_passed) in enumerate(zip(scores, passed, strict=True))
            ]
        )
    _insert(session, Result, results)
    made = session.scalars(
        select(Result.id).where(Result.contestant_id == contestant.id).order_by(Result.id)
    )
    _insert(
        session,
        Grade,
        [
            {"result_id": result_id, "run_id": run.id, "fault": None, **one}
            for result_id, several in zip(made, grades, strict=True)
            for one in several
        ],
    )
    contestant.graded = sum(one["status"] == ResultStatus.GRADED for one in results)
    contestant.failed = len(results) - contestant.graded
    contestant.passed = sum(bool(one["passed"]) for one in results)
    contestant.asked = len(results)
    contestant.prompt_tokens, contestant.completion_tokens = 60 * len(results), 4 * len(results)
    contestant.spent = (player.cost or 0) * contestant.graded
    run.spent += contestant.spent


def _give(
    session: Session,
    run: EvaluationRun,
    contestant: Contestant,
    player: Player,
    said: Sequence[tuple[Case, int, str | None]],
) -> dict[tuple[int, int], int]:
    """Keep what was answered; the answers' ids by case and repeat."""
    moment = clock.now(session)
    keys = {
        hashlib.sha256(f"planted:{contestant.id}:{case.number}:{repeat}".encode()).hexdigest(): (
            case.number,
            repeat,
        )
        for case, repeat, _ in said
    }
    texts = {(case.number, repeat): text for case, repeat, text in said}
    _insert(
        session,
        GivenAnswer,
        [
            {
                "project_id": run.project_id,
                "digest": digest,
                "text": texts[at],
                "calls": [],
                "refusal": None,
                "finish_reason": "stop",
                "prompt_tokens": 60,
                "completion_tokens": 4,
                "total_ms": player.ms + at[0] % 7,
                "cost": player.cost,
                "answered_at": moment,
            }
            for digest, at in keys.items()
            if texts[at] is not None
        ],
    )
    ids: dict[tuple[int, int], int] = {}
    digests = list(keys)
    for first in range(0, len(digests), AT_ONCE):
        part = digests[first : first + AT_ONCE]
        found = session.execute(
            select(GivenAnswer.id, GivenAnswer.digest).where(
                GivenAnswer.project_id == run.project_id, GivenAnswer.digest.in_(part)
            )
        )
        ids |= {keys[row.digest]: row.id for row in found}
    return ids


def _insert(session: Session, table: Any, rows: list[dict[str, Any]]) -> None:
    for first in range(0, len(rows), AT_ONCE):
        session.execute(insert(table), rows[first : first + AT_ONCE])


def make_report(run_id: int) -> None:
    """Have a run's report made, as a worker does. No session may be open."""
    with unit_of_work() as session:
        reports.ask(session, run_id)
        report_id = session.scalar(select(Report.id).where(Report.run_id == run_id))
    assert report_id is not None
    reports_tasks.report(report_id)
