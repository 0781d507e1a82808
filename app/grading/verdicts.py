"""What came of trying a grader, in words and figures for its page; pure."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from app.core.pages import number, percent
from app.graders.base import Fault, Grader, Score, Summary
from app.grading.trying import Graded, Tried

SHOWN, DETAIL = 400, 240
MOST_MIXED = 25
FAULTS: dict[Fault, str] = {
    "formula_parse_error": "the formula has no value",
    "invalid_variable_error": "a place is not filled",
    "model_grader_parse_error": "the judge's reply is malformed",
    "model_grader_server_error": "the judge did not answer",
    "other_error": "it cannot be graded",
    "python_grader_runtime_error": "the code failed",
    "python_grader_server_error": "the code could not be run",
    "sample_parse_error": "the answer cannot be read",
}
FIGURES = {
    "accuracy": "Accuracy",
    "macro_f1": "Macro-F1",
    "mean_length": "Mean length",
    "median_seconds": "Median seconds",
    "p95_seconds": "95 of 100 within, seconds",
    "mean_dollars": "Mean dollars",
    "without_number": "Answers without a number",
    "refusals": "Refusals",
    "wins": "Better",
    "ties": "Tied",
    "losses": "Worse",
    "shown_first": "Shown first",
    "dollars": "Dollars",
    "matched": "Calls matched",
    "wanted": "Calls wanted",
    "made": "Calls made",
}


class Verdict(NamedTuple):
    """`state` is passed, failed or fault (no score), `detail` what the grader saw."""

    state: str
    score: str
    detail: str


@dataclass(frozen=True, slots=True)
class TriedRow:
    """A row's answer and verdict: `state` is also none where there is no answer."""

    line: int
    answer: str
    state: str
    score: str
    detail: str


@dataclass(frozen=True, slots=True)
class TriedView:
    """The result. `figures` are (label, value) of the whole, then of each grader of a formula;
    `mixed` are (wanted, found, how often), errors first; `fields` (name, F1, given, wanted);
    `next_first` is the row to go on with.
    """

    rows: tuple[TriedRow, ...]
    passed: int
    count: int
    mean: str
    without: tuple[tuple[str, int], ...]
    figures: tuple[tuple[str, str], ...]
    mixed: tuple[tuple[str, str, int], ...]
    fields: tuple[tuple[str, str, int, int], ...]
    first: int
    last: int
    of: int
    next_first: int | None
    is_cut: bool


def tried_view(grader: Grader, tried: Tried) -> TriedView:
    """The result as its page shows it."""
    summary = tried.summary
    own = summary.figures
    mixed = [(wanted, found or "none", count) for wanted, found, count in own.get("confusion", ())]
    mixed.sort(key=lambda one: (one[0] == one[1], -one[2]))
    fields = own.get("fields", {})
    return TriedView(
        rows=tuple(_row(grader, one) for one in tried.rows),
        passed=summary.passed,
        count=summary.count,
        mean="none" if summary.mean is None else _short(summary.mean),
        without=tuple((FAULTS[fault], count) for fault, count in summary.faults.items()),
        figures=tuple(_figures(summary)),
        mixed=tuple(mixed[:MOST_MIXED]),
        fields=tuple(
            (name, _short(one["f1"]), one["given"], one["wanted"]) for name, one in fields.items()
        ),
        first=tried.first,
        last=tried.first + len(tried.rows) - 1,
        of=tried.of,
        next_first=tried.following,
        is_cut=tried.is_cut,
    )


def _figures(summary: Summary) -> Iterator[tuple[str, str]]:
    for name, label in FIGURES.items():
        value = summary.figures.get(name)
        if value is not None:
            yield label, percent(value) if name == "accuracy" else _short(value)
    for name, part in summary.parts.items():
        passed = f"{part.passed} of {part.count} passed"
        yield name, passed if part.mean is None else f"mean {_short(part.mean)}, {passed}"


def verdict_of(grader: Grader, score: Score) -> Verdict:
    """What a grader says of one answer."""
    state = "fault" if score.fault else "passed" if grader.passes(score) else "failed"
    return Verdict(state, _short(score.value), _cut(_detail(score), DETAIL))


def _row(grader: Grader, one: Graded) -> TriedRow:
    if one.score is None or one.answer is None:
        return TriedRow(one.line, "", "none", "", one.why)
    calls = list(one.answer.tool_calls)
    said = one.answer.text or (json.dumps(calls, ensure_ascii=False) if calls else "")
    verdict = verdict_of(grader, one.score)
    return TriedRow(one.line, _cut(said, SHOWN), verdict.state, verdict.score, verdict.detail)


def _detail(score: Score) -> str:
    if score.parts:
        words = [f"{name} {_short(part.value)}" for name, part in score.parts.items()]
        reasons = [fault.reason for fault in score.faults()]
        return ". ".join([", ".join(words), *reasons])
    if score.fault is not None:
        return score.fault.reason
    return ", ".join(f"{name} {_said(value)}" for name, value in score.detail.items())


def _said(value: object) -> str:
    if value is None:
        return "nothing"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _short(value: float) -> str:
    return number(round(value, 4))


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
