"""The phrases that many rows of a version have: its form, not what a row says.

A prompt that stands word for word in every row would make all of them near copies of each other.
They are found in a sample, before the first row is sketched.
"""

import random
import sqlite3
from collections.abc import Callable, Sequence

import numpy as np

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
    places = np.searchsorted(common, phrases)
    places[places == len(common)] = 0
    own = common[places] != phrases
    behind = np.concatenate(([0], np.cumsum(own)))
    ends = np.cumsum(counts)
    return phrases[own], behind[ends] - behind[ends - counts]
