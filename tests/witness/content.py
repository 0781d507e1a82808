"""File contents made on the fly: real rows in a size that is named, never held in memory."""

import bisect
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from pathlib import Path
from typing import Any

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
SOURCES = {
    "chat": "banking77/train.jsonl",
    "held_out": "banking77/validation.jsonl",
    "preference": "orca-dpo/validation.jsonl",
    "reinforcement": "countdown-rft/train.jsonl",
}
SPACE_FOR_THE_LAST = 3_000  # bytes that the row which makes the size exact may need


@dataclass(frozen=True)
class Corpus:
    """The rows of one example file, twice over, so that a turn may begin anywhere."""

    text: bytes
    ends: list[int]
    shortest: dict[str, Any]

    @property
    def turn(self) -> int:
        """The bytes of all rows once."""
        return len(self.text) // 2


@cache
def corpus(source: str) -> Corpus:
    """A source of rows, read once."""
    lines = [line + b"\n" for line in (EXAMPLES / SOURCES[source]).read_bytes().splitlines()]
    ends = [0, *accumulate(map(len, lines * 2))]
    return Corpus(b"".join(lines * 2), ends, json.loads(min(lines, key=len)))


@cache
def rows(source: str) -> list[dict[str, Any]]:
    """All rows of a source, as JSON; not to be changed."""
    return [json.loads(line) for line in (EXAMPLES / SOURCES[source]).read_bytes().splitlines()]


@dataclass(frozen=True)
class Rows:
    """Whole rows of a source from its `start`-th on, round and round, `size` bytes in all."""

    source: str
    size: int
    start: int = 0

    def chunks(self) -> Iterator[memoryview]:
        """The bytes, as views of what every file of this source shares."""
        known = corpus(self.source)
        first = known.ends[self.start % len(rows(self.source))]
        turns, left = divmod(max(0, self.size - SPACE_FOR_THE_LAST), known.turn)
        view = memoryview(known.text)
        for _ in range(turns):
            yield view[first : first + known.turn]
        end = known.ends[bisect.bisect_right(known.ends, first + left) - 1]
        yield view[first:end]
        yield memoryview(_last(known, self.size - turns * known.turn - (end - first)))

    @property
    def sha256(self) -> str:
        return _digest(self)


def _last(known: Corpus, size: int) -> bytes:
    """A row of exactly so many bytes; blanks where that is too few for one."""
    row = json.dumps(known.shortest, ensure_ascii=False).encode()
    if size <= len(row):
        return b" " * (size - 1) + b"\n" if size else b""
    where = row.index(b'"content": "') + len(b'"content": "')
    words = (b"Please help me with this. " * (size // 20 + 1))[: size - len(row) - 1]
    return row[:where] + words + row[where:] + b"\n"


@cache
def _digest(content: Rows) -> str:
    digest = hashlib.sha256()
    for chunk in content.chunks():
        digest.update(chunk)
    return digest.hexdigest()


Content = bytes | Rows


def size_of(content: Content) -> int:
    return content.size if isinstance(content, Rows) else len(content)


def chunks_of(content: Content) -> Iterator[memoryview]:
    """A content's bytes, piece by piece."""
    return content.chunks() if isinstance(content, Rows) else iter([memoryview(content)])


def sha256_of(content: Content) -> str:
    if isinstance(content, Rows):
        return content.sha256
    return hashlib.sha256(content).hexdigest()
