"""Asking providers what they offer, and their models for answers. No unit of work is open while
they think.
"""

import math
from collections.abc import AsyncIterator
from contextlib import closing
from functools import lru_cache

import anyio
import anyio.to_thread
import msgspec

from app.catalog import service
from app.catalog.forms import ChatForm
from app.connections import queries as connections
from app.connections import standing
from app.connections.models import Connection
from app.connections.service import open_connection
from app.core import clock
from app.core.database import read_only, unit_of_work
from app.core.errors import Conflict, ProductError, ProviderFailed, TooMany
from app.core.http import HttpOptions
from app.providers.base import (
    AllowanceSpent,
    ChatDelta,
    ChatRequest,
    KeyRejected,
    NotPermitted,
    Provider,
    ProviderError,
)

WAITERS = 32


def read_base_models(connection_id: int) -> None:
    """Ask a connection's provider which models can be tuned, unless that was asked lately or the
    connection is held; keep the words of a refusal.
    """
    with read_only() as session:
        connection = connections.connection_by_id(session, connection_id)
        if connection is None or service.has_fresh_base_models(session, connection_id):
            return
        if standing.is_held(connection, clock.now(session)):
            return
    # A form waits for this list; it must not wait long.
    patience = HttpOptions(connect_seconds=3, read_seconds=6, total_seconds=10)
    try:
        with closing(open_connection(connection, patience, is_urgent=True)) as provider:
            offered = provider.listed_models()
    except NotPermitted:
        return  # names are typed in, then; what else the key may do is another question
    except ProviderError as error:
        with unit_of_work() as session:
            standing.record_failure(session, connection, error)
        return
    with unit_of_work() as session:
        if standing.unless_changed(session, connection) is not None:
            service.record_base_models(session, connection_id, offered)
            standing.record_answer(session, connection_id)


async def answer(connection: Connection, model: str, form: ChatForm) -> dict[str, object]:
    """One whole answer in OpenAI's chat-completion shape. Raises ProviderFailed with the provider's
    words.
    """

    def ask() -> dict[str, object]:
        with closing(opened(connection)) as provider:
            return dict(provider.answer(_request(model, form)).raw)

    try:
        return await anyio.to_thread.run_sync(ask, limiter=waiters())
    except ProviderError as error:
        raise await failed(connection, error) from error


async def stream(connection: Connection, model: str, form: ChatForm) -> AsyncIterator[bytes]:
    """An answer as `data:` lines of OpenAI's chunks. Raises ProviderFailed before the first of
    them, or never: what fails later is said inside the stream.
    """
    try:
        provider = await anyio.to_thread.run_sync(opened, connection, limiter=waiters())
        pieces = provider.stream(_request(model, form))
        try:
            first = await anext(pieces, None)
        except ProviderError:
            await anyio.to_thread.run_sync(provider.close)
            raise
    except ProviderError as error:
        raise await failed(connection, error) from error
    return _relay(provider, first, pieces)


def opened(connection: Connection) -> Provider:
    """The provider behind a connection; close it after use. Raises Conflict where the key is
    refused: nothing is sent until it is another.
    """
    if connection.refused_at is not None:
        raise Conflict(f"{connection.words} Nothing is asked until it is changed.")
    return open_connection(connection, is_urgent=True)


async def failed(connection: Connection, error: ProviderError) -> ProductError:
    """What to answer; a refused key stops the connection, for everybody."""
    if isinstance(error, AllowanceSpent):
        wait = str(math.ceil(error.retry_after or 1))
        return TooMany(error.message, headers={"Retry-After": wait})
    if isinstance(error, KeyRejected):
        await anyio.to_thread.run_sync(_record_refusal, connection, error, limiter=waiters())
    return ProviderFailed(f"{connection.name} did not answer: {error.message}")


def _record_refusal(connection: Connection, error: KeyRejected) -> None:
    with unit_of_work() as session:
        standing.record_failure(session, connection, error)


@lru_cache
def waiters() -> anyio.CapacityLimiter:
    """Threads that only wait for providers: as many slow answers as there are of these leave the
    pages' own threads free.
    """
    return anyio.CapacityLimiter(WAITERS)


async def _relay(
    provider: Provider, first: ChatDelta | None, rest: AsyncIterator[ChatDelta]
) -> AsyncIterator[bytes]:
    try:
        if first is not None:
            yield _line(first.raw)
            async for delta in rest:
                yield _line(delta.raw)
        yield b"data: [DONE]\n\n"
    except ProviderError as error:
        yield _line({"error": {"message": error.message}})
    finally:
        await anyio.to_thread.run_sync(provider.close)


def _line(content: object) -> bytes:
    return b"data: " + msgspec.json.encode(content) + b"\n\n"


def _request(model: str, form: ChatForm) -> ChatRequest:
    return ChatRequest(
        model=model,
        messages=tuple(form.messages),
        temperature=form.temperature,
        top_p=form.top_p,
        max_tokens=form.max_tokens,
        seed=form.seed,
    )
