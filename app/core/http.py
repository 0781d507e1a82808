"""HTTP clients that can only reach where they may, with a limit on the size and time of an answer.

Redirects, environment proxies and compressed answers are off.
"""

import ssl
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import cast

import anyio.to_thread
import httpcore2
import httpx2

from app.core.addresses import UnsafeUrl, check_url, private_hosts
from app.core.sockets import GuardedAsyncBackend, GuardedBackend, until

__all__ = [
    "AnswerTooLarge",
    "HeldBack",
    "HttpOptions",
    "UnsafeUrl",
    "async_client",
    "check_url",
    "client",
]

PLAIN = {"Accept-Encoding": "identity"}
MOST_CONNECTIONS = 10  # of one client, where no more than these stay open


class HeldBack(httpx2.ConnectError):
    """A gate kept the request back: it did not leave. Worth another try after `seconds`."""

    def __init__(self, message: str, seconds: float) -> None:
        super().__init__(message)
        self.seconds = seconds


class AnswerTooLarge(httpx2.ReadError):
    """The answer is larger than we take."""


@dataclass(frozen=True, slots=True)
class HttpOptions:
    """How to talk to a stranger, in seconds and bytes; a total or a limit of None is none.

    `allow` names the private `host:port` pairs that may be called. `gate` is called before each
    request, may wait a little, and raises HeldBack. `idle_connections` is how many stay open for
    the next request: as many as there are threads that ask at once.
    """

    allow: frozenset[str] = field(default_factory=private_hosts)
    connect_seconds: float = 5.0
    read_seconds: float = 30.0
    total_seconds: float | None = 120.0
    response_limit: int | None = 10 * 2**20
    idle_connections: int = 4
    gate: Callable[[], None] | None = None

    @property
    def timeout(self) -> httpx2.Timeout:
        return httpx2.Timeout(self.read_seconds, connect=self.connect_seconds)

    @property
    def most_connections(self) -> int:
        return max(self.idle_connections, MOST_CONNECTIONS)


def client(options: HttpOptions) -> httpx2.Client:
    """A guarded client. Close it after use."""
    return httpx2.Client(
        transport=GuardedTransport(options),
        timeout=options.timeout,
        follow_redirects=False,
        trust_env=False,
        headers=PLAIN,
    )


def async_client(options: HttpOptions) -> httpx2.AsyncClient:
    """A guarded client for asyncio; it has no total limit, as a stream lasts while it is alive."""
    return httpx2.AsyncClient(
        transport=GuardedAsyncTransport(options),
        timeout=options.timeout,
        follow_redirects=False,
        trust_env=False,
        headers=PLAIN,
    )


@lru_cache(maxsize=1)
def tls() -> ssl.SSLContext:
    """The certificates we trust, read once a process: it takes 20 ms."""
    return httpx2.create_ssl_context(trust_env=False)


class GuardedTransport(httpx2.HTTPTransport):
    """httpx2's transport on a connection pool that opens checked connections only."""

    def __init__(self, options: HttpOptions) -> None:
        super().__init__(verify=tls(), trust_env=False)
        self.options = options
        self._pool = httpcore2.ConnectionPool(
            ssl_context=tls(),
            max_connections=options.most_connections,
            max_keepalive_connections=options.idle_connections,
            keepalive_expiry=5.0,
            network_backend=GuardedBackend(options.allow),
        )

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        if self.options.gate is not None:
            self.options.gate()
        total = self.options.total_seconds
        ends_at = None if total is None else time.monotonic() + total
        with until(ends_at):
            response = super().handle_request(request)
        if _is_compressed(response):
            response.close()
            raise httpx2.ReadError("The answer is compressed although we asked for a plain one.")
        body = cast("httpx2.SyncByteStream", response.stream)
        response.stream = CappedStream(body, self.options.response_limit, ends_at)
        return response


class GuardedAsyncTransport(httpx2.AsyncHTTPTransport):
    """The same for asyncio."""

    def __init__(self, options: HttpOptions) -> None:
        super().__init__(verify=tls(), trust_env=False)
        self.options = options
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=tls(),
            max_connections=options.most_connections,
            max_keepalive_connections=options.idle_connections,
            keepalive_expiry=5.0,
            network_backend=GuardedAsyncBackend(options.allow),
        )

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if self.options.gate is not None:
            await anyio.to_thread.run_sync(self.options.gate)
        response = await super().handle_async_request(request)
        if _is_compressed(response):
            await response.aclose()
            raise httpx2.ReadError("The answer is compressed although we asked for a plain one.")
        body = cast("httpx2.AsyncByteStream", response.stream)
        response.stream = CappedAsyncStream(body, self.options.response_limit)
        return response


class CappedStream(httpx2.SyncByteStream):
    """A body that ends in an error when it grows past the limit or runs past the deadline."""

    def __init__(
        self, stream: httpx2.SyncByteStream, limit: int | None, ends_at: float | None
    ) -> None:
        self.stream, self.limit, self.ends_at = stream, limit, ends_at

    def __iter__(self) -> Iterator[bytes]:
        seen, chunks = 0, iter(self.stream)
        while True:
            with until(self.ends_at):
                chunk = next(chunks, None)
            if chunk is None:
                return
            seen += len(chunk)
            _refuse_beyond(seen, self.limit)
            yield chunk

    def close(self) -> None:
        self.stream.close()


class CappedAsyncStream(httpx2.AsyncByteStream):
    """The same for asyncio, without a deadline: a streamed answer lasts as long as it is alive."""

    def __init__(self, stream: httpx2.AsyncByteStream, limit: int | None) -> None:
        self.stream, self.limit = stream, limit

    async def __aiter__(self) -> AsyncIterator[bytes]:
        seen = 0
        async for chunk in self.stream:
            seen += len(chunk)
            _refuse_beyond(seen, self.limit)
            yield chunk

    async def aclose(self) -> None:
        await self.stream.aclose()


def _refuse_beyond(seen: int, limit: int | None) -> None:
    if limit is not None and seen > limit:
        raise AnswerTooLarge(f"The answer is larger than {limit:,} bytes.")


def _is_compressed(response: httpx2.Response) -> bool:
    # A small compressed answer can unfold into gigabytes behind the limit; we asked for none.
    return bool(response.headers.get("content-encoding", "identity").lower() != "identity")
