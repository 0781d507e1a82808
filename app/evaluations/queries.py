"""Every select about making evaluations, and about what their runs have to do."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import Session, contains_eager, joinedload, selectinload
from sqlalchemy.sql.base import ExecutableOption

from app.catalog.models import ModelRef, TunedModel
from app.evaluations.models import (
    Case,
    Contestant,
    Evaluation,
    EvaluationGrader,
    EvaluationRun,
    RunGrader,
    RunJudge,
    RunStatus,
)
from app.grading.models import GraderVersion, LibraryGrader
from app.jobs.models import Checkpoint, Job

UNENDED = (RunStatus.RUNNING, RunStatus.PAUSED)
MOST_RECORDED = 60


def evaluation_by_id(session: Session, evaluation_id: int) -> Evaluation | None:
    """The evaluation with its graders, whichever project it belongs to: the caller checks."""
    query = select(Evaluation).where(Evaluation.id == evaluation_id)
    beside = joinedload(Evaluation.dataset_version), joinedload(Evaluation.creator)
    return session.scalar(query.options(_with_graders(), *beside))


def _with_graders() -> ExecutableOption:
    return selectinload(Evaluation.graders).joinedload(EvaluationGrader.grader)


def evaluation_named(session: Session, project_id: int, name: str) -> Evaluation | None:
    """The project's evaluation of this name."""
    query = select(Evaluation).where(Evaluation.project_id == project_id, Evaluation.name == name)
    return session.scalar(query)


def run_by_id(session: Session, run_id: int) -> EvaluationRun | None:
    """The run with its evaluation, contestants and graders, whichever project's: the caller
    checks.
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
            selectinload(EvaluationRun.judges),
        )
    )


def run_asked_for(session: Session, project_id: int, request_key: str) -> EvaluationRun | None:
    """The run that this request key asked for."""
    query = select(EvaluationRun).where(
        EvaluationRun.project_id == project_id, EvaluationRun.request_key == request_key
    )
    return session.scalar(query)


def held_run(session: Session, run_id: int) -> EvaluationRun:
    """The run, locked until the unit of work ends: before any of its contestants, always."""
    query = select(EvaluationRun).where(EvaluationRun.id == run_id).with_for_update()
    return session.scalars(query.execution_options(populate_existing=True)).one()


def last_number(session: Session, evaluation_id: int) -> int:
    """The number of an evaluation's newest run; 0 without any."""
    query = select(func.max(EvaluationRun.number)).where(
        EvaluationRun.evaluation_id == evaluation_id
    )
    return session.scalar(query) or 0


def graders_in(session: Session, project_id: int, ids: Collection[int]) -> dict[int, LibraryGrader]:
    """Those of the ids that are graders of the project."""
    query = select(LibraryGrader).where(
        LibraryGrader.project_id == project_id, LibraryGrader.id.in_(ids)
    )
    return {one.id: one for one in session.scalars(query)}


def newest_versions_of(session: Session, evaluation: Evaluation) -> list[tuple[int, GraderVersion]]:
    """The newest version of each grader of an evaluation, by place."""
    query = (
        select(EvaluationGrader.place, GraderVersion)
        .join(LibraryGrader, LibraryGrader.id == EvaluationGrader.grader_id)
        .join(
            GraderVersion,
            and_(
                GraderVersion.grader_id == LibraryGrader.id,
                GraderVersion.number == LibraryGrader.number,
            ),
        )
        .where(EvaluationGrader.evaluation_id == evaluation.id)
        .order_by(EvaluationGrader.place)
    )
    return [(place, version) for place, version in session.execute(query)]


def contestant_in(session: Session, evaluation_id: int, contestant_id: int) -> Contestant | None:
    """A contestant of any of an evaluation's runs."""
    query = (
        select(Contestant)
        .join(Contestant.run)
        .where(EvaluationRun.evaluation_id == evaluation_id, Contestant.id == contestant_id)
        .options(contains_eager(Contestant.run))
    )
    return session.scalar(query)


def recordable(session: Session, evaluation_id: int) -> Sequence[Contestant]:
    """Contestants of an evaluation's runs that are over, the newest run first: their answers may
    take part again.
    """
    query = (
        select(Contestant)
        .join(Contestant.run)
        .where(
            EvaluationRun.evaluation_id == evaluation_id,
            EvaluationRun.status == RunStatus.DONE,
            Contestant.recorded_id.is_(None),
        )
        .options(contains_eager(Contestant.run))
        .order_by(EvaluationRun.number.desc(), Contestant.place)
    )
    return session.scalars(query.limit(MOST_RECORDED)).all()


def first_cases(session: Session, evaluation_id: int, *, limit: int) -> Sequence[Case]:
    """The first of an evaluation's cases."""
    query = select(Case).where(Case.evaluation_id == evaluation_id).order_by(Case.number)
    return session.scalars(query.limit(limit)).all()


class Made(NamedTuple):
    """The job that made a model, the step where it is a checkpoint, and what people call it."""

    job_id: int | None = None
    step: int | None = None
    title: str | None = None


def made_by(session: Session, connection_id: int, name: str) -> Made:
    """What made the model of this name; nothing that is known of a base model."""
    saved = session.execute(
        select(Checkpoint.job_id, Checkpoint.step, Job.name)
        .join(Job, Job.id == Checkpoint.job_id)
        .where(Job.connection_id == connection_id, Checkpoint.name == name)
        .order_by(Checkpoint.step.desc())
    ).first()
    tuned = session.execute(
        select(TunedModel.job_id, TunedModel.name)
        .join(TunedModel.ref)
        .where(ModelRef.connection_id == connection_id, ModelRef.name == name)
    ).first()
    if tuned is not None:  # the last checkpoint may bear the tuned model's own name
        return Made(tuned.job_id, None, tuned.name)
    return Made(saved.job_id, saved.step, f"{saved.name}, step {saved.step:,}") if saved else Made()


def contestant_ids(run_id: int) -> Select[int]:
    """The ids of a run's contestants that are not through, by place."""
    query = select(Contestant.id).where(Contestant.run_id == run_id, is_unfinished())
    return query.order_by(Contestant.place)


def is_unfinished() -> ColumnElement[bool]:
    """A contestant that still has something to be asked or graded."""
    return or_(
        Contestant.expected == 0, Contestant.graded + Contestant.failed < Contestant.expected
    )


def is_any_unfinished(session: Session, run_id: int) -> bool:
    """Whether any contestant of a run is not through."""
    return session.scalar(contestant_ids(run_id).limit(1)) is not None


def was_asked(session: Session, run_id: int) -> bool:
    """Whether anything was sent for a run."""
    return any(
        session.scalar(select(one.id).where(one.run_id == run_id, one.asked > 0).limit(1))
        for one in (Contestant, RunJudge)
    )


def judge_ids(run_id: int) -> Select[int]:
    """The ids of a run's judges, by place."""
    return select(RunJudge.id).where(RunJudge.run_id == run_id).order_by(RunJudge.place)


def due_judge_ids(run_id: int) -> Select[int]:
    """Those of them that have something to do."""
    return judge_ids(run_id).where(RunJudge.due_at.is_not(None))


def unended_runs_over(session: Session, connection_id: int) -> Sequence[EvaluationRun]:
    """Runs that are not over and ask models of a connection, as contestants or as judges."""
    contestants = select(Contestant.run_id).join(Contestant.ref)
    contestants = contestants.where(ModelRef.connection_id == connection_id)
    is_its = and_(RunGrader.run_id == RunJudge.run_id, RunGrader.place == RunJudge.place)
    judges = select(RunJudge.run_id).join(RunGrader, is_its).join(RunGrader.version)
    judges = judges.where(GraderVersion.connection_id == connection_id)
    asks = or_(EvaluationRun.id.in_(contestants), EvaluationRun.id.in_(judges))
    query = select(EvaluationRun).where(EvaluationRun.status.in_(UNENDED), asks)
    return session.scalars(query.options(joinedload(EvaluationRun.evaluation))).all()


class Origin(NamedTuple):
    """What a model was tuned from: its base, and the rows, where they are known."""

    base: str
    version_id: int | None


def origins_of(session: Session, project_id: int) -> dict[str, Origin]:
    """What a project's models were tuned from, by `connection:name`."""
    chosen = (ModelRef.connection_id, ModelRef.name)
    query = (
        select(*chosen, TunedModel.base_model, TunedModel.dataset_version_id)
        .join(TunedModel.ref)
        .where(TunedModel.project_id == project_id, TunedModel.archived_at.is_(None))
    )
    found = session.execute(query)
    return {f"{place}:{name}": Origin(base, rows) for place, name, base, rows in found}
