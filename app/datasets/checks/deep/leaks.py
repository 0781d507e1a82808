"""Rows of a validation set that stand in the training set: they measure memory, not learning.

Asked for two versions whose second pass is through. Rows are opened only where sketches agree; in
memory are 72 bytes for each row of the training set.
"""

import sqlite3
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from app.datasets.checks.deep.alike import (
    BAND,
    FEWEST_PHRASES,
    MOST_COMPARED,
    SAME_SHARE,
    agree,
    band_keys,
    shared,
)
from app.datasets.checks.deep.common import common_of
from app.datasets.checks.deep.rows import Rows, open_rows
from app.datasets.checks.deep.sketches import HASHES, column, phrases_of
from app.datasets.checks.deep.words import Numbers, Places
from app.datasets.index import connect_finished

Kind = Literal["same", "near", "question"]
KINDS: tuple[Kind, ...] = ("same", "near", "question")
MOST_SHOWN = 100
_OF_A_CROWD = 8  # rows of the training set that one row is held against, in one band
_TOGETHER = 256


@dataclass(frozen=True, slots=True)
class Files:
    """What is kept of a version: its blob, its index, and the file of its second pass."""

    blob: Path
    index: Path
    checks: Path


class Leak(NamedTuple):
    """A row (1-based line) that stands in the training set too, there on line `other`. `near`:
    `share` of their phrases agree. `question`: what is asked is the same, not the answer.
    """

    kind: Kind
    line: int
    other: int
    share: float


@dataclass(frozen=True, slots=True)
class Leaks:
    """How many of the `rows` of a validation set stand in the training set, each counted once, and
    the first of each kind.
    """

    rows: int
    same: int
    near: int
    question: int
    shown: tuple[Leak, ...]

    @property
    def total(self) -> int:
        """How many rows that are, of any kind."""
        return self.same + self.near + self.question


# Place in the validation set: place in the training set, and the share that agrees.
_Found = dict[int, tuple[int, float]]


def leaks(validation: Files, training: Files) -> Leaks:
    """What of a validation set stands in the training set."""
    with ExitStack() as opened:
        here = opened.enter_context(closing(connect_finished(validation.checks)))
        there = opened.enter_context(closing(connect_finished(training.checks)))
        rows = opened.enter_context(open_rows(validation.blob, validation.index))
        others = opened.enter_context(open_rows(training.blob, training.index))
        numbers, other_numbers = column(here, "n"), column(there, "n")
        same = _equal(column(here, "whole"), column(there, "whole"))
        pairs = _likely(here, there, same)
        common = np.union1d(common_of(here), common_of(there))
        near = _proved(pairs, rows, others, numbers, other_numbers, common)
        question = _equal(column(here, "prompt"), column(there, "prompt"))
        found: dict[Kind, _Found] = {"same": same, "near": {}, "question": {}}
        found["near"] = {at: pair for at, pair in near.items() if at not in same}
        known = same.keys() | near.keys()
        found["question"] = {at: pair for at, pair in question.items() if at not in known}
        shown = [
            leak
            for kind in KINDS
            for leak in _shown(kind, found[kind], rows, others, numbers, other_numbers)
        ]
        same, near, question = (found[kind] for kind in KINDS)
        return Leaks(len(numbers), len(same), len(near), len(question), tuple(shown))


def _equal(keys: Numbers, others: Numbers) -> _Found:
    """The first of the others that has the same number; 0 is none."""
    if not len(others):
        return {}
    order = np.argsort(others, kind="stable")
    ordered = others[order]
    places = np.searchsorted(ordered, keys)
    places[places == len(ordered)] = 0
    hits = np.flatnonzero((ordered[places] == keys) & (keys != 0))
    return {int(at): (int(order[places[at]]), 1.0) for at in hits}


def _likely(here: sqlite3.Connection, there: sqlite3.Connection, known: _Found) -> Places:
    """Pairs of places whose sketches mostly agree, by the first."""
    sketches, others = (column(one, "sketch", MOST_COMPARED) for one in (here, there))
    has_phrases = column(here, "phrases", MOST_COMPARED) >= FEWEST_PHRASES
    has_phrases[[at for at in known if at < len(has_phrases)]] = False
    rows = np.flatnonzero(has_phrases)
    compared = np.flatnonzero(column(there, "phrases", MOST_COMPARED) >= FEWEST_PHRASES)
    found = [np.empty((0, 2), np.intp)]
    for band in range(HASHES // BAND):
        keys, theirs = band_keys(sketches, rows, band), band_keys(others, compared, band)
        order = np.argsort(theirs, kind="stable")
        first = np.searchsorted(theirs[order], keys)
        last = np.searchsorted(theirs[order], keys, side="right")
        for step in range(_OF_A_CROWD):
            is_there = first + step < last
            some = np.stack([rows[is_there], compared[order[first[is_there] + step]]], axis=1)
            found.append(some[agree(sketches, some[:, 0], others, some[:, 1])])
    return np.unique(np.concatenate(found), axis=0)


def _proved(
    pairs: Places,
    rows: Rows,
    others: Rows,
    numbers: NDArray[np.int64],
    theirs: NDArray[np.int64],
    common: Numbers,
) -> _Found:
    """Of each row the pair of which the most phrases agree, where enough do."""
    best: _Found = {}
    for start in range(0, len(pairs), _TOGETHER):
        some = pairs[start : start + _TOGETHER]
        mine = _phrases(rows, numbers[np.unique(some[:, 0])].tolist(), common)
        known = _phrases(others, theirs[np.unique(some[:, 1])].tolist(), common)
        for at, other in some.tolist():
            share = shared(mine[int(numbers[at])], known[int(theirs[other])])
            if share >= max(SAME_SHARE, best.get(at, (0, 0.0))[1]):
                best[at] = (other, share)
    return best


def _phrases(rows: Rows, numbers: list[int], common: Numbers) -> dict[int, Numbers]:
    return {
        row.n: phrases
        for batch in rows.these(numbers)
        for row, phrases in zip(batch, phrases_of(batch, common=common), strict=True)
    }


def _shown(
    kind: Kind,
    found: _Found,
    rows: Rows,
    others: Rows,
    numbers: NDArray[np.int64],
    theirs: NDArray[np.int64],
) -> list[Leak]:
    """The first of them, in the order of the file."""
    first = sorted(found.items())[:MOST_SHOWN]
    mine, known = [int(numbers[at]) for at, _ in first], [int(theirs[at]) for _, (at, _) in first]
    lines, other_lines = (
        {place.n: place.line for place in one.places(wanted)}
        for one, wanted in ((rows, mine), (others, known))
    )
    return [
        Leak(kind, lines[n], other_lines[other], share)
        for n, other, (_, (_, share)) in zip(mine, known, first, strict=True)
    ]
