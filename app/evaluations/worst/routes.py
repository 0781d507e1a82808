"""The page of a contestant's worst cases, and keeping some of them in a collection."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from app.auth.access import CurrentUser, PathId, csrf_checked
from app.core.database import DbSession
from app.core.listing import chosen_in
from app.core.pages import asked_part, page, redirect
from app.evaluations.access import CurrentRun, EditableRun
from app.evaluations.reports import collecting
from app.evaluations.reports.entrants import opened
from app.evaluations.reports.forms import CollectForm, picked
from app.evaluations.worst import queries, showing
from app.evaluations.worst.listing import WORST
from app.projects.access import role_here

router = APIRouter(dependencies=[Depends(csrf_checked)])

PATH = "/evaluation-runs/{evaluation_run_id}/contestants/{number}/worst"


@router.get("/evaluation-runs/{evaluation_run_id}/worst", name="worst_cases.index")
def index(request: Request, session: DbSession, run: CurrentRun) -> Response:
    here = opened(session, run)
    listed = queries.listed(session, run.id)
    leading = here.figures.leading[0] if here.figures and here.figures.leading else 0
    order = sorted(range(len(here.ids)), key=lambda at: (here.ids[at] not in listed, at != leading))
    return redirect(request, "worst_cases.show", evaluation_run_id=run.id, number=order[0] + 1)


@router.get(PATH, name="worst_cases.show")
def show(request: Request, session: DbSession, run: CurrentRun, number: PathId) -> Response:
    can_edit = role_here(request).may("edit")
    view = showing.worst_view(request, session, opened(session, run), number, can_edit=can_edit)
    part = asked_part(request, "rows") if view.list else None
    return page(request, "evaluations/worst.html", view, fragment=part)


@router.get(f"{PATH}/standing", name="worst_cases.standing")
def standing(request: Request, session: DbSession, run: CurrentRun, number: PathId) -> Response:
    view = showing.standing_view(request, session, opened(session, run), number)
    return page(request, "evaluations/worst_standing.html", view)


@router.post(f"{PATH}/collect", name="worst_cases.collect")
def collect(
    request: Request,
    session: DbSession,
    user: CurrentUser,
    run: EditableRun,
    number: PathId,
    form: Annotated[CollectForm, Depends(picked)],
) -> Response:
    drawn = showing.drawn_of(session, opened(session, run), number)
    numbers: Sequence[int] = chosen_in(form.chosen)
    if not numbers and drawn is not None:
        fenced = queries.numbers_of(drawn.id)
        numbers = collecting.matching(session, fenced, WORST.read(request))
    collection, told = collecting.collect(
        session, run, numbers, name=form.collection, actor_id=user.id
    )
    return redirect(request, "collections.show", toast=told, collection_id=collection.id)
