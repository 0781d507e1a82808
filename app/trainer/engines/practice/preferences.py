"""Direct preference optimisation: of two answers the preferred one is made likelier.

Rafailov et al. 2023, "Direct Preference Optimization: Your Language Model is Secretly a Reward
Model", equation 7: the loss of a pair is -log sigmoid(margin), where an answer's implicit reward is
beta * (log p(answer) - log p_reference(answer)), the log-probabilities are of the whole answer, and
the margin is the preferred answer's reward less the other's.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.trainer.engines.base import Metrics
from app.trainer.engines.practice.gradients import Gradients, added, gradients_of
from app.trainer.engines.practice.lesson import Setting, Taught, validated
from app.trainer.engines.practice.network import Batch, Forward, Network
from app.trainer.engines.practice.rows import Indices, Rows

Doubles = NDArray[np.float64]


class Preferences:
    """Follows the gradient of the mean loss per pair.

    The reference is the network as it is when this is made: before the first step.
    """

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._beta = float(setting.numbers["beta"])
        self._reference = {
            rows.name: _reference(setting.network, rows, setting.work)
            for rows in (setting.train, setting.valid)
            if rows is not None
        }

    def teach(self, chosen: Indices, step: int) -> Taught:
        """One step."""
        setting, score = self._setting, _Score()
        setting.optimiser.update(added(self._gradients(chosen, score)))
        metrics = score.metrics("train") | validated(setting, step, self._measured)
        tokens = setting.train.tokens_in(chosen) + setting.train.words_in(chosen)
        return Taught(metrics, tokens, setting.is_epoch_end(step))

    def _gradients(self, chosen: Indices, score: "_Score") -> Iterator[Gradients]:
        network, rows = self._setting.network, self._setting.train
        for part in rows.parts(chosen):
            batch = rows.batch(part)
            forward = network.forward(batch)
            margins = self._margins(forward, batch, rows, part)
            score.add(forward, batch, margins)
            push = self._beta * np.exp(-np.logaddexp(0, margins)) / len(chosen)
            by_answer = np.stack((push, -push), axis=1).ravel()
            weights = np.repeat(by_answer, batch.answer_lengths)
            yield gradients_of(network, batch, forward, weights)

    def _measured(self, rows: Rows, chosen: Indices, name: str) -> Metrics:
        score = _Score()
        for part in rows.parts(chosen):
            batch = rows.batch(part)
            forward = self._setting.network.forward(batch)
            score.add(forward, batch, self._margins(forward, batch, rows, part))
        return score.metrics(name)

    def _margins(self, forward: Forward, batch: Batch, rows: Rows, chosen: Indices) -> Doubles:
        rewards = self._beta * (_by_answer(forward, batch) - self._reference[rows.name][chosen])
        margins: Doubles = rewards[:, 0] - rewards[:, 1]
        return margins


class _Score:
    """Losses and margins per pair, over the parts of a batch."""

    def __init__(self) -> None:
        self._margins: list[Doubles] = []
        self._right = self._count = 0

    def add(self, forward: Forward, batch: Batch, margins: Doubles) -> None:
        self._margins.append(margins)
        is_preferred = np.tile([True, False], len(margins))
        of_preferred = np.repeat(is_preferred, batch.answer_lengths)
        best = forward.log_probabilities[of_preferred].argmax(axis=1)
        self._right += int((best == batch.targets[of_preferred]).sum())
        self._count += len(best)

    def metrics(self, name: str) -> Metrics:
        margins = np.concatenate(self._margins)
        return {
            f"{name}_loss": float(np.logaddexp(0, -margins).mean()),
            f"{name}_mean_token_accuracy": self._right / self._count,
            f"{name}_reward_margin": float(margins.mean()),
            f"{name}_reward_accuracy": float((margins > 0).mean()),
        }


def _by_answer(forward: Forward, batch: Batch) -> Doubles:
    """The log-probability of each pair's answers, (B, 2)."""
    by_token = forward.of_targets(batch).astype(np.float64)
    return np.add.reduceat(by_token, batch.answer_starts).reshape(-1, 2)


def _reference(network: Network, rows: Rows, work: Path) -> Doubles:
    """The same of every pair under this network: worked out once, then kept in `work`."""
    path = work / f"{rows.name}.reference.npy"
    if not path.exists():
        found = []
        for part in rows.parts(np.arange(len(rows))):
            batch = rows.batch(part)
            found.append(_by_answer(network.forward(batch), batch))
        unfinished = work / f"{rows.name}.unfinished.npy"
        np.save(unfinished, np.concatenate(found))
        unfinished.replace(path)
    reference: Doubles = np.load(path)
    return reference
