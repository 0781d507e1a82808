"""Count the strings on lines of JSON: the proof that a quick reader has dropped none of them.

A reader that takes the last of two equal keys leaves more strings on the line than the row it
returns has: two for the key's quotes. Quotes inside strings are escaped, so half the unescaped
quotes is the number of strings, keys included. Of a line that is not valid JSON it says nothing.
An escaped NUL, which such readers let through, makes a line unsafe here.
"""

from collections.abc import Sequence
from itertools import accumulate

import numpy as np

UNKNOWN, UNSAFE = -1, -2
_QUOTE, _BACKSLASH, _U = b'"\\u'
_NUL = b"\\u0000"


def count_strings(line: bytes) -> int:
    """The number of strings on one line; UNSAFE where one of them may hold NUL."""
    if _NUL in line:
        return UNSAFE
    if b"\\\\" in line:
        line = line.replace(b"\\\\", b"")
    return (line.count(b'"') - line.count(b'\\"')) >> 1


def count_strings_by_line(block: bytes, lines: Sequence[bytes]) -> list[int]:
    """The same for every line of a block that ends with a newline, five times as fast.

    UNKNOWN where a line takes a closer look: it has two backslashes in a row, so that a quote after
    them may or may not be escaped, or NUL stands somewhere in the block.
    """
    lengths = [len(line) + 1 for line in lines]
    starts = np.array([0, *accumulate(lengths[:-1])])
    codes = np.frombuffer(block, np.uint8)
    backslash = codes == _BACKSLASH
    if ((codes[1:] == _U) & backslash[:-1]).any() and _NUL in block:
        return [UNKNOWN] * len(lines)
    unescaped = codes == _QUOTE
    unescaped[1:] &= ~backslash[:-1]
    kind = np.uint16 if max(lengths) <= np.iinfo(np.uint16).max else np.int64
    strings = np.add.reduceat(unescaped.view(np.uint8), starts, dtype=kind).astype(np.int64) >> 1
    doubled = backslash[1:] & backslash[:-1]
    if doubled.any():
        first = np.append(doubled, False).view(np.uint8)
        strings[np.add.reduceat(first, starts, dtype=np.int64) > 0] = UNKNOWN
    counts: list[int] = strings.tolist()
    return counts
