"""Evaluations and their runs as scripts get them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import BaseModel

from app.budgets.money import dollars
from app.evaluations.models import Contestant, Evaluation, EvaluationRun, RunJudge
from app.evaluations.reports.words import awaited
from app.grading.models import GraderVersion


class EvaluationResource(BaseModel):
    """An evaluation. Poll it until `status` is ready or refused. `skipped` says how many rows could
    not be cases, by why.
    """

    id: int
    project_id: int
    name: str
    status: str
    error: str | None
    cases: int
    skipped: dict[str, int]
    dataset_version_id: int | None
    graders: list[int]
    pass_rule: str
    created_at: datetime


class ContestantResource(BaseModel):
    """Who answers, and how far that is: of `expected` answers so many are `graded`, so many of
    those `passed`, and so many `failed` to come. `asked` counts what was sent. `by_people` is set
    where people answered: how many `cases`, null for all, were drawn with which `seed`.
    """

    id: int
    kind: str
    name: str
    connection_id: int | None
    model: str | None
    shots: dict[str, Any] | None
    job_id: int | None
    checkpoint_step: int | None
    by_people: dict[str, Any] | None
    expected: int
    graded: int
    passed: int
    failed: int
    asked: int
    prompt_tokens: int
    completion_tokens: int
    spent_usd: float


class RunJudgeResource(BaseModel):
    """A grader that asks a model: by its `place` in the evaluation's graders, how many questions
    are `open`, how many were `asked`, and what that came to.
    """

    place: int
    grader: str
    version: int
    connection_id: int | None
    asked: int
    open: int
    spent_usd: float


class RunResource(BaseModel):
    """A run. Poll it until `status` is done or stopped; paused, `paused_by` and `words` say why.
    `guessed_usd` is the part of what was spent for answers and replies that never came;
    `people_left` answers of people are waited for, null where none are to answer.
    """

    id: int
    evaluation_id: int
    number: int
    status: str
    paused_by: str | None
    words: str | None
    settings: dict[str, Any]
    repeats: int
    pass_rule: str
    estimate_usd: float | None
    cap_usd: float | None
    spent_usd: float
    guessed_usd: float
    people_left: int | None
    contestants: list[ContestantResource]
    judges: list[RunJudgeResource]
    created_at: datetime
    ended_at: datetime | None


def evaluation_resource(row: Evaluation) -> EvaluationResource:
    """The evaluation, loaded with its graders."""
    return EvaluationResource(
        id=row.id,
        project_id=row.project_id,
        name=row.name,
        status=row.status,
        error=row.last_error,
        cases=row.cases,
        skipped=row.source.get("skipped", {}),
        dataset_version_id=row.dataset_version_id,
        graders=[one.grader_id for one in row.graders],
        pass_rule=row.pass_rule,
        created_at=row.created_at,
    )


def run_resource(row: EvaluationRun, open_: Mapping[int, int]) -> RunResource:
    """The run, loaded with its contestants and their models, its graders and judges; `open_` says
    how many questions to each judge are.
    """
    versions = {one.place: one.version for one in row.graders}
    return RunResource(
        id=row.id,
        evaluation_id=row.evaluation_id,
        number=row.number,
        status=row.status,
        paused_by=row.paused_by,
        words=row.words,
        settings=row.settings,
        repeats=row.repeats,
        pass_rule=row.pass_rule,
        estimate_usd=dollars(row.estimate),
        cap_usd=dollars(row.cap),
        spent_usd=row.spent / 1_000_000,
        guessed_usd=row.guessed / 1_000_000,
        people_left=awaited(row),
        contestants=[_contestant(one) for one in row.contestants],
        judges=[_judge(one, versions[one.place], open_.get(one.id, 0)) for one in row.judges],
        created_at=row.created_at,
        ended_at=row.ended_at,
    )


def _judge(row: RunJudge, version: GraderVersion, open_: int) -> RunJudgeResource:
    return RunJudgeResource(
        place=row.place,
        grader=version.grader.name,
        version=version.number,
        connection_id=version.connection_id,
        asked=row.asked,
        open=open_,
        spent_usd=row.spent / 1_000_000,
    )


def _contestant(row: Contestant) -> ContestantResource:
    return ContestantResource(
        id=row.id,
        kind=row.kind,
        name=row.name,
        connection_id=row.ref.connection_id if row.ref else None,
        model=row.ref.name if row.ref else None,
        shots=row.shots and {**row.shots, "version_id": row.shots_version_id},
        job_id=row.job_id,
        checkpoint_step=row.checkpoint_step,
        by_people=row.by_people,
        expected=row.expected,
        graded=row.graded,
        passed=row.passed,
        failed=row.failed,
        asked=row.asked,
        prompt_tokens=row.prompt_tokens,
        completion_tokens=row.completion_tokens,
        spent_usd=row.spent / 1_000_000,
    )
