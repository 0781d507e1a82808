"""The phrases that many rows of a version have: its form, not what a row says.

A prompt that stands word for word in every row would make all of them near copies of each other.
They are found in a sample, before the first row is sketched.
"""

import random
import sqlite3
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from app.datasets.checks.deep.base import Said
from app.datasets.checks.deep.rows import open_rows
from app.datasets.checks.deep.words import Numbers, Places
from app.datasets.derived.base import Part

SHARE, FEWEST = 0.2, 20  # of the sampled rows, and how many at least
_SAMPLED = 1_000
_TOGETHER = 50
NOTHING: Numbers = np.empty(0, np.uint64)
_MOST_PHRASES = 2_000_000  # 16 MB; long rows are sampled less


def find_common(part: Part, phrases_of: Callable[[Sequence[Said]], list[Numbers]]) -> Numbers:
    """The phrases of every fifth row or more, sorted."""
    with open_rows(part.blob, part.index) as rows:
        total = rows.index.row_count
        draw = random.Random(total)  # noqa: S311 - the same rows each time it is made
        chosen = draw.sample(range(1, total + 1), min(total, _SAMPLED))
        found: list[Numbers] = [NOTHING]
        for start in range(0, len(chosen), _TOGETHER):
            for batch in rows.these(chosen[start : start + _TOGETHER]):
                found += phrases_of(batch)
            if sum(map(len, found)) > _MOST_PHRASES:
                break
    phrases, times = np.unique(np.concatenate(found), return_counts=True)
    return phrases[times >= max(FEWEST, SHARE * (len(found) - 1))]


def keep_common(connection: sqlite3.Connection, common: Numbers) -> None:
    """Write them down for the slices and checks that follow, and for comparing with others."""
    connection.execute("INSERT INTO sketches_common VALUES(?)", (common.tobytes(),))


def common_of(connection: sqlite3.Connection) -> Numbers:
    """Those of a version, sorted."""
    found = connection.execute("SELECT phrases FROM sketches_common").fetchone()
    return np.frombuffer(found[0], np.uint64) if found else NOTHING


def without(phrases: Numbers, counts: Places, common: Numbers) -> tuple[Numbers, Places]:
    """The phrases of some rows, and how many each of them has, without the common ones."""
    if not len(common):
        return phrases, counts
    own = np.take(_ends_otherwise(common), phrases.astype(np.uint16))
    unsure = np.flatnonzero(~own)
    own[unsure] = ~np.isin(phrases[unsure], common)
    behind = np.concatenate(([0], np.cumsum(own)))
    ends = np.cumsum(counts)
    return phrases[own], behind[ends] - behind[ends - counts]


def _ends_otherwise(common: Numbers) -> NDArray[np.bool_]:
    """Which two last bytes none of them has: most phrases are known by these for their own."""
    none = np.ones(2**16, bool)
    none[common.astype(np.uint16)] = False
    return none
