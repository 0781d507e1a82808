"""A stranger's function, called in a process that can read Python's modules and do nothing else."""

import functools
import json
import os
import selectors
import subprocess
import sys
import threading
import time
import weakref
from pathlib import Path
from typing import IO, Any, cast

from app.core.child import describe
from app.core.jail_inside import SECONDS, Refused

__all__ = ["SECONDS", "Failed", "Jail", "Refused", "obstacle"]

INSIDE = Path(__file__).with_name("jail_inside.py")
LONGEST_ANSWER = 64_000
CHUNK = 64 * 1024
SIGNAL = 128
"""A process that a signal ended says this and the signal's number, as shells have it."""
END_WITHIN = 5.0
LOOK_SECONDS = 10.0

Process = subprocess.Popen[bytes]


class Failed(Exception):
    """The code raised, or had to be ended; the message says which, with the line where known."""


class Jail:
    """The function of this name that the source defines; one process for all its calls.

    Empty environment, no descriptors but two pipes, namespaces of its own (users, processes,
    network, IPC, files), an empty read-only file system with Python's directories in it, Landlock,
    no capabilities, one process with one thread, limits of memory and CPU; nobody where we are
    root. A process that was ended is started anew by the next call. May be shared by threads.
    """

    def __init__(self, source: str, function: str) -> None:
        self._first = {"source": source, "function": function}
        self._process: Process | None = None
        self._end: weakref.finalize[..., Any] | None = None
        self._busy = 0.0
        self._one_at_a_time = threading.Lock()

    def call(self, *arguments: Any, seconds: float = SECONDS) -> Any:
        """What the function returns for these, all as JSON. Raises Failed, Refused.

        To load the source may take `seconds` too.
        """
        with self._one_at_a_time:
            process = self._process
            if process is None or self._busy > SECONDS:
                process = self._started(seconds)
            return self._asked(process, arguments, seconds)

    def close(self) -> None:
        """End the process; the next call starts another."""
        if self._end is not None:
            self._end()
        self._process = self._end = None

    def _started(self, seconds: float) -> Process:
        self.close()
        self._busy = 0.0
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-B", INSIDE],
            env={},
            cwd="/",
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._process, self._end = process, weakref.finalize(self, _end, process)
        try:
            self._asked(process, self._first, seconds)
        except (Failed, Refused):
            self.close()
            raise
        return process

    def _asked(self, process: Process, message: Any, seconds: float) -> Any:
        line = json.dumps(message).encode() + b"\n"
        begun = time.monotonic()
        try:
            answer = json.loads(_exchanged(process, line, seconds))
        except Failed:
            self.close()
            raise
        except (ValueError, RecursionError) as error:
            self.close()
            raise Failed("It wrote something else into its answer.") from error
        self._busy += time.monotonic() - begun
        match answer:
            case {"refused": str(why)}:
                raise Refused(why)
            case {"error": str(words)}:
                raise Failed(words)
            case {"value": value}:
                return value
        self.close()
        raise Failed("It wrote something else into its answer.")


def forget() -> None:
    """Look anew at the machine."""
    _lack.cache_clear()


def obstacle() -> str | None:
    """What this machine lacks to jail code, as a sentence; None where nothing."""
    try:
        return _lack()
    except Failed as failed:
        return str(failed)


@functools.cache
def _lack() -> str | None:
    """Looked at once, and again only where the look itself failed."""
    if sys.platform != "linux":
        return "only Linux has what it takes."
    jail = Jail("def nothing():\n    pass\n", "nothing")
    try:
        jail.call(seconds=LOOK_SECONDS)
    except Refused as refused:
        return str(refused)
    finally:
        jail.close()
    return None


def _exchanged(process: Process, line: bytes, seconds: float) -> bytes:
    """The line that answers this one. Raises Failed when there is none, or none in time."""
    calls, answers = _pipes(process)
    until = time.monotonic() + seconds
    left, got = memoryview(line), bytearray()
    os.set_blocking(calls.fileno(), False)
    with selectors.DefaultSelector() as pipes:
        pipes.register(calls, selectors.EVENT_WRITE)
        pipes.register(answers, selectors.EVENT_READ)
        while b"\n" not in got:
            ready = {key.fileobj for key, _ in pipes.select(max(0.0, until - time.monotonic()))}
            if not ready:
                raise Failed(f"It took longer than {seconds:g} seconds.")
            if answers in ready:
                chunk = os.read(answers.fileno(), CHUNK)
                got += chunk
                if not chunk:
                    raise Failed(_ended(process))
            elif calls in ready:
                left = left[_written(calls.fileno(), left) :]
                if not left:
                    pipes.unregister(calls)
            if len(got) > LONGEST_ANSWER:
                raise Failed(f"It returned more than {LONGEST_ANSWER // 1000} kB.")
    return bytes(got.partition(b"\n")[0])


def _pipes(process: Process) -> tuple[IO[bytes], IO[bytes]]:
    return cast("IO[bytes]", process.stdin), cast("IO[bytes]", process.stdout)


def _written(pipe: int, line: memoryview) -> int:
    """How much of it the pipe took. One that nobody reads any more counts as having taken all."""
    try:
        return os.write(pipe, line)
    except BrokenPipeError:
        return len(line)


def _ended(process: Process) -> str:
    try:
        status = process.wait(END_WITHIN)
    except subprocess.TimeoutExpired:
        return "It closed its pipe."
    how = describe(SIGNAL - status if status > SIGNAL else status)
    return f"Its process ended ({how}) before it returned."


def _end(process: Process) -> None:
    """Close its pipe, whereupon it ends itself and what is inside; and see that it does."""
    for pipe in _pipes(process):
        pipe.close()
    try:
        process.wait(END_WITHIN)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
