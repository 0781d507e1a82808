"""A prompt as a bag of hashed features (words, pairs, letter runs), without any vocabulary."""

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

BUCKETS = 1 << 16
LATEST_CHARACTERS = 4_000
EARLIER_CHARACTERS = 4_000
_WORDS = re.compile(r"\w+|[^\w\s]")
_SALTS = {"system": 11, "developer": 11, "user": 23, "assistant": 37, "tool": 53, "function": 53}
_CACHE_LIMIT = 100_000

Ids = NDArray[np.uint16]


class FeatureReader:
    """Turns messages into feature ids; remembers words and repeated texts, within a limit."""

    def __init__(self) -> None:
        self._words: dict[str, tuple[int, ...]] = {}
        self._texts: dict[tuple[str, str], Ids] = {}

    def read(self, messages: Sequence[tuple[str, str]]) -> tuple[Ids, Ids]:
        """The features of the latest message and of all before it; (role, text), oldest first.

        The latest message is read to 4,000 characters with letter runs, the earlier ones to 4,000
        together, newest first, as words and pairs alone: a long context must cost neither memory
        nor attention.
        """
        if not messages:
            return _ids([0]), _ids([])
        role, text = messages[-1]
        latest = self._latest(role, text[-LATEST_CHARACTERS:])
        earlier: list[Ids] = []
        left = EARLIER_CHARACTERS
        for role, text in reversed(messages[:-1]):
            if left <= 0:
                break
            earlier.append(self._earlier(role, text[:left]))
            left -= len(text)
        return latest, np.concatenate(earlier) if earlier else _ids([])

    def _latest(self, role: str, text: str) -> Ids:
        found = [0, _SALTS.get(role, 1)]
        words = _WORDS.findall(text.lower())
        hashes = []
        for word in words:
            runs = self._runs(word)
            found += runs
            hashes.append(runs[0])
        found += _pairs(hashes)
        return _ids(found)

    def _earlier(self, role: str, text: str) -> Ids:
        key = (role, text)
        known = self._texts.get(key)
        if known is None:
            hashes = [self._runs(word)[0] for word in _WORDS.findall(text.lower())]
            salt = _SALTS.get(role, 1)
            known = _ids([(h * 40503 + salt) % BUCKETS for h in (*hashes, *_pairs(hashes))])
            if len(self._texts) >= _CACHE_LIMIT // 100:
                self._texts.clear()
            self._texts[key] = known
        return known

    def _runs(self, word: str) -> tuple[int, ...]:
        known = self._words.get(word)
        if known is None:
            framed = f"<{word[:64]}>"
            runs = {framed[i : i + n] for n in (3, 4) for i in range(len(framed) - n + 1)}
            known = (_hash(word), *(_hash(f"#{run}") for run in sorted(runs)))
            if len(self._words) >= _CACHE_LIMIT:
                self._words.clear()
            self._words[word] = known
        return known


def readable(message: Mapping[str, Any]) -> tuple[str, str]:
    """A message as (role, text): texts joined, tool calls written out, pictures left out."""
    return str(message.get("role", "user")), spoken_text(
        message.get("content"), message.get("tool_calls")
    )


def spoken_text(content: object, tool_calls: object = None) -> str:
    """The text of a message's content, with its tool calls written out."""
    if isinstance(content, str):
        text = content
    elif isinstance(content, (list, tuple)):
        text = "\n".join(
            str(part["text"]) for part in content if isinstance(part, Mapping) and "text" in part
        )
    else:
        text = ""
    if isinstance(tool_calls, (list, tuple)):
        for call in tool_calls:
            function = call.get("function", {}) if isinstance(call, Mapping) else {}
            text += f"{function.get('name', '')}({function.get('arguments', '')})"
    return text


def word_count(text: str) -> int:
    """How many words and signs this engine reads in a text: its measure of prompt tokens."""
    return len(_WORDS.findall(text))


def _pairs(hashes: Sequence[int]) -> list[int]:
    return [(a * 31 + b * 17 + 7) % BUCKETS for a, b in pairwise(hashes)]


def _hash(text: str) -> int:
    return crc32(text.encode("utf-8", "replace")) % BUCKETS


def _ids(values: Sequence[int]) -> Ids:
    return np.array(values, dtype=np.uint16)
