"""How gradients move weights: Adam for the dense ones, Adagrad for the feature rows met."""

import numpy as np

from app.trainer.engines.practice.gradients import Gradients
from app.trainer.engines.practice.network import Array, Floats, Network

DENSE_RATE = 0.01
FEATURE_RATE = 0.2
BETA1, BETA2 = 0.9, 0.99
LAST_SHARE = 0.1


class Optimiser:
    """Adam (Kingma & Ba 2015) and Adagrad (Duchi et al. 2011).

    Rates fall linearly to a tenth over the training.
    """

    def __init__(self, network: Network, *, total_steps: int, multiplier: float) -> None:
        self._network = network
        self.total_steps = total_steps
        self._multiplier = multiplier
        self.step_count = 0
        self._first = {name: np.zeros_like(value) for name, value in network.dense().items()}
        self._second = {name: np.zeros_like(value) for name, value in network.dense().items()}
        self._squares = np.zeros_like(network.features)

    def update(self, gradients: Gradients) -> None:
        """One step down the gradient."""
        self.step_count += 1
        left = 1 - (1 - LAST_SHARE) * self.step_count / self.total_steps
        rate = self._multiplier * left
        for name, gradient in gradients.dense.items():
            self._adam(name, gradient, DENSE_RATE * rate)
        self._adagrad(gradients.feature_ids, gradients.feature_rows, FEATURE_RATE * rate)

    def _adam(self, name: str, gradient: Floats, rate: float) -> None:
        first, second = self._first[name], self._second[name]
        first *= BETA1
        first += (1 - BETA1) * gradient
        second *= BETA2
        gradient *= gradient
        gradient *= 1 - BETA2
        second += gradient
        n = self.step_count
        size = rate * (1 - BETA2**n) ** 0.5 / (1 - BETA1**n)
        update = np.sqrt(second)
        update += 1e-7
        np.divide(first, update, out=update)
        update *= np.float32(size)
        weights = getattr(self._network, name)
        weights -= update

    def _adagrad(self, ids: Array, gradient: Floats, rate: float) -> None:
        squares = self._squares[ids]
        squares += gradient * gradient
        self._squares[ids] = squares
        self._network.features[ids] -= (
            np.float32(rate) * gradient / (np.sqrt(squares) + np.float32(1e-4))
        )

    def state(self) -> dict[str, Array]:
        """What a resume needs beside the weights; of the feature table only rows that occurred."""
        used = np.flatnonzero(self._squares.any(axis=1)).astype(np.uint16)
        dense = {f"first_{k}": v for k, v in self._first.items()} | {
            f"second_{k}": v for k, v in self._second.items()
        }
        counted = {"step_count": np.array([self.step_count])}
        return {**dense, **counted, "squares_used": used, "squares_rows": self._squares[used]}

    def restore(self, state: dict[str, Array]) -> None:
        """Take back what `state` gave."""
        self.step_count = int(state["step_count"][0])
        for name in self._first:
            self._first[name] = state[f"first_{name}"]
            self._second[name] = state[f"second_{name}"]
        self._squares[state["squares_used"]] = state["squares_rows"]
