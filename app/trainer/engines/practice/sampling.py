"""Many answers drawn at once, as reinforcement needs them."""

from collections.abc import Iterable

import numpy as np

from app.trainer.engines.practice.network import WINDOW, Array, Floats, Network
from app.trainer.engines.practice.rows import ANSWER_TOKENS
from app.trainer.engines.practice.vocabulary import END, START, Vocabulary

_AT_ONCE = 512


def sampled(network: Network, prompts: Floats, rng: np.random.Generator) -> list[Array]:
    """One answer to each prompt (N, HIDDEN), drawn at temperature 1: its tokens, END the last.

    One that has not ended after 512 tokens is left without END.
    """
    answers: list[Array] = []
    for start in range(0, len(prompts), _AT_ONCE):
        answers += _drawn(network, prompts[start : start + _AT_ONCE], rng)
    return answers


def text_of(vocabulary: Vocabulary, tokens: Iterable[int]) -> str:
    """An answer as text; bytes that are no text are shown as U+FFFD."""
    return b"".join(map(vocabulary.raw, tokens)).decode("utf-8", "replace")


def _drawn(network: Network, prompts: Floats, rng: np.random.Generator) -> list[Array]:
    tokens = np.zeros((len(prompts), ANSWER_TOKENS), np.intp)
    lengths = np.full(len(prompts), ANSWER_TOKENS)
    windows = np.full((len(prompts), WINDOW), START)
    going = np.arange(len(prompts))
    for place in range(ANSWER_TOKENS):
        scores = network.next_tokens(prompts[going], windows[going])
        reached = np.cumsum(np.exp(scores), axis=1)
        wanted = rng.random(len(going), np.float32)[:, None] * reached[:, -1:]
        drawn = (reached <= wanted).sum(axis=1).clip(max=scores.shape[1] - 1)
        tokens[going, place] = drawn
        windows[going] = np.column_stack((drawn, windows[going, :-1]))
        has_ended = drawn == END
        lengths[going[has_ended]] = place + 1
        going = going[~has_ended]
        if not len(going):
            break
    return [row[:length] for row, length in zip(tokens, lengths.tolist(), strict=True)]
