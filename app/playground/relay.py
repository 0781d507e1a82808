"""All columns of a question on one stream: pieces as they come, each answer kept as it grows."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import anyio
import anyio.to_thread
import msgspec
import structlog
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from fastapi.responses import StreamingResponse
from sqlalchemy.exc import SQLAlchemyError

from app.catalog.answer_prices import answer_price
from app.catalog.asking import failed, opened, waiters
from app.core.database import unit_of_work
from app.core.errors import ProductError
from app.playground import service, spending
from app.playground.models import Answer
from app.playground.preparing import LIKELIEST, Asking
from app.playground.spending import BYTES_A_TOKEN, Used
from app.providers.base import Chance, ChatDelta, ProviderError

log = structlog.get_logger(__name__)

Line = dict[str, Any]
# So many pieces may wait for a slow reader; then the providers wait too.
ROOM = 64
# Proxies end a connection on which nothing is heard for a minute.
QUIET_SECONDS = 15.0
LONGEST_ANSWER = 1_000_000
MOST_CHANCES, LONGEST_TOKEN = 4_000, 200
WRITERS = 1
# What came is written down so often, and columns that somebody stopped are seen so often.
KEPT_EVERY_SECONDS = 1.0
MOST_TOKENS = 2**53


@dataclass
class Heard:
    """What has come of one column so far. `is_unwanted` once somebody has stopped it, or dropped
    its question.
    """

    began: float = field(default_factory=time.monotonic)
    pieces: list[str] = field(default_factory=list)
    size: int = 0
    calls: dict[int, dict[str, str]] = field(default_factory=dict)
    chances: list[Chance] = field(default_factory=list)
    finish_reason: str | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    first_ms: int | None = None
    state: str = "cut"
    error: str | None = None
    is_unwanted: bool = False
    is_over: bool = False
    count: int = 0
    kept: int = 0

    def take(self, delta: ChatDelta) -> None:
        """One more piece."""
        if (delta.text or delta.calls) and self.first_ms is None:
            self.first_ms = self._since()
        self.pieces.append(delta.text)
        self.count += bool(delta.text) + len(delta.calls)
        self.size += len(delta.text)
        for piece in delta.calls:
            call = self.calls.setdefault(piece.index, {"name": "", "arguments": ""})
            call["name"] += piece.name
            call["arguments"] += piece.arguments
            self.size += len(piece.name) + len(piece.arguments)
        if len(self.chances) < MOST_CHANCES:
            self.chances += delta.chances
        self.finish_reason = delta.finish_reason or self.finish_reason
        if delta.prompt_tokens is not None:
            self.prompt_tokens = _counted(delta.prompt_tokens)
            self.completion_tokens = _counted(delta.completion_tokens)

    @property
    def is_too_long(self) -> bool:
        return self.size > LONGEST_ANSWER

    def arrived(self) -> Line:
        """The columns of `Answer` that are new since this was last asked."""
        if self.kept == self.size:
            return {}
        self.kept = self.size
        return {"text": "".join(self.pieces), "calls": self.all_calls, "first_ms": self.first_ms}

    @property
    def all_calls(self) -> list[dict[str, str]]:
        return [self.calls[index] for index in sorted(self.calls)]

    @property
    def used(self) -> Used:
        """What is known of what it costs."""
        heard = max(self.count, -(-self.size // BYTES_A_TOKEN))
        return Used(self.prompt_tokens, self.completion_tokens, heard, self.state == "failed")

    def fail(self, words: str) -> None:
        """It ended with an error, in the provider's words where it said any."""
        self.state, self.error = "failed", words

    def came(self, asking: Asking) -> Line:
        """The columns of `Answer`, as things stand."""
        return {
            "state": self.state,
            "text": "".join(self.pieces)[:LONGEST_ANSWER],
            "calls": self.all_calls,
            "chances": [_kept(one) for one in self.chances] or None,
            "error": self.error,
            "finish_reason": self.finish_reason and self.finish_reason[:64],
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "first_ms": self.first_ms,
            "total_ms": self._since(),
            "price": self._price(asking),
        }

    def _price(self, asking: Asking) -> float | None:
        connection, request = asking.planned.connection, asking.planned.request
        if connection is None or self.state == "failed":
            return None
        price = answer_price(connection.profile, request.model)
        if price is None or self.prompt_tokens is None or self.completion_tokens is None:
            return None
        return price.of(self.prompt_tokens, self.completion_tokens)

    def _since(self) -> int:
        return round((time.monotonic() - self.began) * 1000)


def _kept(chance: Chance) -> list[Any]:
    likeliest = [
        [token[:LONGEST_TOKEN], logprob] for token, logprob in chance.likeliest[:LIKELIEST]
    ]
    return [chance.token[:LONGEST_TOKEN], chance.logprob, likeliest]


def _counted(tokens: int | None) -> int | None:
    return tokens if tokens is not None and 0 <= tokens < MOST_TOKENS else None


class Relayed(StreamingResponse):
    """The answer that carries it: when its reader has gone, the providers' streams are closed."""

    def __init__(self, lines: AsyncIterator[bytes]) -> None:
        headers = {"X-Accel-Buffering": "no"}
        super().__init__(lines, media_type="text/event-stream", headers=headers)
        self._lines = lines

    async def __call__(self, *asgi: Any) -> None:
        async with aclosing(self._lines):  # type: ignore[type-var]
            await super().__call__(*asgi)


async def relay(
    head: Line, columns: Sequence[Asking], show: Callable[[Answer], object]
) -> AsyncIterator[bytes]:
    """`data:` lines: the head; `{"place", "text" or "calls"}` for each piece; `{"place", "answer"}`
    when a column ends, whose `answer` is what `show` makes of the row; `[DONE]`.

    Closing it stops all providers; what came until then is kept.
    """
    yield _line(head)
    out, lines = anyio.create_memory_object_stream[Line](ROOM)
    columns_heard = [Heard() for _ in columns]
    with out:
        tasks = [
            asyncio.create_task(_listen(asking, heard, out.clone(), show))
            for asking, heard in zip(columns, columns_heard, strict=True)
        ]
    keeping = asyncio.create_task(_keep_arriving(columns, columns_heard, tasks))
    try:
        with lines:
            while (line := await _next(lines)) is not None:
                yield line
        await asyncio.gather(*tasks)
        yield b"data: [DONE]\n\n"
    finally:
        for task in (keeping, *tasks):
            task.cancel()
        with anyio.CancelScope(shield=True):  # what came is written down all the same
            await asyncio.gather(keeping, *tasks, return_exceptions=True)


async def _next(lines: MemoryObjectReceiveStream[Line]) -> bytes | None:
    """The next line, or a comment where all are silent; None at the end."""
    try:
        with anyio.move_on_after(QUIET_SECONDS):
            return _line(await lines.receive())
    except anyio.EndOfStream:
        return None
    return b": \n\n"


def _line(content: object) -> bytes:
    return b"data: " + msgspec.json.encode(content) + b"\n\n"


async def _listen(
    asking: Asking,
    heard: Heard,
    out: MemoryObjectSendStream[Line],
    show: Callable[[Answer], object],
) -> None:
    with out:
        try:
            await _hear(asking, heard, out)
        except asyncio.CancelledError:
            if not heard.is_unwanted:
                raise
        finally:  # also when whoever asked has gone
            heard.is_over = True
            shown = await anyio.to_thread.run_sync(_keep, asking, heard, show, limiter=_writers())
        if shown is not None:
            await out.send({"place": asking.place, "answer": shown})


async def _keep_arriving(
    columns: Sequence[Asking], all_heard: Sequence[Heard], tasks: Sequence[asyncio.Task[None]]
) -> None:
    """Write down what comes while it comes, so that it outlives this process; and end columns that
    nobody wants any more, whichever process was told so.
    """
    asked = list(zip(columns, all_heard, tasks, strict=True))
    while asked := [one for one in asked if not one[1].is_over]:
        await asyncio.sleep(KEPT_EVERY_SECONDS)
        came = {asking.ticket: heard.arrived() for asking, heard, _ in asked}
        try:
            wanted = await anyio.to_thread.run_sync(_write_arriving, came, limiter=_writers())
        except SQLAlchemyError as error:
            log.warning("answers.not_kept", error=str(error).split("\n")[0])
            continue
        for asking, heard, task in asked:
            if asking.ticket not in wanted and not heard.is_over:
                heard.is_unwanted = True
                task.cancel()


def _write_arriving(came: Mapping[str, Line]) -> set[str]:
    with unit_of_work() as session:
        return service.keep_arriving(session, came)


async def _hear(asking: Asking, heard: Heard, out: MemoryObjectSendStream[Line]) -> None:
    connection = asking.planned.connection
    if connection is None:
        heard.fail("The connection is gone.")
        return
    try:
        provider = await anyio.to_thread.run_sync(opened, connection, limiter=waiters())
        try:
            async with aclosing(provider.stream(asking.planned.request)) as deltas:  # type: ignore[type-var]
                async for delta in deltas:
                    heard.take(delta)
                    if heard.is_too_long:
                        return
                    await _pass_on(asking.place, delta, out)
        finally:
            await anyio.to_thread.run_sync(provider.close)
        heard.state = "done"
    except ProviderError as error:
        heard.fail((await failed(connection, error)).message)
    except ProductError as error:
        heard.fail(error.message)


async def _pass_on(place: int, delta: ChatDelta, out: MemoryObjectSendStream[Line]) -> None:
    if delta.text:
        await out.send({"place": place, "text": delta.text})
    if delta.calls:
        await out.send({"place": place, "calls": [msgspec.to_builtins(one) for one in delta.calls]})


def _keep(asking: Asking, heard: Heard, show: Callable[[Answer], object]) -> object | None:
    with unit_of_work() as session:
        answer = service.keep_answer(session, asking.ticket, heard.came(asking))
        spending.settle(session, asking, heard.used)
        return None if answer is None else show(answer)


@lru_cache
def _writers() -> anyio.CapacityLimiter:
    """Answers are written down one after the other, beside the threads of the pages."""
    return anyio.CapacityLimiter(WRITERS)
