"""The prompt check: a tuned model answers as it was taught only under the system prompt it was
taught with, so every word that differs is shown.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from app.core.word_diff import WORDS, Piece, pieces


@dataclass(frozen=True, slots=True)
class Trained:
    """The system prompt that most rows of a model's training had, in `rows` of `of` rows."""

    title: str
    prompt: str
    rows: int
    of: int


@dataclass(frozen=True, slots=True)
class Difference:
    """How a system prompt differs from the one a model was trained with; no pieces where the two
    are too long to compare word by word.
    """

    trained: Trained
    pieces: tuple[Piece, ...]


def differences(trained: Sequence[Trained], given: str) -> tuple[Difference, ...]:
    """One for each model that was trained with other words; blanks do not count."""
    words = WORDS.findall(given.strip())
    return tuple(
        Difference(one, pieces(WORDS.findall(one.prompt.strip()), words))
        for one in trained
        if one.prompt.split() != given.split()
    )
