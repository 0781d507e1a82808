"""Every select about a run's cases, what was answered to them, and how they stand on its board."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, func, or_, select
from sqlalchemy.orm import Session, aliased

from app.evaluations.models import Case, CaseTag, EvaluationRun, GivenAnswer, Grade, Result
from app.evaluations.reports.models import LONGEST_SOUGHT, MISSING, RIGHT, BoardCase

MOST_LABELS = 200
LONGEST_LABEL = 100
MOST_TAGS = 200


def holds(text: str) -> ColumnElement[bool]:
    """True of a line of the board where the text stands in what was asked, wanted or answered, as
    far as that is kept there.
    """
    return BoardCase.words.contains(text.lower(), autoescape=True)


def references_of(session: Session, evaluation_id: int) -> Sequence[str]:
    """The right answers there are, sorted, as far as they may be labels: none where there are many
    or long ones.
    """
    found = session.scalars(
        select(Case.reference)
        .where(Case.evaluation_id == evaluation_id, Case.reference.is_not(None))
        .distinct()
        .limit(MOST_LABELS + 1)
    ).all()
    are_labels = all(one and len(one) <= LONGEST_LABEL and "\n" not in one for one in found)
    return sorted(filter(None, found)) if are_labels and len(found) <= MOST_LABELS else ()


def cases_between(
    session: Session, evaluation_id: int, first: int, last: int
) -> Sequence[Row[tuple[int, int, list[Any], str | None]]]:
    """Ids, numbers, messages and references of these cases, in order."""
    return session.execute(
        select(Case.id, Case.number, Case.messages, Case.reference)
        .where(Case.evaluation_id == evaluation_id, Case.number.between(first, last))
        .order_by(Case.number)
    ).all()


def results_between(
    session: Session, run: EvaluationRun, first: int, last: int, *, label_place: int | None
) -> Sequence[Row[Any]]:
    """What came of these cases: number, contestant_id, repeat, passed, score, the beginning of the
    answer, ms where it was asked now, and what the label grader saw.
    """
    seen = and_(Grade.result_id == Result.id, Grade.place == label_place)
    return session.execute(
        select(
            Case.number,
            Result.contestant_id,
            Result.repeat,
            Result.passed,
            Result.score,
            Result.is_cached,
            func.substr(GivenAnswer.text, 1, LONGEST_SOUGHT).label("text"),
            GivenAnswer.total_ms,
            Grade.detail,
        )
        .join(Case, Case.id == Result.case_id)
        .outerjoin(GivenAnswer, GivenAnswer.id == Result.answer_id)
        .outerjoin(Grade, seen)
        .where(
            Case.evaluation_id == run.evaluation_id,
            Case.number.between(first, last),
            Result.contestant_id.in_([one.id for one in run.contestants]),
            or_(Result.passed.is_not(None), Result.answer_id.is_not(None)),
        )
    ).all()


def board_between(
    session: Session, run_id: int, first: int, last: int
) -> dict[int, tuple[str, str, str]]:
    """Marks, labels and words as they stand on the board, by the number of the case."""
    rows = session.execute(
        select(BoardCase.number, BoardCase.marks, BoardCase.labels, BoardCase.words).where(
            BoardCase.run_id == run_id, BoardCase.number.between(first, last)
        )
    )
    return {row.number: (row.marks, row.labels, row.words) for row in rows}


def ids_of_board(run_id: int) -> Select[int]:
    """The numbers of a run's cases: what its matrix is filtered from."""
    return select(BoardCase.number).where(BoardCase.run_id == run_id)


def board_rows(session: Session, run_id: int, numbers: Sequence[int]) -> list[Any]:
    """Number, case_id, question and reference of these cases, in the order of the numbers."""
    rows = session.execute(
        select(BoardCase.number, BoardCase.case_id, BoardCase.question, Case.reference)
        .join(Case, Case.id == BoardCase.case_id)
        .where(BoardCase.run_id == run_id, BoardCase.number.in_(numbers))
    )
    found = {row.number: row for row in rows}
    return [found[one] for one in numbers if one in found]


def board_counts(
    session: Session, run_id: int, asked: Sequence[ColumnElement[bool]]
) -> tuple[int, ...]:
    """How many of a run's cases each condition holds of, in one look."""
    counts = [func.count().filter(one) for one in asked]
    query = select(*counts).select_from(BoardCase).where(BoardCase.run_id == run_id)
    return tuple(session.execute(query).one()) if counts else ()


def marks_of_two(
    session: Session, run_id: int, place: int, other_id: int, other_place: int
) -> tuple[int, int, int, int, int]:
    """Of two contestants by their places from 1, each in a run of the same evaluation: the cases
    only the first had right, only the second, both; those that both answered; all.
    """
    other = aliased(BoardCase)
    mine = func.substr(BoardCase.marks, place, 1)
    theirs = func.substr(other.marks, other_place, 1)
    both = and_(mine != MISSING, theirs != MISSING)
    query = (
        select(
            func.count().filter(and_(both, mine == RIGHT, theirs != RIGHT)),
            func.count().filter(and_(both, mine != RIGHT, theirs == RIGHT)),
            func.count().filter(and_(mine == RIGHT, theirs == RIGHT)),
            func.count().filter(both),
            func.count(),
        )
        .select_from(BoardCase)
        .join(other, and_(other.number == BoardCase.number, other.run_id == other_id))
        .where(BoardCase.run_id == run_id)
    )
    more, fewer, right, answered, of = session.execute(query).one()
    return more, fewer, right, answered, of


def answers_to(
    session: Session, contestant_ids: Sequence[int], case_ids: Sequence[int], longest: int
) -> Sequence[Any]:
    """What the contestants answered to these cases, each answer cut to so many characters."""
    return session.execute(
        select(
            Result.id,
            Result.case_id,
            Result.contestant_id,
            Result.repeat,
            Result.status,
            Result.passed,
            Result.score,
            Result.error,
            Result.asked,
            Result.is_cached,
            func.substr(GivenAnswer.text, 1, longest).label("text"),
            GivenAnswer.calls,
            GivenAnswer.refusal,
            GivenAnswer.finish_reason,
            GivenAnswer.prompt_tokens,
            GivenAnswer.completion_tokens,
            GivenAnswer.total_ms,
            GivenAnswer.cost,
        )
        .outerjoin(GivenAnswer, GivenAnswer.id == Result.answer_id)
        .where(Result.contestant_id.in_(contestant_ids), Result.case_id.in_(case_ids))
        .order_by(Result.case_id, Result.contestant_id, Result.repeat)
    ).all()


def grades_of(session: Session, result_ids: Sequence[int]) -> Sequence[Grade]:
    """What the graders said of these results, in their order."""
    query = select(Grade).where(Grade.result_id.in_(result_ids))
    return session.scalars(query.order_by(Grade.result_id, Grade.place)).all()


def case_numbered(session: Session, evaluation_id: int, number: int) -> Case | None:
    """A case of an evaluation."""
    return session.scalar(
        select(Case).where(Case.evaluation_id == evaluation_id, Case.number == number)
    )


def cases_numbered(session: Session, evaluation_id: int, numbers: Sequence[int]) -> Sequence[Case]:
    """These cases of an evaluation, in order."""
    return session.scalars(
        select(Case)
        .where(Case.evaluation_id == evaluation_id, Case.number.in_(numbers))
        .order_by(Case.number)
    ).all()


def tags_of_case(session: Session, case_id: int) -> list[tuple[str, str]]:
    """A case's fields and values."""
    rows = session.execute(
        select(CaseTag.field, CaseTag.value)
        .where(CaseTag.case_id == case_id)
        .order_by(CaseTag.field, CaseTag.value)
    )
    return [(row.field, row.value) for row in rows]


def tags_of(session: Session, evaluation_id: int) -> list[tuple[str, str, int]]:
    """Fields and values that sort the cases, with how many each has, the most first."""
    rows = session.execute(
        select(CaseTag.field, CaseTag.value, func.count().label("cases"))
        .where(CaseTag.evaluation_id == evaluation_id)
        .group_by(CaseTag.field, CaseTag.value)
        .order_by(CaseTag.field, func.count().desc(), CaseTag.value)
        .limit(MOST_TAGS)
    )
    return [(row.field, row.value, row.cases) for row in rows]


def numbers_by_tag(session: Session, evaluation_id: int) -> dict[tuple[str, str], list[int]]:
    """The numbers of the cases by field and value."""
    rows = session.execute(
        select(CaseTag.field, CaseTag.value, Case.number)
        .join(Case, Case.id == CaseTag.case_id)
        .where(CaseTag.evaluation_id == evaluation_id)
        .order_by(CaseTag.field, CaseTag.value)
    )
    found: dict[tuple[str, str], list[int]] = {}
    for row in rows:
        found.setdefault((row.field, row.value), []).append(row.number)
    return found
