"""Make the search file of a version: the words of every row, by role, without the texts."""

import sqlite3
from time import monotonic
from typing import Any

from app.datasets.checks.deep.base import Said
from app.datasets.checks.deep.rows import open_rows
from app.datasets.derived.base import Making, Part
from app.datasets.search.words import ROLES, TOKENIZER, column_of, joined

LONGEST = 4_000_000  # bytes of a line; a longer one is not drawn either
VOLUME = 16  # megabytes of rows; with more a page of `the*` takes longer, with fewer a rare word
_COLUMNS = ", ".join(ROLES)


class SearchFile:
    """Contentless FTS5 tables, one for each volume of rows, in the order of the file: they keep the
    words and where they stand; texts stay in the blob.

    A page of what is found asks volume after volume, so that what FTS5 does for a whole table at
    once, such as gathering all words of one beginning, costs the same however many rows there are.
    Nothing is merged: that costs as much again. `hashsize` is what is gathered before it is
    written: a volume in one piece, where no slice ends within.
    """

    kind = "search"
    ending = "fts"
    version = 2
    schema = "CREATE TABLE volumes(volume INTEGER PRIMARY KEY, first INTEGER NOT NULL);\n"

    def work(self, part: Part, making: Making, until: float) -> Making:
        """Take up the words of the next rows, to the end of a volume at most: `step` counts
        megabytes.
        """
        with open_rows(part.blob, part.index) as opened:
            total = opened.index.row_count
            for rows in opened.after(making.n, longest=LONGEST):
                volume, in_volume = divmod(making.step, VOLUME)
                if not in_volume:
                    _begin(part.connection, volume, rows[0].n)
                part.connection.executemany(_insert(volume), map(_words, rows))
                n = rows[-1].n
                making = making.advanced(n=n, step=making.step + 1, share=n / total)
                if in_volume + 1 == VOLUME or monotonic() > until:
                    return making
        return making.advanced(n=total, share=1.0, is_done=True)


def _begin(connection: sqlite3.Connection, volume: int, first: int) -> None:
    connection.execute("INSERT INTO volumes VALUES(?, ?)", (volume, first))
    connection.execute(
        f"CREATE VIRTUAL TABLE texts_{volume} USING fts5({_COLUMNS}, content='', columnsize=0,"
        f" tokenize='{TOKENIZER}')"
    )
    for option, value in (("automerge", 0), ("crisismerge", 1000), ("hashsize", 2**24)):
        connection.execute(
            f"INSERT INTO texts_{volume}(texts_{volume}, rank) VALUES(?, ?)",
            (option, value),
        )


def _insert(volume: int) -> str:
    places = ", ?" * len(ROLES)
    return f"INSERT INTO texts_{volume}(rowid, {_COLUMNS}) VALUES(?{places})"


def _words(row: Said) -> tuple[Any, ...]:
    """The number of a row, and its texts by column."""
    said: dict[str, list[str]] = {column: [] for column in ROLES}
    for text in row.texts:
        said[column_of(text.role)].append(text.text)
    return (row.n, *map(joined, said.values()))
