"""A case's page: the question, and what everybody answered to it."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from fastapi import Request
from sqlalchemy.orm import Session

from app.core.errors import NotFound
from app.core.keyset import page_of
from app.core.listing import Asked
from app.core.pages import path_for
from app.evaluations.byhand.queries import names_of
from app.evaluations.models import Case, Grade
from app.evaluations.reports import queries_cases
from app.evaluations.reports.cases import beside, cell_of, said_of
from app.evaluations.reports.entrants import Opened, head_of, provisional_of
from app.evaluations.reports.scores import seconds
from app.evaluations.reports.views import AnswerView, CaseView, Said
from app.evaluations.worst import queries as worst
from app.formats.drawn import TEXT_LENGTH, Drawn, cut
from app.formats.fields import fields_in
from app.formats.registry import FORMATS

LONGEST_REASON = 4_000
BARE = ("reason", "reasoning", "words", "text")


def case_view(request: Request, session: Session, here: Opened, number: int) -> CaseView:
    """The page of one case; what stands beside it is of the list that the address asks for. Raises
    NotFound.
    """
    case = queries_cases.case_numbered(session, here.run.evaluation_id, number)
    if case is None:
        raise NotFound
    asked = here.table.read(request)
    query = asked.query(after=None, before=None)
    results = queries_cases.answers_to(session, here.ids, [case.id], TEXT_LENGTH)
    ids = [one.id for one in results]
    grades = _by_result(queries_cases.grades_of(session, ids))
    people = names_of(session, ids)
    drawn = _drawn(case)
    earlier, later = _beside(session, here, asked, number)
    path = path_for(request, "evaluation_runs.show", evaluation_run_id=here.run.id)
    words = f"?{urlencode(query)}" if query else ""
    looked_up = {
        here.places[one]: f"{path}/contestants/{here.places[one] + 1}/worst?case={number}"
        for one in worst.with_case(session, here.run.id, number)
    }
    return CaseView(
        head=head_of(here, provisional_of(session, here)),
        number=number,
        turns=drawn.turns,
        item=fields_in(case.item),
        reference=case.reference,
        tags=tuple(queries_cases.tags_of_case(session, case.id)),
        row_url=_row_url(request, here, case),
        answers=tuple(
            _answer(here, case, one, grades.get(one.id, {}), looked_up, people.get(one.id))
            for one in results
        ),
        earlier_url=f"{path}/cases/{earlier}{words}" if earlier else None,
        later_url=f"{path}/cases/{later}{words}" if later else None,
        list_url=f"{path}{words}#cases",
        repeats=here.run.repeats,
    )


def _by_result(grades: Any) -> dict[int, dict[int, Grade]]:
    found: dict[int, dict[int, Grade]] = {}
    for one in grades:
        found.setdefault(one.result_id, {})[one.place] = one
    return found


def _drawn(case: Case) -> Drawn:
    return FORMATS["chat"].draw({"messages": case.messages, "tools": case.tools or []})


def _row_url(request: Request, here: Opened, case: Case) -> str | None:
    version_id = here.run.evaluation.dataset_version_id
    if version_id is None or case.line is None:
        return None
    return path_for(request, "datasets.row", query={"line": case.line}, version_id=version_id)


def _beside(
    session: Session, here: Opened, asked: Asked, number: int
) -> tuple[int | None, int | None]:
    """The numbers of the cases before and after this one, in the order of the list."""
    fenced = queries_cases.ids_of_board(here.run.id)
    if not here.is_made:
        return None, None
    before = page_of(session, fenced, replace(asked, before=number, after=None), limit=1)
    after = page_of(session, fenced, replace(asked, after=number, before=None), limit=1)
    return next(iter(before.ids), None), next(iter(after.ids), None)


def _answer(
    here: Opened,
    case: Case,
    result: Any,
    grades: Mapping[int, Grade],
    looked_up: Mapping[int, str],
    person: str | None,
) -> AnswerView:
    place = here.places[result.contestant_id]
    is_scored = here.figures is not None and here.figures.measure != "passes"
    cell = cell_of(place, here.names[place], [result], case.reference, is_scored=is_scored)
    text = said_of(result)
    whole = beside(case.reference, text, is_whole=True) if text else ()
    facts = [
        f"by {person}" if person else "",
        f"{seconds(result.total_ms)}" if result.total_ms is not None else "",
        f"{result.prompt_tokens:,} + {result.completion_tokens:,} tokens"
        if result.prompt_tokens is not None and result.completion_tokens is not None
        else "",
        f"${result.cost / 1_000_000:.6f}" if result.cost else "",
        "taken from the cache" if result.is_cached else "",
        f"sent {result.asked} times" if result.asked > 1 else "",
        f"ended with {result.finish_reason}" if result.finish_reason not in {None, "stop"} else "",
    ]
    return AnswerView(
        cell=replace(cell, pieces=whole, more=False),
        repeat=result.repeat,
        facts=tuple(filter(None, facts)),
        says=tuple(
            _said(one.version.grader.name, grades[one.place])
            for one in here.run.graders
            if one.place in grades
        ),
        worst_url=looked_up.get(place) if not result.passed else None,
    )


def _said(grader: str, grade: Grade) -> Said:
    state = "fault" if grade.fault else "passed" if grade.passed else "failed"
    value = "none" if grade.value is None else f"{grade.value:.4g}"
    return Said(grader, state, value, cut(grade.fault or _reason(grade.detail), LONGEST_REASON))


def _reason(detail: Mapping[str, Any]) -> str:
    """What the grader saw, and each part of a formula; a judge's words stand last, and bare."""
    said = [
        f"{name} {value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}"
        for name, value in detail.items()
        if name not in BARE and name != "parts"
    ]
    parts = (
        " ".join(filter(None, [f"{name} {part['value']:.4g}", _reason(part["detail"])]))
        for name, part in detail.get("parts", {}).items()
    )
    bare = " ".join(str(detail[name]) for name in BARE if detail.get(name))
    return ". ".join(filter(None, [", ".join(said), *parts, bare]))
