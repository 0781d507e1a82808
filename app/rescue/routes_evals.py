"""The pages of rescued evals: the list, an eval, a run with its output items, the exports."""

from collections.abc import Iterator
from functools import partial
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response, StreamingResponse

from app.connections import queries as connections
from app.core import storage
from app.core.database import DbSession, read_only
from app.core.keyset import page_of, place_of
from app.core.list_views import list_view
from app.core.pages import asked_part, page, path_for
from app.projects.access import CurrentProject
from app.rescue import eval_items, eval_views, promptfoo
from app.rescue import queries_evals as queries
from app.rescue.access_evals import (
    CurrentEval,
    CurrentRun,
    StreamedEval,
    StreamedRun,
    streamed_eval,
    streamed_run,
    while_allowed,
)
from app.rescue.eval_rows import eval_items as rows_of
from app.rescue.eval_words import source_words
from app.rescue.evals import Run, error_words, figure, read_object, read_run
from app.rescue.listing_evals import EVALS
from app.rescue.models import RescuedObject
from app.rescue.naming import safe_name

router = APIRouter()

PAGE = 25

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
    view = eval_views.show(one, queries.runs_of(session, one))
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


def export_config(request: Request, one: RescuedObject) -> StreamingResponse:
    """promptfooconfig.yaml, made while it is sent."""
    pieces = promptfoo.configuration(rescued_eval(one))
    again = partial(streamed_eval, request, one.id)
    return _file(while_allowed(pieces, again), "promptfooconfig.yaml", "application/yaml")


def export_items_of_eval(request: Request, one: RescuedObject) -> StreamingResponse:
    """The output items of all runs of an eval, as promptfoo imports them."""
    with read_only() as session:
        found = [items for _, items in queries.runs_of(session, one)]
    again = partial(streamed_eval, request, one.id)
    return _items(while_allowed(_rows(found), again), one.object_id)


def export_items_of_run(request: Request, row: RescuedObject) -> StreamingResponse:
    """The output items of one run, as promptfoo imports them."""
    with read_only() as session:
        _, items = queries.kin_of(session, row)
    again = partial(streamed_run, request, row.id)
    return _items(while_allowed(_rows([items]), again), row.object_id)


def _rows(found: list[RescuedObject | None]) -> Iterator[bytes]:
    paths = (path for items in found if items and (path := promptfoo.path_of(items.sha256)))
    return rows_of(paths)


def _items(pieces: Iterator[bytes], object_id: str) -> StreamingResponse:
    return _file(pieces, f"eval_items_{safe_name(object_id)}.jsonl", "application/x-ndjson")


def _file(pieces: Iterator[bytes], name: str, kind: str) -> StreamingResponse:
    return StreamingResponse(
        pieces,
        media_type=kind,
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "Content-Security-Policy": "sandbox; default-src 'none'",
        },
    )


def rescued_eval(one: RescuedObject) -> promptfoo.RescuedEval:
    """An eval with its runs, read for an export."""
    with read_only() as session:
        found = queries.runs_of(session, one)
        models = queries.listed_models(session, one.connection_id)
    runs = [
        promptfoo.RescuedRun(
            row.object_id,
            read_run(row.sha256) or Run(),
            promptfoo.path_of(items.sha256) if items else None,
        )
        for row, items in found
    ]
    runs.sort(key=lambda one: figure(one.run.created_at) or 0)
    return promptfoo.RescuedEval(one.object_id, read_object(one.sha256) or {}, runs, models)
