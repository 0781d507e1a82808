"""Where in a row the words stand: a page's rows are taken up once more, in memory and with their
texts, so that FTS5 itself says what it found.
"""

import re
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass

import msgspec

from app.datasets.search.words import TOKENIZER, Question, column_of, spaced, unspaced
from app.formats.base import Format, Text

MOST_OF_A_ROW = 3
WORDS = 32
MOST_LETTERS = 200_000  # of one text are looked at
_BEGIN, _END = "\x02", "\x03"
_MARKS = re.compile(f"[{_BEGIN}{_END}]")
_MADE = f"CREATE VIRTUAL TABLE texts USING fts5(body, tokenize='{TOKENIZER}')"
_EXCERPTS = (
    f"SELECT rowid, snippet(texts, 0, '{_BEGIN}', '{_END}', '…', {WORDS}) FROM texts"  # noqa: S608
    " WHERE texts MATCH ? ORDER BY rowid"
)


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of an excerpt, and whether it is what was looked for."""

    text: str
    is_match: bool


@dataclass(frozen=True, slots=True)
class Excerpt:
    """What stands around the words in one text of a row."""

    role: str
    field: str
    pieces: tuple[Piece, ...]


def excerpts(
    format_: Format, lines: Sequence[bytes | None], question: Question
) -> list[tuple[Excerpt, ...]]:
    """Of each line (None: too long to be shown) the first few texts that hold any of the words."""
    texts = list(_texts(format_, lines, question.role))
    found: list[list[Excerpt]] = [[] for _ in lines]
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute(_MADE)
        bodies = ((at, _shown(text.text)) for at, (_, text) in enumerate(texts, 1))
        connection.executemany("INSERT INTO texts(rowid, body) VALUES(?, ?)", bodies)
        for at, marked in connection.execute(_EXCERPTS, (question.places,)):
            place, text = texts[at - 1]
            if len(found[place]) < MOST_OF_A_ROW:
                found[place].append(Excerpt(text.role, text.field, tuple(_pieces(marked))))
    return [tuple(of_row) for of_row in found]


def _texts(
    format_: Format, lines: Iterable[bytes | None], role: str | None
) -> Iterator[tuple[int, Text]]:
    for place, line in enumerate(lines):
        for text in format_.texts(msgspec.json.decode(line)) if line is not None else ():
            if role is None or column_of(text.role) == role:
                yield place, text


def _shown(text: str) -> str:
    return spaced(_MARKS.sub("", text[:MOST_LETTERS]))


def _pieces(marked: str) -> Iterator[Piece]:
    """The stretches between the marks, by turns beside and within a match."""
    for at, text in enumerate(_MARKS.split(unspaced(marked))):
        if text:
            yield Piece(text, is_match=at % 2 == 1)
