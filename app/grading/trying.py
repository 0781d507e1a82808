"""A grader tried at once on some rows of a dataset: bounded in rows and in time."""

from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic

from app.core import storage
from app.core.database import read_only
from app.core.errors import Conflict, WrongInput
from app.datasets import queries as datasets
from app.datasets.index import open_index
from app.datasets.models import DatasetVersion, VersionStatus
from app.datasets.rows import lines_of, row_value
from app.graders.base import Answer, Grader, JsonObject, Score, Summary
from app.graders.python import hurried
from app.grading.cases import case_of
from app.grading.forms import TryForm

SECONDS = 2.0
"""A try ends after this long, and says so."""
UNREADABLE = "The row cannot be read."
TOO_LONG = "The row is too long to be graded here."
ASKS = "A model judges here, which may cost money: keep the grader, and ask it on its own page."
NO_ANSWER = "The row has no answer of its own."


@dataclass(frozen=True, slots=True)
class Graded:
    """A row and what the grader says of its answer: without a score, `why` there is none."""

    line: int
    answer: Answer | None
    score: Score | None
    is_passed: bool = False
    why: str = ""


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of it. `following` is the row to go on with, or None at the end. `is_cut` where the
    time was up before the rows were.
    """

    rows: tuple[Graded, ...]
    summary: Summary
    first: int
    of: int
    following: int | None
    is_cut: bool


def tried(project_id: int, grader: Grader, form: TryForm, answers: Sequence[str] | None) -> Tried:
    """Grade rows of one of the project's versions: their own answers, or these. Reads files: no
    session may be open. Raises WrongInput, Gone, and Conflict where the grader cannot grade here,
    or asks somebody.
    """
    version = version_to_try(project_id, form.version_id)
    if reason := ASKS if grader.judges else grader.obstacle():
        raise Conflict(reason)
    return try_out(grader, version, form, answers)


def version_to_try(project_id: int, version_id: int) -> DatasetVersion:
    """The project's version of this id, if its rows can be graded. Raises WrongInput."""
    with read_only() as session:
        version = datasets.version_in(session, project_id, version_id)
    if version is None or version.status != VersionStatus.READY or version.format is None:
        words = "The project has no such version that is ready, with rows in a known format."
        raise WrongInput.field("version_id", words)
    return version


def try_out(
    grader: Grader, version: DatasetVersion, form: TryForm, answers: Sequence[str] | None
) -> Tried:
    """The same of a version that is there. Raises Gone."""
    until = monotonic() + SECONDS
    wanted = form.rows if answers is None else min(form.rows, len(answers))
    with open_index(storage.index_path(version.id)) as index:
        found, of = index.rows(form.first - 1, wanted), index.row_count
    graded: list[Graded] = []
    with hurried(until):
        for at, (row, line) in enumerate(lines_of(version, found)):
            given = None if answers is None else Answer(answers[at])
            one = _graded(grader, version.format or "", row.line, line, form.field, given)
            if graded and monotonic() > until:
                break  # it may have been cut short: another try has all the time for it
            graded.append(one)
    last = form.first + len(graded)
    return Tried(
        rows=tuple(graded),
        summary=grader.summary([one.score for one in graded if one.score is not None]),
        first=form.first,
        of=of,
        following=last if answers is None and last <= of else None,
        is_cut=len(graded) < len(found),
    )


def _graded(
    grader: Grader, format_: str, at: int, line: bytes | None, field: str, given: Answer | None
) -> Graded:
    read = read_case(format_, line, field, given)
    if isinstance(read, str):
        return Graded(at, None, None, why=read)
    case, answer = read
    score = grader.grade(case, answer)
    return Graded(at, answer, score, grader.passes(score))


def read_case(
    format_: str, line: bytes | None, field: str, given: Answer | None
) -> tuple[JsonObject, Answer] | str:
    """What there is to grade in a row, with its own answer or the one that is `given`; or why there
    is nothing.
    """
    if line is None:
        return TOO_LONG
    value = row_value(line)
    if value is None:
        return UNREADABLE
    case = case_of(format_, value, field)
    answer = given or case.answer
    return NO_ANSWER if answer is None else (case.item, answer)
