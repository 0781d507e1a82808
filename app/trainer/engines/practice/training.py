"""Training of the practice model: order, steps, and exact resumption, whatever the method."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from app.trainer.engines.base import Facts, StepReport, Task
from app.trainer.engines.practice.compiling import Compiled, compiled, start_of
from app.trainer.engines.practice.hyperparameters import resolve, steps_per_epoch
from app.trainer.engines.practice.lesson import ORDER, WEIGHTS, Lesson, Setting
from app.trainer.engines.practice.network import DENSE, NEVER, Array, Network, write_arrays
from app.trainer.engines.practice.optimiser import Optimiser
from app.trainer.engines.practice.preferences import Preferences
from app.trainer.engines.practice.reinforcement import Reinforcement
from app.trainer.engines.practice.rows import ANSWER_TOKENS, Indices, Rows
from app.trainer.engines.practice.supervised import Supervised
from app.trainer.engines.practice.vocabulary import START, Vocabulary

LESSONS: dict[str, Callable[[Setting], Lesson]] = {
    "supervised": Supervised,
    "dpo": Preferences,
    "reinforcement": Reinforcement,
}
# The rate of each method beside that of supervised learning, at a multiplier of 1.
RATES = {"supervised": 1.0, "dpo": 0.1, "reinforcement": 0.3}


class PracticeTraining:
    """One training; `steps` may be left and, after `load_resume`, entered by another process."""

    def __init__(self, task: Task) -> None:
        found = compiled(task)
        train, valid = found.counts["train"], found.counts.get("valid")
        numbers = resolve(task.asked, train["rows"], task.method)
        self._seed = task.seed
        self._batch_size = int(numbers["batch_size"])
        self._per_epoch = steps_per_epoch(train["examples"], numbers)
        self._trained_tokens = 0
        self.facts = Facts(
            rows=train["rows"],
            validation_rows=valid["rows"] if valid else 0,
            tokens_per_epoch=train["tokens"] + train["prompt_words"],
            total_steps=self._per_epoch * int(numbers["n_epochs"]),
            hyperparameters=numbers,
            warnings=tuple(
                _cut_warning(name, part["cut"])
                for name, part in found.counts.items()
                if part["cut"]
            ),
        )
        self.network = _network(task, found)
        self._optimiser = Optimiser(
            self.network,
            total_steps=self.facts.total_steps,
            multiplier=float(numbers["learning_rate_multiplier"]) * RATES[task.method],
        )
        self.rows = Rows(task.work, "train")
        self.lesson = LESSONS[task.method](
            Setting(
                network=self.network,
                optimiser=self._optimiser,
                train=self.rows,
                valid=Rows(task.work, "valid") if valid else None,
                seed=task.seed,
                steps_per_epoch=self._per_epoch,
                numbers=numbers,
                work=task.work,
                grader=task.grader,
            ),
        )

    @property
    def step(self) -> int:
        """How many optimiser steps are done, over all processes."""
        return self._optimiser.step_count

    def steps(self) -> Iterator[StepReport]:
        """Train on.

        Every epoch sees every example once, in an order of its own drawn from the seed.
        """
        epoch, order = -1, np.zeros(0, np.int64)
        while self._optimiser.step_count < self.facts.total_steps:
            done = self._optimiser.step_count
            if done // self._per_epoch != epoch:
                epoch = done // self._per_epoch
                order = self._order(epoch)
            first = done % self._per_epoch * self._batch_size
            step = done + 1
            taught = self.lesson.teach(order[first : first + self._batch_size], step)
            self._trained_tokens += taught.tokens
            yield StepReport(step, taught.metrics, self._trained_tokens, taught.is_checkpoint)

    def _order(self, epoch: int) -> Indices:
        rng = np.random.default_rng([self._seed, ORDER, epoch])
        return rng.permutation(len(self.rows))

    def save_model(self, path: Path) -> None:
        """Write the network alone."""
        self.network.save(path)

    def save_resume(self, path: Path) -> None:
        """Write network and optimiser; whatever is drawn follows from seed and step."""
        network = self.network
        used = np.flatnonzero(network.features.any(axis=1)).astype(np.uint16)
        rows: dict[str, Array] = {"used": used, "rows": network.features[used]}
        tokens = {"trained_tokens": np.array([self._trained_tokens])}
        write_arrays(path, {**network.dense(), **rows, **tokens, **self._optimiser.state()})

    def load_resume(self, path: Path) -> None:
        """Take back what `save_resume` wrote. Raises ValueError when it is of another shape."""
        with np.load(path, allow_pickle=False) as stored:
            state = dict(stored)
        if state["output"].shape != self.network.output.shape:
            raise ValueError("the checkpoint belongs to another vocabulary")
        for name in DENSE:
            setattr(self.network, name, state[name])
        self.network.features[state["used"]] = state["rows"]
        self._trained_tokens = int(state["trained_tokens"][0])
        self._optimiser.restore(state)


def _network(task: Task, found: Compiled) -> Network:
    vocabulary, rng = Vocabulary(found.pieces), np.random.default_rng([task.seed, WEIGHTS])
    start = start_of(task)
    if start is not None:
        return start.grown(vocabulary, rng)
    network = Network(vocabulary, rng)
    if found.shares is not None:
        network.output_bias[:] = found.shares
        network.output_bias[START] = NEVER
    return network


def _cut_warning(name: str, cut: int) -> str:
    kind = "training" if name == "train" else "validation"
    long = f"{cut} {kind} answer(s) are longer than {ANSWER_TOKENS} tokens"
    return f"{long}; this engine learns their beginnings."
