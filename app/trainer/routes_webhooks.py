"""`/v1/webhook_endpoints`: who is told when a run has ended, in the paths and shapes of the SDK."""

import time
from collections.abc import Callable

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.trainer import webhooks, wire
from app.trainer.answers import JsonResponse
from app.trainer.courier import send
from app.trainer.errors import Refusal
from app.trainer.files import random_name
from app.trainer.outbox import MOST_ENDPOINTS
from app.trainer.parameters import flag, one_of, refuse_unknown
from app.trainer.posting import Undelivered, check_receiver
from app.trainer.requests import Body, json_object, whole
from app.trainer.routes_jobs import limited_body
from app.trainer.service import service
from app.trainer.webhooks import Endpoint

PAGE, MOST_PAGE = 20, 100
SAMPLE_RUN = "ftjob-sample"
KEEP_OLD = "keep_old_secret_active_for_24_hours"


async def create(request: Request) -> Response:
    """A new endpoint; the only answer besides rotation that tells its secret."""
    endpoint = webhooks.new_endpoint(await _body(request), time.time())
    check_receiver(endpoint.url)
    if not await run_in_threadpool(service(request).outbox.add, endpoint):
        raise Refusal(f"This trainer keeps at most {MOST_ENDPOINTS} webhook endpoints.")
    return JsonResponse(endpoint.shown(has_secret=True))


def index(request: Request) -> Response:
    """Endpoints, newest first."""
    query = request.query_params
    limit = whole(query, "limit", default=PAGE, most=MOST_PAGE)
    found = service(request).outbox.endpoints()
    after = query.get("after")
    if after is not None:
        place = next((n for n, endpoint in enumerate(found) if endpoint.id == after), None)
        if place is None:
            raise Refusal(f"No such webhook endpoint: {after}", param="after")
        found = found[place + 1 :]
    items = [endpoint.shown() for endpoint in found[:limit]]
    return JsonResponse(wire.page(items, has_more=len(found) > limit, has_ends=True))


def show(request: Request) -> Response:
    """One endpoint."""
    return JsonResponse(_named(request).shown())


async def update(request: Request) -> Response:
    """Change name, address or event types; no event types at all switches an endpoint off."""
    asked = webhooks.asked_changes(await _body(request))
    if "url" in asked:
        check_receiver(asked["url"])
    endpoint = await _changed(
        request, lambda endpoint: webhooks.changed(endpoint, time.time(), **asked)
    )
    return JsonResponse(endpoint.shown())


async def rotate_secret(request: Request) -> Response:
    """A new secret; the old one signs along for a day if that is asked for."""
    body = await _body(request)
    refuse_unknown(body, {KEEP_OLD})
    keeps_old = flag(body, KEEP_OLD)
    endpoint = await _changed(
        request, lambda endpoint: webhooks.rotated(endpoint, time.time(), keeps_old=keeps_old)
    )
    return JsonResponse(endpoint.shown(has_secret=True))


def delete(request: Request) -> Response:
    """Delete an endpoint; what waited for it is not sent any more."""
    endpoint_id = request.path_params["endpoint_id"]
    if not service(request).outbox.remove(endpoint_id):
        raise _missing(endpoint_id)
    return JsonResponse(wire.deleted(endpoint_id, "webhook_endpoint.deleted"))


async def test(request: Request) -> Response:
    """Send a sample now, once, and tell what the receiver answered."""
    body = await _body(request)
    refuse_unknown(body, {"event_type"})
    kind = one_of(body.get("event_type"), webhooks.EVENT_TYPES, "event_type")
    endpoint = await run_in_threadpool(_named, request)
    sample = webhooks.message(kind, SAMPLE_RUN, int(time.time()))
    try:
        status = await send(endpoint, f"wh_{random_name(24)}", sample)
    except Undelivered as error:
        message = f"The test event was not delivered: {error}"
        raise Refusal(message, code="webhook_not_delivered") from error
    return JsonResponse(
        {
            "object": "webhook_endpoint.test",
            "webhook_endpoint_id": endpoint.id,
            "event_type": kind,
            "status_code": status,
            "success": True,
        }
    )


def event_types(_request: Request) -> Response:
    """What an endpoint can be told of."""
    return JsonResponse({"object": "list", "data": list(webhooks.EVENT_TYPES)})


async def _body(request: Request) -> Body:
    return json_object(await limited_body(request) or b"{}")


async def _changed(request: Request, change: Callable[[Endpoint], Endpoint]) -> Endpoint:
    parts = service(request)
    endpoint_id = request.path_params["endpoint_id"]
    endpoint = await run_in_threadpool(parts.outbox.change, endpoint_id, change)
    if endpoint is None:
        raise _missing(endpoint_id)
    parts.courier.endpoint_changed()
    return endpoint


def _named(request: Request) -> Endpoint:
    endpoint_id = request.path_params["endpoint_id"]
    endpoint = service(request).outbox.endpoint(endpoint_id)
    if endpoint is None:
        raise _missing(endpoint_id)
    return endpoint


def _missing(endpoint_id: str) -> Refusal:
    message = f"No such webhook endpoint: {endpoint_id}"
    return Refusal(message, status=404, param="webhook_endpoint_id", code="not_found")


_ONE = "/v1/webhook_endpoints/{endpoint_id}"
ROUTES = [
    Route("/v1/webhook_endpoints", create, methods=["POST"]),
    Route("/v1/webhook_endpoints", index, methods=["GET"]),
    Route(_ONE, show, methods=["GET"]),
    Route(_ONE, update, methods=["POST"]),
    Route(_ONE, delete, methods=["DELETE"]),
    Route(f"{_ONE}/rotate_secret", rotate_secret, methods=["POST"]),
    Route(f"{_ONE}/test", test, methods=["POST"]),
    Route("/v1/webhook_event_types", event_types, methods=["GET"]),
]
