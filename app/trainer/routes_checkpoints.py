"""A job's checkpoints, and who else may use one: nobody, for there is one organisation here."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.trainer import requests, wire
from app.trainer.answers import JsonResponse
from app.trainer.checkpoints import shown
from app.trainer.errors import Refusal, missing_model
from app.trainer.routes_jobs import limited_body
from app.trainer.service import named_run, service

CHECKPOINTS_PAGE, MOST_CHECKPOINTS = 10, 100
ORDERS = ("ascending", "descending")


def index(request: Request) -> Response:
    """A run's kept checkpoints, newest first; none once its model was deleted."""
    run = named_run(request)
    query = request.query_params
    limit = requests.whole(query, "limit", default=CHECKPOINTS_PAGE, most=MOST_CHECKPOINTS)
    runs = service(request).runs
    state = runs.state(run)
    kept = [] if runs.control(run).model_deleted else shown(run.spec, state)
    items = [wire.checkpoint(run.spec, state, saved) for saved in kept]
    after = query.get("after")
    if after is not None:
        place = next((n for n, item in enumerate(items) if item["id"] == after), None)
        if place is None:
            raise Refusal(f"No such checkpoint: {after}", param="after")
        items = items[place + 1 :]
    return JsonResponse(wire.page(items[:limit], has_more=len(items) > limit, has_ends=True))


def permissions(request: Request) -> Response:
    """Whom a checkpoint is shared with: nobody, truthfully."""
    _refuse_unknown(request)
    query = request.query_params
    requests.whole(query, "limit", default=CHECKPOINTS_PAGE, most=MOST_CHECKPOINTS)
    if query.get("order", ORDERS[0]) not in ORDERS:
        raise Refusal("'order' must be 'ascending' or 'descending'.", param="order")
    if "after" in query:
        raise Refusal(f"No such permission: {query['after']}", param="after")
    return JsonResponse(wire.page([], has_more=False, has_ends=True))


async def share(request: Request) -> Response:
    """There is nobody to share with."""
    body = requests.json_object(await limited_body(request))
    _refuse_unknown(request)
    projects = body.get("project_ids")
    if projects is None:
        raise requests.missing("project_ids")
    if not isinstance(projects, list) or not all(isinstance(name, str) for name in projects):
        raise requests.invalid_type("project_ids", "an array of strings", projects)
    message = (
        "This trainer has one organisation and no projects in it: whoever has a key may use every "
        "checkpoint, and there is no project to share one with."
    )
    raise Refusal(message, param="project_ids", code="project_not_found")


def unshare(request: Request) -> Response:
    """No permission was ever given."""
    _refuse_unknown(request)
    name = request.path_params["permission_id"]
    raise Refusal(f"No such permission: {name}", status=404, param="permission_id")


def _refuse_unknown(request: Request) -> None:
    name = request.path_params["checkpoint"]
    if service(request).runs.model(name) is None:
        raise missing_model(name)


PERMISSIONS = "/v1/fine_tuning/checkpoints/{checkpoint:path}/permissions"
ROUTES = [
    Route("/v1/fine_tuning/jobs/{job_id}/checkpoints", index, methods=["GET"]),
    Route(PERMISSIONS, permissions, methods=["GET"]),
    Route(PERMISSIONS, share, methods=["POST"]),
    Route(f"{PERMISSIONS}/{{permission_id}}", unshare, methods=["DELETE"]),
]
