"""What makes a further file of a version, and how far the making is."""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from app.datasets.parts import Kept


@dataclass(frozen=True, slots=True)
class Making(Kept):
    """How far a derived file is. Plain values: they are kept in the file and beside its row.

    `n` rows are behind it, `step` counts what is done after them. For the page: `phase` is a word,
    `share` goes from 0 to 1 over all of it.
    """

    phase: str = "reading"
    n: int = 0
    step: int = 0
    share: float = 0.0
    is_done: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """The unfinished file within one transaction, and what it is made of.

    `connection` has the deriver's tables and `facts(key, value)`, where the key `state` is taken.
    `alive` renews the lease and raises LeaseLost: call it now and then in what cannot be cut.
    """

    connection: sqlite3.Connection
    blob: Path
    index: Path
    alive: Callable[[], None]


class Deriver(Protocol):
    """What makes one kind of file. It need not think of crashes: what `work` wrote and how far it
    said to be are kept together or not at all, and the file gets its name when it is done.
    """

    kind: str  # of the row
    ending: str  # of the file: index/<version>.<ending>.sqlite
    schema: str  # statements, each ended by a semicolon and a newline
    version: int  # of the schema, from 1; a file of another one is made anew

    def work(self, part: Part, making: Making, until: float) -> Making:
        """Go on from there until `until`, by `time.monotonic`; at least one step further."""
        ...
