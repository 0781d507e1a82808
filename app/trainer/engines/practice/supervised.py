"""Supervised learning: the answers of the rows are made likelier."""

from collections.abc import Iterator

from app.trainer.engines.base import Metrics
from app.trainer.engines.practice.gradients import Gradients, added, gradients_of
from app.trainer.engines.practice.lesson import Setting, Taught, validated
from app.trainer.engines.practice.network import Batch, Forward
from app.trainer.engines.practice.rows import Indices, Rows


class Supervised:
    """Follows the gradient of the mean loss per answer token."""

    def __init__(self, setting: Setting) -> None:
        self._setting = setting

    def teach(self, chosen: Indices, step: int) -> Taught:
        """One step."""
        setting, score = self._setting, _Score()
        setting.optimiser.update(added(self._gradients(chosen, score)))
        metrics = score.metrics("train") | validated(setting, step, self._measured)
        tokens = setting.train.tokens_in(chosen) + setting.train.words_in(chosen)
        return Taught(metrics, tokens, setting.is_epoch_end(step))

    def _gradients(self, chosen: Indices, score: "_Score") -> Iterator[Gradients]:
        network, rows = self._setting.network, self._setting.train
        share = 1 / rows.tokens_in(chosen)
        for part in rows.parts(chosen):
            batch = rows.batch(part)
            forward = network.forward(batch)
            score.add(forward, batch)
            yield gradients_of(network, batch, forward, share)

    def _measured(self, rows: Rows, chosen: Indices, name: str) -> Metrics:
        score = _Score()
        for part in rows.parts(chosen):
            batch = rows.batch(part)
            score.add(self._setting.network.forward(batch), batch)
        return score.metrics(name)


class _Score:
    """Loss and accuracy per answer token, over the parts of a batch."""

    def __init__(self) -> None:
        self._loss = self._right = self._count = 0.0

    def add(self, forward: Forward, batch: Batch) -> None:
        self._loss -= float(forward.of_targets(batch).sum(dtype="float64"))
        self._right += int((forward.log_probabilities.argmax(axis=1) == batch.targets).sum())
        self._count += len(batch.targets)

    def metrics(self, name: str) -> Metrics:
        return {
            f"{name}_loss": self._loss / self._count,
            f"{name}_mean_token_accuracy": self._right / self._count,
        }
