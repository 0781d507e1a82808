"""What a row says in a few numbers, by which rows are compared that differ in how they say it.

`whole` is equal for rows of which all texts say the same, `prompt` and `answer` for their halves:
0 where there is no answer, or images and tools have their part in the question. `sketch` are the
last bytes of 48 minimal hashes of the row's phrases of three words; system prompts, rows with
images and phrases that many rows have are left out. As many of them agree between two rows as
phrases do (Broder, On the resemblance and containment of documents, 1997).
"""

import sqlite3
from collections.abc import Iterable, Sequence
from functools import lru_cache, partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from xxhash import xxh3_64_intdigest

from app.datasets.checks.base import Located
from app.datasets.checks.deep.base import DeepCheck, Said
from app.datasets.checks.deep.common import (
    NOTHING,
    common_of,
    find_common,
    keep_common,
    without,
)
from app.datasets.checks.deep.words import Numbers, Places, Words, in_order, mixed, words_of
from app.datasets.derived.base import Part
from app.datasets.index import Flag
from app.formats.base import Text

HASHES = 48
LONGEST = 1_000_000  # characters
_INSTRUCTIONS = frozenset({"system", "developer"})
_MULTIPLIERS = np.random.default_rng(1997).integers(1, 2**32, HASHES, dtype=np.uint32) | np.uint32(
    1
)
_SECOND, _THIRD = np.uint64(0x9FB21C651E98DF25), np.uint64(0xC2B2AE3D27D4EB4F)


class Sketches(NamedTuple):
    """One entry a row, in the order of the file. `phrases` is how many it has, `length` how many
    words its answer.
    """

    n: NDArray[np.int64]
    whole: Numbers
    prompt: Numbers
    answer: Numbers
    length: NDArray[np.uint32]
    phrases: NDArray[np.uint32]
    sketch: NDArray[np.uint8]  # (rows, HASHES)


class Sketching(DeepCheck):
    """Says nothing itself: it keeps what the next checks compare."""

    name = "sketches"
    schema = (
        "CREATE TABLE sketches(first INTEGER PRIMARY KEY, n BLOB, whole BLOB, prompt BLOB, "
        "answer BLOB, length BLOB, phrases BLOB, sketch BLOB);\n"
        "CREATE TABLE sketches_common(phrases BLOB NOT NULL);\n"
    )
    _common: Numbers | None = None

    def look(self, rows: Sequence[Said], part: Part) -> Iterable[Located]:
        """Keep the sketches of these rows."""
        made = sketches_of(rows, self._common_phrases(part))
        part.connection.execute(
            "INSERT INTO sketches VALUES(?, ?, ?, ?, ?, ?, ?, ?)",
            (rows[0].n, *(column.tobytes() for column in made)),
        )
        return ()

    def _common_phrases(self, part: Part) -> Numbers:
        if "common" not in self.kept:
            found = find_common(part, partial(phrases_of, common=NOTHING))
            keep_common(part.connection, found)
            self.kept["common"] = len(found)
        if self._common is None:
            self._common = common_of(part.connection)
        return self._common


def column(connection: sqlite3.Connection, name: str, most: int = 2**62) -> NDArray[Any]:
    """One of the columns, of all rows or of about the first `most`."""
    query = f"SELECT {name} FROM sketches WHERE first <= ? ORDER BY first"  # noqa: S608 - ours
    stored = connection.execute(query, (most,))
    kind = _array(name, b"")
    return np.concatenate([kind, *(_array(name, content) for (content,) in stored)])


def _array(name: str, content: bytes) -> NDArray[Any]:
    values = np.frombuffer(content, _KINDS[name]) if content else np.empty(0, _KINDS[name])
    return values.reshape(-1, HASHES) if name == "sketch" else values


_KINDS = {
    "n": np.int64,
    "whole": np.uint64,
    "prompt": np.uint64,
    "answer": np.uint64,
    "length": np.uint32,
    "phrases": np.uint32,
    "sketch": np.uint8,
}


def sketches_of(rows: Sequence[Said], common: Numbers) -> Sketches:
    """The sketches of some rows."""
    told = [_parts(row) for row in rows]
    texts = [text for parts in told for part in parts for text in part]
    words = words_of([text.text for text in texts])
    said = in_order(words.numbers, words.bounds[:-1], words.bounds[1:])
    said = mixed(said ^ _roles(texts))
    places = np.cumsum([0, *(len(part) for parts in told for part in parts)])
    first, asked, answer, rest = places[:-1].reshape(-1, 4).T
    end = places[4::4]
    whole = in_order(said, first, end)
    flags = np.array([row.flags for row in rows])
    has_more = [at for at, row in enumerate(rows) if _has_more(row)]
    whole[has_more] = [int.from_bytes(rows[at].digest[:8], "little") for at in has_more]
    is_answered = (rest > answer) & (flags & int(Flag.IMAGES | Flag.TOOLS) == 0)
    from_word, to_word = words.bounds[asked], words.bounds[end]
    to_word = np.where(flags & Flag.IMAGES, from_word, to_word)
    phrases, counts = without(*_phrases(words, from_word, to_word), common)
    return Sketches(
        np.array([row.n for row in rows], np.int64),
        whole,
        in_order(said, first, answer) * is_answered,
        in_order(said, answer, rest) * is_answered,
        (words.bounds[rest] - words.bounds[answer]).astype(np.uint32),
        counts.astype(np.uint32),
        _minima(phrases, counts),
    )


def phrases_of(rows: Sequence[Said], *, common: Numbers) -> list[Numbers]:
    """The different phrases of each of these rows, sorted, without the common ones: what the sketch
    is a sample of.
    """
    told = [_parts(row)[1:] for row in rows]
    words = words_of([text.text for parts in told for part in parts for text in part])
    places = words.bounds[np.cumsum([0, *(sum(map(len, parts)) for parts in told)])]
    phrases, counts = without(*_phrases(words, places[:-1], places[1:]), common)
    return [np.unique(part) for part in np.split(phrases, np.cumsum(counts)[:-1])]


def _has_more(row: Said) -> bool:
    """More than its texts, or more of them, than are compared: it is the same only where it is
    equal.
    """
    return bool(row.flags & Flag.IMAGES) or _is_long(row)


def _is_long(row: Said) -> bool:
    return row.size > LONGEST and sum(len(text.text) for text in row.texts) > LONGEST


def _parts(row: Said) -> tuple[list[Text], list[Text], list[Text], list[Text]]:
    """Instructions, the question, the last answer, and an answer that is not preferred."""
    if _is_long(row):
        return [], [], [], []
    told = [text for text in row.texts if text.role != "rejected"]
    roles = [text.role for text in told]
    at = len(roles) - 1 - roles[::-1].index("assistant") if "assistant" in roles else len(roles)
    return (
        [text for text in told[:at] if text.role in _INSTRUCTIONS],
        [text for text in told[:at] if text.role not in _INSTRUCTIONS],
        told[at:],
        [text for text in row.texts if text.role == "rejected"],
    )


def _phrases(words: Words, starts: Places, ends: Places) -> tuple[Numbers, Places]:
    """The phrases of three words of all these stretches, and how many each of them has."""
    numbers = words.numbers
    counts = np.maximum(ends - starts - 2, 0)
    before = np.cumsum(counts) - counts
    at = np.arange(counts.sum()) + np.repeat(starts - before, counts)
    return mixed(numbers[at] + _SECOND * numbers[at + 1] + _THIRD * numbers[at + 2]), counts


def _minima(phrases: Numbers, counts: Places) -> NDArray[np.uint8]:
    """Of each row the last byte of its least phrase, in 48 orders of phrases."""
    sketch = np.zeros((len(counts), HASHES), np.uint8)
    has_phrases = np.flatnonzero(counts)
    if len(has_phrases):
        starts = (np.cumsum(counts) - counts)[has_phrases]
        numbers = (phrases >> np.uint64(32)).astype(np.uint32)
        ordered = np.empty_like(numbers)
        for column, multiplier in enumerate(_MULTIPLIERS):
            np.multiply(numbers, multiplier, out=ordered)
            sketch[has_phrases, column] = np.minimum.reduceat(ordered, starts) & np.uint32(0xFF)
    return sketch


@lru_cache(maxsize=64)
def _role(name: str) -> int:
    return xxh3_64_intdigest(name.encode())


def _roles(texts: Iterable[Text]) -> Numbers:
    return np.array([_role(text.role) for text in texts], np.uint64)
