"""The web application: the one list of routers, and how errors are drawn."""

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio.to_thread
from fastapi import Depends, FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.responses import Response
from fastapi.staticfiles import StaticFiles
from pydantic import TypeAdapter

from app import __doc__ as about
from app import reactions, tables
from app.auth import passwords, preferences
from app.auth import routes as auth
from app.budgets import api as budgets_api
from app.budgets import routes as budgets
from app.catalog import api as catalog_api
from app.catalog import api_dates, api_prices, routes_calendar, routes_dates, routes_prices
from app.catalog import routes as catalog
from app.catalog import routes_list as catalog_list
from app.catalog.access import ANSWERS_OF_ONE
from app.catalog.asking import WAITERS
from app.collections import api as collections_api
from app.collections import routes as collections
from app.connections import api as connections_api
from app.connections import api_hooks as hooks_api
from app.connections import routes as connections
from app.connections import routes_hooks as hooks
from app.connections.access import ASKING, ASKING_OF_ONE
from app.connections.keyring import check_keys
from app.connections.practice import refresh_practice
from app.core import heartbeat, logs, storage
from app.core.database import SEATS, THREADS, unit_of_work
from app.core.events import Hub
from app.core.guards import Guards
from app.core.problems import Problem
from app.core.seats import Seats
from app.dashboard import docs, faults, kit
from app.dashboard import routes as dashboard
from app.datasets import api as datasets_api
from app.datasets import api_leaks as datasets_api_leaks
from app.datasets import api_reading as datasets_api_reading
from app.datasets import api_search as datasets_search_api
from app.datasets import routes as datasets
from app.datasets import routes_export as datasets_export
from app.datasets import routes_figures as datasets_figures
from app.datasets import routes_leaks as datasets_leaks
from app.datasets import routes_list as datasets_list
from app.datasets import routes_reading as datasets_reading
from app.datasets import routes_rows as datasets_rows
from app.datasets import routes_search as datasets_search
from app.datasets import routes_uploads as uploads
from app.datasets import routes_verdicts as verdicts
from app.datasets.moderation import routes as moderation
from app.evaluations import api as evaluations_api
from app.evaluations import routes as evaluations
from app.evaluations.after import api as evaluations_after_api
from app.evaluations.after import routes as evaluations_after
from app.evaluations.byhand import api as hand_api
from app.evaluations.byhand import routes as hand
from app.evaluations.calibration import api as judges_api
from app.evaluations.calibration import routes as judges
from app.evaluations.drift import api as drift_api
from app.evaluations.drift import routes as drift
from app.evaluations.duels import api as duels_api
from app.evaluations.duels import routes as duels
from app.evaluations.golden import api as golden_api
from app.evaluations.golden import routes as golden
from app.evaluations.imports import api as evaluation_imports_api
from app.evaluations.imports import routes as evaluation_imports
from app.evaluations.imports.access import IMPORTED_AT_ONCE, IMPORTED_BY_ONE
from app.evaluations.people import api as rounds_api
from app.evaluations.people import routes as rounds
from app.evaluations.reports import api as evaluation_reports_api
from app.evaluations.reports import routes as evaluation_reports
from app.evaluations.reports import routes_runs as evaluation_runs
from app.evaluations.worst import api as worst_cases_api
from app.evaluations.worst import routes as worst_cases
from app.grading import api as grading_api
from app.grading import api_judging as grading_judging_api
from app.grading import routes as grading
from app.grading import routes_judging as grading_judging
from app.grading import routes_trying as grading_trying
from app.grading.access import JUDGED_AT_ONCE, JUDGED_BY_ONE, TRIED_AT_ONCE, TRIED_BY_ONE
from app.jobs import api as jobs_api
from app.jobs import api_doubt as jobs_doubt_api
from app.jobs import routes as jobs
from app.jobs import routes_doubt as jobs_doubt
from app.jobs import routes_estimates as jobs_estimates
from app.jobs import routes_list as jobs_list
from app.notices import api as notices_api
from app.notices import routes as notices
from app.notices.choices import routes as choices
from app.notices.endpoints import api as endpoints_api
from app.notices.endpoints import routes as endpoints
from app.playground import api as playground_api
from app.playground import routes as playground
from app.playground.access import ASKED_AT_ONCE, ASKED_BY_ONE
from app.projects import api as projects_api
from app.projects import routes as projects
from app.projects.access import outside
from app.rescue import api as rescue_api
from app.rescue import routes as rescues
from app.rescue import routes_archive as rescue_archive
from app.rescue import routes_manifest as rescued
from app.rescue.evals import api as rescued_evals_api
from app.rescue.evals import routes as rescued_evals
from app.rescue.evals import routes_import as rescued_evals_import
from app.rescue.usage import routes as rescued_usage
from app.settings import ROOT
from app.upkeep import routes as upkeep
from app.upkeep import service as housekeeping

PAGES = (
    auth.router,
    projects.router,
    projects.invited,
    connections.asking,
    connections.router,
    hooks.receiving,
    hooks.asking,
    hooks.router,
    datasets_list.router,
    catalog_list.router,
    datasets.receiving,
    datasets.router,
    datasets_reading.router,
    datasets_rows.router,
    datasets_figures.router,
    verdicts.router,
    datasets_leaks.router,
    moderation.router,
    datasets_search.router,
    datasets_export.router,
    uploads.receiving,
    uploads.pages,
    collections.makes,
    collections.router,
    jobs_list.router,
    jobs.asking,
    jobs.router,
    jobs_doubt.router,
    jobs_estimates.router,
    catalog.talking,
    catalog.router,
    grading.router,
    evaluations.router,
    evaluation_imports.importing,
    evaluation_imports.router,
    golden.router,
    evaluation_reports.router,
    evaluation_runs.router,
    evaluations_after.router,
    drift.router,
    worst_cases.router,
    grading_trying.trying,
    grading_judging.asking,
    rounds.router,
    hand.router,
    duels.router,
    judges.router,
    playground.talking,
    playground.router,
    rescues.router,
    rescued.router,
    routes_calendar.router,
    routes_dates.router,
    routes_prices.router,
    rescued_evals.router,
    rescued_evals_import.router,
    rescue_archive.router,
    rescued_usage.router,
    notices.router,
    notices.linked,
    endpoints.router,
    choices.router,
    budgets.router,
    dashboard.router,
    upkeep.router,
    docs.router,
    kit.router,
)
API = (
    projects_api.router,
    connections_api.router,
    hooks_api.router,
    datasets_api.router,
    datasets_api_reading.router,
    datasets_api_leaks.router,
    moderation.api,
    datasets_search_api.router,
    verdicts.api,
    uploads.api,
    collections_api.router,
    jobs_api.router,
    jobs_doubt_api.router,
    jobs_estimates.api,
    catalog_api.router,
    api_dates.router,
    api_prices.router,
    grading_api.router,
    grading_judging_api.router,
    evaluations_api.router,
    evaluation_imports_api.router,
    golden_api.router,
    drift_api.router,
    evaluation_reports_api.router,
    rounds_api.router,
    hand_api.router,
    duels_api.router,
    judges_api.router,
    evaluations_after_api.router,
    worst_cases_api.router,
    playground_api.router,
    rescue_api.router,
    rescued_evals_api.router,
    rescued_evals_import.api,
    rescue_archive.api,
    notices_api.router,
    endpoints_api.router,
    budgets_api.router,
)
PROBLEM = {
    "description": "What is wrong, in words (RFC 9457)",
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
}

assert reactions  # noqa: S101 - imported for what it registers
assert tables  # noqa: S101 - imported for the foreign keys it resolves


@asynccontextmanager
async def _running(app: FastAPI) -> AsyncIterator[None]:
    logs.configure("web")
    # The tokenizer aside, everything a request does in a thread waits for the database: more
    # threads only contend.
    anyio.to_thread.current_default_thread_limiter().total_tokens = THREADS
    with unit_of_work() as session:
        refresh_practice(session)
        check_keys(session)
        housekeeping.begin(session)
    storage.forget_torn_parts()
    storage.lay_ballast()
    # What start-up made lives as long as the process; a full collection would walk all of it, a
    # tenth of a second in which no page is drawn.
    gc.collect()
    gc.freeze()
    beating = heartbeat.keep_beating("web")
    async with Hub().running() as hub:
        app.state.hub = hub
        yield
    beating.set()


def create_app() -> FastAPI:
    """The application with all its routes; every route states who may call it."""
    app = FastAPI(
        title="Luthier", lifespan=_running, docs_url=None, redoc_url=None, openapi_url=None
    )
    app.state.seats = asyncio.Semaphore(SEATS)
    app.state.hashing_seats = asyncio.Semaphore(passwords.AT_ONCE)
    app.state.asking_seats = Seats(ASKING, of_one=ASKING_OF_ONE)
    app.state.answer_seats = Seats(WAITERS, of_one=ANSWERS_OF_ONE)
    app.state.question_seats = Seats(ASKED_AT_ONCE, of_one=ASKED_BY_ONE)
    app.state.import_seats = Seats(IMPORTED_AT_ONCE, of_one=IMPORTED_BY_ONE)
    app.state.trying_seats = Seats(TRIED_AT_ONCE, of_one=TRIED_BY_ONE)
    app.state.judging_seats = Seats(JUDGED_AT_ONCE, of_one=JUDGED_BY_ONE)
    app.state.packing = set()
    for router in (auth.inside, preferences.router):
        app.include_router(router, include_in_schema=False, dependencies=[Depends(outside)])
    for router in PAGES:
        app.include_router(router, include_in_schema=False)
    for router in API:
        app.include_router(router)
    app.mount("/static", RevalidatedFiles(directory=ROOT / "static"), name="static")
    # Inside the guards, so that an answer about a surprise has their headers and the request's id.
    faults.answer(app)
    app.add_middleware(Guards)
    app.openapi = lambda: _schema(app)  # type: ignore[method-assign]
    return app


class RevalidatedFiles(StaticFiles):
    """Static files that browsers ask about each time, so that an upgrade never mixes old scripts
    and new pages.
    """

    def file_response(self, *args: object, **kwargs: object) -> Response:
        answer = super().file_response(*args, **kwargs)  # type: ignore[arg-type]
        answer.headers["Cache-Control"] = "no-cache"
        return answer


def _schema(app: FastAPI) -> dict[str, Any]:
    """The API's description: operations by their first sentence, errors as problem details."""
    if app.openapi_schema is None:
        schema = get_openapi(title="Luthier", version="1", description=about, routes=app.routes)
        parts = schema["components"]
        parts["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        described = TypeAdapter(Problem).json_schema(ref_template="#/components/schemas/{model}")
        parts["schemas"] |= described.pop("$defs") | {"Problem": described}
        for unused in ("HTTPValidationError", "ValidationError"):
            parts["schemas"].pop(unused, None)
        schema["security"] = [{"token": []}]
        for operations in schema["paths"].values():
            for operation in operations.values():
                operation["summary"] = operation["description"].partition(".")[0]
                operation["responses"].pop("422", None)
                operation["responses"]["4XX"] = PROBLEM
        app.openapi_schema = schema
    return app.openapi_schema
