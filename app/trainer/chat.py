"""Chat completions: reads the request, asks the answering process, writes OpenAI's shapes."""

import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from app.trainer.answering import Reply, Request
from app.trainer.engines.base import Sampling
from app.trainer.engines.registry import BASE_MODELS
from app.trainer.errors import Refusal, missing_model
from app.trainer.files import random_name
from app.trainer.requests import Body, invalid_type
from app.trainer.runs import Runs
from app.trainer.speaking import AnsweringFailed, Speaking

Json = dict[str, Any]
DEFAULT_MAX_TOKENS = 256
MOST_TOKENS = 4096
MOST_CHOICES = 16
MOST_STOPS = 4
MOST_TOP_LOGPROBS = 20
ROLES = ("system", "developer", "user", "assistant", "tool", "function")
# A small label model could only pretend to these.
UNSUPPORTED = {
    "tools": "tools",
    "functions": "functions",
    "audio": "audio",
    "response_format": "response formats",
}


@dataclass(frozen=True)
class ChatRequest:
    """What was asked, checked."""

    model: str
    request: Request
    is_streamed: bool
    has_usage: bool
    has_logprobs: bool


@dataclass
class Choice:
    """One answer as it grows."""

    text: list[str] = field(default_factory=list)
    logprobs: list[Json] = field(default_factory=list)
    finish_reason: str = "length"


def chat_request(body: Body, runs: Runs) -> ChatRequest:
    """Read the body. Raises Refusal naming the parameter."""
    model = body.get("model")
    if not isinstance(model, str):
        raise Refusal("you must provide a model parameter", param="model")
    tuned = None if model in BASE_MODELS else runs.model(model)
    if model not in BASE_MODELS and tuned is None:
        raise missing_model(model)
    for name, words in UNSUPPORTED.items():
        value = body.get(name)
        if value and not (name == "response_format" and value == {"type": "text"}):
            raise Refusal(f"'{model}' is a practice model and has no {words}.", param=name)
    has_logprobs = _flag(body, "logprobs")
    top = _number(body, "top_logprobs", 0, least=0, most=MOST_TOP_LOGPROBS, is_whole=True)
    if top and not has_logprobs:
        raise Refusal("'top_logprobs' needs 'logprobs' to be true.", param="top_logprobs")
    limit_name = (
        "max_tokens" if body.get("max_completion_tokens") is None else "max_completion_tokens"
    )
    limit = _number(body, limit_name, DEFAULT_MAX_TOKENS, least=1, most=2**31, is_whole=True)
    seed = _number(body, "seed", -1, least=-(2**63), most=2**63, is_whole=True)
    sampling = Sampling(
        max_tokens=min(int(limit), MOST_TOKENS),
        temperature=_number(body, "temperature", 1.0, least=0, most=2),
        top_p=_number(body, "top_p", 1.0, least=0, most=1),
        seed=None if body.get("seed") is None else int(seed) % 2**63,
        stop=_stops(body.get("stop")),
        top_logprobs=int(top),
    )
    options = body.get("stream_options") or {}
    return ChatRequest(
        model=model,
        request=Request(
            id=0,
            engine=tuned.run.spec.engine if tuned else BASE_MODELS[model],
            path=str(tuned.path) if tuned else None,
            messages=_messages(body),
            choices=int(_number(body, "n", 1, least=1, most=MOST_CHOICES, is_whole=True)),
            sampling=sampling,
        ),
        is_streamed=_flag(body, "stream"),
        has_usage=isinstance(options, dict) and options.get("include_usage") is True,
        has_logprobs=has_logprobs,
    )


def _messages(body: Body) -> list[Json]:
    messages = body.get("messages")
    if not isinstance(messages, list):
        raise invalid_type("messages", "an array of objects", messages)
    if not messages:
        raise Refusal("'messages' must have at least one message.", param="messages")
    for place, message in enumerate(messages):
        if not isinstance(message, dict):
            raise invalid_type(f"messages[{place}]", "an object", message)
        if message.get("role") not in ROLES:
            raise Refusal(
                f"Invalid role: {message.get('role')!r}.", param=f"messages[{place}].role"
            )
        if not isinstance(message.get("content"), (str, list, type(None))):
            raise invalid_type(
                f"messages[{place}].content", "a string or an array", message["content"]
            )
    return messages


def _stops(value: object) -> tuple[str, ...]:
    stops = [value] if isinstance(value, str) else value if isinstance(value, list) else []
    if value is not None and not isinstance(value, (str, list)):
        raise invalid_type("stop", "a string or an array of strings", value)
    if len(stops) > MOST_STOPS or not all(isinstance(text, str) for text in stops):
        raise Refusal(f"'stop' takes up to {MOST_STOPS} strings.", param="stop")
    return tuple(stops)


def _number(
    body: Body, name: str, default: float, *, least: float, most: float, is_whole: bool = False
) -> float:
    value = body.get(name)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int if is_whole else (int, float)):
        raise invalid_type(name, "an integer" if is_whole else "a number", value)
    if not least <= value <= most:
        raise Refusal(f"'{name}' must lie between {least} and {most}, but is {value}.", param=name)
    return value


def _flag(body: Body, name: str) -> bool:
    value = body.get(name)
    if value is None or isinstance(value, bool):
        return bool(value)
    raise invalid_type(name, "a boolean", value)


class Conversation:
    """Writes one answer; `begin` comes first, so that a failure is still an HTTP status."""

    def __init__(self, chat: ChatRequest, speaking: Speaking) -> None:
        self._chat = chat
        self._replies = speaking.ask(chat.request)
        self._prompt_tokens = 0
        self._completion_tokens = 0
        self._head: Json = {
            "id": f"chatcmpl-{random_name(24)}",
            "created": int(time.time()),
            "model": chat.model,
        }

    async def begin(self) -> None:
        """Wait until the model is loaded. Raises Refusal (503) when it cannot answer."""
        try:
            self._prompt_tokens = (await anext(self._replies)).prompt_tokens or 0
        except AnsweringFailed as error:
            raise Refusal(
                f"The model cannot answer now: {error}", status=503, kind="server_error"
            ) from error

    async def whole(self) -> Json:
        """A `chat.completion`."""
        choices = [Choice() for _ in range(self._chat.request.choices)]
        try:
            async for reply in self._replies:
                self._take(choices[reply.choice], reply)
        except AnsweringFailed as error:
            raise Refusal(
                f"The answer broke off: {error}", status=503, kind="server_error"
            ) from error
        return {
            **self._head,
            "object": "chat.completion",
            "choices": [self._choice(index, choice) for index, choice in enumerate(choices)],
            "usage": self._usage(),
        }

    def _take(self, choice: Choice, reply: Reply) -> None:
        choice.text.append(reply.text)
        if reply.raw is not None:
            choice.logprobs.append(_logprob(reply))
        if reply.finish_reason is not None:
            choice.finish_reason = reply.finish_reason
            self._completion_tokens += reply.completion_tokens

    def _choice(self, index: int, choice: Choice) -> Json:
        return {
            "index": index,
            "message": {"role": "assistant", "content": "".join(choice.text), "refusal": None},
            "logprobs": {"content": choice.logprobs, "refusal": None}
            if self._chat.has_logprobs
            else None,
            "finish_reason": choice.finish_reason,
        }

    async def streamed(self) -> AsyncIterator[bytes]:
        """`chat.completion.chunk`s as server-sent events, ended by `[DONE]`."""
        for index in range(self._chat.request.choices):
            yield self._chunk(index, {"role": "assistant", "content": ""})
        try:
            async for reply in self._replies:
                if reply.finish_reason is not None:
                    self._completion_tokens += reply.completion_tokens
                    if reply.text:
                        yield self._chunk(reply.choice, {"content": reply.text})
                    yield self._chunk(reply.choice, {}, finish_reason=reply.finish_reason)
                elif reply.text or self._chat.has_logprobs:
                    yield self._chunk(reply.choice, {"content": reply.text}, reply=reply)
        except AnsweringFailed as error:
            broken = Refusal(f"The answer broke off: {error}", status=503, kind="server_error")
            yield _event(broken.body)
            return
        if self._chat.has_usage:
            yield _event({**self._chunk_head(), "choices": [], "usage": self._usage()})
        yield b"data: [DONE]\n\n"

    def _chunk(
        self,
        index: int,
        delta: Json,
        *,
        finish_reason: str | None = None,
        reply: Reply | None = None,
    ) -> bytes:
        has_logprobs = self._chat.has_logprobs and reply is not None and reply.raw is not None
        logprobs = (
            {"content": [_logprob(reply)], "refusal": None} if has_logprobs and reply else None
        )
        choice = {
            "index": index,
            "delta": delta,
            "logprobs": logprobs,
            "finish_reason": finish_reason,
        }
        usage = {"usage": None} if self._chat.has_usage else {}
        return _event({**self._chunk_head(), "choices": [choice], **usage})

    def _chunk_head(self) -> Json:
        return {**self._head, "object": "chat.completion.chunk"}

    def _usage(self) -> Json:
        return {
            "prompt_tokens": self._prompt_tokens,
            "completion_tokens": self._completion_tokens,
            "total_tokens": self._prompt_tokens + self._completion_tokens,
        }


def _logprob(reply: Reply) -> Json:
    top = [_token(raw, logprob) for raw, logprob in reply.top]
    return {**_token(reply.raw or b"", reply.logprob), "top_logprobs": top}


def _token(raw: bytes, logprob: float) -> Json:
    return {
        "token": raw.decode("utf-8", "replace"),
        "bytes": list(raw),
        "logprob": max(logprob, -9999.0),
    }


def _event(body: Mapping[str, Any]) -> bytes:
    return b"data: " + msgspec.json.encode(body) + b"\n\n"
