"""The prompt check: a tuned model answers as it was taught only under the system prompt it was
taught with, so every word that differs is shown.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

WORDS = re.compile(r"\S+\s*")
# Comparing takes the product of both lengths at worst.
MOST_WORDS = 2_000


@dataclass(frozen=True, slots=True)
class Piece:
    """Words of both prompts (same), of the training's alone (gone), of this one alone (new)."""

    kind: str
    text: str


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
        Difference(one, _pieces(WORDS.findall(one.prompt.strip()), words))
        for one in trained
        if one.prompt.split() != given.split()
    )


def _pieces(before: list[str], after: list[str]) -> tuple[Piece, ...]:
    if max(len(before), len(after)) > MOST_WORDS:
        return ()
    bare, new = [one.strip() for one in before], [one.strip() for one in after]
    found = []
    for what, a, b, c, d in SequenceMatcher(None, bare, new, autojunk=False).get_opcodes():
        if what == "equal":
            found.append(Piece("same", "".join(after[c:d])))
            continue
        found += [Piece("gone", "".join(before[a:b]))] if b > a else []
        found += [Piece("new", "".join(after[c:d]))] if d > c else []
    return tuple(found)
