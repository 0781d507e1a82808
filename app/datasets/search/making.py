"""Make the search file of a version: the words of every row, by role, without the texts."""

import sqlite3
from collections.abc import Iterator
from time import monotonic
from typing import Any, BinaryIO

import msgspec

from app.datasets.derived.base import Making, Part
from app.datasets.index import Flag, Index, open_index
from app.datasets.search.words import ROLES, TOKENIZER, column_of, joined
from app.formats.base import Format
from app.formats.registry import FORMATS

LONGEST = 4_000_000  # bytes of a line; a longer one is not drawn either
_COLUMNS = ", ".join(ROLES)
_INSERT = f"INSERT INTO texts(rowid, {_COLUMNS}) VALUES(?{', ?' * len(ROLES)})"
_ROWS = (
    "SELECT n, offset, length FROM rows WHERE n > ? AND length <= ? AND NOT flags & ? ORDER BY n"
)


class SearchFile:
    """A contentless FTS5 table: it keeps the words and where they stand; texts stay in the blob.

    Segments are not merged: that costs as much again, and a question asks a few dozen as quickly as
    one. `hashsize` is what is gathered in memory before one is written.
    """

    kind = "search"
    ending = "fts"
    version = 1
    schema = (
        f"CREATE VIRTUAL TABLE texts USING fts5({_COLUMNS}, content='', columnsize=0,"
        f" tokenize='{TOKENIZER}');\n"
        "INSERT INTO texts(texts, rank) VALUES('automerge', 0);\n"
        "INSERT INTO texts(texts, rank) VALUES('crisismerge', 1000);\n"
        "INSERT INTO texts(texts, rank) VALUES('hashsize', 33554432);\n"
    )

    def work(self, part: Part, making: Making, until: float) -> Making:
        """Take up the words of the next rows."""
        with open_index(part.index) as index, part.blob.open("rb", buffering=2**20) as file:
            total = index.row_count
            for n, *words in _words(index, file, making.n):
                part.connection.execute(_INSERT, (n, *words))
                if monotonic() > until:
                    return making.advanced(n=n, share=n / total)
        return making.advanced(n=total, share=1.0, is_done=True)

    def facts(self, made: sqlite3.Connection) -> dict[str, Any]:
        """Nothing that a page needs before it opens the file."""
        del made
        return {}


def _words(index: Index, file: BinaryIO, after: int) -> Iterator[tuple[Any, ...]]:
    """The number of each row behind `after`, and its texts by column."""
    format_: Format = FORMATS[index.facts["verdict"]["format"]]
    found = index.connection.execute(_ROWS, (after, LONGEST, int(Flag.UNREADABLE)))
    for n, offset, length in found:
        file.seek(offset)
        said: dict[str, list[str]] = {column: [] for column in ROLES}
        for text in format_.texts(msgspec.json.decode(file.read(length))):
            said[column_of(text.role)].append(text.text)
        yield (n, *(joined(texts) for texts in said.values()))
