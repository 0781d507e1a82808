"""Gradients against finite differences, in double precision."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from app.trainer.engines.practice.gradients import Gradients
from app.trainer.engines.practice.network import DENSE, Batch, Network


def in_doubles(network: Network, batch: Batch) -> tuple[Network, Batch]:
    """Both in float64; features, which start at zero, are given weights."""
    rng = np.random.default_rng(0)
    network.features[batch.features] = rng.normal(0, 0.1, (len(batch.features), 96))
    for name in (*DENSE, "features"):
        setattr(network, name, getattr(network, name).astype(np.float64))
    return network, replace(batch, scales=batch.scales.astype(np.float64))


def assert_downhill(network: Network, found: Gradients, loss: Callable[[], float]) -> None:
    """Of each weight matrix a dozen places: the loss changes there as the gradient says."""
    features = np.zeros_like(network.features)
    features[found.feature_ids] = found.feature_rows
    for name, gradient in {**found.dense, "features": features}.items():
        weights = getattr(network, name)
        large = np.argwhere(np.abs(gradient) > 0.01 * np.abs(gradient).max())
        for place in map(tuple, large[:: max(1, len(large) // 12)][:12]):
            held, change = weights[place], 1e-5
            weights[place] = held + change
            above = loss()
            weights[place] = held - change
            below = loss()
            weights[place] = held
            assert gradient[place] == pytest.approx((above - below) / (2 * change), rel=1e-3), name
