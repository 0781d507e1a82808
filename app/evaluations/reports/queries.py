"""Every select about what runs have shown."""

from collections.abc import Iterable, Sequence

from sqlalchemy import Select, case, func, select
from sqlalchemy.orm import Session, contains_eager, joinedload, selectinload

from app.catalog.models import TunedModel
from app.evaluations.models import (
    Contestant,
    ContestantKind,
    Evaluation,
    EvaluationRun,
)
from app.evaluations.queries import contestant_ids
from app.evaluations.reports.models import Report

MOST_RUNS = 200


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


def latest_runs(session: Session, evaluation_ids: Sequence[int]) -> dict[int, EvaluationRun]:
    """The newest run that is over, else the newest, of each evaluation that has any."""
    over = case((EvaluationRun.ended_at.is_not(None), EvaluationRun.id))
    newest = (
        select(func.coalesce(func.max(over), func.max(EvaluationRun.id)))
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


def report_of(session: Session, run_id: int) -> Report | None:
    """What was reckoned of a run, or is to be."""
    return session.scalar(select(Report).where(Report.run_id == run_id))


def is_worked_at(session: Session, run_id: int) -> bool:
    """Whether anybody but people is not through with a run: it does not wait for them alone."""
    query = contestant_ids(run_id).where(Contestant.kind != ContestantKind.PEOPLE)
    return session.scalar(query.limit(1)) is not None


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
