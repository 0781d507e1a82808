"""The answering process: requests come on stdin, one JSON line each; tokens go to stdout.

All conversations take turns, a token each, so that a short answer never waits for a long one.
"""

import dataclasses
import os
import select
import sys
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from app.trainer.engines.base import Sampling, Speaker
from app.trainer.engines.registry import load_engine
from app.trainer.ownership import end_with_parent

KEPT_MODELS = 4


class Request(msgspec.Struct, frozen=True, kw_only=True, tag="answer"):
    """One line in: which model answers what. `path` is None for a base model."""

    id: int
    engine: str
    path: str | None
    messages: list[dict[str, Any]]
    choices: int = 1
    sampling: Sampling


class Stop(msgspec.Struct, frozen=True, tag="stop"):
    """One line in: nobody listens to this answer any more."""

    id: int


class Reply(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One line out: the start (`prompt_tokens`), a token, an end (`finish_reason`), an error."""

    id: int
    choice: int = 0
    prompt_tokens: int | None = None
    text: str = ""
    raw: bytes | None = None
    logprob: float = 0.0
    top: tuple[tuple[bytes, float], ...] = ()
    finish_reason: str | None = None
    completion_tokens: int = 0
    is_last: bool = False
    error: str | None = None


class Models:
    """The few models used last, loaded."""

    def __init__(self) -> None:
        self._loaded: OrderedDict[tuple[str, str | None], Speaker] = OrderedDict()

    def get(self, engine: str, path: str | None) -> Speaker:
        """Load, or take the loaded one; weights never change under a path."""
        key = (engine, path)
        speaker = self._loaded.get(key)
        if speaker is None:
            speaker = load_engine(engine).load(Path(path) if path else None)
            self._loaded[key] = speaker
        self._loaded.move_to_end(key)
        while len(self._loaded) > KEPT_MODELS:
            self._loaded.popitem(last=False)
        return speaker


def replies(models: Models, request: Request) -> Iterator[Reply]:
    """All there is to say to one request; choices follow each other, each with its own seed."""
    speaker = models.get(request.engine, request.path)
    for choice in range(request.choices):
        sampling = request.sampling
        if sampling.seed is not None and choice:
            sampling = dataclasses.replace(sampling, seed=sampling.seed + choice)
        answer, tokens = speaker.answer(request.messages, sampling)
        if choice == 0:
            yield Reply(id=request.id, prompt_tokens=answer.prompt_tokens)
        for token in tokens:
            yield Reply(
                id=request.id,
                choice=choice,
                text=token.text,
                raw=token.raw,
                logprob=token.logprob,
                top=token.top,
            )
        yield Reply(
            id=request.id,
            choice=choice,
            text=answer.tail,
            finish_reason=answer.finish_reason,
            completion_tokens=answer.completion_tokens,
            is_last=choice == request.choices - 1,
        )


class Inbox:
    """Lines as they come, without waiting while there are tokens to draw."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._held: list[bytes] = []
        self.is_closed = False

    def lines(self, *, waits: bool) -> list[bytes]:
        """The whole lines that are there."""
        if not select.select([self._descriptor], [], [], None if waits else 0)[0]:
            return []
        read = os.read(self._descriptor, 1 << 16)
        self.is_closed = not read
        first, *more = read.split(b"\n")
        self._held.append(first)
        if not more:
            return []
        lines = [b"".join(self._held), *more[:-1]]
        self._held = [more[-1]]
        return lines


def serve(source: int, sink: BinaryIO) -> None:
    """Answer until the input ends, when the server ends or lets this process go."""
    models, inbox = Models(), Inbox(source)
    decoder = msgspec.json.Decoder(Request | Stop)
    active: dict[int, Iterator[Reply]] = {}
    while not inbox.is_closed:
        for line in inbox.lines(waits=not active):
            asked = decoder.decode(line)
            active.pop(asked.id, None)
            if isinstance(asked, Request):
                active[asked.id] = replies(models, asked)
        said = [_next(number, answer) for number, answer in active.items()]
        for reply in said:
            if reply.is_last:
                del active[reply.id]
        sink.write(b"".join(msgspec.json.encode(reply) + b"\n" for reply in said))
        sink.flush()


def _next(number: int, answer: Iterator[Reply]) -> Reply:
    try:
        return next(answer)
    except Exception as error:  # noqa: BLE001 - one bad model must not end the others' answers
        return Reply(id=number, is_last=True, error=f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    end_with_parent()
    serve(sys.stdin.fileno(), sys.stdout.buffer)
