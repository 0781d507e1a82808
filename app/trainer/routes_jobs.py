"""`/v1/fine_tuning/jobs`: create, list, retrieve, cancel, pause, resume, events."""

import asyncio
import time
from collections.abc import Callable, Sequence

from anyio import to_thread
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.trainer import orders, requests, wire
from app.trainer.answers import JsonResponse
from app.trainer.errors import Refusal
from app.trainer.folder import PAUSED, RUNNING, State
from app.trainer.journal import newest
from app.trainer.limits import refuse_long_queue
from app.trainer.runs import Run, Runs, metadata_matches
from app.trainer.service import named_run, service

JOBS_PAGE, EVENTS_PAGE = 20, 20
MOST_JOBS, MOST_EVENTS = 100, 1000
OBEY_SECONDS = 5.0
BODY_LIMIT = 1 << 24


async def create(request: Request) -> Response:
    """Ask for a run; it begins when it is its turn."""
    body = requests.json_object(await limited_body(request))
    parts = service(request)
    refuse_long_queue(parts.launcher.waiting, parts.limits)
    order = orders.new_order(body, runs=parts.runs, files=parts.files)
    try:
        run = await to_thread.run_sync(lambda: parts.runs.add(order.spec, start=order.start))
    except FileNotFoundError:  # a running run has let its checkpoint go this moment
        raise orders.unavailable(order.spec.model) from None
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


def job_of(runs: Runs, run: Run) -> wire.Json:
    """A run as it is shown."""
    state = runs.state(run)  # first: a run that has ended has its table
    result = runs.result_file(run)
    files = [result.id] if result else []
    return wire.job(run.spec, state, runs.control(run), result_files=files)


def _shown(runs: Runs, run: Run) -> Response:
    return JsonResponse(job_of(runs, run))


def index(request: Request) -> Response:
    """List runs, newest first: those behind `after`, or the page that ends in front of `before`."""
    query = request.query_params
    limit = requests.whole(query, "limit", default=JOBS_PAGE, most=MOST_JOBS)
    runs = service(request).runs
    wanted = _metadata_filter(query)
    found = runs.newest_first()
    after, before = _place(found, query, "after"), _place(found, query, "before")
    found = found[0 if after is None else after + 1 : before]
    if wanted is None:
        found = [run for run in found if run.spec.metadata is None]
    elif wanted:
        found = [run for run in found if metadata_matches(run, wanted)]
    is_backward = before is not None and after is None
    items = [job_of(runs, run) for run in (found[-limit:] if is_backward else found[:limit])]
    return JsonResponse(wire.page(items, has_more=len(found) > limit))


def _place(found: Sequence[Run], query: QueryParams, param: str) -> int | None:
    """Where the run that this parameter names stands; None without the parameter."""
    name = query.get(param)
    if name is None:
        return None
    place = next((n for n, run in enumerate(found) if run.id == name), None)
    if place is None:
        raise Refusal(f"Could not find fine tune: {name}", param=param, code="fine_tune_not_found")
    return place


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


# What is polled reads a small file or a journal's end: less work than the way to a thread and back.
async def show(request: Request) -> Response:
    """One run."""
    return _shown(service(request).runs, named_run(request))


async def cancel(request: Request) -> Response:
    """Wish a run to end and wait a moment for it, so that the answer usually says it has."""
    run = named_run(request)
    parts = service(request)
    _refuse_ended(parts.runs, run)
    await to_thread.run_sync(parts.runs.cancel, run)
    await parts.launcher.cancel(run)
    await _obeyed(parts.runs, run, lambda state: state.is_ended)
    return _shown(parts.runs, run)


async def pause(request: Request) -> Response:
    """Wish a training run to rest: it saves a checkpoint and leaves the machine to the next one."""
    run = named_run(request)
    runs = service(request).runs
    _refuse_ended(runs, run)
    if runs.control(run).pause:
        raise _wrong_state(f"Job has already been paused: {run.id}")
    status = wire.job_status(runs.state(run), runs.control(run))
    if status != RUNNING:
        raise _wrong_state(f"Only a running job can be paused; {run.id} is in state {status}.")
    await to_thread.run_sync(runs.pause, run)
    await _obeyed(runs, run, lambda state: state.is_resting)
    return _shown(runs, run)


async def resume(request: Request) -> Response:
    """Let a paused run go on when it is its turn."""
    run = named_run(request)
    parts = service(request)
    _refuse_ended(parts.runs, run)
    if not parts.runs.control(run).pause:
        status = wire.job_status(parts.runs.state(run), parts.runs.control(run))
        raise _wrong_state(f"Only a paused job can be resumed; {run.id} is in state {status}.")
    await to_thread.run_sync(parts.runs.resume, run)
    if parts.runs.state(run).status == PAUSED:
        parts.launcher.expect(run)
    return _shown(parts.runs, run)


def _refuse_ended(runs: Runs, run: Run) -> None:
    if runs.state(run).is_ended:
        raise _wrong_state(f"Job has already completed: {run.id}")


def _wrong_state(message: str) -> Refusal:
    return Refusal(message, code="invalid_job_status")


async def _obeyed(runs: Runs, run: Run, is_done: Callable[[State], bool]) -> None:
    deadline = time.monotonic() + OBEY_SECONDS
    # Another process writes the state: there is no event to wait for.
    while not is_done(runs.state(run)) and time.monotonic() < deadline:  # noqa: ASYNC110
        await asyncio.sleep(0.02)


async def events(request: Request) -> Response:
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


ROUTES = [
    Route("/v1/fine_tuning/jobs", create, methods=["POST"]),
    Route("/v1/fine_tuning/jobs", index, methods=["GET"]),
    Route("/v1/fine_tuning/jobs/{job_id}", show, methods=["GET"]),
    Route("/v1/fine_tuning/jobs/{job_id}/cancel", cancel, methods=["POST"]),
    Route("/v1/fine_tuning/jobs/{job_id}/pause", pause, methods=["POST"]),
    Route("/v1/fine_tuning/jobs/{job_id}/resume", resume, methods=["POST"]),
    Route("/v1/fine_tuning/jobs/{job_id}/events", events, methods=["GET"]),
]
