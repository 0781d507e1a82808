"""Rows of which only the deeper checks said something: so that rows are filtered by it, too.

The index never changes. The file beside it holds those of its rows that have gained a flag, in the
index's own orders; where it is there, the index gives out the others alone.
"""

import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from app.datasets.index import SEVERITY_FLAGS, Counted, Flag, Index, Row, open_index

SCHEMA = """CREATE TABLE flagged(
    n INTEGER PRIMARY KEY,
    tokens INTEGER NOT NULL,
    answer INTEGER NOT NULL,
    flags INTEGER NOT NULL,
    label INTEGER NOT NULL
);
"""
FLAGGED = "deep.flagged"
OTHERS = "(SELECT * FROM main.rows WHERE n NOT IN (SELECT n FROM deep.flagged))"
_SAID = """SELECT line, max(severity = 'error'), max(severity = 'warning'), max(severity = 'hint')
FROM findings WHERE line IS NOT NULL GROUP BY line ORDER BY line"""

# Flags in the index, flags now, label: how many rows.
Moved = list[tuple[int, int, int, int]]


def keep_flagged(connection: sqlite3.Connection, index: Path) -> Moved:
    """Write down which rows of `index` the findings of this file flag anew, and count them."""
    moved: Counter[tuple[int, int, int]] = Counter()
    with open_index(index) as opened:
        is_labelled = "labels" in opened.facts
        for row, flags in _flagged(connection, opened):
            label = row[-1] if is_labelled else 0
            connection.execute(
                "INSERT INTO flagged VALUES(?, ?, ?, ?, ?)", (*row[:3], flags, label)
            )
            moved[row[3], flags, label] += 1
    for name, order in (
        ("flags", "flags"),
        ("tokens", "flags, tokens"),
        ("answer", "flags, answer"),
        ("labels", "label, flags"),
        ("label_tokens", "label, flags, tokens"),
    ):
        connection.execute(f"CREATE INDEX flagged_{name} ON flagged({order})")
    return [(*key, rows) for key, rows in moved.items()]


def _flagged(
    connection: sqlite3.Connection, index: Index
) -> Iterator[tuple[tuple[int, int, int, int, int], int]]:
    said = {
        line: sum(
            flag * told for flag, told in zip(SEVERITY_FLAGS.values(), severities, strict=True)
        )
        for line, *severities in connection.execute(_SAID)
    }
    for row in index.rows_on(said):
        flags = int(row.flags) | said[row.line]
        if flags != row.flags:
            yield (row.n, row.tokens, row.answer, int(row.flags), row.label), flags


def with_flags(index: Index, rows: Sequence[Row]) -> list[Row]:
    """These rows with the flags they have gained."""
    if not index.deep_facts.get("flagged"):
        return list(rows)
    query = "SELECT flags FROM deep.flagged WHERE n = ?"
    found = ((row, index.connection.execute(query, (row.n,)).fetchone()) for row in rows)
    return [replace(row, flags=Flag(flags[0])) if flags else row for row, flags in found]


def moved_by_flags(index: Index, label: int | None) -> tuple[Counted, Counted]:
    """Of the rows that gained a flag, of one label or of all: how many stood where in the index,
    and how many stand where now.
    """
    before: Counter[tuple[int, ...]] = Counter()
    now: Counter[tuple[int, ...]] = Counter()
    at = () if label is None else (label,)
    for was, flags, code, rows in index.deep_facts.get("flagged", ()):
        if label is None or code == label:
            before[was, *at] += rows
            now[flags, *at] += rows
    return list(before.items()), list(now.items())
