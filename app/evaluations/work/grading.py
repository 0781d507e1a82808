"""Grading answers: at once where that is pure, in a step of its own where it takes its time."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy.orm import Session

from app.core.database import read_only
from app.evaluations import queries_judges, queries_work
from app.evaluations.models import ALL, ANY, Case, GivenAnswer, ResultStatus
from app.graders.base import NOBODY, Answer, Grader, JsonObject, Score
from app.graders.multi import Multi
from app.graders.python import Python
from app.graders.reading import read_grader

UNSAID = ("model_grader_parse_error", "model_grader_server_error")
Grades = dict[int, JsonObject]
"""What graders say of one answer, by their place: the columns of `Grade`."""


class Graders(NamedTuple):
    """A run's graders by place: those that are done in no time, those that take a while, and those
    that ask models.
    """

    quick: Mapping[int, Grader]
    slow: Mapping[int, Grader]
    judged: Mapping[int, Grader]
    pass_rule: str

    @property
    def how_many(self) -> int:
        """How many there are."""
        return len(self.quick) + len(self.slow) + len(self.judged)

    def ended(self, grades: Grades) -> JsonObject:
        """The columns of a result that has been seen by all but the judges."""
        if not self.judged:
            return verdict(grades, self.pass_rule)
        return {"status": ResultStatus.JUDGING, "score": None, "passed": None}


def graders_of(run_id: int, pass_rule: str) -> Graders:
    """The graders of a run, read."""
    with read_only() as session:
        found = {
            one.place: one.version.settings for one in queries_work.run_graders(session, run_id)
        }
        judges = {one.place for one in queries_judges.judges_of(session, run_id)}
    read = {place: read_grader(settings) for place, settings in found.items()}
    judged = {place: one for place, one in read.items() if place in judges}
    own = {place: one for place, one in read.items() if place not in judges}
    slow = {place: one for place, one in own.items() if takes_its_time(one)}
    return Graders(
        {place: one for place, one in own.items() if place not in slow}, slow, judged, pass_rule
    )


def takes_its_time(grader: Grader) -> bool:
    """Whether it grades in a process of its own."""
    parts = grader.parts.values() if isinstance(grader, Multi) else [grader]
    return any(isinstance(part, Python) for part in parts)


def graded(
    graders: Mapping[int, Grader],
    item: JsonObject,
    answer: Answer,
    judged: Mapping[str, Score] = NOBODY,
) -> Grades:
    """What these graders say of an answer; `judged` is what their judges said."""
    return {place: _grade(one, one.grade(item, answer, judged)) for place, one in graders.items()}


def _grade(grader: Grader, score: Score) -> JsonObject:
    """What a judge did not say is no zero: there is neither a value nor a pass."""
    faults = score.faults()
    is_unsaid = any(fault.fault in UNSAID for fault in faults)
    return {
        "value": None if is_unsaid else score.value,
        "passed": None if is_unsaid else grader.passes(score),
        "fault": ". ".join(fault.reason for fault in faults) or None,
        "detail": _detail(score),
    }


def _detail(score: Score) -> JsonObject:
    """What it saw, and each part of a formula."""
    if not score.parts:
        return score.detail
    parts = {
        name: {"value": part.value, "detail": part.detail} for name, part in score.parts.items()
    }
    return {**score.detail, "parts": parts}


def answer_of(given: Any) -> Answer:
    """A kept answer as graders know it."""
    return Answer(
        given.text,
        given.calls,
        refusal=given.refusal,
        seconds=None if given.total_ms is None else given.total_ms / 1000,
        cost=given.cost,
    )


def item_of(case: Case) -> JsonObject:
    """What templates call `item`: also the messages, where nothing of the item is called so."""
    return case.item if "messages" in case.item else {"messages": case.messages, **case.item}


def verdict(grades: Grades, pass_rule: str) -> JsonObject:
    """The columns of a result whose grades are all there: its score is their mean. One that a judge
    said nothing of has no score.
    """
    ended: JsonObject = {"status": ResultStatus.GRADED, "score": None, "passed": None}
    values = [one["value"] for one in grades.values()]
    if None in values:
        return ended
    passed = _passes([grades[place]["passed"] for place in sorted(grades)], grades, pass_rule)
    return {**ended, "score": sum(values) / len(values), "passed": passed}


def _passes(passed: Sequence[bool], grades: Grades, pass_rule: str) -> bool:
    if pass_rule == ANY:
        return any(passed)
    if pass_rule == ALL:
        return all(passed)
    return bool(grades[int(pass_rule)]["passed"])


class Waiting(NamedTuple):
    """An answered result that some graders have not seen that ask nobody."""

    result_id: int
    item: JsonObject
    given: GivenAnswer
    grades: Grades


def waiting(session: Session, contestant_id: int, *, limit: int) -> list[Waiting]:
    """The next answers that wait for graders."""
    rows = queries_work.ungraded(session, contestant_id, limit=limit)
    grades: dict[int, Grades] = {row.id: {} for row in rows}
    for one in queries_work.grades_of(session, list(grades)):
        columns = {"value": one.value, "passed": one.passed, "fault": one.fault}
        grades[one.result_id][one.place] = {**columns, "detail": one.detail}
    return [
        Waiting(row.id, item_of(row.case), row.answer, grades[row.id])
        for row in rows
        if row.answer is not None
    ]


def missing_grades(graders: Graders, one: Waiting) -> Grades:
    """What those graders say of it that have not seen it."""
    needed = {**graders.quick, **graders.slow}
    missing = {place: needed[place] for place in needed if place not in one.grades}
    return graded(missing, one.item, answer_of(one.given))
