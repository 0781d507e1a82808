"""Examples that stand before a question: a few drawn once, or those nearest to it; never the case
itself.
"""

import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from app.core import storage
from app.core.tokens import counter, message_tokens
from app.datasets.checks.deep.rows import open_rows
from app.datasets.gone import stored_file
from app.datasets.models import DatasetVersion
from app.formats.messages import messages_in

Messages = list[Mapping[str, Any]]
INSTRUCTIONS = frozenset({"system", "developer"})
# Of a version with more rows, so many drawn with the seed are looked through for the nearest.
MOST_LOOKED_THROUGH = 20_000
LONGEST_EXAMPLE = 100_000  # bytes
# A case may be among the rows, and a few of those may have no words.
SPARE = 20


class Example(NamedTuple):
    """A row of a chat version, as it is shown. `key` is what it asks, however it is written."""

    messages: Messages
    key: str
    words: tuple[str, ...]
    tokens: int


class Shown(NamedTuple):
    """What stands before a question, and how many tokens it is."""

    messages: Messages
    tokens: int


class Examples:
    """Those of a version, drawn from for one contestant. Not for two threads at once."""

    def __init__(self, drawn: Sequence[Example], k: int, *, is_nearest: bool) -> None:
        self._drawn, self._k, self._is_nearest = drawn, k, is_nearest
        self._near = _Near(drawn) if is_nearest else None

    def before(self, question: Sequence[Mapping[str, Any]]) -> Shown:
        """The examples for these messages; a row that asks the same is passed over. The nearest
        come last, next to the question.
        """
        key = _key(question)
        if self._near is None:
            order: Iterator[int] = iter(range(len(self._drawn)))
        else:
            order = self._near.order(_words(question), self._k + SPARE)
        found = [self._drawn[at] for at in order if self._drawn[at].key != key][: self._k]
        if self._is_nearest:
            found.reverse()
        messages = [message for one in found for message in one.messages]
        return Shown(messages, sum(one.tokens for one in found))


def examples_of(version: DatasetVersion, shots: Mapping[str, Any]) -> Examples:
    """The examples that a contestant is shown. Reads files: no session may be open. Raises Gone."""
    return _kept(version.id, version.sha256, shots["k"], shots["way"], shots["seed"])


@lru_cache(maxsize=4)
def _kept(version_id: int, sha256: str, k: int, way: str, seed: int) -> Examples:
    """From one slice to the next: looking through a version takes seconds."""
    is_nearest = way == "nearest"
    wanted = MOST_LOOKED_THROUGH if is_nearest else k + SPARE
    return Examples(_drawn(version_id, sha256, seed, wanted), k, is_nearest=is_nearest)


def _drawn(version_id: int, sha256: str, seed: int, wanted: int) -> list[Example]:
    """Rows in an order that the seed makes, each question once."""
    with open_rows(stored_file(sha256), storage.index_path(version_id)) as rows:
        count = rows.index.row_count
        draw = random.Random(seed)  # noqa: S311 - a sample
        numbers = draw.sample(range(1, count + 1), min(wanted, count))
        found = {
            said.n: said.value
            for batch in rows.these(sorted(numbers))
            for said in batch
            if said.size <= LONGEST_EXAMPLE
        }
    examples = (_example(found[n]) for n in numbers if n in found)
    once = {one.key: one for one in reversed([one for one in examples if one is not None])}
    return list(once.values())[::-1]


def _example(value: Mapping[str, Any]) -> Example | None:
    turns = value.get("messages")
    said = [one for one in turns if isinstance(one, dict)] if isinstance(turns, list) else []
    shown: Messages = [
        {name: one[name] for name in one if name != "weight"}
        for one in said
        if one.get("role") not in INSTRUCTIONS
    ]
    if not shown or shown[-1].get("role") != "assistant":
        return None
    count = counter()
    tokens = sum(message_tokens(one, count) for one in shown)
    return Example(shown, _key(shown), _words(shown), tokens)


def _asked(messages: Sequence[Mapping[str, Any]]) -> str:
    """What the user says last."""
    said = messages_in(list(messages))
    return next((one.text for one in reversed(said) if one.role == "user"), "")


def _key(messages: Sequence[Mapping[str, Any]]) -> str:
    return " ".join(_asked(messages).casefold().split())


def _words(messages: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    letters = (one if one.isalnum() else " " for one in _asked(messages).casefold())
    return tuple("".join(letters).split())


class _Near:
    """Nearness by the words they share, the rare ones first: cosine of TF-IDF, equal ones in the
    order they were drawn in.
    """

    def __init__(self, drawn: Sequence[Example]) -> None:
        self._count = len(drawn)
        places: dict[str, list[int]] = {}
        weights: dict[str, list[float]] = {}
        for at, one in enumerate(drawn):
            for word, times in Counter(one.words).items():
                places.setdefault(word, []).append(at)
                weights.setdefault(word, []).append(1 + float(np.log(times)))
        self._places = {word: np.array(found, np.intp) for word, found in places.items()}
        self._rarity = {
            word: float(np.log((1 + self._count) / (1 + len(found)))) + 1
            for word, found in places.items()
        }
        lengths = np.zeros(self._count)
        self._weights: dict[str, NDArray[np.float64]] = {}
        for word, found in weights.items():
            self._weights[word] = np.array(found) * self._rarity[word]
            lengths[self._places[word]] += self._weights[word] ** 2
        self._lengths = np.sqrt(np.maximum(lengths, 1e-12))

    def order(self, words: Sequence[str], wanted: int) -> Iterator[int]:
        """The places of those nearest to these words, the nearest first."""
        scores = np.zeros(self._count)
        for word, times in Counter(words).items():
            if word in self._places:
                weight = (1 + np.log(times)) * self._rarity[word]
                scores[self._places[word]] += self._weights[word] * weight
        scores /= self._lengths
        order = np.argsort(-scores, kind="stable")[:wanted]
        return iter(order.tolist())
