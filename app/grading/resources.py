"""A project's graders, and what came of trying one, as the API gives them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.graders.base import Score, Summary
from app.grading.models import GraderVersion, LibraryGrader
from app.grading.trying import Graded, Tried


@dataclass(frozen=True, slots=True)
class GraderResource:
    """A grader of the library. `number` counts its versions."""

    id: int
    name: str
    type: str
    number: int
    created_by: int | None
    created_at: datetime
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class GraderVersionResource:
    """One version of a grader: `grader` is its JSON, in OpenAI's shape where the type is OpenAI's.
    Its judges are asked over the connection, null where there are none or nobody chose. Versions of
    one `sha256` grade alike.
    """

    grader_id: int
    number: int
    type: str
    sha256: str
    grader: dict[str, Any]
    connection_id: int | None
    created_by: int | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ScoreResource:
    """A score; `fault` is OpenAI's name for why there is none, `reason` the words."""

    value: float
    fault: str | None
    reason: str | None
    detail: dict[str, Any]
    parts: dict[str, "ScoreResource"]


@dataclass(frozen=True, slots=True)
class GradedResource:
    """A row, its answer and what the grader says of it; without a `score`, `why` there is none."""

    line: int
    answer: str | None
    score: ScoreResource | None
    is_passed: bool
    why: str


@dataclass(frozen=True, slots=True)
class SummaryResource:
    """What the scores come to. `parts` are those of a formula's graders."""

    count: int
    mean: float | None
    passed: int
    faults: dict[str, int]
    figures: dict[str, Any]
    parts: dict[str, "SummaryResource"]


@dataclass(frozen=True, slots=True)
class TriedResource:
    """What came of a try: rows from `first` on, of so many. `next_first` goes into `first` for the
    rows behind; null at the end. `is_cut` where two seconds were up before.
    """

    rows: list[GradedResource]
    summary: SummaryResource
    first: int
    of: int
    next_first: int | None
    is_cut: bool


def grader_resource(grader: LibraryGrader) -> GraderResource:
    """A grader as the API gives it."""
    return GraderResource(
        grader.id,
        grader.name,
        grader.type,
        grader.number,
        grader.created_by,
        grader.created_at,
        grader.changed_at,
    )


def version_resource(version: GraderVersion) -> GraderVersionResource:
    """A version as the API gives it."""
    return GraderVersionResource(
        version.grader_id,
        version.number,
        version.type,
        version.sha256,
        version.settings,
        version.connection_id,
        version.created_by,
        version.created_at,
    )


def tried_resource(tried: Tried) -> TriedResource:
    """What came of a try as the API gives it."""
    return TriedResource(
        [_graded(one) for one in tried.rows],
        _summary(tried.summary),
        tried.first,
        tried.of,
        tried.following,
        tried.is_cut,
    )


def _graded(one: Graded) -> GradedResource:
    said = None if one.answer is None else one.answer.text
    score = None if one.score is None else _score(one.score)
    return GradedResource(one.line, said, score, one.is_passed, one.why)


def _score(score: Score) -> ScoreResource:
    fault = score.fault
    return ScoreResource(
        score.value,
        fault.fault if fault else None,
        fault.reason if fault else None,
        score.detail,
        {name: _score(part) for name, part in score.parts.items()},
    )


def _summary(summary: Summary) -> SummaryResource:
    return SummaryResource(
        summary.count,
        summary.mean,
        summary.passed,
        dict(summary.faults.items()),
        summary.figures,
        {name: _summary(part) for name, part in summary.parts.items()},
    )
