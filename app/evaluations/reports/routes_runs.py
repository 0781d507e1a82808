"""The pages of a run: its scores and cases, a case, the whole confusion, the files; and cases that
are kept in a collection.
"""

import csv
import io
from collections.abc import Sequence
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response, StreamingResponse

from app.auth.access import CurrentUser, PathId, csrf_checked
from app.core.cells import cell
from app.core.database import DbSession, read_only
from app.core.listing import chosen_in
from app.core.pages import asked_part, page, path_for, redirect
from app.evaluations.access import CurrentRun, EditableRun
from app.evaluations.reports import collecting, export, queries_cases, reading
from app.evaluations.reports.access import StreamedRun
from app.evaluations.reports.case_page import case_view
from app.evaluations.reports.confusion import cells_of, confusion_of, said
from app.evaluations.reports.entrants import Opened, head_of, opened
from app.evaluations.reports.forms import CollectForm, picked
from app.evaluations.reports.views import ConfusionView
from app.projects.access import role_here

router = APIRouter(dependencies=[Depends(csrf_checked)])

SANDBOXED = "sandbox; default-src 'none'"


@router.get("/evaluation-runs/{evaluation_run_id}", name="evaluation_runs.show")
def show(request: Request, session: DbSession, run: CurrentRun) -> Response:
    can_edit = role_here(request).may("edit")
    view = reading.run_view(request, session, opened(session, run), can_edit=can_edit)
    return page(request, "evaluations/run.html", view, fragment=asked_part(request, "rows"))


@router.get("/evaluation-runs/{evaluation_run_id}/standing", name="evaluation_runs.standing")
def standing(request: Request, session: DbSession, run: CurrentRun) -> Response:
    can_edit = role_here(request).may("edit")
    view = reading.standing_view(session, opened(session, run), can_edit=can_edit)
    return page(request, "evaluations/run.html", view, fragment="standing")


@router.get("/evaluation-runs/{evaluation_run_id}/cases/{number}", name="evaluation_runs.case")
def case(request: Request, session: DbSession, run: CurrentRun, number: PathId) -> Response:
    view = case_view(request, session, opened(session, run), number)
    return page(request, "evaluations/case.html", view)


@router.get("/evaluation-runs/{evaluation_run_id}/confusion", name="evaluation_runs.confusion")
def confusion(request: Request, session: DbSession, run: CurrentRun) -> Response:
    here = opened(session, run)
    place = reading.chosen(request, "contestant", len(here.names), 0)
    path = path_for(request, "evaluation_runs.confusion", evaluation_run_id=run.id)
    link = partial(reading.confused_url, request, run.id, place)
    view = ConfusionView(
        head=head_of(here),
        confusion=confusion_of(here.figures, place, here.names[place], link, is_whole=True)
        if here.figures
        else None,
        choices=tuple(
            (at, name, f"{path}?contestant={at}") for at, name in enumerate(here.names, start=1)
        ),
        csv_url=f"{path}.csv?contestant={place + 1}",
    )
    return page(request, "evaluations/confusion.html", view)


@router.get(
    "/evaluation-runs/{evaluation_run_id}/confusion.csv", name="evaluation_runs.confusion_csv"
)
def confusion_csv(request: Request, session: DbSession, run: CurrentRun) -> Response:
    here = opened(session, run)
    place = reading.chosen(request, "contestant", len(here.names), 0)
    return _attached(_confused(here, place), f"run-{run.id}-confusion.csv", "text/csv")


def _confused(here: Opened, place: int) -> str:
    written = io.StringIO()
    lines = csv.writer(written)
    lines.writerow(("wanted", "answered", "cases"))
    if here.figures is not None:
        labels = here.figures.labels
        for (wanted, found), count in sorted(cells_of(here.figures, place).items()):
            lines.writerow((cell(said(labels, wanted)), cell(said(labels, found)), count))
    return written.getvalue()


def _attached(text: str, name: str, kind: str) -> Response:
    return Response(text, media_type=kind, headers=_headers(name))


def _headers(name: str) -> dict[str, str]:
    return {
        "Content-Disposition": f'attachment; filename="{name}"',
        "Content-Security-Policy": SANDBOXED,
        "X-Accel-Buffering": "no",
    }


@router.get("/evaluation-runs/{evaluation_run_id}/answers.csv", name="evaluation_runs.csv")
def as_csv(entered: StreamedRun) -> Response:
    return sent_csv(entered.thing.id, opened_anew(entered))


@router.get("/evaluation-runs/{evaluation_run_id}/answers.jsonl", name="evaluation_runs.jsonl")
def as_jsonl(entered: StreamedRun) -> Response:
    return sent_jsonl(entered.thing.id, opened_anew(entered))


def opened_anew(entered: StreamedRun) -> Opened:
    """The run of a file, in a session of its own that is closed again."""
    with read_only() as session:
        return opened(session, entered.thing)


def sent_csv(run_id: int, here: Opened) -> Response:
    """Every answer as a line of a table, made while it is sent."""
    name = f"run-{run_id}.csv"
    return StreamingResponse(export.as_csv(here), media_type="text/csv", headers=_headers(name))


def sent_jsonl(run_id: int, here: Opened) -> Response:
    """Every case with its answers as a line of JSON, made while it is sent."""
    name, kind = f"run-{run_id}.jsonl", "application/x-ndjson"
    return StreamingResponse(export.as_jsonl(here), media_type=kind, headers=_headers(name))


@router.post("/evaluation-runs/{evaluation_run_id}/collect", name="evaluation_runs.collect")
def collect(
    request: Request,
    session: DbSession,
    user: CurrentUser,
    run: EditableRun,
    form: Annotated[CollectForm, Depends(picked)],
) -> Response:
    numbers: Sequence[int] = chosen_in(form.chosen)
    if not numbers:
        asked = opened(session, run).table.read(request)
        numbers = collecting.matching(session, queries_cases.ids_of_board(run.id), asked)
    collection, told = collecting.collect(
        session, run, numbers, name=form.collection, actor_id=user.id
    )
    return redirect(request, "collections.show", toast=told, collection_id=collection.id)
