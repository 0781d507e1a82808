"""Count the strings on lines of JSON: the proof that a quick reader has dropped none of them.

A reader that takes the last of two equal keys leaves more strings on the line than the row it
returns has: two for the key's quotes. Quotes inside strings are escaped, so half the unescaped
quotes is the number of strings, keys included. Of a line that is not valid JSON it says nothing.
An escaped NUL, which such readers let through, makes a line unsafe here.
"""

import numpy as np
from numpy.typing import NDArray

UNSAFE = -1
_AT_ONCE = 8 * 2**20  # bytes
_NEWLINE, _QUOTE, _BACKSLASH, _U = b'\n"\\u'
_NUL = b"\\u0000"


def line_ends(block: bytes) -> NDArray[np.intp]:
    """Where the newlines of a block are."""
    return np.flatnonzero(np.frombuffer(block, np.uint8) == _NEWLINE)


def count_strings(line: bytes) -> int:
    """The number of strings on one line; UNSAFE where one of them may hold NUL."""
    if _NUL in line:
        return UNSAFE
    if b"\\\\" in line:
        line = line.replace(b"\\\\", b"")
    return (line.count(b'"') - line.count(b'\\"')) >> 1


def count_strings_by_line(block: bytes, ends: NDArray[np.intp]) -> list[int]:
    """The same for every line of a block, five times as fast; `ends` are those of its lines."""
    starts = np.append(0, ends[:-1] + 1)
    known = _count_at_once(block, starts) if len(block) < _AT_ONCE else None
    if known is None:
        return [count_strings(block[start:end]) for start, end in zip(starts, ends, strict=True)]
    strings, unclear = known
    for line in unclear:
        strings[line] = count_strings(block[starts[line] : ends[line]])
    return strings


def _count_at_once(
    block: bytes, starts: NDArray[np.intp]
) -> tuple[list[int], NDArray[np.intp]] | None:
    """The strings of every line, and the lines that take a closer look: of two backslashes in a row
    the second may or may not escape a quote after them. None where NUL stands in the block.
    """
    codes = np.frombuffer(block, np.uint8)
    backslash = codes == _BACKSLASH
    if ((codes[1:] == _U) & backslash[:-1]).any() and _NUL in block:
        return None
    unescaped = codes == _QUOTE
    unescaped[1:] &= ~backslash[:-1]
    longest = max(int(np.diff(starts).max(initial=0)), len(block) - int(starts[-1]))
    kind = np.uint16 if longest <= np.iinfo(np.uint16).max else np.int64
    strings = np.add.reduceat(unescaped.view(np.uint8), starts, dtype=kind) >> 1
    doubled = np.flatnonzero(backslash[1:] & backslash[:-1])
    unclear = np.unique(np.searchsorted(starts, doubled, side="right") - 1)
    return strings.tolist(), unclear
