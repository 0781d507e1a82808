"""Answers far longer or far shorter than the others: often two answers in one, or half of one."""

import sqlite3
from collections.abc import Iterator, Sequence

from app.datasets.checks.base import Located
from app.datasets.checks.deep.base import DeepCheck
from app.datasets.derived.base import Part
from app.datasets.index import open_index
from app.formats.base import Finding

_FEWEST_ROWS = 20
_REACH = 3  # quartile distances, on a logarithmic scale
_LEAST_FACTOR = 4.0  # however alike the answers are
_SHORT_BEGINS = 50  # tokens: where the usual answer is shorter, none is too short
_MOST = 0.01  # of the rows; where more stand out, the file has two kinds of answers

Counts = Sequence[tuple[int, int]]


class ExtremeLengths(DeepCheck):
    """Lengths beyond Tukey's outer fences of their logarithm, if they are a few."""

    name = "lengths"

    def end(self, part: Part) -> Iterator[Located]:
        """One hint a row."""
        with open_index(part.index) as index:
            low, high, usual = fences(_counts(index.connection))
            if high < float("inf"):
                for answer, line in index.connection.execute(_BEYOND, (low, high)):
                    yield line, _finding(answer, usual)


_BEYOND = "SELECT answer, line FROM rows WHERE answer > 0 AND (answer < ? OR answer > ?) ORDER BY n"


def fences(counts: Counts) -> tuple[float, float, int]:
    """Fewest and most tokens of an answer that does not stand out, and the usual answer's.

    `counts` are (tokens, rows) in ascending order. Too few rows, or too many beyond: no fence.
    """
    rows = sum(count for _, count in counts)
    if rows < _FEWEST_ROWS:
        return 0, float("inf"), 0
    first, usual, third = (_quantile(counts, rows * share) for share in (0.25, 0.5, 0.75))
    factor = max((third / first) ** _REACH, _LEAST_FACTOR)
    low = first / factor if usual >= _SHORT_BEGINS else 0.0
    high = max(third * factor, float(_SHORT_BEGINS))
    beyond = sum(count for tokens, count in counts if not low <= tokens <= high)
    return (low, high, usual) if beyond <= _MOST * rows else (0, float("inf"), usual)


def _counts(index: sqlite3.Connection) -> Counts:
    query = "SELECT answer, count(*) FROM rows WHERE answer > 0 GROUP BY answer ORDER BY answer"
    return index.execute(query).fetchall()


def _quantile(counts: Counts, wanted: float) -> int:
    for tokens, count in counts:
        wanted -= count
        if wanted <= 0:
            return tokens
    return counts[-1][0]


def _finding(answer: int, usual: int) -> Finding:
    longer = "longer" if answer > usual else "shorter"
    reason = f"The answer has {answer:,} tokens, far {longer} than the others (usually {usual:,})."
    cure = "Look at the row: it may hold more than one answer, or only part of one."
    return Finding("answer.length", None, "hint", reason, cure)
