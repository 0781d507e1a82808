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
LOOKING_SECONDS = 0.04  # of a processor, for a page
COUNTING_SECONDS = 0.03  # the page itself included
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
        volumes = self.connection.execute("SELECT first FROM volumes ORDER BY volume")
        self._firsts = [first for (first,) in volumes]
        self._begun = thread_time()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.connection.close()

    def page(self, asked: Asked, *, limit: int) -> Found:
        """The numbers of the rows of the page asked for; fewer, and where to go on, when looking
        for them takes long: words that are everywhere and hardly ever as asked for.
        """
        turn = -1 if asked.is_down else 1
        if asked.before is not None:
            ids, seen = self._ids(asked.before, limit + 1, is_down=not asked.is_down)
            edges = None if seen is None else (seen, asked.before - turn)
            return Found(ids[:limit][::-1], len(ids) > limit or bool(edges), True, edges)
        ids, seen = self._ids(asked.after, limit + 1, is_down=asked.is_down)
        edges = None if seen is None else ((asked.after or 0) + turn, seen)
        return Found(ids[:limit], asked.after is not None, len(ids) > limit or bool(edges), edges)

    def place(self, found: Found, *, is_down: bool) -> Place:
        """How many rows answer, and which of them the page begins with, as far as a moment of
        counting goes: words that stand side by side in few of many rows take longer to count.
        """
        if not (found.has_earlier or found.has_later):
            return Place(1 if found.ids else 0, len(found.ids))
        total = ahead = 0
        first = found.ids[0] if found.ids else 0
        for volume in range(len(self._firsts)):
            if not self._has_time(COUNTING_SECONDS):
                return Place(0, None, counted=max(total - 1, len(found.ids)))
            for n in self._on(volume):
                total += 1
                ahead += n > first if is_down else n < first
                if total > MOST_COUNTED or not (total % 64 or self._has_time(COUNTING_SECONDS)):
                    return Place(0, None, counted=total - 1)
        return Place(ahead + 1 if found.ids else 0, total)

    def _has_time(self, seconds: float) -> bool:
        return thread_time() - self._begun < seconds

    def _ids(self, edge: int | None, limit: int, *, is_down: bool) -> tuple[list[int], int | None]:
        """The next numbers behind `edge`, volume after volume until there are enough; and the last
        row looked at, where time was up before that.
        """
        last = len(self._firsts) - 1
        begin, behind = (last if is_down else 0), ""
        if edge is not None:
            begin = bisect(self._firsts, edge - 1 if is_down else edge + 1) - 1
            behind = f" AND rowid {'<' if is_down else '>'} {int(edge)}"
        turn = f"{behind} ORDER BY rowid {'DESC' if is_down else 'ASC'}"
        ids: list[int] = []
        for volume in range(begin, -1, -1) if is_down else range(max(begin, 0), last + 1):
            ids += islice(self._on(volume, turn), limit - len(ids))
            if len(ids) == limit:
                break
            if volume != (0 if is_down else last) and not self._has_time(LOOKING_SECONDS):
                return ids, self._firsts[volume] if is_down else self._firsts[volume + 1] - 1
        return ids, None

    def _on(self, volume: int, turn: str = "") -> Iterator[int]:
        """The rows of one volume that answer. A beginning is dear, for FTS5 first gathers all that
        it may become: it is not asked where the whole words are not.
        """
        query = _FOUND.format(volume)
        if self.question.whole:
            some = self.connection.execute(f"{query} LIMIT 1", (self.question.whole,))
            if some.fetchone() is None:
                return
        for (n,) in self.connection.execute(f"{query}{turn}", (self.question.rows,)):
            yield n
