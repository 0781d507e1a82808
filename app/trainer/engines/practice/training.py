"""Training of the practice model: order, steps, validation, and exact resumption."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.trainer.engines.base import Facts, InvalidData, Metrics, StepReport, Task
from app.trainer.engines.practice.gradients import added, gradients_of
from app.trainer.engines.practice.network import DENSE, Array, Forward, Network, write_arrays
from app.trainer.engines.practice.optimiser import Optimiser
from app.trainer.engines.practice.rows import (
    ANSWER_TOKENS,
    PieceCounter,
    Rows,
    compile_rows,
    encode_answers,
)
from app.trainer.engines.practice.vocabulary import Vocabulary

MINIMUM_ROWS = 10
FEWEST_SEEN, MOST_SEEN = 100, 25_000
LEAST_AUTO_BATCH = 4
_COMPILED = "compiled.json"


def resolve(asked: dict[str, object], rows: int) -> dict[str, int | float | str]:
    """Numbers for every "auto": epochs by the cookbook's heuristic, batches of 0.2 % of the rows.

    Unlike OpenAI's, automatic batches have at least 4 rows: one row at a time is slow and noisy on
    a small network.
    """
    epochs = 3
    if rows * epochs < FEWEST_SEEN:
        epochs = min(25, FEWEST_SEEN // rows)
    elif rows * epochs > MOST_SEEN:
        epochs = max(1, MOST_SEEN // rows)
    automatic = {
        "n_epochs": epochs,
        "batch_size": min(256, max(LEAST_AUTO_BATCH, round(rows * 0.002))),
        "learning_rate_multiplier": 1.0,
    }
    chosen = {name: asked.get(name, "auto") for name in automatic}
    return {
        name: automatic[name] if value == "auto" else value  # type: ignore[misc]
        for name, value in chosen.items()
    }


def start_of(task: Task) -> Network | None:
    """The network to start from, if any. Raises InvalidData when it was deleted."""
    if task.start_from is None:
        return None
    try:
        return Network.load(task.start_from)
    except FileNotFoundError:
        message = "The model to start from was deleted."
        raise InvalidData("invalid_model", message, "model") from None


def compile_task(task: Task) -> None:
    """Read the files into `task.work`, unless that is done already. Raises InvalidData."""
    if (task.work / _COMPILED).exists():
        return
    pieces = PieceCounter()
    train = compile_rows(task.training_file, "training_file", task.work, "train", pieces=pieces)
    if train["rows"] < MINIMUM_ROWS:
        has = f"Training file has {train['rows']} example(s)"
        message = f"{has}, but must have at least {MINIMUM_ROWS} examples"
        raise InvalidData("invalid_n_examples", message, "training_file")
    if not train["examples"]:
        raise InvalidData(
            "invalid_training_file",
            "No assistant message has a weight to train on.",
            "training_file",
        )
    start = start_of(task)
    known = start.vocabulary if start else Vocabulary([])
    vocabulary = known.grown(pieces.counts.items())
    found = {"train": {**train, **encode_answers(task.work, "train", vocabulary)}}
    if task.validation_file is not None:
        valid = compile_rows(
            task.validation_file, "validation_file", task.work, "valid", pieces=None
        )
        if not valid["examples"]:
            message = "Validation file has no assistant message to measure on."
            raise InvalidData("invalid_validation_file", message, "validation_file")
        found["valid"] = {**valid, **encode_answers(task.work, "valid", vocabulary)}
    part = task.work / f"{_COMPILED}.part"
    part.write_text(json.dumps({"pieces": vocabulary.pieces, "found": found}))
    part.replace(task.work / _COMPILED)


class PracticeTraining:
    """One training; `steps` may be left and, after `load_resume`, entered by another process."""

    def __init__(self, task: Task) -> None:
        compiled = json.loads((task.work / _COMPILED).read_text())
        found = compiled["found"]
        self._seed = task.seed
        self._train = Rows(task.work, "train")
        self._valid = Rows(task.work, "valid") if "valid" in found else None
        numbers = resolve(dict(task.asked), found["train"]["rows"])
        self._batch_size = int(numbers["batch_size"])
        self._per_epoch = -(-len(self._train) // self._batch_size)
        self._tokens_per_epoch = found["train"]["tokens"] + found["train"]["prompt_words"]
        self.facts = Facts(
            rows=found["train"]["rows"],
            validation_rows=found["valid"]["rows"] if self._valid else 0,
            tokens_per_epoch=self._tokens_per_epoch,
            total_steps=self._per_epoch * int(numbers["n_epochs"]),
            hyperparameters=numbers,
            warnings=tuple(
                _cut_warning(name, part["cut"]) for name, part in found.items() if part["cut"]
            ),
        )
        vocabulary, rng = Vocabulary(compiled["pieces"]), np.random.default_rng([self._seed, 0])
        start = start_of(task)
        self._network = start.grown(vocabulary, rng) if start else Network(vocabulary, rng)
        self._optimiser = Optimiser(
            self._network,
            total_steps=self.facts.total_steps,
            multiplier=float(numbers["learning_rate_multiplier"]),
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
                order = np.random.default_rng([self._seed, 1, epoch]).permutation(len(self._train))
            first = done % self._per_epoch * self._batch_size
            metrics = self._learn(order[first : first + self._batch_size])
            step = done + 1
            is_epoch_end = step % self._per_epoch == 0
            if self._valid is not None:
                metrics |= self._valid_sample(self._valid, step)
                if is_epoch_end:
                    metrics |= self._valid_in_full(self._valid)
            yield StepReport(step, metrics, self._tokens_after(step), is_epoch_end)

    def _learn(self, chosen: NDArray[np.int64]) -> Metrics:
        score, gradients = _Score(), []
        tokens = self._train.tokens_in(chosen)
        for part in self._train.parts(chosen):
            batch = self._train.batch(part)
            forward = self._network.forward(batch)
            score.add(forward, batch.targets)
            gradients.append(gradients_of(self._network, batch, forward, tokens=tokens))
        self._optimiser.update(added(gradients))
        return score.metrics("train")

    def _tokens_after(self, step: int) -> int:
        return int(self._tokens_per_epoch * step / self._per_epoch)

    def _valid_sample(self, valid: Rows, step: int) -> Metrics:
        rng = np.random.default_rng([self._seed, 2, step])
        return self._measured(
            valid, rng.integers(len(valid), size=min(self._batch_size, len(valid))), "valid"
        )

    def _valid_in_full(self, valid: Rows) -> Metrics:
        return self._measured(valid, np.arange(len(valid)), "full_valid")

    def _measured(self, rows: Rows, chosen: NDArray[np.int64], name: str) -> Metrics:
        score = _Score()
        for part in rows.parts(chosen):
            batch = rows.batch(part)
            score.add(self._network.forward(batch), batch.targets)
        return score.metrics(name)

    def save_model(self, path: Path) -> None:
        """Write the network alone."""
        self._network.save(path)

    def save_resume(self, path: Path) -> None:
        """Write network and optimiser; the order of rows follows from seed and step."""
        network = self._network
        used = np.flatnonzero(network.features.any(axis=1)).astype(np.uint16)
        rows: dict[str, Array] = {"used": used, "rows": network.features[used]}
        write_arrays(path, {**network.dense(), **rows, **self._optimiser.state()})

    def load_resume(self, path: Path) -> None:
        """Take back what `save_resume` wrote. Raises ValueError when it is of another shape."""
        with np.load(path, allow_pickle=False) as stored:
            state = dict(stored)
        if state["output"].shape != self._network.output.shape:
            raise ValueError("the checkpoint belongs to another vocabulary")
        for name in DENSE:
            setattr(self._network, name, state[name])
        self._network.features[state["used"]] = state["rows"]
        self._optimiser.restore(state)


class _Score:
    """Loss and accuracy per answer token, over the parts of a batch."""

    def __init__(self) -> None:
        self._loss = self._right = self._count = 0.0

    def add(self, forward: Forward, targets: Array) -> None:
        scores = forward.log_probabilities
        self._loss -= float(scores[np.arange(len(targets)), targets].sum(dtype=np.float64))
        self._right += int((scores.argmax(axis=1) == targets).sum())
        self._count += len(targets)

    def metrics(self, name: str) -> Metrics:
        return {
            f"{name}_loss": self._loss / self._count,
            f"{name}_mean_token_accuracy": self._right / self._count,
        }


def _cut_warning(name: str, cut: int) -> str:
    kind = "training" if name == "train" else "validation"
    long = f"{cut} {kind} answer(s) are longer than {ANSWER_TOKENS} tokens"
    return f"{long}; this engine learns their beginnings."
