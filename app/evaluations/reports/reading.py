"""A run's page: what stands in the database, put together for it."""

from collections.abc import Mapping
from functools import partial
from urllib.parse import urlencode

from fastapi import Request
from sqlalchemy import ColumnElement, and_
from sqlalchemy.orm import Session

from app.core.errors import WrongInput
from app.core.keyset import page_of, place_of
from app.core.list_views import list_view
from app.core.listing import NUMBER
from app.core.pages import path_for
from app.evaluations.queries_judges import open_questions
from app.evaluations.reports import cases, charts, queries, queries_cases
from app.evaluations.reports.collecting import MOST
from app.evaluations.reports.confusion import Confusion, confusion_of
from app.evaluations.reports.differences import differences_of, slices_of
from app.evaluations.reports.entrants import Opened, cases_url, head_of, provisional_of
from app.evaluations.reports.scores import Scores, scores_of
from app.evaluations.reports.views import Chip, RunHead, RunView, StandingView

PAGE = 20
COLLECTION = "Failures of {name}"


def run_view(request: Request, session: Session, here: Opened, *, can_edit: bool) -> RunView:
    """The whole page; its list of cases is as the address asks."""
    run, figures = here.run, here.figures
    asked, fenced = here.table.read(request), queries_cases.ids_of_board(run.id)
    found = page_of(session, fenced, asked, limit=PAGE)
    place = place_of(session, fenced, asked, found)
    board = queries_cases.board_rows(session, run.id, found.ids)
    results = queries_cases.answers_to(
        session, here.ids, [row.case_id for row in board], cases.SHOWN + 1
    )
    against = chosen(request, "against", len(here.names), here.against)
    first, second = figures.leading if figures and figures.leading else (0, 0)
    mixed = chosen(request, "confusion", len(here.names), first)
    path = path_for(request, "evaluation_runs.show", evaluation_run_id=run.id)
    return RunView(
        head=_head(session, here),
        scores=_scores(here),
        differences=differences_of(figures, here.names, here.tuned, against)
        if figures and len(here.names) > 1
        else None,
        choices=tuple(
            (
                at,
                name,
                f"{path}?against={at}#pairs",
                f"{path}?confusion={at}#confusion",
            )
            for at, name in enumerate(here.names, start=1)
        ),
        slices=slices_of(figures) if figures else (),
        leading_names=(here.names[first], here.names[second]),
        price=charts.against_price(run.contestants, here.names, here.tuned, figures)
        if figures
        else None,
        latency=charts.against_latency(here.names, here.tuned, figures) if figures else None,
        steps=charts.by_checkpoint(run.contestants, here.names, here.tuned, figures)
        if figures
        else None,
        cases=cases.rows_of(
            board,
            results,
            here.names,
            here.places,
            is_scored=figures is not None and figures.measure != "passes",
        ),
        list=list_view(
            request,
            asked,
            found,
            place,
            options=_options(session, here),
            can_choose=can_edit,
            path=path,
        ),
        chips=_chips(request, session, here, against),
        names=here.names,
        confusion=_confusion(request, here, mixed),
        earlier=queries.run_before(session, run),
        collection=COLLECTION.format(name=run.evaluation.name)[:120],
        most_collected=MOST,
        can_edit=can_edit,
        is_made=here.is_made,
        path=path,
        query=urlencode(asked.query(after=None, before=None, chosen=None)),
    )


def standing_view(session: Session, here: Opened, *, can_edit: bool) -> StandingView:
    """What is fetched anew while the run goes on: how things stand, and the scores so far."""
    return StandingView(_head(session, here), _scores(here), can_edit)


def _head(session: Session, here: Opened) -> RunHead:
    open_ = 0
    if here.run.judges and here.run.ended_at is None:
        open_ = sum(open_questions(session, [here.run.id]).values())
    return head_of(here, provisional_of(session, here), open_)


def _scores(here: Opened) -> Scores:
    return scores_of(here.run.contestants, here.names, here.notes, here.tuned, here.figures)


def chosen(request: Request, key: str, contestants: int, otherwise: int) -> int:
    """The place of the contestant that the address names from 1. Raises WrongInput."""
    text = request.query_params.get(key, "")
    if not text:
        return otherwise
    if not NUMBER.fullmatch(text) or not 1 <= int(text) <= contestants:
        raise WrongInput.field(key, f"A contestant's place, from 1 to {contestants}.")
    return int(text) - 1


def _options(session: Session, here: Opened) -> dict[str, list[tuple[str, str]]]:
    labels = here.figures.labels if here.figures else ()
    tags = queries_cases.tags_of(session, here.run.evaluation_id)
    return {
        "tag": [(f"{name}:{value}", f"{name} {value}, {n:,}") for name, value, n in tags],
        "reference": [(label, label) for label in labels],
        "answered": [],
    }


def _chips(request: Request, session: Session, here: Opened, against: int) -> tuple[Chip, ...]:
    """The filters most are after: who was wrong, who disagreed, what one fixed and broke."""
    first = here.figures.leading[0] if here.figures and here.figures.leading else 0
    one, other = str(first + 1), str(against + 1)
    wanted: list[tuple[str, dict[str, str]]] = [(f"Wrong: {here.names[first]}", {"wrong": one})]
    if len(here.names) > 1:
        wanted.append(("Contestants disagree", {"disagree": "yes"}))
    if first != against:
        words = f"against {here.names[against]}"
        wanted.append((f"Fixed {words}", {"right": one, "wrong": other}))
        wanted.append((f"Broken {words}", {"wrong": one, "right": other}))
    counts = queries_cases.board_counts(
        session, here.run.id, [_condition(here, query) for _, query in wanted]
    )
    known = {one.key for one in here.table.filters}
    at_work = {key: text for key, text in request.query_params.items() if key in known and text}
    return (
        Chip("All", here.run.evaluation.cases, cases_url(request, here.run.id), not at_work),
        *(
            Chip(words, count, cases_url(request, here.run.id, **query), at_work == query)
            for (words, query), count in zip(wanted, counts, strict=True)
        ),
    )


def _condition(here: Opened, query: Mapping[str, str]) -> ColumnElement[bool]:
    """What these filters of the list mean."""
    known = {one.key: one for one in here.table.filters}
    return and_(*(known[key].where(known[key].parse(text)) for key, text in query.items()))


def _confusion(request: Request, here: Opened, place: int) -> Confusion | None:
    if here.figures is None:
        return None
    link = partial(confused_url, request, here.run.id, place)
    return confusion_of(here.figures, place, here.names[place], link)


def confused_url(request: Request, run_id: int, place: int, wanted: str, found: str) -> str:
    """The cases in which a contestant answered one label where another was right."""
    return cases_url(request, run_id, reference=wanted, answered=f"{place + 1}:{found}")
