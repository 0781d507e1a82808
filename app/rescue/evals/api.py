"""Rescued evals for scripts, and what is made of them."""

from dataclasses import dataclass
from datetime import datetime

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse

from app.core.api import Limit, Listing, keyed
from app.core.database import DbSession
from app.core.keyset import page_of
from app.projects.access import CurrentProject
from app.rescue.access_streams import StreamedEval, StreamedRun
from app.rescue.evals import queries
from app.rescue.evals import views as eval_views
from app.rescue.evals.listing import EVALS
from app.rescue.evals.routes import export_config, export_items_of_eval, export_items_of_run

router = APIRouter(prefix="/api/v1", tags=["rescues"])


@dataclass(frozen=True, slots=True)
class EvalResource:
    """A rescued eval. `eval_id` is OpenAI's; `items` are the output items of its runs that lie
    here.
    """

    id: int
    eval_id: str
    name: str
    connection: str
    outcome: str
    runs: int
    items: int
    fetched_at: datetime | None


@router.get(
    "/projects/{project_id}/rescued-evals",
    name="api.rescued_evals.index",
    openapi_extra=EVALS.openapi,
)
def index(
    request: Request, session: DbSession, project: CurrentProject, limit: Limit = 50
) -> Listing[EvalResource]:
    """A project's rescued evals, by name unless asked otherwise."""
    found = page_of(session, queries.ids_of_evals(project.id), EVALS.read(request), limit=limit)
    evals = queries.evals_by_ids(session, found.ids)
    counted = queries.counts_of(session, evals)
    rows = [eval_views.eval_row(one, counted) for one in evals]
    return keyed(
        found,
        [
            EvalResource(
                row.id,
                row.eval_id,
                row.name,
                row.connection,
                row.outcome,
                row.runs,
                row.items,
                row.fetched_at,
            )
            for row in rows
        ],
    )


@router.get(
    "/rescued-evals/{rescued_eval_id}/promptfooconfig.yaml",
    name="api.rescued_evals.promptfoo",
    response_class=StreamingResponse,
)
def promptfoo_config(request: Request, entered: StreamedEval) -> StreamingResponse:
    """A rescued eval as promptfoo's configuration. What does not carry over stands in its
    comments.
    """
    return export_config(request, entered.thing)


@router.get(
    "/rescued-evals/{rescued_eval_id}/eval_items.jsonl",
    name="api.rescued_evals.items",
    response_class=StreamingResponse,
)
def items_of_eval(request: Request, entered: StreamedEval) -> StreamingResponse:
    """All output items of a rescued eval, for promptfoo. `promptfoo import` reads them, a column a
    run.
    """
    return export_items_of_eval(request, entered.thing)


@router.get(
    "/rescued-runs/{rescued_run_id}/eval_items.jsonl",
    name="api.rescued_evals.run_items",
    response_class=StreamingResponse,
)
def items_of_run(request: Request, entered: StreamedRun) -> StreamingResponse:
    """The output items of a rescued run, for promptfoo. `promptfoo import` reads them."""
    return export_items_of_run(request, entered.thing)
