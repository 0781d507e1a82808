"""A judge tried on rows of a dataset: what it is to be asked, and what its replies come to."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from app.core import storage
from app.datasets.index import open_index
from app.datasets.models import DatasetVersion
from app.datasets.rows import lines_of
from app.graders.base import Answer, Case, Grader, Score, Ungradable
from app.graders.judge import Ask, Judge, unanswered
from app.grading.forms import TryForm
from app.grading.trying import Graded, Tried, read_case

At = tuple[int, str]
"""A question to a judge: the row's line, and the judge's name in a formula ("" where alone)."""


class Came(NamedTuple):
    """What came of a question: a reply with its tokens, where they are told, or `error`, why there
    is none.
    """

    reply: str | None
    error: str = ""
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class JudgedRow:
    """A row, and what its judges are asked; without a case, `why` there is nothing to ask. A
    question that cannot be put is a score already.
    """

    line: int
    case: Case = field(default_factory=dict)
    answer: Answer | None = None
    asks: Mapping[str, Ask | Score] = field(default_factory=dict)
    why: str = ""

    def open(self, came: Mapping[At, Came]) -> list[tuple[At, Ask]]:
        """The questions that were not put yet."""
        return [
            ((self.line, name), ask)
            for name, ask in self.asks.items()
            if isinstance(ask, Ask) and (self.line, name) not in came
        ]

    def graded(self, grader: Grader, came: Mapping[At, Came]) -> Graded:
        """What the grader says, once all is answered."""
        if self.answer is None:
            return Graded(self.line, None, None, why=self.why)
        if self.open(came):
            return Graded(self.line, self.answer, None, why="Not asked yet.")
        judged = {
            name: ask
            if isinstance(ask, Score)
            else _read(grader.judges[name], ask, came[self.line, name])
            for name, ask in self.asks.items()
        }
        score = grader.grade(self.case, self.answer, judged)
        return Graded(self.line, self.answer, score, grader.passes(score))


def _read(judge: Judge, ask: Ask, came: Came) -> Score:
    return unanswered(came.error) if came.reply is None else judge.read(came.reply, ask)


class Judging(NamedTuple):
    """The rows that were chosen, of so many in the version."""

    rows: Sequence[JudgedRow]
    first: int
    of: int


def judging(
    grader: Grader, version: DatasetVersion, form: TryForm, answers: Sequence[str] | None
) -> Judging:
    """What is to be asked about these rows. Reads files: no session may be open. Raises Gone."""
    wanted = form.rows if answers is None else min(form.rows, len(answers))
    with open_index(storage.index_path(version.id)) as index:
        found, of = index.rows(form.first - 1, wanted), index.row_count
    rows = []
    for at, (row, line) in enumerate(lines_of(version, found)):
        given = None if answers is None else Answer(answers[at])
        read = read_case(version.format or "", line, form.field, given)
        if isinstance(read, str):
            rows.append(JudgedRow(row.line, why=read))
        else:
            case, answer = read
            rows.append(JudgedRow(row.line, case, answer, dict(_asks(grader, case, answer))))
    return Judging(rows, form.first, of)


def _asks(grader: Grader, case: Case, answer: Answer) -> Iterator[tuple[str, Ask | Score]]:
    for name, judge in grader.judges.items():
        try:
            yield name, judge.ask(case, answer)
        except Ungradable as fault:
            yield name, Score(0.0, fault)


def open_questions(judged: Judging, came: Mapping[At, Came]) -> list[tuple[At, Ask]]:
    """What is still to be asked, row by row."""
    return [question for row in judged.rows for question in row.open(came)]


def tried(grader: Grader, judged: Judging, came: Mapping[At, Came]) -> Tried:
    """How things stand: the summary is of the rows that have an answer."""
    rows = tuple(row.graded(grader, came) for row in judged.rows)
    last = judged.first + len(rows)
    return Tried(
        rows=rows,
        summary=grader.summary([one.score for one in rows if one.score is not None]),
        first=judged.first,
        of=judged.of,
        following=None if last > judged.of else last,
        is_cut=False,
    )
