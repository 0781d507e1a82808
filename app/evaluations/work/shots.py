"""Examples that stand before a question: a few drawn once, or those nearest to it; never the case
itself.
"""

import random
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from app.core import storage
from app.core.tokens import counter, message_tokens
from app.datasets.checks.deep.rows import open_rows
from app.datasets.gone import stored_file
from app.datasets.models import DatasetVersion
from app.evaluations.work.near import Near, words_of
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
        self._near = Near(one.words for one in drawn) if is_nearest else None

    def before(self, question: Sequence[Mapping[str, Any]]) -> Shown:
        """The examples for these messages; a row that asks the same is passed over. The nearest
        come last, next to the question.
        """
        key = _key(question)
        order: Sequence[int] = range(len(self._drawn))
        if self._near is not None:
            near = self._near.nearest(words_of(_asked(question)), self._k + SPARE)
            order = [at for at, _ in near]
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
    return Example(shown, _key(shown), words_of(_asked(shown)), tokens)


def _asked(messages: Sequence[Mapping[str, Any]]) -> str:
    """What the user says last."""
    said = messages_in(list(messages))
    return next((one.text for one in reversed(said) if one.role == "user"), "")


def _key(messages: Sequence[Mapping[str, Any]]) -> str:
    return " ".join(_asked(messages).casefold().split())
