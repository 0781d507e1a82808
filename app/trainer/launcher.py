"""Starts a child for every run that waits or has died, and ends them when owned."""

import asyncio
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from app.trainer.ending import end_cancelled, end_unstartable
from app.trainer.folder import PAUSED, WAITING
from app.trainer.ownership import OWNED, OWNER_PIPE
from app.trainer.runs import Run, Runs

ROOT = Path(__file__).resolve().parents[2]
POLL_SECONDS = 0.1
FOREIGN_POLL_SECONDS = 0.5
END_SECONDS = 15.0
LAUNCHES_WITHOUT_WORD = 5
RELAUNCH_SECONDS = 0.2
LOG = logging.getLogger(__name__)


def child_environment() -> dict[str, str]:
    """The environment of every child: one core, and none of the server's keys."""
    kept = {name: value for name, value in os.environ.items() if name != "LUTHIER_TRAINER_KEYS"}
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    path = os.pathsep.join(part for part in (str(ROOT), kept.get("PYTHONPATH", "")) if part)
    return kept | threads | {"PYTHONPATH": path}


class Launcher:
    """Lives on the event loop, in the main thread: the parent-death signal follows the thread.

    A run is waiting, a child's, held by a child of an earlier server, paused, or ended.
    """

    def __init__(self, runs: Runs, *, at_once: int, run_ended: Callable[[], None]) -> None:
        self._runs = runs
        self._run_ended = run_ended
        self._at_once = at_once
        self._is_owner = os.environ.get(OWNED) == "1"
        self._waiting: dict[str, Run] = {}
        self._held: dict[str, Run] = {}
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._launches: dict[str, tuple[int, float]] = {}
        self._nudge = asyncio.Event()
        # The write end stays open as long as this process lives; children hold the read end.
        self._pipe = os.pipe() if self._is_owner else None

    @property
    def waiting(self) -> int:
        """Runs that wait for their turn."""
        return len(self._waiting)

    @property
    def training(self) -> int:
        """Runs that a process works on, one of an earlier server included."""
        return len(self._children) + len(self._held)

    def expect(self, run: Run) -> None:
        """A new run, or one that goes on after a pause: it begins when it is its turn."""
        if run.id not in self._children and run.id not in self._held:
            self._waiting[run.id] = run
        self._nudge.set()

    async def cancel(self, run: Run) -> None:
        """A run shall end: one that waits or rests does so here, any other in its child."""
        if await asyncio.to_thread(end_cancelled, run):
            self._waiting.pop(run.id, None)
            self._settle(run)
        self._nudge.set()

    async def watch(self) -> None:
        """Start, reap and start again until cancelled."""
        for run in self._runs.unended():
            if run.folder.is_held():
                self._held[run.id] = run
            elif not self._rests(run):
                self._waiting[run.id] = run
        while True:
            self._nudge.clear()
            try:
                pause = self._look()
            except Exception:
                LOG.exception("the launcher could not look after its runs")
                pause = 1.0
            try:
                await asyncio.wait_for(self._nudge.wait(), pause)
            except TimeoutError:
                continue

    def _look(self) -> float | None:
        """Do what is due; seconds until the next look, or None when nothing can change unasked."""
        self._collect()
        for run in list(self._waiting.values()):
            if len(self._children) + len(self._held) >= self._at_once:
                break
            self._start(run)
        if self._children or self._waiting:
            return POLL_SECONDS
        return FOREIGN_POLL_SECONDS if self._held else None

    def _collect(self) -> None:
        ended = [run_id for run_id, child in self._children.items() if child.poll() is not None]
        released = [run_id for run_id, run in self._held.items() if not run.folder.is_held()]
        for run_id in [*ended, *released]:
            self._children.pop(run_id, None)
            self._held.pop(run_id, None)
            run = self._runs.get(run_id)
            if run is None:
                continue
            if self._runs.state(run).is_ended:
                self._settle(run)
            elif self._rests(run):
                self._launches.pop(run_id, None)
            else:
                LOG.warning("the training of %s ended early and goes on", run_id)
                # It was begun first, so it goes on first.
                self._waiting = {run_id: run, **self._waiting}

    def _settle(self, run: Run) -> None:
        self._launches.pop(run.id, None)
        self._runs.settled(run)
        self._run_ended()

    def _rests(self, run: Run) -> bool:
        wanted = self._runs.control(run)
        return self._runs.state(run).status == PAUSED and wanted.pause and not wanted.cancel

    def _start(self, run: Run) -> None:
        count, started_at = self._launches.get(run.id, (0, 0.0))
        if time.monotonic() < started_at + min(count, LAUNCHES_WITHOUT_WORD) * RELAUNCH_SECONDS:
            return
        if count >= LAUNCHES_WITHOUT_WORD:
            end_unstartable(run)
            del self._waiting[run.id]
            self._settle(run)
            return
        environment = child_environment() | self._runs.launch_file(run).environment()
        handed: tuple[int, ...] = ()
        if self._pipe is not None:
            handed = (self._pipe[0],)
            environment[OWNER_PIPE] = str(self._pipe[0])
        with run.folder.log.open("ab") as log:
            self._children[run.id] = subprocess.Popen(
                [sys.executable, "-m", "app.trainer.child", str(run.folder.path)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=ROOT,
                env=environment,
                pass_fds=handed,
                start_new_session=True,
            )
        del self._waiting[run.id]
        has_spoken = self._runs.state(run).status != WAITING
        self._launches[run.id] = (1 if has_spoken else count + 1, time.monotonic())

    async def end(self) -> None:
        """At shutdown owned children save and end; others train on for the next server to find."""
        if not self._is_owner:
            return
        for child in self._children.values():
            child.send_signal(signal.SIGTERM)
        for child in self._children.values():
            await asyncio.to_thread(_ended, child)


def _ended(child: subprocess.Popen[bytes]) -> None:
    try:
        child.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
