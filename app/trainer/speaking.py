"""Keeps one answering process while it is used, and lets it go when nobody has asked for a while."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator

import msgspec

from app.trainer.answering import Reply, Request
from app.trainer.launcher import ROOT, child_environment

IDLE_SECONDS = 60.0
_LINE_LIMIT = 1 << 24


class AnsweringFailed(Exception):
    """The answering process died or could not load the model."""


class Speaking:
    """Hands requests to the child and its replies back, each to who asked."""

    def __init__(self, *, idle_seconds: float = IDLE_SECONDS) -> None:
        self._idle_seconds = idle_seconds
        self._child: asyncio.subprocess.Process | None = None
        self._waiting: dict[int, asyncio.Queue[Reply]] = {}
        self._last_id = 0
        self._start_lock = asyncio.Lock()
        self._reading: asyncio.Task[None] | None = None
        self._evicting: asyncio.TimerHandle | None = None

    async def ask(self, request: Request) -> AsyncIterator[Reply]:
        """Every reply to one request as it comes. Raises AnsweringFailed. The request's id is set here."""
        self._last_id += 1
        request = msgspec.structs.replace(request, id=self._last_id)
        replies: asyncio.Queue[Reply] = asyncio.Queue()
        self._waiting[request.id] = replies
        try:
            await self._send(msgspec.json.encode(request) + b"\n")
            while True:
                reply = await replies.get()
                if reply.error is not None:
                    raise AnsweringFailed(reply.error)
                yield reply
                if reply.is_last:
                    return
        finally:
            del self._waiting[request.id]
            self._rest()

    async def _send(self, line: bytes) -> None:
        if self._evicting is not None:
            self._evicting.cancel()
            self._evicting = None
        async with self._start_lock:
            if self._child is None or self._child.returncode is not None or self._reading is None:
                self._child = await asyncio.create_subprocess_exec(
                    sys.executable,
                    "-m",
                    "app.trainer.answering",
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                    cwd=ROOT,
                    env=child_environment(),
                    limit=_LINE_LIMIT,
                )
                self._reading = asyncio.create_task(self._read(self._child))
            if self._child.stdin is None:
                raise AnsweringFailed("The answering process has no input.")
            try:
                self._child.stdin.write(line)
                await self._child.stdin.drain()
            except (BrokenPipeError, ConnectionResetError) as error:
                raise AnsweringFailed("The answering process ended.") from error

    async def _read(self, child: asyncio.subprocess.Process) -> None:
        if child.stdout is None:
            return
        decoder = msgspec.json.Decoder(Reply)
        while line := await child.stdout.readline():
            reply = decoder.decode(line)
            if reply.id in self._waiting:
                self._waiting[reply.id].put_nowait(reply)
        if self._child is child:
            self._child, self._reading = None, None
        for request_id, queue in self._waiting.items():
            queue.put_nowait(Reply(id=request_id, is_last=True, error="The answering process ended."))

    def _rest(self) -> None:
        if not self._waiting and self._child is not None and self._evicting is None:
            loop = asyncio.get_running_loop()
            self._evicting = loop.call_later(self._idle_seconds, self._evict)

    def _evict(self) -> None:
        self._evicting = None
        if not self._waiting and self._child is not None and self._child.stdin is not None:
            self._child.stdin.close()

    async def end(self) -> None:
        """Let the child go and wait for it."""
        child = self._child
        if child is None or child.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            child.terminate()
        await child.wait()
