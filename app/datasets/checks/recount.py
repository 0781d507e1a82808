"""Count rows once more with the other tokenizers that models are known to have.

Every row is counted with one; with the others all rows of a small file, and of a large one a part
spread evenly over it, so that the check stays as fast as it is.
"""

import sqlite3
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from app.core.tokens import counter
from app.datasets.checks.base import Tally
from app.formats.base import JsonObject
from app.formats.reading import read_object
from app.formats.registry import FORMATS
from app.providers.profiles import encodings

SAMPLE_BYTES = 2**20
_ROW = "SELECT offset, length, tokens FROM rows WHERE n = ?"


def recounts(
    index: sqlite3.Connection, blob: Path, tally: Tally, rows: int
) -> dict[str, dict[str, Any]]:
    """By encoding: how many rows were counted again, what they have by the file's own encoding, and
    [tokens, rows] pairs by this one.
    """
    others = sorted(encodings() - {tally.encoding})
    if tally.format is None:
        return {}
    measure = FORMATS[tally.format].measure
    found = {name: (counter(name), Counter[int]()) for name in others}
    before = 0
    for value, tokens in _sample(index, blob, rows):
        before += tokens
        for count, lengths in found.values():
            lengths[measure(value, count).tokens] += 1
    return {
        name: {"rows": lengths.total(), "before": before, "counts": sorted(lengths.items())}
        for name, (_, lengths) in found.items()
    }


def _sample(index: sqlite3.Connection, blob: Path, rows: int) -> Iterator[tuple[JsonObject, int]]:
    """Rows that could be read, each with its tokens; no row is longer than the sample may be."""
    step = max(1, -(-blob.stat().st_size // SAMPLE_BYTES))
    with blob.open("rb") as file:
        for n in range(1 + step // 2, rows + 1, step):
            offset, length, tokens = index.execute(_ROW, (n,)).fetchone()
            if tokens and length <= SAMPLE_BYTES:
                file.seek(offset)
                yield read_object(file.read(length)), tokens
