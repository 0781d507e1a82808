"""A TCP proxy before a server, in a thread of the test: it cuts, freezes and swallows as a bad
network does, and needs no rights of the machine.
"""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.postgres import name_of

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
PIECE_BYTES = 65_536


class Proxy:
    """Forwards every connection to its port. Nothing that a test asks of it waits for a packet.

    `cut` resets what is open, `refuse` also what comes; `freeze` takes bytes and connections and
    passes nothing on, as a network does that drops packets; `swallow` drops a connection when the
    answer to what it waited for arrives; `break_after` lets a measured part of an upload through.
    """

    def __init__(self, reach: Callable[[], Awaitable[Streams]]) -> None:
        self._reach = reach
        self._open: set[asyncio.StreamWriter] = set()
        self._meetings: set[asyncio.Task[None]] = set()
        self._is_refusing = False
        self._baits: list[bytes] = []
        self.swallowed = threading.Event()
        self._left: int | None = None
        self._is_silent = False
        self.breaks = 0
        self.port = 0

    @property
    def address(self) -> str:
        """Where a web server is reached by way of this proxy."""
        return f"http://127.0.0.1:{self.port}"

    def database_url(self, url: str) -> str:
        """The address of a database of `tests.postgres`, by way of this proxy."""
        plain = "sslmode=disable&gssencmode=disable"
        return f"postgresql://luthier@127.0.0.1:{self.port}/{name_of(url)}?{plain}"

    def cut(self) -> None:
        """Reset every connection, as when both machines have forgotten it."""
        self._do(self._cut)

    def refuse(self) -> None:
        """Take no connection from now on, and cut those there are."""
        self._is_refusing = True
        self.cut()

    def freeze(self) -> None:
        """Pass nothing on in either direction: to both ends everything looks well."""
        self._do(self._moving.clear)

    def mend(self) -> None:
        """Be a good network again; what was held back arrives."""
        self._is_refusing = False
        self._do(self._moving.set)

    def swallow(self, *baits: bytes) -> None:
        """When a client has sent all these, one after the other on one connection: let the last of
        them through and drop the connection instead of the answer to it. Once; `swallowed` says so.
        """
        self.swallowed.clear()
        self._baits = list(baits)

    def break_after(self, count: int, *, is_silent: bool = False) -> None:
        """Let so many more bytes to the server, then take no connection and cut those there are,
        or, in silence, freeze them: neither end hears of it. `cut` and `mend` make it well again.
        """
        self._left, self._is_silent = count, is_silent

    def _do(self, what: Callable[[], None]) -> None:
        async def now() -> None:
            what()

        asyncio.run_coroutine_threadsafe(now(), self._loop).result(10)

    def _cut(self) -> None:
        for writer in self._open:
            writer.transport.abort()

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        meeting = asyncio.current_task()
        assert meeting is not None
        self._meetings.add(meeting)
        self._open.add(writer)
        there: asyncio.StreamWriter | None = None
        try:
            if self._is_refusing:
                return
            await self._moving.wait()
            answers, there = await self._reach()
            there.transport.set_write_buffer_limits(0)  # what it let through has left, not waits
            self._open.add(there)
            trap = asyncio.Event()
            ways = self._pass_on(reader, there, trap), self._bring_back(answers, writer, trap)
            tasks = [asyncio.ensure_future(way) for way in ways]
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        except OSError:
            return
        finally:
            for one in filter(None, (writer, there)):
                self._open.discard(one)
                one.transport.abort()
            self._meetings.discard(meeting)

    async def _pass_on(self, source: Any, sink: Any, trap: asyncio.Event) -> None:
        taken = 0
        while piece := await source.read(PIECE_BYTES):
            await self._moving.wait()
            while taken < len(self._baits) and self._baits[taken] in piece:
                taken += 1
            if self._baits and taken == len(self._baits):
                self._baits = []
                trap.set()
            if self._left is not None:
                piece = piece[: self._left]
                self._left -= len(piece)
            sink.write(piece)
            await sink.drain()
            if self._left == 0:
                self._break()

    def _break(self) -> None:
        self._left, self._is_refusing = None, True
        self.breaks += 1
        if self._is_silent:
            self._moving.clear()
        else:
            self._cut()

    async def _bring_back(self, source: Any, sink: Any, trap: asyncio.Event) -> None:
        while piece := await source.read(PIECE_BYTES):
            await self._moving.wait()
            if trap.is_set():
                self.swallowed.set()
                return
            sink.write(piece)
            await sink.drain()

    async def serve(self, is_up: threading.Event) -> None:
        """Until `end`."""
        self._loop = asyncio.get_running_loop()
        self._moving, self._ended = asyncio.Event(), asyncio.Event()
        self._moving.set()
        server = await asyncio.start_server(self._meet, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        is_up.set()
        await self._ended.wait()
        server.close()
        self._cut()
        self._moving.set()
        await asyncio.gather(*self._meetings, return_exceptions=True)

    def end(self) -> None:
        """Take nothing any more, and cut what is open."""
        self._do(self._ended.set)


@contextmanager
def before(socket_path: Path | str | None = None, *, port: int = 0) -> Iterator[Proxy]:
    """A proxy before the server behind this unix socket, or this loopback port."""

    def reach() -> Awaitable[Streams]:
        if socket_path is not None:
            return asyncio.open_unix_connection(str(socket_path))
        return asyncio.open_connection("127.0.0.1", port)

    proxy, is_up = Proxy(reach), threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(proxy.serve(is_up)), name="proxy")
    thread.start()
    assert is_up.wait(10)
    try:
        yield proxy
    finally:
        proxy.end()
        thread.join(10)
        assert not thread.is_alive()
