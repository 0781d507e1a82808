"""The pages of rescued evals: the list, an eval, a run with its output items, the exports."""

from functools import partial
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from app.connections import queries as connections
from app.core import storage
from app.core.database import DbSession
from app.core.keyset import page_of, place_of
from app.core.list_views import list_view
from app.core.pages import asked_part, page, path_for
from app.projects.access import CurrentProject, role_here
from app.rescue.access_streams import (
    CurrentEval,
    CurrentRun,
    Stream,
    StreamedEval,
    StreamedRun,
    streamed_eval,
    streamed_run,
)
from app.rescue.evals import exports as eval_exports
from app.rescue.evals import items as eval_items
from app.rescue.evals import queries
from app.rescue.evals import views as eval_views
from app.rescue.evals.bodies import Run, error_words, read_run
from app.rescue.evals.listing import EVALS
from app.rescue.evals.words import source_words
from app.rescue.models import RescuedObject

router = APIRouter()

PAGE = 25
JSONL = "application/x-ndjson"

Number = Annotated[int, Query(ge=1, le=2**53)]
Byte = Annotated[int | None, Query(ge=0, le=2**53)]
State = Annotated[Literal["", "passed", "failed", "errored"], Query()]


@router.get("/projects/{project_id}/rescued-evals", name="rescued_evals.index")
def index(request: Request, session: DbSession, project: CurrentProject) -> Response:
    asked, part = EVALS.read(request), asked_part(request, "rows")
    fenced = queries.ids_of_evals(project.id)
    found = page_of(session, fenced, asked, limit=PAGE)
    evals = queries.evals_by_ids(session, found.ids)
    counted = queries.counts_of(session, evals)
    names = [(str(one), name) for one, name in connections.connection_names(session, project.id)]
    view = eval_views.IndexView(
        project_id=project.id,
        evals=tuple(eval_views.eval_row(one, counted) for one in evals),
        list=list_view(
            request,
            asked,
            found,
            place_of(session, fenced, asked, found),
            options={"connection": names},
        ),
    )
    return page(request, "rescue/evals.html", view, fragment=part)


@router.get("/rescued-evals/{rescued_eval_id}", name="rescued_evals.show")
def show(request: Request, session: DbSession, one: CurrentEval) -> Response:
    view = eval_views.show(
        one, queries.runs_of(session, one), can_edit=role_here(request).may("edit")
    )
    return page(request, "rescue/eval.html", view)


@router.get("/rescued-runs/{rescued_run_id}", name="rescued_evals.run")
def show_run(
    request: Request,
    session: DbSession,
    row: CurrentRun,
    item: Number = 1,
    at: Byte = None,
    only: State = "",
) -> Response:
    eval_row, items = queries.kin_of(session, row)
    run = read_run(row.sha256) or Run()
    here, why_not = None, _why_no_items(items)
    if items is not None and items.sha256 is not None and not why_not:
        here = eval_items.page_of(
            storage.blob_path(items.sha256),
            eval_items.Asked(item, at, only),
            items.lines,
            partial(_items_address, request, row.id),
        )
    view = eval_views.RunView(
        id=row.id,
        project_id=row.project_id,
        run=eval_views.run_row(row, run, items),
        eval_row_id=eval_row.id if eval_row else None,
        eval_name=(eval_row.name if eval_row else "") or row.parent_id or "its eval",
        connection=row.connection.name,
        error=error_words(run.error),
        source=source_words(run.data_source.type if run.data_source else None),
        prompt=eval_views.prompt_of(run),
        settings=eval_views.settings_of(run),
        criteria=eval_views.criterion_counts(run),
        usage=eval_views.model_usage(run),
        page=here,
        why_no_items=why_not,
    )
    return page(request, "rescue/eval_run.html", view, fragment=asked_part(request, "items"))


def _items_address(
    request: Request, run_id: int, *, item: int = 1, at: int | None = None, only: str = ""
) -> str:
    query = {"item": item if item > 1 else None, "at": at, "only": only or None}
    return path_for(request, "rescued_evals.run", rescued_run_id=run_id, query=query)


def _why_no_items(items: RescuedObject | None) -> str:
    """Why a run's output items cannot be read; empty where they can."""
    if items is None:
        return "Nobody has asked for the output items of this run yet."
    if items.sha256 is None or not storage.is_stored(items.sha256):
        return items.error or f"The output items are not here: {items.outcome}."
    return ""


@router.get("/rescued-evals/{rescued_eval_id}/promptfooconfig.yaml", name="rescued_evals.promptfoo")
def promptfoo_config(request: Request, entered: StreamedEval) -> Response:
    return export_config(request, entered.thing)


@router.get("/rescued-evals/{rescued_eval_id}/eval_items.jsonl", name="rescued_evals.items")
def items_of_eval(request: Request, entered: StreamedEval) -> Response:
    return export_items_of_eval(request, entered.thing)


@router.get("/rescued-runs/{rescued_run_id}/eval_items.jsonl", name="rescued_evals.run_items")
def items_of_run(request: Request, entered: StreamedRun) -> Response:
    return export_items_of_run(request, entered.thing)


def export_config(request: Request, one: RescuedObject) -> Stream:
    """promptfooconfig.yaml, made while it is sent."""
    again = partial(streamed_eval, request, one.id)
    pieces = eval_exports.configuration_of(one)
    return Stream(pieces, again, name="promptfooconfig.yaml", kind="application/yaml")


def export_items_of_eval(request: Request, one: RescuedObject) -> Stream:
    """The output items of all runs of an eval, as promptfoo imports them."""
    again = partial(streamed_eval, request, one.id)
    name = eval_exports.items_name(one.object_id)
    return Stream(eval_exports.items_of_eval(one), again, name=name, kind=JSONL)


def export_items_of_run(request: Request, row: RescuedObject) -> Stream:
    """The output items of one run, as promptfoo imports them."""
    again = partial(streamed_run, request, row.id)
    name = eval_exports.items_name(row.object_id)
    return Stream(eval_exports.items_of_run(row), again, name=name, kind=JSONL)
