"""The worker's looking for training rows that are near a contestant's worst cases."""

import random
import time
from array import array
from functools import lru_cache
from sys import intern
from typing import NamedTuple

from app.core import storage
from app.core.database import read_only, unit_of_work
from app.datasets.checks.deep.base import Said
from app.datasets.checks.deep.rows import open_rows
from app.datasets.gone import stored_file
from app.evaluations.reports.cases import question_of
from app.evaluations.work.near import Near, words_of
from app.evaluations.worst import queries, service
from app.evaluations.worst.drafts import asked_and_answered
from app.evaluations.worst.saying import LONGEST_LABEL, Neighbour, says_of
from app.evaluations.worst.service import Work

NEAREST = 5
AT_ONCE = 100
# Of a version with more rows, so many are drawn: a word of a row takes 16 bytes.
MOST_ROWS = 50_000
LONGEST_ROW = 100_000  # bytes


def find(work: Work, *, seconds: float) -> None:
    """Find the rows nearest to the cases that have none yet, for about so long. No session may be
    open. Raises Gone.
    """
    until = time.monotonic() + seconds
    rows = _rows_of(work.version.id, work.version.sha256, work.version.format or "")
    while True:
        with read_only() as session:
            cases = queries.to_look_at(session, work.list_id, AT_ONCE)
        found = {}
        for one in cases:
            near = rows.nearest(question_of(one.messages))
            found[one.place] = says_of(near, one.reference), near
        with unit_of_work() as session:
            if found and not service.keep(session, work, found, rows=rows.count):
                return
            if len(cases) < AT_ONCE:
                service.end(session, work)
                return
            if time.monotonic() > until:
                service.pass_on(session, work)
                return


class TrainingRows:
    """What the rows of a version ask, to find those near a question; of what they answer only the
    beginning.
    """

    def __init__(self, said: "list[_Row]") -> None:
        self.count = len(said)
        self._places = array("q", (part for one in said for part in (one.n, one.line)))
        self._answers = [one.answer for one in said]
        self._near = Near(words_of(one.question) for one in said)

    def nearest(self, question: str) -> list[Neighbour]:
        """The rows nearest to a question, the nearest first; those that share a word with it."""
        return [
            Neighbour(
                self._places[2 * at], self._places[2 * at + 1], round(like, 4), self._answers[at]
            )
            for at, like in self._near.nearest(words_of(question), NEAREST)
            if like > 0
        ]


class _Row(NamedTuple):
    n: int
    line: int
    question: str
    answer: str


@lru_cache(maxsize=1)
def _rows_of(version_id: int, sha256: str, format_: str) -> TrainingRows:
    """From one slice to the next, and from one contestant to the next: looking through takes
    seconds.
    """
    with open_rows(stored_file(sha256), storage.index_path(version_id)) as rows:
        count = rows.index.row_count
        if count <= MOST_ROWS:
            batches = rows.after(0, longest=LONGEST_ROW)
        else:
            drawn = random.Random(version_id).sample(range(1, count + 1), MOST_ROWS)  # noqa: S311 - a sample
            batches = rows.these(sorted(drawn))
        found = [
            row
            for batch in batches
            for said in batch
            if said.size <= LONGEST_ROW and (row := _row(format_, said)) is not None
        ]
    return TrainingRows(found)


def _row(format_: str, said: Said) -> _Row | None:
    asked, answer = asked_and_answered(format_, said.value)
    beginning = intern(answer[: LONGEST_LABEL + 1])
    return _Row(said.n, said.line, asked, beginning) if asked else None
