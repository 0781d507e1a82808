"""`/v1/models` and `/v1/chat/completions`."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from app.trainer import wire
from app.trainer.answers import JsonResponse
from app.trainer.asking import chat_request
from app.trainer.chat import Conversation
from app.trainer.engines.registry import BASE_MODELS
from app.trainer.errors import Refusal, missing_model
from app.trainer.requests import json_object
from app.trainer.routes_jobs import limited_body
from app.trainer.service import service
from app.trainer.speaking import AnsweringFailed

BORN = 1_767_225_600  # 2026-01-01: base models are part of the program and need some fixed date


def index(request: Request) -> Response:
    """Base models, then tuned ones, newest first."""
    base = [wire.model(name, BORN, wire.ORGANISATION) for name in BASE_MODELS]
    tuned = [
        wire.model(model.name, model.created_at, wire.ORGANISATION)
        for model in service(request).runs.models()
    ]
    return JsonResponse({"object": "list", "data": [*base, *tuned]})


def show(request: Request) -> Response:
    """One model or checkpoint."""
    name = request.path_params["model"]
    if name in BASE_MODELS:
        return JsonResponse(wire.model(name, BORN, wire.ORGANISATION))
    model = service(request).runs.model(name)
    if model is None:
        raise missing_model(name)
    return JsonResponse(wire.model(model.name, model.created_at, wire.ORGANISATION))


async def delete(request: Request) -> Response:
    """Delete a tuned model for good; open answers are finished from memory.

    On the event loop, as a new job is: none can begin from this model in between.
    """
    name = request.path_params["model"]
    if name in BASE_MODELS:
        raise Refusal(f"The model '{name}' cannot be deleted.", status=403, param="model")
    runs = service(request).runs
    model = runs.model(name)
    if model is None:
        raise missing_model(name)
    if model.name != model.run.spec.tuned_model:
        raise Refusal("A checkpoint goes with its model; delete the model.", param="model")
    for run in runs.unended():
        if run.spec.model == name or run.spec.model.startswith(f"{name}:"):
            message = f"The job {run.id} continues from '{name}'; cancel it or wait for its end."
            raise Refusal(message, status=409, param="model", code="model_in_use")
    runs.delete_model(model)
    return JsonResponse(wire.deleted(name, "model"))


async def complete(request: Request) -> Response:
    """Answer a conversation; a client that goes away ends it."""
    parts = service(request)
    chat = chat_request(json_object(await limited_body(request)), parts.runs)
    conversation = Conversation(chat, parts.speaking)
    try:
        await conversation.begin()
    except AnsweringFailed as error:
        if chat.model not in BASE_MODELS and parts.runs.model(chat.model) is None:
            raise missing_model(chat.model) from error
        message = f"The model cannot answer now: {error}"
        raise Refusal(message, status=503, kind="server_error") from error
    if chat.is_streamed:
        return StreamingResponse(conversation.streamed(), media_type="text/event-stream")
    return JsonResponse(await _while_heard(request, conversation.whole()))


async def _while_heard(request: Request, answer: Coroutine[Any, Any, wire.Json]) -> wire.Json:
    """The answer. Raises ClientDisconnect as soon as nobody waits for it any more."""
    answering = asyncio.ensure_future(answer)
    # The body was read whole: what comes now is the end of the connection.
    leaving = asyncio.ensure_future(request.receive())
    try:
        await asyncio.wait((answering, leaving), return_when=asyncio.FIRST_COMPLETED)
        if not answering.done():
            raise ClientDisconnect
        return answering.result()
    finally:
        answering.cancel()
        leaving.cancel()


ROUTES = [
    Route("/v1/models", index, methods=["GET"]),
    Route("/v1/models/{model:path}", show, methods=["GET"]),
    Route("/v1/models/{model:path}", delete, methods=["DELETE"]),
    Route("/v1/chat/completions", complete, methods=["POST"]),
]
