"""Which rows answer a question, page by page: seeks in the search file, never a sorted list."""

from bisect import bisect
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from time import thread_time
from typing import Self

from app.core.keyset import MOST_COUNTED, Found, Place
from app.core.listing import Asked, Column, Filter, Table
from app.datasets.index import connect_finished
from app.datasets.search.words import ROLES, Question, question_of

ROLE_WORDS = {
    "system": "system prompts",
    "user": "what users say",
    "assistant": "answers",
    "rejected": "rejected answers",
    "call": "tool calls",
    "tool": "what tools answer",
    "field": "other fields",
}
COUNTING_SECONDS = 0.04  # of a processor, the page itself included
_FOUND = "SELECT rowid FROM texts_{0} WHERE texts_{0} MATCH ?"


def _role(text: str) -> str:
    if text not in ROLES:
        raise ValueError(f"One of: {', '.join(ROLES)}.")
    return text


FOUND = Table(
    noun="row",
    row_id="n",
    columns=(
        Column("row", "Row", "n", is_kept=True),
        Column("found", "Found", is_kept=True),
        Column("tokens", "Tokens", is_number=True),
    ),
    filters=(
        Filter("q", 'Words, or "a phrase"', "text", str, str),
        Filter("role", "In", "pick", _role, str, tuple(ROLE_WORDS.items())),
    ),
    start="row",
)


def asked_in(asked: Asked) -> Question | None:
    """What the address looks for; None where nothing was typed. Raises WrongInput."""
    typed = asked.filters.get("q")
    return question_of(typed, asked.filters.get("role")) if typed else None


class Search:
    """The rows of one search file that answer one question. Use as a context manager."""

    def __init__(self, path: Path, question: Question) -> None:
        self.connection = connect_finished(path)
        self.question = question
        shelves = self.connection.execute("SELECT first FROM shelves ORDER BY shelf")
        self._firsts = [first for (first,) in shelves]
        self._begun = thread_time()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.connection.close()

    def page(self, asked: Asked, *, limit: int) -> Found:
        """The numbers of the rows of the page asked for."""
        if asked.before is not None:
            ids = self._ids(asked.before, limit + 1, is_down=not asked.is_down)
            return Found(ids[:limit][::-1], len(ids) > limit, has_later=True)
        ids = self._ids(asked.after, limit + 1, is_down=asked.is_down)
        return Found(ids[:limit], asked.after is not None, len(ids) > limit)

    def place(self, found: Found, *, is_down: bool) -> Place:
        """How many rows answer, and which of them the page begins with, as far as a moment of
        counting goes: words that stand side by side in few of many rows take longer to count.
        """
        if not (found.has_earlier or found.has_later):
            return Place(1 if found.ids else 0, len(found.ids))
        total = ahead = 0
        first = found.ids[0] if found.ids else 0
        for n in self._all() if self._has_time else ():
            total += 1
            ahead += n > first if is_down else n < first
            if total > MOST_COUNTED or not (total % 64 or self._has_time):
                return Place(0, None, counted=total - 1)
        return Place(ahead + 1, total) if total else Place(0, None, counted=len(found.ids))

    @property
    def _has_time(self) -> bool:
        return thread_time() - self._begun < COUNTING_SECONDS

    def _all(self) -> Iterator[int]:
        for shelf in range(len(self._firsts)):
            yield from self._on(shelf)

    def _ids(self, edge: int | None, limit: int, *, is_down: bool) -> list[int]:
        """The next numbers behind `edge`, shelf after shelf until there are enough."""
        last = len(self._firsts) - 1
        begin = (last if is_down else 0) if edge is None else bisect(self._firsts, edge) - 1
        behind = "" if edge is None else f" AND rowid {'<' if is_down else '>'} {int(edge)}"
        turn = f"{behind} ORDER BY rowid {'DESC' if is_down else 'ASC'}"
        ids: list[int] = []
        for shelf in range(begin, -1, -1) if is_down else range(max(begin, 0), last + 1):
            ids += islice(self._on(shelf, turn), limit - len(ids))
            if len(ids) == limit:
                break
        return ids

    def _on(self, shelf: int, turn: str = "") -> Iterator[int]:
        """The rows of one shelf that answer. A beginning is dear, for FTS5 first gathers all that
        it may become: it is not asked where the whole words are not.
        """
        query = _FOUND.format(shelf)
        if self.question.whole:
            some = self.connection.execute(f"{query} LIMIT 1", (self.question.whole,))
            if some.fetchone() is None:
                return
        for (n,) in self.connection.execute(f"{query}{turn}", (self.question.rows,)):
            yield n
