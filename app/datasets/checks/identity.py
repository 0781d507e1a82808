"""Who is who: every row has an id within its dataset, and keeps it through a new upload.

A row inherits from the version before by equal content, the n-th equal row from the n-th; then by
equal prompt, in the same way; else it keeps the new id it was given when it was read.
"""

import hashlib
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path

from app.datasets.index import connect_finished

_BATCH = 1_000

_BITS = 2**53 - 1  # JavaScript reads larger numbers wrongly
_STEP = 0x1E3779B97F4A7C15 & _BITS  # odd, so that no two rows of a version agree


def salt_of(index: Path, blob: Path) -> int:
    """Where the ids of a version begin: elsewhere for each, the same when it is checked again."""
    names = f"{index.name}\n{blob.name}".encode()
    return int.from_bytes(hashlib.blake2b(names, digest_size=8).digest(), "little")


def new_id(salt: int, n: int) -> int:
    """The id of a version's n-th row when no earlier row passes one on."""
    return (salt + n * _STEP) & _BITS


def inherit(connection: sqlite3.Connection, earlier: Path) -> int:
    """Pass the ids of an earlier version's index on; how many rows took one."""
    for table in ("mine", "theirs"):
        connection.execute(f"CREATE TEMP TABLE {table}(key, n INTEGER, row_id INTEGER)")
    connection.execute("CREATE TEMP TABLE passed(n INTEGER PRIMARY KEY, row_id INTEGER)")
    old = connect_finished(earlier)
    with closing(old):
        rest = _Rest(connection)
        _pass_on(connection, connection.execute(_BY_HASH), old.execute(_BY_HASH), rest)
        rest.flush()
    mine, theirs = (connection.execute(f"{_BY_PROMPT} FROM {name} {_IN_ORDER}") for name in _REST)
    _pass_on(connection, mine, theirs, None)
    connection.execute("UPDATE rows SET row_id = passed.row_id FROM passed WHERE passed.n = rows.n")
    (count,) = connection.execute("SELECT count(*) FROM passed").fetchone()
    for table in ("mine", "theirs", "passed"):
        connection.execute(f"DROP TABLE {table}")
    return int(count)


_REST = ("mine", "theirs")
_BY_HASH = "SELECT hash, n, row_id, prompt FROM rows WHERE flags & 1 = 0 ORDER BY hash, n"
_BY_PROMPT = "SELECT key, n, row_id, 0"
_IN_ORDER = "ORDER BY key, n"
_Located = tuple[bytes | int, int, int, int]  # key, n, row_id, prompt


class _Rest:
    """Rows without an equal on the other side, kept for the second round."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.waiting: dict[str, list[tuple[int, int, int]]] = {name: [] for name in _REST}

    def add(self, side: str, row: _Located) -> None:
        waiting = self.waiting[side]
        waiting.append((row[3], row[1], row[2]))
        if len(waiting) >= _BATCH:
            self.flush()

    def flush(self) -> None:
        for side, waiting in self.waiting.items():
            self.connection.executemany(f"INSERT INTO {side} VALUES(?, ?, ?)", waiting)
            waiting.clear()


def _pass_on(
    connection: sqlite3.Connection,
    new: Iterator[_Located],
    old: Iterator[_Located],
    rest: _Rest | None,
) -> None:
    """Pair two streams in the same order by key: equal keys meet in the order of their rows."""
    matched = _matched(new, old, rest)
    while batch := list(islice(matched, _BATCH)):
        connection.executemany("INSERT INTO passed VALUES(?, ?)", batch)


def _matched(
    new: Iterator[_Located], old: Iterator[_Located], rest: _Rest | None
) -> Iterator[tuple[int, int]]:
    mine, theirs = next(new, None), next(old, None)
    while mine is not None or theirs is not None:
        if mine is not None and theirs is not None and mine[0] == theirs[0]:
            yield mine[1], theirs[2]
            mine, theirs = next(new, None), next(old, None)
        elif theirs is None or (mine is not None and mine[0] < theirs[0]):  # type: ignore[operator]
            if rest is not None and mine is not None:
                rest.add("mine", mine)
            mine = next(new, None)
        else:
            if rest is not None:
                rest.add("theirs", theirs)
            theirs = next(old, None)
