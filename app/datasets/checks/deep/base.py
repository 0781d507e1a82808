"""What the second pass hands to its checks, and what such a check is."""

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

import msgspec

from app.datasets.checks.base import Located
from app.datasets.derived.base import Part
from app.formats.base import JsonObject, Text


class Said(msgspec.Struct, frozen=True, gc=False):
    """A row that could be read: the `n`-th, on this 1-based line, of `size` bytes, and the texts in
    it. `digest` and `flags` are those of the index.
    """

    n: int
    line: int
    size: int
    digest: bytes
    flags: int
    value: JsonObject
    texts: list[Text]


class DeepCheck:
    """A check of what rows say. One object works for one slice: what it must remember of rows gone
    by stands in `kept`, which is JSON and bounded, or in tables of its own, named as the check is.

    A subclass says only what is different; one that needs no memory has nothing but `look`.
    """

    name: ClassVar[str]
    schema: ClassVar[str] = ""  # statements, each ended by a semicolon and a newline

    def __init__(self, kept: dict[str, Any]) -> None:
        self.kept = kept

    def look(self, rows: Sequence[Said], part: Part) -> Iterable[Located]:
        """What it says of these rows, a few hundred at a time in the order of the file."""
        return ()

    def end(self, part: Part) -> Iterable[Located]:
        """What it says once every row has gone by, each with the line it concerns (None: the file).
        It cannot be cut: call `part.alive` now and then.
        """
        return ()

    def facts(self) -> dict[str, Any]:
        """A few figures for pages that open no file, once `end` is through."""
        return {}
