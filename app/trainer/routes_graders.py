"""`/v1/fine_tuning/alpha/graders`: is it a grader, and what does it say of one answer."""

import time

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.graders.base import Answer
from app.trainer import requests
from app.trainer.answers import JsonResponse
from app.trainer.errors import Refusal
from app.trainer.grading import graded, known_grader, runnable_grader
from app.trainer.routes_jobs import limited_body

RUN_FIELDS = ("grader", "model_sample", "item")


async def validate(request: Request) -> Response:
    """The grader as it was understood."""
    body = _known(await limited_body(request), ("grader",))
    return JsonResponse({"grader": known_grader(body["grader"]).written()})


async def run(request: Request) -> Response:
    """Grade one answer; a template or formula that fails for it is told among the errors."""
    body = _known(await limited_body(request), RUN_FIELDS)
    grader = await run_in_threadpool(runnable_grader, body["grader"])
    sample = requests.text(body, "model_sample", required=True)
    item = requests.object_in(body, "item")
    began = time.perf_counter()
    score = await run_in_threadpool(grader.grade, item, Answer(sample))
    return JsonResponse(graded(grader, score, time.perf_counter() - began))


def _known(raw: bytes, names: tuple[str, ...]) -> requests.Body:
    body = requests.json_object(raw)
    for name in body:
        if name not in names:
            raise Refusal(f"Unknown parameter: '{name}'.", param=name, code="unknown_parameter")
    if "grader" not in body:
        message = "Missing required parameter: 'grader'."
        raise Refusal(message, param="grader", code="missing_required_parameter")
    return body


PREFIX = "/v1/fine_tuning/alpha/graders"
ROUTES = [
    Route(f"{PREFIX}/validate", validate, methods=["POST"]),
    Route(f"{PREFIX}/run", run, methods=["POST"]),
]
