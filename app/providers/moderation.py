"""Moderation by a provider: which texts break its usage policies, before it learns from them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

MOST_TEXTS, MOST_CHARACTERS = 32, 100_000  # of one question


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a provider says of one text: the categories it falls under, its own names; `score` from
    0 to 1 is the highest of them.
    """

    categories: tuple[str, ...]
    score: float


@runtime_checkable
class Moderates(Protocol):
    """A provider with a model for this. Raises the errors of `providers.base`."""

    def moderate(self, texts: Sequence[str]) -> list[Judgement | None]:
        """One judgement for each text, in their order; None: nothing is said against it."""
        ...
