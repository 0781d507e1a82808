"""A run is a folder: what is in it, who may write what, and how it is locked."""

import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

ENDED = frozenset({"succeeded", "failed", "cancelled"})
WAITING, VALIDATING, QUEUED, RUNNING = "waiting", "validating_files", "queued", "running"
PAUSED = "paused"


class Spec(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked, written once by the server. `method` is "supervised", "dpo" or
    "reinforcement"; `asked` holds its hyperparameters as given, "auto" where none was; `grader` is
    the reinforcement grader's JSON. `number` counts runs: clocks can be set back, and it cannot.
    """

    id: str
    created_at: float
    engine: str
    model: str
    training_file: str
    validation_file: str | None
    suffix: str | None
    seed: int
    method: str
    asked: dict[str, int | float | str]
    metadata: dict[str, str] | None
    tuned_model: str
    grader: dict[str, Any] | None = None
    response_format: dict[str, Any] | None = None
    integrations: list[dict[str, Any]] = []
    number: int = 0


class Checkpoint(msgspec.Struct, frozen=True):
    """A saved model: `file` lies in `checkpoints/`. A snapshot was made by a pause."""

    step: int
    created_at: int
    metrics: dict[str, Any]
    file: str
    is_snapshot: bool = False


class Failure(msgspec.Struct, frozen=True):
    """Why a run failed, as the wire says it."""

    code: str
    message: str
    param: str | None = None


class State(msgspec.Struct, kw_only=True):
    """Where a run stands; written only by who holds the lock. Times are Unix seconds."""

    status: str = WAITING
    hyperparameters: dict[str, int | float | str] = {}
    step: int = 0
    total_steps: int = 0
    trained_tokens: int = 0
    starts_without_progress: int = 0
    finished_at: int | None = None
    estimated_finish: int | None = None
    error: Failure | None = None
    checkpoints: list[Checkpoint] = []

    @property
    def is_ended(self) -> bool:
        """Whether nothing more will happen."""
        return self.status in ENDED

    @property
    def is_resting(self) -> bool:
        """Whether nothing more happens until a person asks for it."""
        return self.is_ended or self.status == PAUSED


class Control(msgspec.Struct, kw_only=True):
    """What people want of a run, written only by the server."""

    cancel: bool = False
    pause: bool = False
    model_deleted: bool = False
    result_deleted: bool = False


class RunFolder:
    """The paths of one run and the rules for reading and writing them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.events = path / "events.jsonl"
        self.metrics = path / "metrics.jsonl"
        self.checkpoints = path / "checkpoints"
        self.result = path / "result.csv"
        self.log = path / "train.log"
        self.work = path / "work"
        self.resume = self.checkpoints / "resume.npz"
        self.start = path / "start.npz"

    def spec(self) -> Spec:
        """Raises OSError or msgspec.DecodeError for a folder that is not a run."""
        return msgspec.json.decode((self.path / "spec.json").read_bytes(), type=Spec)

    def state(self) -> State:
        """The last state written. A run nobody has begun is waiting; so is one whose last state a
        power cut tore, and it goes on from what it saved.
        """
        try:
            return msgspec.json.decode((self.path / "state.json").read_bytes(), type=State)
        except (FileNotFoundError, msgspec.DecodeError):
            return State()

    def control(self) -> Control:
        """What is wanted now."""
        try:
            return msgspec.json.decode((self.path / "control.json").read_bytes(), type=Control)
        except FileNotFoundError:
            return Control()

    def write_spec(self, spec: Spec) -> None:
        """Once, by the server: its presence makes the folder a run."""
        write_json(self.path / "spec.json", spec)

    def write_state(self, state: State) -> None:
        """Only while holding the lock."""
        write_json(self.path / "state.json", state, durable=state.is_resting)

    def write_control(self, control: Control) -> None:
        """Only by the server."""
        write_json(self.path / "control.json", control)

    def clean(self) -> None:
        """Remove what only a run needs that has not ended. Only while holding the lock."""
        shutil.rmtree(self.work, ignore_errors=True)
        self.resume.unlink(missing_ok=True)
        self.start.unlink(missing_ok=True)

    @contextmanager
    def locked(self, *, wait_seconds: float = 2.0) -> Iterator[bool]:
        """Hold the run: True, or False when another process keeps it for `wait_seconds`."""
        descriptor = os.open(self.path / "lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            yield locked_within(descriptor, wait_seconds)
        finally:
            os.close(descriptor)

    def is_held(self) -> bool:
        """Whether a process works on this run now; asks with a shared lock, given back at once."""
        try:
            descriptor = os.open(self.path / "lock", os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
        return False


def locked_within(descriptor: int, seconds: float) -> bool:
    """Lock a file against every other process; False when that takes longer. The kernel's lock has
    no time limit of its own.
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.02)
        else:
            return True


def write_json(path: Path, value: Any, *, durable: bool = True) -> None:
    """Write beside and rename: readers see the old or the new, never half."""
    part = path.with_name(path.name + ".part")
    try:
        with part.open("wb") as file:
            file.write(msgspec.json.encode(value))
            if durable:
                file.flush()
                os.fsync(file.fileno())
        part.replace(path)
    except OSError:
        part.unlink(missing_ok=True)
        raise
    if durable:
        sync_folder(path.parent)


def sync_folder(path: Path) -> None:
    """Force the names in a folder to disk: a file whose name is lost is lost."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
