"""A run's answers as files for other programs, a stretch of cases at a time: no session stays open
while the reader is slow.
"""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from app.core.cells import cell
from app.core.database import read_only
from app.evaluations.byhand.queries import names_of
from app.evaluations.models import Case
from app.evaluations.reports import queries_cases
from app.evaluations.reports.cases import question_of, said_of
from app.evaluations.reports.entrants import Opened

AT_ONCE = 200
WHOLE = 1_000_000
HEADS = ("case", "question", "reference", "contestant", "repeat", "answer", "passed", "score")
TAILS = ("seconds", "dollars", "error", "person")


def as_csv(here: Opened) -> Iterator[bytes]:
    """A line for each answer, those to the first case first."""
    yield _line((*HEADS, *TAILS)).encode()
    for case, answers, people in _answers(here):
        lines = (_line(_cells(here, case, one, people.get(one.id))) for one in answers)
        yield "".join(lines).encode()


def as_jsonl(here: Opened) -> Iterator[bytes]:
    """A case a line: its item, and under each contestant its answers with their grades."""
    graders = [one.version.grader.name for one in here.run.graders]
    for case, answers, people in _answers(here):
        with read_only() as session:
            grades = queries_cases.grades_of(session, [one.id for one in answers])
        said: dict[int, list[Any]] = {}
        for one in grades:
            said.setdefault(one.result_id, []).append(
                {"grader": graders[one.place], "value": one.value, "passed": one.passed}
                | ({"fault": one.fault} if one.fault else {"detail": one.detail})
            )
        line = {
            "case": case.number,
            "messages": case.messages,
            "item": case.item,
            "reference": case.reference,
            "answers": [
                {**_answer(here, one, people.get(one.id)), "grades": said.get(one.id, [])}
                for one in answers
            ],
        }
        yield json.dumps(line, ensure_ascii=False).encode() + b"\n"


def _answer(here: Opened, one: Any, person: str | None) -> dict[str, Any]:
    return {
        "contestant": here.names[here.places[one.contestant_id]],
        "repeat": one.repeat,
        "answer": said_of(one) or None,
        "passed": one.passed,
        "score": one.score,
        "seconds": None if one.total_ms is None else one.total_ms / 1000,
        "dollars": None if one.cost is None else one.cost / 1_000_000,
        "error": one.error,
        "person": person,
    }


def _cells(here: Opened, case: Case, one: Any, person: str | None) -> Iterable[object]:
    said = _answer(here, one, person)
    asked = (case.number, question_of(case.messages), case.reference)
    return (*asked, *(said[name] for name in (*HEADS, *TAILS)[len(asked) :]))


def _answers(here: Opened) -> Iterator[tuple[Case, Sequence[Any], Mapping[int, str]]]:
    """Each case with what was answered to it, in order; and by whom, where by hand."""
    last = here.run.evaluation.cases
    for first in range(1, last + 1, AT_ONCE):
        with read_only() as session:
            numbers = range(first, first + AT_ONCE)
            cases = queries_cases.cases_numbered(session, here.run.evaluation_id, numbers)
            found = queries_cases.answers_to(session, here.ids, [one.id for one in cases], WHOLE)
            people = names_of(session, [one.id for one in found])
        by_case: dict[int, list[Any]] = {}
        for one in found:
            by_case.setdefault(one.case_id, []).append(one)
        for case in cases:
            yield case, by_case.get(case.id, []), people


def _line(cells: Iterable[object]) -> str:
    written = io.StringIO()
    csv.writer(written).writerow([cell(one) for one in cells])
    return written.getvalue()
