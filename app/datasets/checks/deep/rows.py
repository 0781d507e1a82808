"""Go through the rows of a checked version again: read straight, for what is unsafe was found."""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import msgspec

from app.datasets.checks.deep.base import Said
from app.datasets.checks.deep.words import unwritten
from app.datasets.index import Flag, Index, open_index
from app.formats.base import JsonObject
from app.formats.registry import FORMATS

_BATCH_BYTES = 2**20
_BUFFER = 2**20
_PLACE = "SELECT n, line, hash, flags, offset, length FROM rows"
_SOME = "WHERE n IN (SELECT value FROM json_each(?)) AND flags & ? = 0 ORDER BY n"
_UNREADABLE = int(Flag.UNREADABLE)
_decode = msgspec.json.Decoder(dict[str, Any]).decode


class Place(NamedTuple):
    """Where a row stands, and what the index says of it."""

    n: int
    line: int
    digest: bytes
    flags: int
    offset: int
    length: int


class Rows:
    """The rows of one version that could be read."""

    def __init__(self, index: Index, file: BinaryIO) -> None:
        self.index, self._file = index, file
        self._format = FORMATS[index.facts["verdict"]["format"]]

    def after(self, n: int, *, longest: int = 2**62) -> Iterator[list[Said]]:
        """Those behind the `n`-th of at most `longest` bytes, about 1 MB of them at a time."""
        found = self.index.connection.execute(
            f"{_PLACE} WHERE n > ? AND length <= ? AND flags & ? = 0 ORDER BY n",
            (n, longest, _UNREADABLE),
        )
        return self._batches(map(Place._make, found))

    def these(self, numbers: Sequence[int]) -> Iterator[list[Said]]:
        """Those of these numbers that could be read, in the order of the file."""
        return self._batches(self.places(numbers))

    def places(self, numbers: Sequence[int]) -> Iterator[Place]:
        """Where the rows of these numbers stand, in the order of the file."""
        found = self.index.connection.execute(
            f"{_PLACE} {_SOME}", (json.dumps(numbers), _UNREADABLE)
        )
        return map(Place._make, found)

    def are_one(self, one: Place, other: Place) -> bool:
        """Whether two rows are the same but for case and spaces, in all that is in them."""
        return bool(unwritten(self._value(one)) == unwritten(self._value(other)))

    def _value(self, place: Place) -> JsonObject:
        self._file.seek(place.offset)
        return _decode(self._file.read(place.length))

    def _batches(self, places: Iterable[Place]) -> Iterator[list[Said]]:
        waiting: list[Place] = []
        for place in places:
            if waiting and place.offset + place.length - waiting[0].offset > _BATCH_BYTES:
                yield self._read(waiting)
                waiting = []
            waiting.append(place)
        if waiting:
            yield self._read(waiting)

    def _read(self, places: list[Place]) -> list[Said]:
        start, last = places[0].offset, places[-1]
        self._file.seek(start)
        data = self._file.read(last.offset + last.length - start)
        rows = []
        for n, line, digest, flags, offset, length in places:
            value = _decode(data[offset - start : offset - start + length])
            rows.append(Said(n, line, length, digest, flags, value, self._format.texts(value)))
        return rows


@contextmanager
def open_rows(blob: Path, index: Path) -> Iterator[Rows]:
    """The rows of a version, by its blob and its finished index."""
    with open_index(index) as opened, blob.open("rb", buffering=_BUFFER) as file:
        yield Rows(opened, file)
