"""What a training child writes down: state, events, metrics, results; each step is told once."""

import csv
import time
from typing import Any, Literal

from app.trainer.engines.base import Facts, Metrics, StepReport
from app.trainer.folder import (
    QUEUED,
    RUNNING,
    VALIDATING,
    Checkpoint,
    Failure,
    RunFolder,
    Spec,
    State,
)
from app.trainer.journal import JournalWriter, newest, oldest_first

KEPT_CHECKPOINTS = 3
STATE_SECONDS = 0.25
DIGITS = 6

# OpenAI's header, then two columns Azure has; `train_accuracy` is the token accuracy.
RESULT_COLUMNS = {
    "step": "step",
    "train_loss": "train_loss",
    "train_accuracy": "train_mean_token_accuracy",
    "valid_loss": "valid_loss",
    "valid_mean_token_accuracy": "valid_mean_token_accuracy",
    "full_valid_loss": "full_valid_loss",
    "full_valid_mean_token_accuracy": "full_valid_mean_token_accuracy",
}
_LOSS_WORDS = {
    "train_loss": "training loss",
    "valid_loss": "validation loss",
    "full_valid_loss": "full validation loss",
}


class Recorder:
    """The only writer of a run's files; made while holding its lock."""

    def __init__(self, folder: RunFolder, spec: Spec, state: State) -> None:
        self.spec = spec
        self._folder = folder
        self._state = state
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
            self.said(f"Created fine-tuning job: {spec.id}", at=spec.created_at)
            also = f" and validation file: {spec.validation_file}" if spec.validation_file else ""
            self.said(f"Validating training file: {spec.training_file}{also}")
            state.status = VALIDATING
        state.starts_without_progress += 1
        self._write()

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
            self._metrics.append({"step": report.step, **metrics})
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
        losses = ", ".join(
            f"{words}={metrics[name]:.2f}" for name, words in _LOSS_WORDS.items() if name in metrics
        )
        data = {"step": step, "total_steps": total, **metrics}
        self._event(f"Step {step}/{total}: {losses}", "info", "metrics", data, time.time())

    def checkpointed(self, report: StepReport, file: str) -> list[str]:
        """A model was saved; returns the files of checkpoints that are no longer kept."""
        state = self._state
        metrics = {"step": float(report.step), **_rounded(report.metrics)}
        known = [checkpoint for checkpoint in state.checkpoints if checkpoint.step != report.step]
        state.checkpoints = [*known, Checkpoint(report.step, int(time.time()), metrics, file)]
        if report.step > self._told_step:
            name = checkpoint_model(self.spec, report.step, state.total_steps)
            self.said(f"Checkpoint created at step {report.step} with Snapshot ID: {name}")
        dropped = [checkpoint.file for checkpoint in state.checkpoints[:-KEPT_CHECKPOINTS]]
        state.checkpoints = state.checkpoints[-KEPT_CHECKPOINTS:]
        self._write()
        return dropped

    def succeeded(self) -> None:
        """Everything is trained and saved."""
        self._write_result()
        self.said(f"New fine-tuned model created: {self.spec.tuned_model}")
        self.said("The job has successfully completed")
        self._end("succeeded")

    def failed(self, failure: Failure) -> None:
        """It cannot go on."""
        self._state.error = failure
        self._write_result()
        self.said(f"The job failed: {failure.message}", level="error")
        self._end("failed")

    def cancelled(self) -> None:
        """A person ended it."""
        self._write_result()
        self.said("The job has been cancelled")
        self._end("cancelled")

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
        self._event(message, level, "message", None, time.time() if at is None else at)

    def sync(self) -> None:
        """Force the journals to disk: a checkpoint must never know of steps that they do not."""
        self._events.sync()
        self._metrics.sync()

    def close(self) -> None:
        """Force the journals to disk and close them."""
        self.sync()
        self._events.close()
        self._metrics.close()

    def _event(self, message: str, level: str, kind: str, data: Metrics | None, at: float) -> None:
        self._events.append(
            {"created_at": int(at), "level": level, "message": message, "type": kind, "data": data}
        )

    def _end(self, status: str) -> None:
        self._state.status = status
        self._state.finished_at = int(time.time())
        self._state.estimated_finish = None
        self._write()

    def _write(self) -> None:
        self._folder.write_state(self._state)
        self._written_at = time.monotonic()

    def _write_result(self) -> None:
        if not self._metrics.size:
            return
        part = self._folder.result.with_name("result.csv.part")
        with part.open("w", newline="", encoding="utf-8") as file:
            table = csv.writer(file)
            table.writerow(RESULT_COLUMNS)
            for row in oldest_first(self._folder.metrics):
                table.writerow([row.get(name, "") for name in RESULT_COLUMNS.values()])
        part.replace(self._folder.result)


def checkpoint_model(spec: Spec, step: int, total_steps: int) -> str:
    """A checkpoint's model name; the last one's is the tuned model itself, as OpenAI has it."""
    return spec.tuned_model if step == total_steps else f"{spec.tuned_model}:ckpt-step-{step}"


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
