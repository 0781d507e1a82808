"""The page of a contestant's worst cases: what stands in the database and in its training rows."""

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

from fastapi import Request
from sqlalchemy.orm import Session

from app.core import storage
from app.core.errors import NotFound
from app.core.keyset import Found, page_of, place_of
from app.core.list_views import ListView, list_view
from app.core.listing import Asked
from app.core.pages import number, path_for
from app.datasets.index import Index, open_index
from app.datasets.models import DatasetVersion
from app.datasets.rows import lines_of, row_value
from app.evaluations.reports import queries_cases
from app.evaluations.reports.cases import SHOWN, CaseRow, rows_of, said_of
from app.evaluations.reports.collecting import MOST
from app.evaluations.reports.entrants import Opened, head_of, provisional_of
from app.evaluations.reports.reading import COLLECTION
from app.evaluations.reports.views import Chip
from app.evaluations.worst import queries
from app.evaluations.worst.drafts import asked_and_answered
from app.evaluations.worst.listing import WORST
from app.evaluations.worst.models import WorstCase, WorstList
from app.evaluations.worst.saying import NEXT, Neighbour, Says, is_label, sentence
from app.evaluations.worst.views import NearRow, WorstRow, WorstStanding, WorstView
from app.graders.label import without_marks

PAGE = 20
NOT_OVER = "They are sorted once the run is over."
NOT_KNOWN = "The rows it learned from are not known here, so there are none to look among."
NONE_WRONG = "It got nothing wrong."
CHIPS = {
    Says.ABSENT: "No such row",
    Says.OTHERWISE: "The nearest rows say otherwise",
    Says.SPLIT: "They disagree",
    Says.AGREES: "They say the same",
    Says.TEXTS: "Texts",
}
CONTRADICTIONS = frozenset({"answer.contradicts", "answer.differs"})


def worst_view(
    request: Request, session: Session, here: Opened, place: int, *, can_edit: bool
) -> WorstView:
    """The page of the contestant at this place, from 1. Raises NotFound, and Gone where the files
    of its training version are.
    """
    drawn, asked = drawn_of(session, here, place), WORST.read(request)
    found, listed = Found([], has_earlier=False, has_later=False), None
    if drawn is not None and drawn.cases:
        found, listed = _listed(request, session, here, place, drawn, asked, can_edit=can_edit)
    return WorstView(
        standing=standing_view(request, session, here, place),
        name=here.names[place - 1],
        choices=tuple(
            (at, name, _url(request, here, at)) for at, name in enumerate(here.names, start=1)
        ),
        version=(drawn.version_id, f"{drawn.version.dataset.name}, version {drawn.version.number}")
        if drawn is not None
        else None,
        list=listed,
        rows=worst_rows(request, session, here, place, drawn, found.ids) if drawn else (),
        collection=COLLECTION.format(name=here.run.evaluation.name)[:120],
        most_collected=MOST,
        can_edit=can_edit,
        query=urlencode(asked.query(after=None, before=None, chosen=None)),
    )


def drawn_of(session: Session, here: Opened, place: int) -> WorstList | None:
    """The list of the contestant at this place, from 1. Raises NotFound."""
    if not 1 <= place <= len(here.ids):
        raise NotFound
    return queries.list_of(session, here.ids[place - 1])


def _url(request: Request, here: Opened, place: int, **query: str) -> str:
    return path_for(
        request, "worst_cases.show", query=query, evaluation_run_id=here.run.id, number=place
    )


def _listed(
    request: Request,
    session: Session,
    here: Opened,
    place: int,
    drawn: WorstList,
    asked: Asked,
    *,
    can_edit: bool,
) -> tuple[Found, ListView]:
    fenced = queries.numbers_of(drawn.id)
    found = page_of(session, fenced, asked, limit=PAGE)
    shown = list_view(
        request,
        asked,
        found,
        place_of(session, fenced, asked, found),
        can_choose=can_edit,
        path=_url(request, here, place),
    )
    return found, shown


def standing_view(request: Request, session: Session, here: Opened, place: int) -> WorstStanding:
    """How far the looking is. Raises NotFound."""
    drawn = drawn_of(session, here, place)
    name, cases = here.names[place - 1], number(here.run.evaluation.cases)
    return WorstStanding(
        head=head_of(here, provisional_of(session, here)),
        number=place,
        lead=f"{name} got {number(drawn.wrong)} of {cases} cases wrong."
        if drawn is not None and drawn.is_drawn
        else f"What {name} gets wrong, and what it learned nearby.",
        why=_why(here, drawn),
        looked=drawn.looked if drawn else 0,
        cases=drawn.cases if drawn else 0,
        is_looking=drawn is not None and drawn.due_at is not None,
        chips=_chips(request, session, here, place, drawn) if drawn and drawn.cases else (),
    )


def _why(here: Opened, drawn: WorstList | None) -> str:
    if drawn is None:
        return NOT_KNOWN if here.figures is not None else NOT_OVER
    if drawn.last_error:
        return drawn.last_error
    return "" if drawn.cases or drawn.due_at is not None else NONE_WRONG


def _chips(
    request: Request, session: Session, here: Opened, place: int, drawn: WorstList
) -> tuple[Chip, ...]:
    """The filters most are after, with how many cases each finds."""
    lost, by_says = queries.counts_of(session, drawn.id)
    at_work = {
        one.key: text for one in WORST.filters if (text := request.query_params.get(one.key))
    }
    wanted: list[tuple[str, int, dict[str, str]]] = [("All", drawn.cases, {})]
    if drawn.base_place is not None:
        wanted.append((f"{here.names[drawn.base_place - 1]} had it right", lost, {"lost": "yes"}))
    wanted += [
        (words, by_says[says], {"says": says.value})
        for says, words in CHIPS.items()
        if says in by_says
    ]
    return tuple(
        Chip(words, cases, _url(request, here, place, **query), at_work == query)
        for words, cases, query in wanted
    )


def worst_rows(
    request: Request,
    session: Session,
    here: Opened,
    place: int,
    drawn: WorstList,
    numbers: Sequence[int],
) -> tuple[WorstRow, ...]:
    """These cases with their answers and the rows nearest to them, in the order of the numbers.
    Raises Gone.
    """
    kept = queries.cases_numbered(session, drawn.id, numbers)
    board = queries_cases.board_rows(session, here.run.id, numbers)
    contestant_id = here.ids[place - 1]
    results = queries_cases.answers_to(
        session, [contestant_id], [row.case_id for row in board], SHOWN + 1
    )
    cases = rows_of(board, results, [here.names[place - 1]], {contestant_id: 0}, is_scored=False)
    said = {one.case_id: said_of(one)[:SHOWN] for one in reversed(results)}
    texts = _texts(drawn.version, [Neighbour(*one) for row in kept for one in row.near])
    return tuple(
        _row(request, here, drawn, one, case, said.get(one.case_id, ""), texts)
        for one, case in zip(kept, cases, strict=True)
    )


def _row(
    request: Request,
    here: Opened,
    drawn: WorstList,
    one: WorstCase,
    case: CaseRow,
    answer: str,
    texts: Mapping[int, tuple[str, str, str]],
) -> WorstRow:
    near = [Neighbour(*kept) for kept in one.near]
    return WorstRow(
        number=one.number,
        rank=one.place,
        url=path_for(
            request,
            "evaluation_runs.case",
            evaluation_run_id=here.run.id,
            number=one.number,
        ),
        question=case.question,
        reference=case.reference,
        cell=case.cells[0],
        answer=answer,
        score=f"{one.score:.3g}",
        is_lost=one.is_lost,
        says=sentence(near, case.reference) if one.says else "",
        next=NEXT[Says(one.says)] if one.says else "",
        near=tuple(_near(request, drawn, row, case.reference, texts) for row in near),
    )


def _near(
    request: Request,
    drawn: WorstList,
    row: Neighbour,
    reference: str | None,
    texts: Mapping[int, tuple[str, str, str]],
) -> NearRow:
    question, answer, contradicts = texts.get(row.n, ("", row.answer, ""))
    are_labels = is_label(reference) and is_label(answer)
    return NearRow(
        line=row.line,
        url=path_for(
            request, "datasets.row", query={"line": row.line}, version_id=drawn.version_id
        ),
        likeness=f"{row.likeness:.2f}",
        question=question[:SHOWN],
        answer=answer[:SHOWN],
        is_right=without_marks(answer) == without_marks(reference or "") if are_labels else None,
        contradicts=contradicts,
    )


def _texts(version: DatasetVersion, near: Sequence[Neighbour]) -> dict[int, tuple[str, str, str]]:
    """What these rows ask and answer, by their numbers, and with which row they are at odds."""
    if not near:
        return {}
    found = {}
    with open_index(storage.index_path(version.id)) as index:
        rows = index.rows_at(sorted({one.n for one in near}))
        for row, line in lines_of(version, rows):
            value = row_value(line)
            if value is not None and version.format is not None:
                told = _contradiction(index, row.line)
                found[row.n] = (*asked_and_answered(version.format, value), told)
    return found


def _contradiction(index: Index, line: int) -> str:
    told = (one.reason for one in index.findings(row=line) if one.rule in CONTRADICTIONS)
    return next(told, "")
