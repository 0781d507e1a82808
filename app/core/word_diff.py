"""How two texts differ, word by word. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

WORDS = re.compile(r"\S+\s*")
# Comparing takes the product of both lengths at worst.
MOST_WORDS = 2_000


@dataclass(frozen=True, slots=True)
class Piece:
    """Words of both texts (same), of the first alone (gone), of the second alone (new)."""

    kind: Literal["same", "gone", "new"]
    text: str


def pieces(before: Sequence[str], after: Sequence[str]) -> tuple[Piece, ...]:
    """Both in one, from their words, each with what stands behind it; blanks do not count. None
    where they are too long to compare.
    """
    if max(len(before), len(after)) > MOST_WORDS:
        return ()
    bare, new = [one.strip() for one in before], [one.strip() for one in after]
    found: list[Piece] = []
    for what, a, b, c, d in SequenceMatcher(None, bare, new, autojunk=False).get_opcodes():
        if what == "equal":
            found.append(Piece("same", "".join(after[c:d])))
            continue
        found += [Piece("gone", "".join(before[a:b]))] if b > a else []
        found += [Piece("new", "".join(after[c:d]))] if d > c else []
    return tuple(found)
