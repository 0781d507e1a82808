"""Rows that say nearly the same: candidates by what their sketches share, then phrase by phrase.

Locality-sensitive hashing in bands (Leskovec, Rajaraman, Ullman, Mining of Massive Datasets, 3.4):
of the 48 hashes of a row four are one band, and two rows that agree in any of the twelve bands are
compared. Rows that share 0.7 of their phrases are found with 0.96, those that share 0.8 with 0.998.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from app.datasets.checks.deep.words import Numbers, Places

BAND = 4
FEWEST_PHRASES = 10  # fewer are the same by chance too easily
SAME_SHARE = 0.7
MOST_COMPARED = 4_000_000  # 48 bytes each are in memory meanwhile
_LIKELY = 0.55  # of the hashes; 0.7 of the phrases are less than this once in a hundred times
_ROUNDS = 4
_TOGETHER = 256
_AT_ONCE = 2**16

Sketches = NDArray[np.uint8]  # (rows, HASHES)
# The phrases of these rows, by row: sorted, each once.
Phrases = Callable[[Sequence[int]], dict[int, Numbers]]


class Pair(NamedTuple):
    """Two rows and the share of their phrases that both have."""

    row: int
    other: int
    share: float


def likely_pairs(rows: Places, sketches: Sketches, *, band: int) -> Places:
    """Rows that agree in this band, and in most hashes, with the first or so of those that agree:
    an array of pairs, the later row first. `rows` are ascending places in `sketches`.
    """
    keys = band_keys(sketches, rows, band)
    found = []
    for _ in range(_ROUNDS):
        rows, keys = _crowded(rows, keys)
        if not len(rows):
            break
        leads = np.flatnonzero(np.concatenate(([True], keys[1:] != keys[:-1])))
        sizes = np.diff(np.append(leads, len(rows)))
        lead = np.repeat(rows[leads], sizes)
        most = agree(sketches, rows, sketches, lead)
        is_pair = most & (rows != lead)
        found.append(np.stack([rows[is_pair], lead[is_pair]], axis=1))
        rows, keys = rows[~most], keys[~most]
    return np.concatenate(found) if found else np.empty((0, 2), np.intp)


def band_keys(sketches: Sketches, rows: Places, band: int) -> NDArray[np.uint32]:
    """The four hashes of a band as one number, of each of these rows."""
    hashes = sketches[rows, band * BAND : band * BAND + BAND]
    return np.ascontiguousarray(hashes).view(np.uint32).ravel()


def agree(
    sketches: Sketches, rows: Places, others: Sketches, other_rows: Places
) -> NDArray[np.bool_]:
    """Whether most hashes of these rows are those of the others."""
    most = np.empty(len(rows), bool)
    for start in range(0, len(rows), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        same = sketches[rows[part]] == others[other_rows[part]]
        most[part] = same.mean(axis=1) >= _LIKELY
    return most


def _crowded(rows: Places, keys: NDArray[np.uint32]) -> tuple[Places, NDArray[np.uint32]]:
    """Those that are not alone with their key, by key and then as they came."""
    order = np.argsort(keys, kind="stable")
    rows, keys = rows[order], keys[order]
    same = keys[1:] == keys[:-1]
    crowded = np.zeros(len(keys), bool)
    crowded[1:] = same
    crowded[:-1] |= same
    return rows[crowded], keys[crowded]


def proved(pairs: Places, phrases: Phrases) -> Iterator[Pair]:
    """Those of the pairs that really share enough phrases."""
    for start in range(0, len(pairs), _TOGETHER):
        some = pairs[start : start + _TOGETHER].tolist()
        known = phrases(sorted({row for pair in some for row in pair}))
        for row, other in some:
            share = shared(known[row], known[other])
            if share >= SAME_SHARE:
                yield Pair(row, other, share)


def shared(one: Numbers, other: Numbers) -> float:
    """The share of all phrases of two rows that both have: 0 to 1."""
    both = len(np.intersect1d(one, other, assume_unique=True))
    return both / max(len(one) + len(other) - both, 1)


class Groups:
    """Rows that belong together, each group known by its first row."""

    def __init__(self, count: int) -> None:
        self.first: Places = np.arange(count)

    def join(self, row: int, other: int) -> None:
        """These two are in one group."""
        low, high = sorted((self._find(row), self._find(other)))
        self.first[high] = low

    def settle(self) -> Places:
        """The first row of each row's group."""
        while not np.array_equal(further := self.first[self.first], self.first):
            self.first = further
        return self.first

    def _find(self, row: int) -> int:
        while (first := int(self.first[row])) != row:
            row = first
        return row
