"""Starts a child for every run that waits or has died, and ends them when owned."""

import asyncio
import logging
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from app.trainer.folder import Failure, State
from app.trainer.ownership import OWNED, OWNER_PIPE
from app.trainer.record import Recorder
from app.trainer.runs import Run, Runs

ROOT = Path(__file__).resolve().parents[2]
POLL_SECONDS = 0.1
FOREIGN_POLL_SECONDS = 0.5
END_SECONDS = 15.0
LAUNCHES_WITHOUT_WORD = 5
LOG = logging.getLogger(__name__)


def child_environment() -> dict[str, str]:
    """The environment of every child: one core, and none of the server's keys."""
    kept = {name: value for name, value in os.environ.items() if name != "LUTHIER_TRAINER_KEYS"}
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    path = os.pathsep.join(part for part in (str(ROOT), kept.get("PYTHONPATH", "")) if part)
    return kept | threads | {"PYTHONPATH": path}


class Launcher:
    """Lives on the event loop, in the main thread: the parent-death signal follows the thread."""

    def __init__(self, runs: Runs, *, at_once: int) -> None:
        self._runs = runs
        self._at_once = at_once
        self._is_owner = os.environ.get(OWNED) == "1"
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._launches: dict[str, tuple[int, float]] = {}
        self._nudge = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        # The write end stays open as long as this process lives; children hold the read end.
        self._pipe = os.pipe() if self._is_owner else None

    def nudge(self) -> None:
        """Something changed: look now. Safe from any thread."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._nudge.set)

    async def watch(self) -> None:
        """Start, reap and start again until cancelled."""
        self._loop = asyncio.get_running_loop()
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
        self._reap()
        unended = self._runs.unended()
        foreign = {
            run.id for run in unended if run.id not in self._children and run.folder.is_held()
        }
        for run in unended:
            if run.id in self._children or run.id in foreign:
                continue
            if run.folder.control().cancel or len(self._children) + len(foreign) < self._at_once:
                self._start(run)
        if self._children:
            return POLL_SECONDS
        return FOREIGN_POLL_SECONDS if unended else None

    def _reap(self) -> None:
        for run_id, child in list(self._children.items()):
            if child.poll() is None:
                continue
            del self._children[run_id]
            run = self._runs.get(run_id)
            if run is not None and not run.state().is_ended:
                LOG.warning(
                    "the training of %s ended early, exit status %s", run_id, child.returncode
                )

    def _start(self, run: Run) -> None:
        count, started_at = self._launches.get(run.id, (0, 0.0))
        step = run.state().starts_without_progress
        if count >= LAUNCHES_WITHOUT_WORD and step == 0:
            _bury(run)
            return
        if count and time.monotonic() < started_at + min(count, 5) * 0.2:
            return
        self._launches[run.id] = (count + 1 if step == 0 else 1, time.monotonic())
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


def _bury(run: Run) -> None:
    """Fail a run whose child dies without a word; the lock makes this process the one that may."""
    with run.folder.locked() as is_ours:
        state: State = run.folder.state()
        if is_ours and not state.is_ended:
            record = Recorder(run.folder, run.spec, state)
            record.failed(
                Failure("server_error", "The training process does not start; see its train.log.")
            )
            record.close()
