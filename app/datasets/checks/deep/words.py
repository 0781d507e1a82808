"""Texts as numbers: what two people would call the same words has the same number.

Case and the amount of space do not count; punctuation does, each mark as a word of its own, for
"3 - 4" is not "3 + 4". Chinese and Japanese, written without spaces, are taken sign by sign. All of
it is done for a thousand texts at once, on their bytes: a loop over words would take ten times as
long.
"""

import unicodedata
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.uint64]
Places = NDArray[np.intp]

_SPACE, _LETTER, _MARK, _INNER = range(4)
# The first bytes of punctuation, and what stands second: U+2000 to U+207F, U+3000 to U+303F.
_E2, _GENERAL = 0xE2, 0x80 >> 1
_E3, _IDEOGRAPHIC = 0xE3, 0x80
_IDEOGRAPH, _LAST_IDEOGRAPH = 0xE3, 0xE9


class Words(NamedTuple):
    """`numbers` of all words, those of text i from `bounds[i]` to `bounds[i + 1]`."""

    numbers: Numbers
    bounds: Places


class _Powers:
    """Powers of an odd number modulo 2^64, and of what undoes it: sums weighted by place, which do
    not depend on where in the batch the text stands.
    """

    def __init__(self, base: int) -> None:
        self.base, self.up, self.down = base, np.ones(1, np.uint64), np.ones(1, np.uint64)

    def to(self, length: int) -> tuple[Numbers, Numbers]:
        """The first so many powers, and their inverses."""
        if length > len(self.up):
            self.up = _powers(self.base, length)
            self.down = _powers(pow(self.base, -1, 2**64), length)
        return self.up[:length], self.down[:length]


def _powers(base: int, length: int) -> Numbers:
    steps = np.full(length, base, np.uint64)
    steps[0] = 1
    return np.multiply.accumulate(steps)


_draw = np.random.default_rng(20_261_128)
_ODD = _draw.integers(1, 2**64, 256, dtype=np.uint64) | np.uint64(1)
_BYTES, _WORDS = _Powers(0x9E3779B97F4A7C15), _Powers(0xD1342543DE82EF95)


def _kinds() -> bytes:
    kinds = bytearray([_LETTER] * 256)
    for code in range(128):
        sign = chr(code)
        if code <= ord(" ") or code == 127:  # noqa: PLR2004 - DEL, the last of ASCII
            kinds[code] = _SPACE
        elif not sign.isalnum() and sign != "_":
            kinds[code] = _MARK
    return bytes(kinds)


_KINDS = _kinds()
_VALUES = np.where(np.frombuffer(_KINDS, np.uint8) == _SPACE, np.uint64(0), _ODD)


def folded(text: str) -> str:
    """The text without what does not count: case, and the many ways to write one sign."""
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFKC", text.casefold())


def unwritten(value: Any) -> Any:
    """A row as read, or a part of it, without what does not count in its texts."""
    if isinstance(value, str):
        return "".join(folded(value).split())
    if isinstance(value, dict):
        return {key: unwritten(inner) for key, inner in value.items()}
    return [unwritten(inner) for inner in value] if isinstance(value, list) else value


def words_of(texts: Sequence[str]) -> Words:
    """The words of texts without NUL."""
    if not texts:
        return Words(np.empty(0, np.uint64), np.zeros(1, np.intp))
    data = "\0".join(map(folded, texts)).encode() + b"\0"
    codes = np.frombuffer(data, np.uint8)
    starts = _starts(codes, np.frombuffer(data.translate(_KINDS), np.uint8).copy())
    ends = np.flatnonzero(codes == 0)
    bounds = np.concatenate(([0], np.searchsorted(starts, ends)))
    if not len(starts):
        return Words(np.empty(0, np.uint64), bounds)
    up, down = _BYTES.to(len(codes))
    values = np.take(_VALUES, codes)
    values *= up
    sums = np.cumsum(values)
    before = np.append(sums[starts] - values[starts], sums[-1])
    numbers = np.diff(before) * down[starts]
    return Words(mixed(numbers), bounds)


def _starts(codes: NDArray[np.uint8], kinds: NDArray[np.uint8]) -> Places:
    """Where words begin; `kinds` are those of the bytes, and changed."""
    begins = kinds == _MARK
    lead = np.zeros(len(codes), bool)
    general = (codes[:-1] == _E2) & (codes[1:] >> 1 == _GENERAL)
    lead[:-1] = general | ((codes[:-1] == _E3) & (codes[1:] == _IDEOGRAPHIC))
    if lead.any():
        marks = np.flatnonzero(lead)
        for byte in range(3):
            kinds[marks + byte] = _INNER
        begins |= lead
    letter = kinds == _LETTER
    ideograph = (codes >= _IDEOGRAPH) & (codes <= _LAST_IDEOGRAPH)
    before = np.zeros(len(codes), bool)
    before[1:] = letter[:-1]
    begins |= letter & (~before | ideograph)
    return np.flatnonzero(begins)


def mixed(numbers: Numbers) -> Numbers:
    """Every bit of a number spread over all of them (the end of splitmix64)."""
    numbers = numbers ^ (numbers >> np.uint64(30))
    numbers *= np.uint64(0xBF58476D1CE4E5B9)
    numbers ^= numbers >> np.uint64(27)
    numbers *= np.uint64(0x94D049BB133111EB)
    numbers ^= numbers >> np.uint64(31)
    return numbers


def in_order(numbers: Numbers, starts: Places, ends: Places) -> Numbers:
    """One number for each stretch of numbers, which says what stands there and in which order."""
    up, down = _WORDS.to(len(numbers) + 1)
    sums = np.zeros(len(numbers) + 1, np.uint64)
    np.cumsum(numbers * up[:-1], out=sums[1:])
    told = (sums[ends] - sums[starts]) * down[starts]
    return mixed(told + (ends - starts).astype(np.uint64))
