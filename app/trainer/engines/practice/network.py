"""The network: prompt features and a window of answer tokens, one tanh layer, a softmax."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.trainer.engines.practice.features import BUCKETS
from app.trainer.engines.practice.vocabulary import END, START, Vocabulary

HIDDEN = 96
TOKEN_WIDTH = 24
WINDOW = 6
NEVER = np.float32(-1e9)

Floats = NDArray[np.float32]
Array = NDArray[Any]
DENSE = ("tokens", "window", "bias", "output", "output_bias")


@dataclass
class Batch:
    """B examples with N features, A answers and P answer tokens, each kind laid end to end.

    `features` (N,) bucket ids, `scales` (N,), `feature_starts` and `feature_lengths` (B,);
    `targets` (P,), `target_starts` (B,), `example_of` (P,) the example of each token;
    `answer_starts` and `answer_lengths` (A,), as many answers for each example; `windows`
    (P, WINDOW) the tokens of the same answer before each, the latest first.
    """

    features: Array
    scales: Floats
    feature_starts: Array
    feature_lengths: Array
    targets: Array
    target_starts: Array
    example_of: Array
    answer_starts: Array
    answer_lengths: Array
    windows: Array


@dataclass
class Forward:
    """What the forward pass leaves for the backward pass; `log_probabilities` is (P, V)."""

    inputs: Floats
    hidden: Floats
    log_probabilities: Floats

    def of_targets(self, batch: Batch) -> Floats:
        """The log-probability of each answer token, (P,)."""
        found: Floats = self.log_probabilities[np.arange(len(batch.targets)), batch.targets]
        return found


class Network:
    """The weights, float32.

    `features` (BUCKETS, HIDDEN) starts at zero, so a feature never trained says nothing.
    """

    def __init__(self, vocabulary: Vocabulary, rng: np.random.Generator) -> None:
        size = len(vocabulary)
        self.vocabulary = vocabulary
        self.features = np.zeros((BUCKETS, HIDDEN), np.float32)
        self.tokens = _normal(rng, (size, TOKEN_WIDTH), 0.5)
        self.window = _normal(rng, (WINDOW * TOKEN_WIDTH, HIDDEN), (WINDOW * TOKEN_WIDTH) ** -0.5)
        self.bias = np.zeros(HIDDEN, np.float32)
        self.output = _normal(rng, (HIDDEN, size), 0.5 * HIDDEN**-0.5)
        self.output_bias = np.zeros(size, np.float32)
        self.output_bias[START] = NEVER

    def dense(self) -> dict[str, Floats]:
        """The weights every step touches, by name."""
        return {name: getattr(self, name) for name in DENSE}

    def prompt(self, features: Array, scales: Floats, starts: Array) -> Floats:
        """What the prompts add to the hidden layer, (B, HIDDEN).

        Every example has at least one feature.
        """
        added: Floats = np.add.reduceat(self.features[features] * scales[:, None], starts, axis=0)
        return added

    def forward(self, batch: Batch) -> Forward:
        """Log-probabilities of every next token at every position of the answers."""
        prompt = self.prompt(batch.features, batch.scales, batch.feature_starts)
        inputs = self.tokens[batch.windows].reshape(len(batch.targets), -1)
        hidden = np.tanh(inputs @ self.window + self.bias + prompt[batch.example_of])
        return Forward(inputs, hidden, self.log_softmax(hidden))

    def log_softmax(self, hidden: Floats) -> Floats:
        """Natural log-probabilities over the vocabulary, (P, V), of hidden states (P, HIDDEN)."""
        logits: Floats = hidden @ self.output
        logits += self.output_bias
        logits -= logits.max(axis=1, keepdims=True)
        logits -= np.log(np.exp(logits).sum(axis=1, keepdims=True))
        return logits

    def next_tokens(self, prompts: Floats, windows: Array) -> Floats:
        """Log-probabilities (N, V) of the tokens after `windows` (N, WINDOW), the latest first."""
        inputs = self.tokens[windows].reshape(len(windows), -1)
        return self.log_softmax(np.tanh(inputs @ self.window + self.bias + prompts))

    def next_token(self, prompt: Floats, window: list[int]) -> Floats:
        """The same for one answer, (V,)."""
        scores: Floats = self.next_tokens(prompt, np.array([window]))[0]
        return scores

    def grown(self, vocabulary: Vocabulary, rng: np.random.Generator) -> "Network":
        """The same network able to say further pieces; `vocabulary` begins with this one's.

        A new piece begins as unlikely as the byte it says least: what was learned stays.
        """
        new = Network(vocabulary, rng)
        old = len(self.vocabulary)
        new.features, new.window, new.bias = self.features, self.window, self.bias
        new.tokens[:old] = self.tokens
        quietest = self.output_bias[:END].argmin()
        new.output[:, old:] = self.output[:, quietest, None]
        new.output_bias[old:] = self.output_bias[quietest]
        new.output[:, :old] = self.output
        new.output_bias[:old] = self.output_bias
        return new

    def save(self, path: Path) -> None:
        """Write weights and vocabulary; of the feature table only rows that were trained."""
        used = np.flatnonzero(self.features.any(axis=1)).astype(np.uint16)
        pieces = np.frombuffer(json.dumps(self.vocabulary.pieces).encode(), np.uint8)
        write_arrays(
            path, {**self.dense(), "used": used, "rows": self.features[used], "pieces": pieces}
        )

    @classmethod
    def load(cls, path: Path) -> "Network":
        """Read what `save` wrote. Raises OSError or ValueError."""
        with np.load(path, allow_pickle=False) as stored:
            network = cls.__new__(cls)
            network.vocabulary = Vocabulary(json.loads(stored["pieces"].tobytes()))
            for name in DENSE:
                setattr(network, name, stored[name])
            network.features = np.zeros((BUCKETS, HIDDEN), np.float32)
            network.features[stored["used"]] = stored["rows"]
        return network


def write_arrays(path: Path, arrays: Mapping[str, Array]) -> None:
    """Write an .npz beside and rename it: a reader sees all of it or none."""
    part = path.with_name(path.name + ".part")
    with part.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def _normal(rng: np.random.Generator, shape: tuple[int, ...], scale: float) -> Floats:
    return rng.standard_normal(shape, np.float32) * np.float32(scale)
