"""What a method does with one batch: it moves the network and tells how it went."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from app.trainer.engines.base import Metrics
from app.trainer.engines.practice.hyperparameters import Numbers
from app.trainer.engines.practice.network import Network
from app.trainer.engines.practice.optimiser import Optimiser
from app.trainer.engines.practice.rows import Indices, Rows

# What a random generator is for, beside the job's seed; each step has one of its own, so that a
# resumed training draws what it would have drawn.
WEIGHTS, ORDER, VALIDATION, SAMPLES, EVALUATION = range(5)


@dataclass(frozen=True)
class Setting:
    """What every lesson works with."""

    network: Network
    optimiser: Optimiser
    train: Rows
    valid: Rows | None
    seed: int
    steps_per_epoch: int
    numbers: Numbers
    work: Path
    grader: Mapping[str, Any] | None

    def is_epoch_end(self, step: int) -> bool:
        """Whether this step is an epoch's last."""
        return step % self.steps_per_epoch == 0


@dataclass(frozen=True)
class Taught:
    """One step: what to tell, how many tokens were trained, whether to keep the model now."""

    metrics: Metrics
    tokens: int
    is_checkpoint: bool


class Lesson(Protocol):
    """One training method."""

    def teach(self, chosen: Indices, step: int) -> Taught:
        """Learn from these examples, as step `step`, and validate where that is due."""


def validated(
    setting: Setting, step: int, measure: Callable[[Rows, Indices, str], Metrics]
) -> Metrics:
    """As OpenAI does: `valid_…` on a batch of validation rows every step, `full_valid_…` on all of
    them at the end of an epoch.
    """
    if setting.valid is None:
        return {}
    count = len(setting.valid)
    rng = np.random.default_rng([setting.seed, VALIDATION, step])
    sample = rng.integers(count, size=min(int(setting.numbers["batch_size"]), count))
    metrics = measure(setting.valid, sample, "valid")
    if setting.is_epoch_end(step):
        metrics |= measure(setting.valid, np.arange(count), "full_valid")
    return metrics
