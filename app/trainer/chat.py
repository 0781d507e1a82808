"""Chat completions: asks the answering process and writes OpenAI's shapes, streamed or whole."""

import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from app.trainer.answering import Reply
from app.trainer.asking import ChatRequest
from app.trainer.errors import Refusal
from app.trainer.files import random_name
from app.trainer.speaking import AnsweringFailed, Speaking

Json = dict[str, Any]


@dataclass
class Choice:
    """One answer as it grows."""

    text: list[str] = field(default_factory=list)
    logprobs: list[Json] = field(default_factory=list)
    finish_reason: str = "length"


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
