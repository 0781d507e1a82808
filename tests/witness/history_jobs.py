"""Fine-tuning jobs as OpenAI tells of them: the job, its events, checkpoints and result file."""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import msgspec

from tests.witness import dice
from tests.witness.content import EXAMPLES

Json = dict[str, Any]
# The state and method of the n-th job, again and again.
CAST = (
    ("succeeded", "supervised"),
    ("succeeded", "dpo"),
    ("failed", "supervised"),
    ("succeeded", "reinforcement"),
    ("cancelled", "supervised"),
    ("running", "supervised"),
    ("succeeded", "supervised"),
    ("failed", "dpo"),
    ("succeeded", "supervised"),
    ("cancelled", "reinforcement"),
)
BASE_OF = {
    "supervised": ("gpt-4o-mini-2024-07-18", "gpt-4.1-mini-2025-04-14"),
    "dpo": ("gpt-4.1-2025-04-14", "gpt-4o-2024-08-06"),
    "reinforcement": ("o4-mini-2025-04-16",),
}
SUFFIXES = ("support", "intents", None, "tone-2", "triage")
EPOCHS = 3
BEFORE = 4  # messages before the first step
AFTER = 6  # messages after the last
SECONDS_BETWEEN = 9
# Numbers and letters as no serializer of ours would write them.
ODD_NUMBER = msgspec.Raw(b"1.50")
ODD_WORDS = msgspec.Raw(rb'"caf\u00e9 \ud83d\ude00 \/ 100%"')
TOO_FEW = "Training file has 7 example(s), but must have at least 10 examples"
BLOCKED = "The job failed due to an unsafe training file."


@dataclass(frozen=True)
class Made:
    """A job of a history; what belongs to it is made whenever it is asked for."""

    number: int
    status: str
    method: str
    asked_events: int
    job: Json

    @property
    def id(self) -> str:
        return str(self.job["id"])

    @cached_property
    def steps(self) -> int:
        """How many were taken: none by a job that failed at its files."""
        if self.job["error"].get("code") == "invalid_n_examples":
            return 0
        after = {"succeeded": AFTER, "running": 0}.get(self.status, 1)
        return max(EPOCHS, self.asked_events - BEFORE - after)

    def metrics(self) -> Iterator[Json]:
        """The data of each step's event."""
        roll = dice.of(self.id, "metrics")
        for step in range(1, self.steps + 1):
            make = _reward if self.method == "reinforcement" else _loss
            yield make(step, self.steps, roll)

    def events(self) -> list[Json]:
        """All of them, newest first."""
        told = [*self._beginning(), *self._steps(), *self._end()]
        first = self.job["created_at"]
        return [
            {
                "object": "fine_tuning.job.event",
                "id": f"ftevent-{dice.quick(self.id, n)}",
                "created_at": first + SECONDS_BETWEEN * n,
                "level": level,
                "message": message,
                "data": data,
                "type": kind,
            }
            for n, (level, kind, message, data) in reversed(list(enumerate(told)))
        ]

    def _beginning(self) -> Iterator[tuple[str, str, str, Json]]:
        files = f"training file: {self.job['training_file']}"
        yield "info", "message", f"Created fine-tuning job: {self.id}", {}
        yield "info", "message", f"Validating {files}", {}
        if self.steps:
            yield "info", "message", "Files validated, moving job to queued state", {}
            yield "info", "message", "Fine-tuning job started", {}

    def _steps(self) -> Iterator[tuple[str, str, str, Json]]:
        for data in self.metrics():
            yield "info", "metrics", _sentence(data), data

    def _end(self) -> Iterator[tuple[str, str, str, Json]]:
        if self.status == "failed":
            yield "error", "message", self.job["error"]["message"], {}
        elif self.status == "cancelled":
            yield "warn", "message", "Fine-tuning job cancelled", {}
        elif self.status == "succeeded":
            for point in self.checkpoints()[:0:-1]:
                step, name = point["step_number"], point["fine_tuned_model_checkpoint"]
                words = f"Checkpoint created at step {step} with Snapshot ID: {name}"
                yield "info", "message", words, {}
            yield "info", "message", f"New fine-tuned model created: {self._model}", {}
            yield "info", "moderation_checks", "Usage policy evaluations completed", {}
            enabled = "Usage policy evaluations completed, model is now enabled for sampling"
            yield "info", "message", enabled, {}
            yield "info", "message", "The job has successfully completed", {}

    @property
    def _model(self) -> str:
        return str(self.job["fine_tuned_model"])

    def checkpoints(self) -> list[Json]:
        """Those of the last three epochs, newest first; the newest is the model itself."""
        if self.status != "succeeded":
            return []
        by_step = {data["step"]: data for data in self.metrics()}
        made = []
        for epoch in range(EPOCHS, 0, -1):
            step = self.steps * epoch // EPOCHS
            is_last = epoch == EPOCHS
            data = by_step[step]
            made.append(
                {
                    "object": "fine_tuning.job.checkpoint",
                    "id": f"ftckpt_{dice.token(self.id, 'checkpoint', epoch)}",
                    "created_at": self.job["created_at"] + SECONDS_BETWEEN * (BEFORE + step),
                    "fine_tuned_model_checkpoint": self._model
                    if is_last
                    else f"{self._model}:ckpt-step-{step}",
                    "fine_tuning_job_id": self.id,
                    "metrics": {name: data[name] for name in _KEPT if name in data},
                    "step_number": step,
                }
            )
        return made

    def results(self) -> bytes:
        """The result file: a CSV, under the older header or the newer one."""
        header = _HEADERS[2 if self.method == "reinforcement" else self.number % 2]
        lines = [",".join(header.values())]
        lines += [",".join(str(data.get(name, "")) for name in header) for data in self.metrics()]
        return ("\n".join(lines) + "\n").encode()


_KEPT = (
    "step",
    "train_loss",
    "train_mean_token_accuracy",
    "valid_loss",
    "valid_mean_token_accuracy",
    "full_valid_loss",
    "full_valid_mean_token_accuracy",
    "train_mean_reward",
    "full_valid_mean_reward",
)
_HEADERS = (
    {
        "step": "step",
        "train_loss": "train_loss",
        "train_mean_token_accuracy": "train_accuracy",
        "valid_loss": "valid_loss",
        "valid_mean_token_accuracy": "valid_mean_token_accuracy",
    },
    {
        "step": "step",
        "train_loss": "train_loss",
        "train_mean_token_accuracy": "train_mean_token_accuracy",
        "valid_loss": "valid_loss",
        "valid_mean_token_accuracy": "validation_mean_token_accuracy",
        "full_valid_loss": "full_valid_loss",
        "full_valid_mean_token_accuracy": "full_valid_mean_token_accuracy",
    },
    {
        "step": "step",
        "train_mean_reward": "train_mean_reward",
        "full_valid_mean_reward": "full_valid_mean_reward",
    },
)


def _loss(step: int, total: int, roll: Any) -> Json:
    share = step / total
    loss = 2.2 * math.exp(-3 * share) + 0.15 + roll.gauss(0, 0.05)
    data: Json = {
        "step": step,
        "total_steps": total,
        "train_loss": round(abs(loss), 6),
        "train_mean_token_accuracy": round(min(1.0, 0.4 + 0.55 * share + roll.random() / 50), 6),
    }
    if step % 10 == 0:
        data["valid_loss"] = round(abs(loss) * 1.1, 6)
        data["valid_mean_token_accuracy"] = round(0.35 + 0.5 * share, 6)
    if step in {total * epoch // EPOCHS for epoch in range(1, EPOCHS + 1)}:
        data["full_valid_loss"] = round(abs(loss) * 1.08, 6)
        data["full_valid_mean_token_accuracy"] = round(0.36 + 0.5 * share, 6)
    return data


def _reward(step: int, total: int, roll: Any) -> Json:
    reward = round(min(1.0, 0.2 + 0.6 * step / total + roll.gauss(0, 0.02)), 6)
    data: Json = {
        "step": step,
        "total_steps": total,
        "train_mean_reward": reward,
        "mean_unresponsive_rewards": 0.0,
        "reasoning_tokens_mean": round(400 + 200 * roll.random(), 2),
        "completion_tokens_mean": round(60 + 20 * roll.random(), 2),
        "scores": {
            "train_reward_mean": reward,
            "graders": [
                {"name": "countdown", "type": "multi", "train_reward_mean": reward},
            ],
        },
        "timing": {"step": {"sampling": round(20 + 5 * roll.random(), 3), "training": 8.25}},
        "errors": {"graders": [{"name": "countdown", "sample_parse_error_mean": 0.0}]},
    }
    if step % 10 == 0 or step in {total * epoch // EPOCHS for epoch in range(1, EPOCHS + 1)}:
        data["full_valid_mean_reward"] = round(reward * 0.95, 6)
        data["full_valid_mean_parse_error"] = 0.0
        data["scores"]["valid_reward_mean"] = data["full_valid_mean_reward"]
    return data


def _sentence(data: Json) -> str:
    where = f"Step {data['step']}/{data['total_steps']}"
    if "train_mean_reward" in data:
        return f"{where}: mean train reward={data['train_mean_reward']:.2f}"
    said = f"{where}: training loss={data['train_loss']:.2f}"
    if "valid_loss" in data:
        said += f", validation loss={data['valid_loss']:.2f}"
    if "full_valid_loss" in data:
        said += f", full validation loss={data['full_valid_loss']:.2f}"
    return said


def make(name: str, n: int, *, now: int, events: int, files: dict[str, list[str]]) -> Made:
    """The n-th newest job of the history of this name. Its files go round those of its method; the
    fifth names one that was deleted long ago.
    """
    roll = dice.of(name, "job", n)
    status, method = CAST[n % len(CAST)]
    fails_early = status == "failed" and method == "supervised"
    created = now - 3600 - n * 7200 - roll.randrange(3600)
    ended = status in {"succeeded", "failed", "cancelled"}
    named = files[method] or [f"file-{dice.token(name, 'lost', method, length=22)}"]
    training = f"file-{dice.token(name, 'deleted', length=22)}" if n == 4 else named[n % len(named)]
    base = BASE_OF[method][n % len(BASE_OF[method])]
    suffix = SUFFIXES[n % len(SUFFIXES)]
    job_id = f"ftjob-{dice.token(name, 'job-id', n)}"
    tuned = f"ft:{base}:acme:{suffix or ''}:{dice.token(job_id, length=8)}"
    error: Json = {}
    if status == "failed":
        code, said = ("invalid_n_examples", TOO_FEW) if fails_early else ("unsafe_file", BLOCKED)
        error = {"code": code, "message": said, "param": "training_file"}
    rate = ODD_NUMBER if n == 0 else 1.8
    resolved: Json = {"n_epochs": EPOCHS, "batch_size": 4, "learning_rate_multiplier": rate}
    job = {
        "object": "fine_tuning.job",
        "id": job_id,
        "model": base,
        "created_at": created,
        "finished_at": created + SECONDS_BETWEEN * events if ended else None,
        "fine_tuned_model": tuned if status == "succeeded" else None,
        "organization_id": "org-witness",
        "result_files": [f"file-{dice.token(job_id, 'results', length=22)}"]
        if status == "succeeded"
        else [],
        "status": status,
        "validation_file": named[(n + 1) % len(named)] if n % 3 == 0 else None,
        "training_file": training,
        "hyperparameters": resolved if method == "supervised" else dict.fromkeys(resolved),
        "trained_tokens": 37_000 + roll.randrange(10**6) if status == "succeeded" else None,
        "error": error,
        "user_provided_suffix": suffix,
        "seed": roll.randrange(2**31),
        "estimated_finish": None if ended else now + 3600,
        "integrations": [],
        "metadata": {"team": "care", "note": ODD_WORDS} if n == 0 else {},
        "usage_metrics": None,
        "shared_with_openai": False,
        "method": {"type": method, method: _method(method, resolved)},
    }
    return Made(n, status, method, events, job)


def _method(method: str, resolved: Json) -> Json:
    if method == "dpo":
        return {"hyperparameters": {**resolved, "beta": 0.1}}
    if method == "reinforcement":
        grader = json.loads((EXAMPLES / "countdown-rft" / "grader.json").read_bytes())
        more = {"compute_multiplier": 1.0, "eval_interval": 10, "eval_samples": 1}
        effort = {"reasoning_effort": "medium"}
        return {"grader": grader, "hyperparameters": {**resolved, **more, **effort}}
    return {"hyperparameters": resolved}
