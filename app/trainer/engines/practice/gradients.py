"""The gradient of a weighted sum of the answer tokens' losses, of a batch or of its parts."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from app.trainer.engines.practice.network import (
    TOKEN_WIDTH,
    WINDOW,
    Array,
    Batch,
    Floats,
    Forward,
    Network,
)


@dataclass
class Gradients:
    """By weight; of the feature table only the rows met, `feature_ids` (M,) ascending, unique."""

    dense: dict[str, Floats]
    feature_ids: Array
    feature_rows: Floats


def gradients_of(
    network: Network, batch: Batch, forward: Forward, weights: Array | float
) -> Gradients:
    """Of -sum(weights * log p), `weights` (P,) or one for all tokens. Uses `forward` up.

    Every method is such a sum: 1 / tokens is the mean loss, an answer's advantage is a policy
    gradient.
    """
    count = len(batch.targets)
    error = np.exp(forward.log_probabilities, out=forward.log_probabilities)
    error[np.arange(count), batch.targets] -= 1
    error *= np.reshape(weights, (-1, 1))
    back = (error @ network.output.T) * (1 - forward.hidden * forward.hidden)
    inputs_back = (back @ network.window.T).reshape(count * WINDOW, TOKEN_WIDTH)
    tokens_back = np.zeros_like(network.tokens)
    ids, rows = sum_by_id(batch.windows.ravel(), inputs_back)
    tokens_back[ids] = rows
    prompt_back = np.add.reduceat(back, batch.target_starts, axis=0)
    spread = np.repeat(prompt_back, batch.feature_lengths, axis=0) * batch.scales[:, None]
    dense = {
        "tokens": tokens_back,
        "window": forward.inputs.T @ back,
        "bias": back.sum(axis=0),
        "output": forward.hidden.T @ error,
        "output_bias": error.sum(axis=0),
    }
    return Gradients(dense, *sum_by_id(batch.features, spread))


def added(parts: Iterable[Gradients]) -> Gradients:
    """The gradient of the batch these are the parts of; one part is held at a time."""
    rest = iter(parts)
    total = next(rest)
    for other in rest:
        for name, gradient in other.dense.items():
            total.dense[name] += gradient
        ids = np.concatenate([total.feature_ids, other.feature_ids])
        rows = np.concatenate([total.feature_rows, other.feature_rows])
        total.feature_ids, total.feature_rows = sum_by_id(ids, rows)
    return total


def sum_by_id(ids: Array, rows: Floats) -> tuple[Array, Floats]:
    """Each id once, ascending, and the sum of its rows, always added in the same order."""
    order = np.argsort(ids, kind="stable")
    ordered = ids[order]
    starts = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
    return ordered[starts], np.add.reduceat(rows[order], starts, axis=0)
