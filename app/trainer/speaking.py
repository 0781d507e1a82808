"""Keeps one answering process while it is used, and lets it go when nobody asks any more."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncGenerator

import msgspec

from app.trainer.answering import Reply, Request, Stop
from app.trainer.launcher import ROOT, child_environment

IDLE_SECONDS = 60.0
_LINE_LIMIT = 1 << 24


class AnsweringFailed(Exception):
    """The model could not be loaded, or the answering process died twice."""


class _Child:
    """One answering process with those who wait for it."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.waiting: dict[int, asyncio.Queue[Reply | None]] = {}
        self.is_ended = False
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def started(cls) -> "_Child":
        return cls(
            await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "app.trainer.answering",
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                cwd=ROOT,
                env=child_environment(),
                limit=_LINE_LIMIT,
            )
        )

    def send(self, asked: Request | Stop) -> None:
        if self.process.stdin is not None:
            # A process that died a moment ago is noticed by the reader, who tells everyone waiting.
            with contextlib.suppress(OSError, RuntimeError):
                self.process.stdin.write(msgspec.json.encode(asked) + b"\n")

    def let_go(self) -> None:
        """It ends by itself at the end of its input."""
        self.is_ended = True
        if self.process.stdin is not None:
            self.process.stdin.close()

    async def _read(self) -> None:
        decoder = msgspec.json.Decoder(Reply)
        while self.process.stdout is not None and (line := await self.process.stdout.readline()):
            reply = decoder.decode(line)
            if reply.id in self.waiting:
                self.waiting[reply.id].put_nowait(reply)
        self.is_ended = True
        for queue in self.waiting.values():
            queue.put_nowait(None)
        await self.process.wait()


class Speaking:
    """Hands requests to the child and its replies back, each to who asked."""

    def __init__(self, *, idle_seconds: float = IDLE_SECONDS) -> None:
        self._idle_seconds = idle_seconds
        self._child: _Child | None = None
        self._last_id = 0
        self._starting = asyncio.Lock()
        self._evicting: asyncio.TimerHandle | None = None

    @property
    def processes(self) -> int:
        """Answering processes that live now."""
        return int(self._child is not None and not self._child.is_ended)

    async def ask(self, request: Request) -> AsyncGenerator[Reply, None]:
        """Every reply to one request as it comes; its id is set here. Raises AnsweringFailed.

        Who closes it early ends the sampling.

        A child that dies before its first word is replaced once: it may have died of another model.
        """
        self._last_id += 1
        request = msgspec.structs.replace(request, id=self._last_id)
        for is_last_try in (False, True):
            has_spoken = False
            async with contextlib.aclosing(self._replies(request)) as replies:
                async for reply in replies:
                    if reply is None:
                        break
                    if reply.error is not None:
                        raise AnsweringFailed(reply.error)
                    has_spoken = True
                    yield reply
                    if reply.is_last:
                        return
            if has_spoken or is_last_try:
                raise AnsweringFailed("the answering process ended")

    async def _replies(self, request: Request) -> AsyncGenerator[Reply | None, None]:
        child = await self._living_child()
        queue: asyncio.Queue[Reply | None] = asyncio.Queue()
        child.waiting[request.id] = queue
        is_over = False
        try:
            child.send(request)
            if child.is_ended:
                yield None
            while True:
                reply = await queue.get()
                is_over = reply is None or reply.is_last
                yield reply
        finally:
            del child.waiting[request.id]
            if not is_over:
                child.send(Stop(request.id))
            self._rest()

    async def _living_child(self) -> _Child:
        async with self._starting:
            if self._evicting is not None:
                self._evicting.cancel()
                self._evicting = None
            if self._child is None or self._child.is_ended:
                self._child = await _Child.started()
            return self._child

    def _rest(self) -> None:
        if self._child is not None and not self._child.waiting and self._evicting is None:
            loop = asyncio.get_running_loop()
            self._evicting = loop.call_later(self._idle_seconds, self._evict)

    def _evict(self) -> None:
        self._evicting = None
        if self._child is not None and not self._child.waiting:
            self._child.let_go()
            self._child = None

    async def end(self) -> None:
        """Let the child go, and wait for it."""
        child, self._child = self._child, None
        if child is None or child.process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            child.process.terminate()
        await child.process.wait()
