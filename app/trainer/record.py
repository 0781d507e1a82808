"""What a training child writes down: state, events, metrics, results; each step is told once."""

import contextlib
import time
from collections.abc import Callable
from typing import Any, Literal

from app.trainer.checkpoints import checkpoint_model, kept
from app.trainer.engines.base import Facts, Metrics, StepReport
from app.trainer.folder import (
    PAUSED,
    QUEUED,
    RUNNING,
    VALIDATING,
    Checkpoint,
    Failure,
    RunFolder,
    Spec,
    State,
)
from app.trainer.journal import JournalWriter, Record, newest
from app.trainer.results import write_result
from app.trainer.room import persistently

STATE_SECONDS = 0.25
DIGITS = 6

_WORDS = {
    "train_loss": "training loss",
    "valid_loss": "validation loss",
    "full_valid_loss": "full validation loss",
}
_REWARD_WORDS = {
    "train_mean_reward": "train mean reward",
    "full_valid_mean_reward": "full validation mean reward",
    "full_valid_mean_parse_error": "full validation mean parse error",
}


class Recorder:
    """The only writer of a run's files; made while holding its lock.

    With `meanwhile`, what finds no room on the disk is written again until it does, and `meanwhile`
    is called between the tries; without, it raises OSError.
    """

    def __init__(
        self,
        folder: RunFolder,
        spec: Spec,
        state: State,
        meanwhile: Callable[[], None] | None = None,
    ) -> None:
        self.spec = spec
        self._folder = folder
        self._state = state
        self._meanwhile = meanwhile
        self._events = JournalWriter(folder.events)
        self._metrics = JournalWriter(folder.metrics)
        self._told_step = _last_step(folder)
        self._measured_step = _last_measured(folder)
        self._written_at = 0.0
        self._first: tuple[int, float] | None = None

    def begun(self) -> None:
        """A start, the first or a further one."""
        state, spec = self._state, self.spec
        if not self._events.size:
            self._introduce()
            also = f" and validation file: {spec.validation_file}" if spec.validation_file else ""
            self.said(f"Validating training file: {spec.training_file}{also}")
            state.status = VALIDATING
        state.starts_without_progress += 1
        self._write()

    def _introduce(self) -> None:
        self.said(f"Created fine-tuning job: {self.spec.id}", at=self.spec.created_at)
        if self.spec.integrations:
            message = "This trainer keeps the integrations of a job and sends nothing to them."
            self.said(message, level="warn")
        if self.spec.response_format is not None:
            message = "This trainer keeps the response format of a job and does not enforce it."
            self.said(message, level="warn")

    def prepared(self, facts: Facts) -> None:
        """The files are valid and the numbers decided."""
        state = self._state
        is_first = state.status == VALIDATING
        state.hyperparameters = facts.hyperparameters
        state.total_steps = facts.total_steps
        if is_first:
            self.said("Files validated, moving job to queued state")
            state.status = QUEUED
            self._write()
            for warning in facts.warnings:
                self.said(warning, level="warn")
            self.said("Fine-tuning job started")
        state.status = RUNNING
        self._write()

    def stepped(self, report: StepReport) -> None:
        """One step: metrics and event are appended, the state at most four times a second."""
        state = self._state
        metrics = _rounded(report.metrics)
        if report.step > self._measured_step:
            self.keep(lambda: self._metrics.append({"step": report.step, **metrics}))
        if report.step > self._told_step:
            self._tell_step(report.step, metrics)
        now = time.monotonic()
        if report.step > state.step:
            state.starts_without_progress = 0
            state.step, state.trained_tokens = report.step, report.trained_tokens
        if self._first is None:
            self._first = (report.step - 1, now)
        if now - self._written_at >= STATE_SECONDS:
            first_step, first_at = self._first
            pace = (now - first_at) / (report.step - first_step)
            state.estimated_finish = round(time.time() + pace * (state.total_steps - report.step))
            self._write()

    def _tell_step(self, step: int, metrics: Metrics) -> None:
        total = self._state.total_steps
        # OpenAI's reinforcement jobs put the comma so.
        names, joint = (
            (_REWARD_WORDS, " , ") if self.spec.method == "reinforcement" else (_WORDS, ": ")
        )
        numbers = ", ".join(
            f"{words}={metrics[name]:.2f}" for name, words in names.items() if name in metrics
        )
        data = {"step": step, "total_steps": total, **metrics}
        event = _event(f"Step {step}/{total}{joint}{numbers}", data=data)
        self.keep(lambda: self._events.append(event))

    def checkpointed(self, report: StepReport, file: str, *, is_snapshot: bool = False) -> set[str]:
        """A model was saved; returns the files of checkpoints that are no longer kept."""
        state = self._state
        metrics = {"step": float(report.step), **_rounded(report.metrics)}
        saved = Checkpoint(report.step, int(time.time()), metrics, file, is_snapshot)
        known = [*(one for one in state.checkpoints if one.step != report.step), saved]
        state.checkpoints = kept(known, method=self.spec.method, total_steps=state.total_steps)
        if report.step > self._told_step:
            name = checkpoint_model(self.spec, report.step, state.total_steps)
            self.said(f"Checkpoint created at step {report.step} with Snapshot ID: {name}")
        self._write()
        return {one.file for one in known} - {one.file for one in state.checkpoints}

    def succeeded(self) -> None:
        """Everything is trained and saved."""
        self.keep(lambda: write_result(self._folder))
        self.said(f"New fine-tuned model created: {self.spec.tuned_model}")
        self.said("The job has successfully completed")
        self._end("succeeded")

    def failed(self, failure: Failure) -> None:
        """It cannot go on."""
        self._state.error = failure
        self.keep(lambda: write_result(self._folder))
        self.said(f"The job failed: {failure.message}", level="error")
        self._end("failed")

    def cancelled(self) -> None:
        """A person ended it."""
        if not self._events.size:
            self._introduce()
        self.keep(lambda: write_result(self._folder))
        self.said("The job has been cancelled")
        self._end("cancelled")

    def paused(self) -> None:
        """A person wants it to rest; it goes on when they say so."""
        self.said("The job has been paused")
        self._state.status = PAUSED
        self.interrupted()

    def interrupted(self) -> None:
        """It will go on at the next start; being told to stop is no failure to progress."""
        self._state.starts_without_progress = 0
        self._state.estimated_finish = None
        self._write()

    def said(
        self,
        message: str,
        *,
        level: Literal["info", "warn", "error"] = "info",
        at: float | None = None,
    ) -> None:
        """An event of type message."""
        event = _event(message, level, at=at)
        self.keep(lambda: self._events.append(event))

    def keep(self, write: Callable[[], object]) -> None:
        """Do a write that can be done again: where the disk is full, wait for room."""
        if self._meanwhile is None:
            write()
            return
        waited = persistently(write, meanwhile=self._meanwhile, on_full=self._tell_full)
        if waited:
            self.said(f"Training goes on; it waited {waited:.0f} s for room on the disk.")

    def _tell_full(self) -> None:
        with contextlib.suppress(OSError):  # a line may find the room that a model does not
            self._events.append(_event("The disk is full; training waits for room."))

    def sync(self) -> None:
        """Force the journals to disk: a checkpoint must never know of steps that they do not."""
        self.keep(self._events.sync)
        self.keep(self._metrics.sync)

    def close(self) -> None:
        """Force the journals to disk and close them."""
        self.sync()
        self._events.close()
        self._metrics.close()

    def _end(self, status: str) -> None:
        self._state.status = status
        # A clock may have been set back; nothing ends before it was asked for.
        self._state.finished_at = int(max(time.time(), self.spec.created_at))
        self._state.estimated_finish = None
        self._write()

    def _write(self) -> None:
        self.keep(lambda: self._folder.write_state(self._state))
        self._written_at = time.monotonic()


def _event(
    message: str, level: str = "info", *, at: float | None = None, data: Metrics | None = None
) -> Record:
    return {
        "created_at": int(time.time() if at is None else at),
        "level": level,
        "message": message,
        "type": "message" if data is None else "metrics",
        "data": data,
    }


def _rounded(value: Any) -> Any:
    """Numbers to six digits, however deep."""
    if isinstance(value, float):
        return round(value, DIGITS)
    if isinstance(value, dict):
        return {name: _rounded(inner) for name, inner in value.items()}
    return [_rounded(inner) for inner in value] if isinstance(value, list) else value


def _last_step(folder: RunFolder) -> int:
    """The last step an event told of; after a step come a few messages at most."""
    told = newest(folder.events, before=None, limit=50)
    return next((int(event["data"]["step"]) for _, event in told if event["type"] == "metrics"), 0)


def _last_measured(folder: RunFolder) -> int:
    last = newest(folder.metrics, before=None, limit=1)
    return int(last[0][1]["step"]) if last else 0
