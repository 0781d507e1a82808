"""`/v1/webhook_endpoints`, as the SDK spells it."""

from collections.abc import Callable
from typing import Any

from tests.witness.journal import Request
from tests.witness.paging import page
from tests.witness.state import State
from tests.witness.webhooks import ENDS, event, post, shown

ONE = "/v1/webhook_endpoints/([^/]+)"


def create(state: State, asked: Request, form: Any) -> Any:
    return state.webhooks.create(form)


def index(state: State, asked: Request, form: Any) -> Any:
    made = [shown(endpoint) for endpoint in state.webhooks.endpoints]
    return page(made, asked.query, default=20)


def show(state: State, asked: Request, form: Any, endpoint_id: str) -> Any:
    return shown(state.webhooks.endpoint(endpoint_id))


def update(state: State, asked: Request, form: Any, endpoint_id: str) -> Any:
    return state.webhooks.update(endpoint_id, form)


def delete(state: State, asked: Request, form: Any, endpoint_id: str) -> Any:
    return state.webhooks.delete(endpoint_id)


def rotate(state: State, asked: Request, form: Any, endpoint_id: str) -> Any:
    keeps_old = bool((form or {}).get("keep_old_secret_active_for_24_hours"))
    return state.webhooks.rotate(endpoint_id, keeps_old=keeps_old)


def test(state: State, asked: Request, form: Any, endpoint_id: str) -> Any:
    endpoint, kind = state.webhooks.endpoint(endpoint_id), form["event_type"]
    body = event(kind, "ftjob-sample", 0, state.webhooks.new_id("evt_"))
    status = post(endpoint, state.webhooks.new_id("wh_"), body)
    return {
        "object": "webhook_endpoint.test",
        "webhook_endpoint_id": endpoint_id,
        "event_type": kind,
        "status_code": status or 0,
        "success": True,
    }


def event_types(state: State, asked: Request, form: Any) -> Any:
    return {"object": "list", "data": [*ENDS.values()]}


ROUTES: dict[str, Callable[..., Any]] = {
    "POST /v1/webhook_endpoints": create,
    "GET /v1/webhook_endpoints": index,
    f"GET {ONE}": show,
    f"POST {ONE}": update,
    f"DELETE {ONE}": delete,
    f"POST {ONE}/rotate_secret": rotate,
    f"POST {ONE}/test": test,
    "GET /v1/webhook_event_types": event_types,
}
