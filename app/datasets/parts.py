"""Files that are made in steps: each step is kept whole or not at all, the name comes last.

What a step wrote and how far it says to be stand in the same file and are committed together, so
that a step killed at any line is made again from the last commit.
"""

import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Self

SYNCHRONOUS = "NORMAL"
_BUSY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_TORN = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


class Busy(Exception):
    """Another process is at the same step."""


class Outdated(Exception):
    """The file is torn, or an earlier Luthier began it in another schema: discard it."""


def part_path(path: Path) -> Path:
    """Where a file is while it is being made."""
    return path.with_name(f"{path.name}.part")


def discard(path: Path) -> None:
    """Forget a file, finished or not; it is made again from the beginning."""
    for one in (path, part_path(path)):
        for name in (one, one.with_name(f"{one.name}-journal")):
            name.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class Kept:
    """How far something is that is made in steps: a frozen dataclass of plain values, which is
    written down as JSON between them.
    """

    def as_json(self) -> dict[str, Any]:
        """The values by name."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any] | None) -> Self:
        """What was written down with `as_json`; None is the beginning."""
        return cls(**(values or {}))

    def advanced(self, **changes: Any) -> Self:
        """The same, further on."""
        return replace(self, **changes)


@contextmanager
def writing(path: Path, schema: str, version: int) -> Iterator[sqlite3.Connection]:
    """One transaction on the unfinished file, which is made if there is none. Raises Busy and
    Outdated.
    """
    try:
        with closing(_open(path)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            if not connection.execute("SELECT 1 FROM sqlite_master").fetchone():
                for statement in schema.split(";\n"):
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {version}")
            elif version_of(connection) != version:
                raise Outdated
            yield connection
            connection.execute("COMMIT")
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode in _BUSY:
            raise Busy from error
        if error.sqlite_errorcode in _TORN:
            raise Outdated from error
        raise


def version_of(connection: sqlite3.Connection) -> int:
    """Which schema a file was made in."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return int(version)


def publish(path: Path) -> None:
    """Give the finished file its name, once its bytes are on the disk."""
    part = part_path(path)
    try:
        with part.open("rb") as file:
            os.fsync(file.fileno())
        part.replace(path)
    except FileNotFoundError:
        if not path.exists():
            raise


def _open(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(part_path(path), timeout=1, isolation_level=None)
    connection.execute(f"PRAGMA synchronous = {SYNCHRONOUS}")
    connection.execute("PRAGMA cache_size = -16000")
    return connection
