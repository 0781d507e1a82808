"""Every select about what runs have shown."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, Select, and_, func, or_, select
from sqlalchemy.orm import Session, contains_eager, joinedload, selectinload

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
from app.evaluations.reports.models import BoardCase, Report
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


def tuned_refs(session: Session, ref_ids: Sequence[int]) -> dict[int, TunedModel]:
    """The tuned models among these, by what is talked to."""
    rows = session.scalars(select(TunedModel).where(TunedModel.model_ref_id.in_(ref_ids)))
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
