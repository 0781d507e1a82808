"""What a dialect is: a way to write down the rows of the formats it has words for."""

import json
from collections.abc import Collection
from typing import Protocol

from app.formats.base import JsonObject


class Dialect(Protocol):
    """One way to write rows. Pure, and lossless: nothing of a row it can say is left out."""

    name: str
    title: str
    says: str  # for whom, and what becomes of a row
    ending: str
    media_type: str

    @property
    def formats(self) -> Collection[str]:
        """The names of the formats it has words for."""
        ...

    def head(self, format_name: str) -> bytes:
        """What the file begins with."""
        ...

    def row(self, format_name: str, line: bytes) -> bytes:
        """A row that can be read, as it stands in its file without the newline; with its own."""
        ...


def written(value: JsonObject) -> bytes:
    """A row as one line of JSON."""
    return json.dumps(value, ensure_ascii=False, separators=(", ", ": ")).encode()
