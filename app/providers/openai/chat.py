"""Talking to a model: one answer, or its pieces as they come."""

from collections.abc import AsyncIterator
from typing import Any, cast

import httpx2
import openai
from openai import BaseModel
from openai.types.chat import ChatCompletionChunk

from app.providers.base import CallPiece, Chance, ChatAnswer, ChatDelta, ChatRequest, ProviderError
from app.providers.openai.runs import integer_of, mapping_of, text_of
from app.providers.openai.wire import Json, Wire, clean, objects

PATH = "/chat/completions"


def answer(wire: Wire, request: ChatRequest) -> ChatAnswer:
    """The whole answer."""
    # As `chat.completions.create` asks, without a look at every part of what is asked by its type:
    # evaluations ask hundreds of times a second.
    with wire.errors():
        answered = wire.api.post(PATH, cast_to=httpx2.Response, body=body_of(wire, request))
    raw = wire.read(answered)
    choice = first_choice(raw)
    if choice is None:
        raise ProviderError(f"{wire.profile.label} answered without a choice.")
    message, usage = mapping_of(choice, "message"), mapping_of(raw, "usage")
    return ChatAnswer(
        text=text_of(message, "content") or text_of(message, "refusal") or "",
        model=text_of(raw, "model") or request.model,
        finish_reason=text_of(choice, "finish_reason"),
        prompt_tokens=integer_of(usage, "prompt_tokens"),
        completion_tokens=integer_of(usage, "completion_tokens"),
        raw=raw,
    )


async def stream(wire: Wire, request: ChatRequest) -> AsyncIterator[ChatDelta]:
    """The answer in pieces. Close the iterator to stop the provider's work."""
    with wire.errors():
        async with wire.talking() as sdk, await _opened(wire, sdk, request) as chunks:
            while (raw := await _next(wire, chunks)) is not None:
                choice = first_choice(raw) or {}
                delta, usage = mapping_of(choice, "delta"), mapping_of(raw, "usage")
                yield ChatDelta(
                    text=text_of(delta, "content") or text_of(delta, "refusal") or "",
                    finish_reason=text_of(choice, "finish_reason"),
                    raw=raw,
                    calls=tuple(_call(piece) for piece in objects(delta.get("tool_calls"))),
                    chances=_chances(mapping_of(choice, "logprobs")),
                    prompt_tokens=integer_of(usage, "prompt_tokens"),
                    completion_tokens=integer_of(usage, "completion_tokens"),
                )


def _call(piece: Json) -> CallPiece:
    function = mapping_of(piece, "function")
    return CallPiece(
        index=integer_of(piece, "index") or 0,
        name=text_of(function, "name") or "",
        arguments=text_of(function, "arguments") or "",
    )


def _chances(logprobs: Json) -> tuple[Chance, ...]:
    """What is told of each token; one without a number is left out."""
    return tuple(
        Chance(
            token,
            logprob,
            tuple(
                likely
                for other in objects(piece.get("top_logprobs"))
                if (likely := _likely(other)) is not None
            ),
        )
        for piece in objects(logprobs.get("content"))
        for token, logprob in [_likely(piece) or ("", None)]
        if logprob is not None
    )


def _likely(piece: Json) -> tuple[str, float] | None:
    token, logprob = text_of(piece, "token"), piece.get("logprob")
    if token is None or isinstance(logprob, bool) or not isinstance(logprob, int | float):
        return None
    return token, min(float(logprob), 0.0)


async def _next(wire: Wire, chunks: openai.AsyncStream[ChatCompletionChunk]) -> Json | None:
    """The next piece as plain JSON; None at the end. The SDK hands on whatever JSON it was sent."""
    try:
        chunk: object = await anext(chunks, None)
        found = (
            clean(chunk.to_dict(mode="json", warnings=False))
            if isinstance(chunk, BaseModel)
            else chunk
        )
    except (ValueError, RecursionError) as error:
        raise ProviderError(f"{wire.profile.label} sent broken data.") from error
    if found is not None and not isinstance(found, dict):
        raise ProviderError(f"{wire.profile.label} sent something else than a piece of an answer.")
    return found


async def _opened(
    wire: Wire, sdk: openai.AsyncOpenAI, request: ChatRequest
) -> openai.AsyncStream[ChatCompletionChunk]:
    body = cast("Any", body_of(wire, request))
    if request.counts and wire.profile.tells_usage:
        body["stream_options"] = {"include_usage": True}
    chunks = await sdk.chat.completions.create(**body, stream=True)
    if "text/event-stream" not in chunks.response.headers.get("content-type", ""):
        await chunks.close()
        raise ProviderError(f"{wire.profile.label} answered without a stream.")
    return cast("openai.AsyncStream[ChatCompletionChunk]", chunks)


def body_of(wire: Wire, request: ChatRequest) -> dict[str, Any]:
    """The request in the service's own spelling; settings not chosen are left out."""
    chosen = {
        "model": request.model,
        "messages": [dict(message) for message in request.messages],
        "temperature": request.temperature,
        "top_p": request.top_p,
        wire.profile.max_tokens_field: request.max_tokens,
        "seed": request.seed,
        "reasoning_effort": request.reasoning_effort,
        "stop": list(request.stop) or None,
        "tools": [dict(tool) for tool in request.tools] or None,
        "response_format": request.response_format,
        "logprobs": None if request.top_logprobs is None else True,
        "top_logprobs": request.top_logprobs,
    }
    return {key: value for key, value in chosen.items() if value is not None}


def first_choice(raw: Json) -> Json | None:
    return next(iter(objects(raw.get("choices"))), None)
