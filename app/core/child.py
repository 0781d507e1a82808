"""One process the supervisor keeps alive: its log, its restarts, its end."""

import functools
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from app.core import logs, owned
from app.settings import ROOT

BACKOFF_FIRST = 0.5
BACKOFF_MOST = 30.0
STEADY_SECONDS = 60.0
LOG_LIMIT = 8 * 2**20
LOG_TAIL_LINES = 15


class Child:
    """A command, run in a session of its own, with its output in a capped log."""

    def __init__(
        self,
        name: str,
        command: Sequence[str | os.PathLike[str]],
        *,
        env: Mapping[str, str],
        log: Path,
        pass_fds: Sequence[int] = (),
        nice: int = 0,
    ) -> None:
        self.name = name
        self.log = log
        self.failures = 0
        self.restart_at: float | None = None
        self.started_at = 0.0
        self._command = [os.fspath(part) for part in command]
        self._env = dict(env)
        self._pass_fds = tuple(pass_fds)
        self._nice = nice
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it now. Call from the main thread: the kernel ties the child's end to it."""
        self.trim_log()
        with self.log.open("ab") as output:
            output.write(logs.line(event="process.starts", process=self.name).encode() + b"\n")
            output.flush()
            self._process = subprocess.Popen(
                self._command,
                env=self._env,
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=self._pass_fds,
                preexec_fn=functools.partial(_begin, os.getpid(), self._nice),  # noqa: PLW1509 - this process has one thread
            )
        self.restart_at = None
        self.started_at = time.monotonic()

    def ended(self) -> int | None:
        """The exit status, told once when a running process has ended; negative for a signal."""
        if self._process is None or (status := self._process.poll()) is None:
            return None
        self._process = None
        return status

    def plan_restart(self) -> float:
        """Wait longer after every failure in a row; the wait in seconds."""
        if time.monotonic() - self.started_at > STEADY_SECONDS:
            self.failures = 0
        wait: float = min(BACKOFF_FIRST * 2**self.failures, BACKOFF_MOST)
        self.failures += 1
        self.restart_at = time.monotonic() + wait
        return wait

    def send(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)

    def kill_session(self) -> None:
        """End the process and all that share its session, at once."""
        if self._process is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def trim_log(self) -> None:
        """Keep one older log beside the current one; the writer appends, so this may shrink it."""
        with suppress(FileNotFoundError):
            if self.log.stat().st_size > LOG_LIMIT:
                self.log.with_suffix(".log.1").write_bytes(self.log.read_bytes()[-LOG_LIMIT:])
                os.truncate(self.log, 0)

    def last_words(self) -> str:
        """The end of its log, for a person who must find out why it does not start."""
        with self.log.open("rb") as log:
            log.seek(max(0, self.log.stat().st_size - 20_000))
            lines = log.read().decode(errors="replace").splitlines()
        return "\n".join(f"    {line}" for line in lines[-LOG_TAIL_LINES:])


def _begin(parent: int, nice: int) -> None:
    owned.tie_to_parent(parent)
    os.nice(nice)


def describe(status: int) -> str:
    """An exit status in words."""
    if status >= 0:
        return f"exit status {status}"
    try:
        return signal.Signals(-status).name
    except ValueError:
        return f"signal {-status}"
