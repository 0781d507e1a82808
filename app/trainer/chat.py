"""Chat completions: asks the answering process and writes OpenAI's shapes, streamed or whole."""

import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import aclosing
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
    logprobs: list[msgspec.Raw] = field(default_factory=list)
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
            **({"service_tier": "default"} if chat.has_tier else {}),
        }

    async def begin(self) -> None:
        """Wait until the model is loaded. Raises AnsweringFailed when it cannot answer."""
        self._prompt_tokens = (await anext(self._replies)).prompt_tokens or 0

    async def whole(self) -> Json:
        """A `chat.completion`. Raises Refusal when the answer breaks off."""
        choices = [Choice() for _ in range(self._chat.request.choices)]
        try:
            async with aclosing(self._replies):
                async for reply in self._replies:
                    self._take(choices[reply.choice], reply)
        except AnsweringFailed as error:
            raise _broken_off(error) from error
        return {
            **self._head,
            "object": "chat.completion",
            "choices": [self._choice(index, choice) for index, choice in enumerate(choices)],
            "usage": self._usage(),
        }

    def _take(self, choice: Choice, reply: Reply) -> None:
        choice.text.append(reply.text)
        logprob = self._logprob(reply)
        if logprob is not None:
            choice.logprobs.append(logprob)
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
            async with aclosing(self._replies):
                async for reply in self._replies:
                    for chunk in self._chunks(reply):
                        yield chunk
        except AnsweringFailed as error:
            yield _event(_broken_off(error).body)
            return
        if self._chat.has_usage:
            yield _event({**self._chunk_head(), "choices": [], "usage": self._usage()})
        yield b"data: [DONE]\n\n"

    def _chunks(self, reply: Reply) -> Iterator[bytes]:
        logprob = self._logprob(reply)
        if reply.text or logprob is not None:
            yield self._chunk(reply.choice, {"content": reply.text}, logprob=logprob)
        if reply.finish_reason is not None:
            self._completion_tokens += reply.completion_tokens
            yield self._chunk(reply.choice, {}, finish_reason=reply.finish_reason)

    def _chunk(
        self,
        index: int,
        delta: Json,
        *,
        finish_reason: str | None = None,
        logprob: msgspec.Raw | None = None,
    ) -> bytes:
        choice = {
            "index": index,
            "delta": delta,
            "logprobs": None if logprob is None else {"content": [logprob], "refusal": None},
            "finish_reason": finish_reason,
        }
        usage = {"usage": None} if self._chat.has_usage else {}
        return _event({**self._chunk_head(), "choices": [choice], **usage})

    def _chunk_head(self) -> Json:
        return {**self._head, "object": "chat.completion.chunk"}

    def _logprob(self, reply: Reply) -> msgspec.Raw | None:
        """Written at once: a long answer's are many, and JSON takes a fraction of the memory."""
        if reply.raw is None or not self._chat.has_logprobs:
            return None
        top = [_token(*likely) for likely in reply.top]
        told = {**_token(reply.raw, reply.logprob), "top_logprobs": top}
        return msgspec.Raw(msgspec.json.encode(told))

    def _usage(self) -> Json:
        return {
            "prompt_tokens": self._prompt_tokens,
            "completion_tokens": self._completion_tokens,
            "total_tokens": self._prompt_tokens + self._completion_tokens,
        }


def _token(raw: bytes, logprob: float) -> Json:
    return {
        "token": raw.decode("utf-8", "replace"),
        "bytes": list(raw),
        "logprob": max(logprob, -9999.0),
    }


def _broken_off(error: AnsweringFailed) -> Refusal:
    return Refusal(f"The answer broke off: {error}", status=503, kind="server_error")


def _event(body: Mapping[str, Any]) -> bytes:
    return b"data: " + msgspec.json.encode(body) + b"\n\n"
