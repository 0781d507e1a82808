"""Rows that say the same in another writing, or nearly the same; and which rows belong together."""

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from app.datasets.checks.base import Located
from app.datasets.checks.deep.alike import (
    BAND,
    FEWEST_PHRASES,
    MOST_COMPARED,
    Groups,
    likely_pairs,
    proved,
)
from app.datasets.checks.deep.base import DeepCheck
from app.datasets.checks.deep.common import common_of
from app.datasets.checks.deep.rows import Rows as Reader
from app.datasets.checks.deep.rows import open_rows
from app.datasets.checks.deep.sketches import HASHES, column, phrases_of
from app.datasets.checks.deep.words import Numbers, Places
from app.datasets.derived.base import Part
from app.formats.base import Finding

_TOGETHER = 10_000


class Duplicates(DeepCheck):
    """Equal rows but for case and spaces, and rows of which most phrases are the same. What the
    index found to be equal is left out; the clusters have all of it.
    """

    name = "duplicates"
    schema = (
        "CREATE TABLE clusters(id INTEGER PRIMARY KEY, kind TEXT NOT NULL, "
        "rows INTEGER NOT NULL);\n"
        "CREATE TABLE cluster_rows(cluster INTEGER NOT NULL, n INTEGER NOT NULL, "
        "PRIMARY KEY(cluster, n)) WITHOUT ROWID;\n"
    )

    def end(self, part: Part) -> Iterator[Located]:
        """A warning for every copy in another writing, a hint for every near one."""
        numbers, whole = column(part.connection, "n"), column(part.connection, "whole")
        groups = Groups(len(numbers))
        with open_rows(part.blob, part.index) as rows:
            yield from self._same(part, rows, numbers, groups, whole)
            is_first = groups.settle() == np.arange(len(numbers))
            yield from self._near(part, rows, numbers, groups, is_first)
        self._keep_clusters(part, numbers, groups.settle(), whole)

    def _same(
        self, part: Part, rows: Reader, numbers: Numbers, groups: Groups, whole: Numbers
    ) -> Iterator[Located]:
        """Rows of the same texts: they are copies where all else is the same, too."""
        _, first, same = np.unique(whole, return_index=True, return_inverse=True)
        first = first[same]
        copies = np.flatnonzero(first != np.arange(len(numbers)))
        for start in range(0, len(copies), _TOGETHER):
            some = copies[start : start + _TOGETHER]
            wanted = np.unique(np.concatenate((some, first[some])))
            found = {place.n: place for place in rows.places(numbers[wanted].tolist())}
            for row, original in zip(some.tolist(), first[some].tolist(), strict=True):
                one, other = found[int(numbers[row])], found[int(numbers[original])]
                if one.digest == other.digest:
                    groups.join(row, original)
                elif rows.are_one(one, other):
                    groups.join(row, original)
                    yield one.line, _otherwise(other.line)
            part.alive()

    def _near(
        self,
        part: Part,
        rows: Reader,
        numbers: Numbers,
        groups: Groups,
        is_first: NDArray[np.bool_],
    ) -> Iterator[Located]:
        sketches = column(part.connection, "sketch", MOST_COMPARED)
        phrases = column(part.connection, "phrases", MOST_COMPARED)
        compared = np.flatnonzero(is_first[: len(phrases)] & (phrases >= FEWEST_PHRASES))
        common = common_of(part.connection)
        phrases_of_rows = partial(_phrases, rows, numbers, common)
        told: set[int] = set()
        for band in range(HASHES // BAND):
            pairs = likely_pairs(compared, sketches, band=band)
            first = groups.settle()
            pairs = pairs[first[pairs[:, 0]] != first[pairs[:, 1]]]
            for start in range(0, len(pairs) or 1, _TOGETHER):
                some = pairs[start : start + _TOGETHER]
                for row, other, share in proved(some, phrases_of_rows):
                    groups.join(row, other)
                    if row not in told:
                        told.add(row)
                        copy, original = _lines(rows, numbers, (row, other))
                        yield copy, _nearly(original, share)
                part.alive()
        if len(phrases) < len(numbers):
            yield None, _not_compared(len(phrases), len(numbers) - len(phrases))

    def _keep_clusters(self, part: Part, numbers: Numbers, first: Places, whole: Numbers) -> None:
        """The largest first. `near`: not all rows of it say the same."""
        order = np.argsort(first, kind="stable")
        starts = np.flatnonzero(np.diff(first[order], prepend=-1))
        sizes = np.diff(np.append(starts, len(order)))
        many = np.flatnonzero(sizes > 1)
        many = many[np.argsort(-sizes[many], kind="stable")]
        for cluster, at in enumerate(many.tolist(), 1):
            rows = order[starts[at] : starts[at] + sizes[at]]
            kind = "same" if (whole[rows] == whole[rows[0]]).all() else "near"
            part.connection.execute(
                "INSERT INTO clusters VALUES(?, ?, ?)", (cluster, kind, len(rows))
            )
            part.connection.executemany(
                "INSERT INTO cluster_rows VALUES(?, ?)",
                ((cluster, n) for n in numbers[rows].tolist()),
            )
        self.kept["clusters"] = len(many)

    def facts(self) -> dict[str, int]:
        """How many clusters there are."""
        return self.kept


def _phrases(
    rows: Reader, numbers: Numbers, common: Numbers, wanted: Sequence[int]
) -> dict[int, Numbers]:
    at = {int(numbers[row]): row for row in wanted}
    return {
        at[row.n]: phrases
        for batch in rows.these(list(at))
        for row, phrases in zip(batch, phrases_of(batch, common=common), strict=True)
    }


def _lines(rows: Reader, numbers: Numbers, wanted: Sequence[int]) -> list[int]:
    found = {place.n: place.line for place in rows.places([int(numbers[row]) for row in wanted])}
    return [found[int(numbers[row])] for row in wanted]


def _otherwise(line: int) -> Finding:
    return Finding(
        "duplicate.normalised",
        None,
        "warning",
        f"The same row as row {line:,} but for case and spaces. Training sees it twice and weighs "
        "it double.",
        "Keep one of them, unless the weight is meant.",
    )


def _not_compared(compared: int, others: int) -> Finding:
    return Finding(
        "rows.not_compared",
        None,
        "hint",
        f"The first {compared:,} rows were looked through for near copies, the other {others:,} "
        "only for equal ones.",
        "Upload the others as a dataset of their own to have near copies among them found.",
    )


def _nearly(line: int, share: float) -> Finding:
    return Finding(
        "duplicate.near",
        None,
        "hint",
        f"Nearly the same as row {line:,}: {share:.0%} of their phrases of three words agree, but "
        "for those that many rows have.",
        "Keep the better of the two, unless the difference is what the model is to learn.",
    )
