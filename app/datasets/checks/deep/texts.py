"""Texts of many rows searched as one: a pass over all of them finds the few worth a closer look.

The search is RE2's: linear in time whatever the texts hold, and hundreds of megabytes a second.
Dearer libraries see only what is around a hit.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from app.datasets.checks.deep.base import Said
from app.formats.base import Text

ANSWER = "assistant"
HITS_A_TEXT = 100  # beyond it a text is passed over: more would tell no more, and may be a trap


class Hit(NamedTuple):
    """A match in a text of a row, `at` so many bytes from its beginning, and what is around it."""

    line: int
    text: Text
    at: int
    match: str
    around: str


def answers_in(rows: Sequence[Said]) -> Iterator[tuple[int, Text]]:
    """What a job would learn to say, each with the line it stands on."""
    return ((row.line, text) for row in rows for text in row.texts if text.role == ANSWER)


def texts_in(rows: Sequence[Said]) -> Iterator[tuple[int, Text]]:
    """Everything anyone wrote or reads in the rows, each with the line it stands on."""
    return ((row.line, text) for row in rows for text in row.texts)


class Joined:
    """Texts, each with the line it stands on, as one piece of bytes. No text holds NUL."""

    def __init__(self, placed: Iterator[tuple[int, Text]]) -> None:
        self._placed = list(placed)
        self._content = "\0".join([text.text for _, text in self._placed]).encode()

    def search(self, pattern: Any, *, before: int = 0, after: int = 0) -> Iterator[Hit]:
        """Every match of an RE2 pattern over bytes, with up to so many bytes around it."""
        content = self._content
        at = counted = nth = hits = 0
        while match := pattern.search(content, at):
            start, at = match.start(), match.end()
            if passed := content.count(b"\0", counted, start):
                nth, hits = nth + passed, 0
            counted, hits = start, hits + 1
            begin = content.rfind(b"\0", 0, start) + 1
            end = content.find(b"\0", start)
            end = len(content) if end < 0 else end
            around = content[max(begin, start - before) : min(end, at + after)]
            yield Hit(*self._placed[nth], start - begin, _text(content[start:at]), _text(around))
            if hits == HITS_A_TEXT:
                at = end


def _text(content: bytes) -> str:
    return content.decode(errors="ignore")
