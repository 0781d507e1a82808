"""Every select about what runs have shown."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, func, or_, select
from sqlalchemy.orm import Session, aliased, contains_eager, joinedload, selectinload

from app.catalog.models import ModelRef, TunedModel
from app.evaluations.models import (
    Case,
    CaseTag,
    Contestant,
    Evaluation,
    EvaluationGrader,
    EvaluationRun,
    GivenAnswer,
    Grade,
    Result,
    RunGrader,
)
from app.evaluations.reports.models import MISSING, RIGHT, BoardCase, Report
from app.grading.models import GraderVersion

MOST_LABELS = 200
LONGEST_LABEL = 100
MOST_RUNS = 200
MOST_TAGS = 200


def ids_of_evaluations(project_id: int) -> Select[int]:
    """The ids of a project's evaluations."""
    return select(Evaluation.id).where(Evaluation.project_id == project_id)


def has_evaluations(session: Session, project_id: int) -> bool:
    """True when the project has any."""
    return session.scalar(ids_of_evaluations(project_id).limit(1)) is not None


def evaluations_by_ids(session: Session, project_id: int, ids: Sequence[int]) -> list[Evaluation]:
    """Those of the ids that are evaluations of the project, in the order of the ids."""
    rows = session.scalars(
        select(Evaluation)
        .where(Evaluation.project_id == project_id, Evaluation.id.in_(ids))
        .options(joinedload(Evaluation.creator))
    )
    found = {one.id: one for one in rows}
    return [found[one] for one in ids if one in found]


def evaluation_by_id(session: Session, evaluation_id: int) -> Evaluation | None:
    """The evaluation with its graders, whichever project it belongs to: the caller checks the
    fence.
    """
    return session.scalar(
        select(Evaluation)
        .where(Evaluation.id == evaluation_id)
        .options(
            joinedload(Evaluation.creator),
            joinedload(Evaluation.dataset_version),
            selectinload(Evaluation.graders).joinedload(EvaluationGrader.grader),
        )
    )


def latest_runs(session: Session, evaluation_ids: Sequence[int]) -> dict[int, EvaluationRun]:
    """The newest run of each evaluation that has any, by evaluation."""
    newest = (
        select(func.max(EvaluationRun.id))
        .where(EvaluationRun.evaluation_id.in_(evaluation_ids))
        .group_by(EvaluationRun.evaluation_id)
    )
    rows = session.scalars(
        select(EvaluationRun)
        .where(EvaluationRun.id.in_(newest))
        .options(selectinload(EvaluationRun.contestants))
    )
    return {run.evaluation_id: run for run in rows}


def run_counts(session: Session, evaluation_ids: Sequence[int]) -> dict[int, int]:
    """How many runs each of these evaluations has had; those without any are left out."""
    found = session.execute(
        select(EvaluationRun.evaluation_id, func.count().label("runs"))
        .where(EvaluationRun.evaluation_id.in_(evaluation_ids))
        .group_by(EvaluationRun.evaluation_id)
    )
    return {row.evaluation_id: row.runs for row in found}


def runs_of(session: Session, evaluation_id: int) -> Sequence[EvaluationRun]:
    """An evaluation's runs with their contestants, the newest first."""
    return session.scalars(
        select(EvaluationRun)
        .where(EvaluationRun.evaluation_id == evaluation_id)
        .options(selectinload(EvaluationRun.contestants), joinedload(EvaluationRun.creator))
        .order_by(EvaluationRun.number.desc())
        .limit(MOST_RUNS)
    ).all()


def run_before(session: Session, run: EvaluationRun) -> tuple[int, int] | None:
    """Id and number of the run of the same evaluation before this one."""
    row = session.execute(
        select(EvaluationRun.id, EvaluationRun.number)
        .where(EvaluationRun.evaluation_id == run.evaluation_id, EvaluationRun.number < run.number)
        .order_by(EvaluationRun.number.desc())
        .limit(1)
    ).first()
    return (row.id, row.number) if row else None


def run_by_id(session: Session, run_id: int) -> EvaluationRun | None:
    """The run with its evaluation, contestants and graders, whichever project it belongs to: the
    caller checks the fence.
    """
    return session.scalar(
        select(EvaluationRun)
        .where(EvaluationRun.id == run_id)
        .options(
            joinedload(EvaluationRun.evaluation),
            joinedload(EvaluationRun.creator),
            selectinload(EvaluationRun.contestants)
            .joinedload(Contestant.ref)
            .joinedload(ModelRef.connection),
            selectinload(EvaluationRun.graders)
            .joinedload(RunGrader.version)
            .joinedload(GraderVersion.grader),
        )
    )


def project_id_of_evaluation(session: Session, evaluation_id: int) -> int | None:
    """The project of an evaluation."""
    return session.scalar(select(Evaluation.project_id).where(Evaluation.id == evaluation_id))


def project_id_of_run(session: Session, run_id: int) -> int | None:
    """The project of a run."""
    return session.scalar(select(EvaluationRun.project_id).where(EvaluationRun.id == run_id))


def reports_of(session: Session, run_ids: Sequence[int]) -> dict[int, Report]:
    """What was reckoned of these runs, by run."""
    rows = session.scalars(select(Report).where(Report.run_id.in_(run_ids)))
    return {one.run_id: one for one in rows}


def tuned_refs(session: Session, ref_ids: Iterable[int | None]) -> dict[int, TunedModel]:
    """The tuned models among these, by what is talked to."""
    known = {one for one in ref_ids if one is not None}
    rows = session.scalars(select(TunedModel).where(TunedModel.model_ref_id.in_(known)))
    return {one.model_ref_id: one for one in rows}


def latest_run_with_job(session: Session, job_id: int) -> EvaluationRun | None:
    """The newest run in which a model or a checkpoint of this job took part, that is not running
    any more, else the newest.
    """
    took_part = select(Contestant.run_id).where(Contestant.job_id == job_id)
    return _latest_of(session, took_part)


def latest_run_with_ref(session: Session, ref_id: int) -> EvaluationRun | None:
    """The newest run in which this model took part, that is not running any more, else the
    newest.
    """
    took_part = select(Contestant.run_id).where(Contestant.model_ref_id == ref_id)
    return _latest_of(session, took_part)


def _latest_of(session: Session, run_ids: Select[int]) -> EvaluationRun | None:
    return session.scalar(
        select(EvaluationRun)
        .join(EvaluationRun.evaluation)
        .where(EvaluationRun.id.in_(run_ids))
        .options(contains_eager(EvaluationRun.evaluation), selectinload(EvaluationRun.contestants))
        .order_by(EvaluationRun.ended_at.is_(None), EvaluationRun.id.desc())
        .limit(1)
    )


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
            func.substr(GivenAnswer.text, 1, LONGEST_LABEL + 1).label("text"),
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
) -> dict[int, tuple[str, str]]:
    """Marks and labels as they stand on the board, by the number of the case."""
    rows = session.execute(
        select(BoardCase.number, BoardCase.marks, BoardCase.labels).where(
            BoardCase.run_id == run_id, BoardCase.number.between(first, last)
        )
    )
    return {row.number: (row.marks, row.labels) for row in rows}


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
    """Fields and values that sort the cases, with how many each has, by field and value."""
    rows = session.execute(
        select(CaseTag.field, CaseTag.value, func.count().label("cases"))
        .where(CaseTag.evaluation_id == evaluation_id)
        .group_by(CaseTag.field, CaseTag.value)
        .order_by(CaseTag.field, CaseTag.value)
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
