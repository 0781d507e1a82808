"""`/v1/fine_tuning/jobs`: create, list, retrieve, cancel, events, checkpoints."""

import asyncio
import time

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.trainer import orders, requests, wire
from app.trainer.answers import JsonResponse
from app.trainer.errors import Refusal
from app.trainer.journal import newest
from app.trainer.runs import Run, Runs, metadata_matches
from app.trainer.service import named_run, service

JOBS_PAGE, EVENTS_PAGE, CHECKPOINTS_PAGE = 20, 20, 10
MOST_JOBS, MOST_EVENTS = 100, 1000
CANCEL_SECONDS = 5.0
BODY_LIMIT = 1 << 24


async def create(request: Request) -> Response:
    """Ask for a run; it begins when it is its turn."""
    body = requests.json_object(await limited_body(request))
    parts = service(request)
    run = parts.runs.add(orders.new_job(body, runs=parts.runs, files=parts.files))
    parts.launcher.expect(run)
    return _shown(parts.runs, run)


async def limited_body(request: Request) -> bytes:
    """The body of a request that has no reason to be large."""
    held = bytearray()
    async for chunk in request.stream():
        held += chunk
        if len(held) > BODY_LIMIT:
            raise Refusal("The body of the request is too large.", status=413)
    return bytes(held)


def _job(runs: Runs, run: Run) -> wire.Json:
    result = runs.result_file(run)
    return wire.job(run.spec, runs.state(run), result_files=[result.id] if result else [])


def _shown(runs: Runs, run: Run) -> Response:
    return JsonResponse(_job(runs, run))


def index(request: Request) -> Response:
    """List runs, newest first."""
    query = request.query_params
    limit = requests.whole(query, "limit", default=JOBS_PAGE, most=MOST_JOBS)
    runs = service(request).runs
    wanted = _metadata_filter(query)
    is_none = wanted is None
    found = [
        run
        for run in runs.newest_first()
        if (run.spec.metadata is None if is_none else metadata_matches(run, wanted or {}))
    ]
    after = query.get("after")
    if after is not None:
        place = next((n for n, run in enumerate(found) if run.id == after), None)
        if place is None:
            raise Refusal(
                f"Could not find fine tune: {after}", param="after", code="fine_tune_not_found"
            )
        found = found[place + 1 :]
    items = [_job(runs, run) for run in found[:limit]]
    return JsonResponse(wire.page(items, has_more=len(found) > limit))


def _metadata_filter(query: QueryParams) -> dict[str, str] | None:
    """`metadata[k]=v` pairs; `metadata=null` asks for runs without any and gives None."""
    if query.get("metadata") == "null":
        return None
    pairs = {
        name[9:-1]: value
        for name, value in query.items()
        if name.startswith("metadata[") and name[-1] == "]"
    }
    if "metadata" in query:
        raise Refusal("Filter with metadata[key]=value, or metadata=null.", param="metadata")
    return pairs


def show(request: Request) -> Response:
    """One run."""
    return _shown(service(request).runs, named_run(request))


async def cancel(request: Request) -> Response:
    """Wish a run to end and wait a moment for it, so that the answer usually says it has."""
    run = named_run(request)
    parts = service(request)
    if parts.runs.state(run).is_ended:
        raise Refusal(f"Job has already completed: {run.id}", code="invalid_job_status")
    parts.runs.cancel(run)
    parts.launcher.hurry(run)
    deadline = time.monotonic() + CANCEL_SECONDS
    # Another process writes the state: there is no event to wait for.
    while not parts.runs.state(run).is_ended and time.monotonic() < deadline:  # noqa: ASYNC110
        await asyncio.sleep(0.02)
    return _shown(parts.runs, run)


def events(request: Request) -> Response:
    """A run's events, newest first."""
    run = named_run(request)
    query = request.query_params
    limit = requests.whole(query, "limit", default=EVENTS_PAGE, most=MOST_EVENTS)
    after = query.get("after")
    try:
        before = None if after is None else wire.event_offset(run.id, after)
        found = newest(run.folder.events, before=before, limit=limit)
    except ValueError:
        raise Refusal(f"No such event: {after}", param="after") from None
    items = [wire.event(run.id, offset, record) for offset, record in found]
    return JsonResponse(wire.page(items, has_more=bool(found) and found[-1][0] > 0))


def checkpoints(request: Request) -> Response:
    """A run's kept checkpoints, newest first; none once its model was deleted."""
    run = named_run(request)
    query = request.query_params
    limit = requests.whole(query, "limit", default=CHECKPOINTS_PAGE, most=MOST_JOBS)
    state = service(request).runs.state(run)
    kept = (
        []
        if service(request).runs.control(run).model_deleted
        else list(reversed(state.checkpoints))
    )
    items = [wire.checkpoint(run.spec, state, saved) for saved in kept]
    after = query.get("after")
    if after is not None:
        place = next((n for n, item in enumerate(items) if item["id"] == after), None)
        if place is None:
            raise Refusal(f"No such checkpoint: {after}", param="after")
        items = items[place + 1 :]
    return JsonResponse(wire.page(items[:limit], has_more=len(items) > limit, has_ends=True))


ROUTES = [
    Route("/v1/fine_tuning/jobs", create, methods=["POST"]),
    Route("/v1/fine_tuning/jobs", index, methods=["GET"]),
    Route("/v1/fine_tuning/jobs/{job_id}", show, methods=["GET"]),
    Route("/v1/fine_tuning/jobs/{job_id}/cancel", cancel, methods=["POST"]),
    Route("/v1/fine_tuning/jobs/{job_id}/events", events, methods=["GET"]),
    Route("/v1/fine_tuning/jobs/{job_id}/checkpoints", checkpoints, methods=["GET"]),
]
