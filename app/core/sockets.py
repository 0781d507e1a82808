"""Outgoing connections: the address checked is the one connected to, and a deadline ends it."""

import asyncio
import socket
import ssl
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from ipaddress import ip_address
from typing import Any

import httpcore2

from app.core.addresses import how_to_allow, is_public

READ_BYTES = 256 * 1024
deadline: ContextVar[float | None] = ContextVar("deadline", default=None)


class Refused(httpcore2.ConnectError):
    """A name that leads where we do not go; arrives at callers as httpx2.ConnectError."""


def checked(
    host: str, port: int, found: Iterable[tuple[Any, ...]], allow: frozenset[str]
) -> list[str]:
    """The IP addresses to try, in the resolver's order.

    One private address among them spoils all.
    """
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    where = f"[{host}]:{port}" if ":" in host else f"{host.rstrip('.').lower()}:{port}"
    if where in allow:
        return addresses
    for address in addresses:
        if not is_public(ip_address(address)):
            why = (
                "is a private address"
                if address == host
                else f"leads to {address}, a private address"
            )
            raise Refused(f"{host} {why}. {how_to_allow(where)}")
    return addresses


class GuardedBackend(httpcore2.SyncBackend):
    """Opens connections to checked addresses only; the caller keeps Host and SNI from the name."""

    def __init__(self, allow: frozenset[str]) -> None:
        self.allow = allow

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise httpcore2.ConnectError(f"{host} cannot be found.") from error
        ends_at = None if timeout is None else time.monotonic() + timeout
        failure: Exception = httpcore2.ConnectError(f"{host} has no address.")
        for address in checked(host, port, found, self.allow):
            left = None if ends_at is None else ends_at - time.monotonic()
            if left is not None and left <= 0:
                raise httpcore2.ConnectTimeout(f"{host} does not take the connection.")
            try:
                stream = super().connect_tcp(address, port, left, local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = error
            else:
                return TimedStream(stream)
        raise failure

    def connect_unix_socket(self, *_: object, **__: object) -> httpcore2.NetworkStream:
        raise Refused("Unix sockets are not called.")


class TimedStream(httpcore2.NetworkStream):
    """A connection whose reads and writes also respect the deadline of the request in progress."""

    def __init__(self, stream: httpcore2.NetworkStream) -> None:
        self.stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """More at once than the library asks for: each read passes through eight of its layers."""
        at_once = max(max_bytes, READ_BYTES)
        return self.stream.read(at_once, _shortened(timeout, httpcore2.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self.stream.write(buffer, _shortened(timeout, httpcore2.WriteTimeout))

    def close(self) -> None:
        self.stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore2.NetworkStream:
        left = _shortened(timeout, httpcore2.ConnectTimeout)
        return TimedStream(self.stream.start_tls(ssl_context, server_hostname, left))

    def get_extra_info(self, info: str) -> Any:
        return self.stream.get_extra_info(info)


def _shortened(timeout: float | None, error: type[Exception]) -> float | None:
    ends_at = deadline.get()
    if ends_at is None:
        return timeout
    left = ends_at - time.monotonic()
    if left <= 0:
        raise error("The answer took too long.")
    return left if timeout is None else min(left, timeout)


@contextmanager
def until(ends_at: float | None) -> Iterator[None]:
    token = deadline.set(ends_at)
    try:
        yield
    finally:
        deadline.reset(token)


class GuardedAsyncBackend(httpcore2.AnyIOBackend):
    """The same for asyncio."""

    def __init__(self, allow: frozenset[str]) -> None:
        self.allow = allow

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the library's signature
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        try:
            async with asyncio.timeout(timeout):
                loop = asyncio.get_running_loop()
                found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise httpcore2.ConnectError(f"{host} cannot be found.") from error
        failure: Exception = httpcore2.ConnectError(f"{host} has no address.")
        for address in checked(host, port, found, self.allow):
            try:
                return await super().connect_tcp(
                    address, port, timeout, local_address, socket_options
                )
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = error
        raise failure

    async def connect_unix_socket(self, *_: object, **__: object) -> httpcore2.AsyncNetworkStream:
        raise Refused("Unix sockets are not called.")
