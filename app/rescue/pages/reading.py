"""What came home, to be read: a page of its bytes from where they lie, never the whole of it."""

import os
import re
from contextlib import suppress
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import BinaryIO

import msgspec

PAGE_BYTES = 64 * 1024
# Rows of JSON are laid out one by one; lines of text stand together.
MOST_ROWS, MOST_LINES = 25, 400
# One object is laid out whole up to here; deeper nesting would make megabytes of its margins.
WHOLE_BYTES, DEEPEST = 128 * 1024, 32
STRING = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
JSON_BEGINS = {b"{", b"["}
NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


@dataclass(frozen=True, slots=True)
class Reading:
    """Bytes `first` to `last` of `size`: `pieces` are its rows, JSON laid out, or its text in one.
    `earlier` and `later` are where the pages beside this one begin, None at either end. Of
    `is_binary` nobody can read anything.
    """

    pieces: tuple[str, ...]
    first: int
    last: int
    size: int
    earlier: int | None
    later: int | None
    is_binary: bool = False


def read_at(path: Path, start: int, *, is_one_object: bool) -> Reading:
    """The page that begins at byte `start`, or the first where there is no such byte. One JSON
    object is one page, unless it is large.
    """
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        if is_one_object and size <= WHOLE_BYTES:
            return Reading((_laid_out(file.read()),), 0, size, size, None, None)
        is_rows = file.read(1) in JSON_BEGINS
        most = MOST_ROWS if is_rows else MOST_LINES
        first = start if 0 <= start < size else 0
        file.seek(first)
        page = _page_of(file.read(PAGE_BYTES), most, is_end=first + PAGE_BYTES >= size)
        earlier = _before(file, first, most) if first else None
    last = first + len(page)
    if b"\0" in page:
        return Reading((), first, last, size, None, None, is_binary=True)
    text = page.removesuffix(b"\n")
    lines = text.split(b"\n") if is_rows else [text]
    pieces = tuple(map(_laid_out, lines)) if page else ()
    return Reading(pieces, first, last, size, earlier, last if last < size else None)


def _page_of(window: bytes, most: int, *, is_end: bool) -> bytes:
    """The whole lines of a window, so many at most; of a longer line as much as is there."""
    lines = window.split(b"\n", most)
    if len(lines) > most:
        return window[: len(window) - len(lines[most])]
    end = window.rfind(b"\n") + 1
    return window if is_end else window[:end] or _whole_characters(window)


def _whole_characters(window: bytes) -> bytes:
    """Without the character of UTF-8 that may go on behind the window."""
    for back in (1, 2, 3):
        if window[-back] >= 0xC0:  # noqa: PLR2004 - where a character of several bytes begins
            return window[:-back]
    return window


def _before(file: BinaryIO, first: int, most: int) -> int:
    """Where the page before byte `first` begins: at a line, or else at a character."""
    low = max(0, first - PAGE_BYTES)
    file.seek(low)
    window = file.read(first - low)
    lines = window[:-1].rsplit(b"\n", most)
    if len(lines) > most or (low and len(lines) > 1):
        return low + len(lines[0]) + 1
    return low + len(window) - len(window.lstrip(bytes(range(0x80, 0xC0)))) if low else 0


def _laid_out(line: bytes) -> str:
    """JSON with a line for each of its values, word for word; anything else as it is."""
    if line[:1] in JSON_BEGINS and not _is_deep(line):
        with suppress(msgspec.DecodeError):  # what is no JSON after all is shown as it came
            line = msgspec.json.format(line, indent=2)
    return line.decode(errors="replace")


def _is_deep(line: bytes) -> bool:
    brackets = STRING.sub(b"", line).translate(None, NO_BRACKETS)
    depths = accumulate(1 if one in b"[{" else -1 for one in brackets)
    return max(depths, default=0) > DEEPEST
