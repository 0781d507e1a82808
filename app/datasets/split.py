"""Split a version's rows into training and validation, the same way every time."""

import hashlib
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import BinaryIO

from app.datasets.index import Flag, Index, Row, open_index

LARGEST_SHARE = 0.5
_SHIFT = 48
_BUCKETS = 2**16
_PIECE = 2**20


@dataclass(frozen=True, slots=True)
class SplitCounts:
    """What a split wrote: rows and tokens on each side."""

    training_rows: int
    validation_rows: int
    training_tokens: int
    validation_tokens: int


def split(
    blob: Path, index: Path, *, share: float, seed: int, training: Path, validation: Path
) -> SplitCounts:
    """Write each row, byte for byte and in its order, to one of two new files.

    `share` of the rows, 0 to 0.5, rounded, are held out; of two rows or more, a share above 0 holds
    out at least one and leaves at least one. Which ones depends on nothing but `seed` and the row's
    id. Rows that cannot be read go to neither. Memory does not grow with the file.
    """
    if not 0 <= share <= LARGEST_SHARE:
        raise ValueError("The share to hold out is a number from 0 to 0.5.")
    with open_index(index) as rows:
        threshold = _threshold(rows, share, seed)
    counts = [[0, 0], [0, 0]]
    with (
        blob.open("rb", buffering=2**20) as source,
        training.open("wb", buffering=2**20) as learned,
        validation.open("wb", buffering=2**20) as held_out,
        open_index(index) as rows,
    ):
        for row in _readable(rows.each_row()):
            side = draw(seed, row.row_id) < threshold
            _copy(source, row, held_out if side else learned)
            counts[side][0] += 1
            counts[side][1] += row.tokens
    (training_rows, training_tokens), (validation_rows, validation_tokens) = counts
    return SplitCounts(training_rows, validation_rows, training_tokens, validation_tokens)


def draw(seed: int, row_id: int) -> int:
    """A row's lot: a number below 2**64 that looks drawn, and is always the same."""
    lot = hashlib.blake2b(f"{seed}:{row_id}".encode(), digest_size=8).digest()
    return int.from_bytes(lot, "little")


def _threshold(index: Index, share: float, seed: int) -> int:
    """The lot below which exactly the wanted number of rows lie, found without keeping the lots."""
    buckets = [0] * _BUCKETS
    for lot in _lots(index, seed):
        buckets[lot >> _SHIFT] += 1
    rows = sum(buckets)
    wanted = min(max(round(share * rows), 1), rows - 1) if share > 0 else 0
    if wanted <= 0:
        return 0
    below = list(accumulate(buckets))
    bucket = bisect_left(below, wanted)
    before = below[bucket] - buckets[bucket]
    within = sorted(lot for lot in _lots(index, seed) if lot >> _SHIFT == bucket)
    return within[wanted - before - 1] + 1


def _lots(index: Index, seed: int) -> Iterator[int]:
    return (draw(seed, row.row_id) for row in _readable(index.each_row()))


def _readable(rows: Iterator[Row]) -> Iterator[Row]:
    return (row for row in rows if not row.flags & Flag.UNREADABLE)


def _copy(source: BinaryIO, row: Row, target: BinaryIO) -> None:
    source.seek(row.offset)
    left = row.length
    while left > 0:
        piece = source.read(min(left, _PIECE))
        target.write(piece)
        left -= len(piece)
    target.write(b"\n")
