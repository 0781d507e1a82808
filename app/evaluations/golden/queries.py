"""Every select about golden recordings."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, contains_eager, joinedload
from sqlalchemy.sql.base import ExecutableOption

from app.catalog.models import ModelRef
from app.catalog.recorded import Recorded
from app.core import leases
from app.evaluations.golden.models import GoldenRecording, SuccessionCheck
from app.evaluations.models import (
    Contestant,
    Evaluation,
    EvaluationRun,
    EvaluationStatus,
    Result,
    ResultStatus,
    RunStatus,
)

OVER = (RunStatus.DONE, RunStatus.STOPPED)
MOST_OFFERED, MOST_CHECKS = 200, 200


def recording_by_id(session: Session, recording_id: int) -> GoldenRecording | None:
    """The recording with its run, evaluation and contestant, whichever project's: the caller
    checks.
    """
    query = select(GoldenRecording).where(GoldenRecording.id == recording_id)
    return session.scalar(query.options(*_with_run(GoldenRecording.run)))


def _with_run(run: Any) -> Sequence[ExecutableOption]:
    """A run with its evaluation, and with its contestants."""
    return (
        joinedload(run).joinedload(EvaluationRun.evaluation),
        joinedload(run).selectinload(EvaluationRun.contestants),
    )


def recordings_of_model(session: Session, model_id: int) -> Sequence[GoldenRecording]:
    """A tuned model's recordings with their runs, the newest first."""
    query = select(GoldenRecording).where(GoldenRecording.model_id == model_id)
    query = query.options(*_with_run(GoldenRecording.run)).order_by(GoldenRecording.id.desc())
    return session.scalars(query.limit(MOST_CHECKS)).all()


def recorded_in(session: Session, project_id: int) -> Sequence[Recorded]:
    """A project's recordings, the newest first: whose they are, and how far."""
    query = (
        select(
            ModelRef.connection_id,
            ModelRef.name,
            GoldenRecording.id,
            GoldenRecording.created_at,
            Evaluation.cases,
            EvaluationRun.status == RunStatus.DONE,
        )
        .join(GoldenRecording.run)
        .join(EvaluationRun.evaluation)
        .join(EvaluationRun.contestants)
        .join(Contestant.ref)
        .where(GoldenRecording.project_id == project_id)
        .order_by(GoldenRecording.id.desc())
    )
    return [Recorded(*row) for row in session.execute(query)]


def recording_of_run(session: Session, run_id: int) -> GoldenRecording | None:
    """The recording that a run is."""
    return session.scalar(select(GoldenRecording).where(GoldenRecording.run_id == run_id))


def check_of_run(session: Session, run_id: int) -> SuccessionCheck | None:
    """The check that a run is for."""
    return session.scalar(select(SuccessionCheck).where(SuccessionCheck.run_id == run_id))


def checks_of(session: Session, recording_id: int) -> Sequence[SuccessionCheck]:
    """The successors held against a recording, the newest first."""
    query = select(SuccessionCheck).where(SuccessionCheck.recording_id == recording_id)
    query = query.options(*_with_run(SuccessionCheck.run)).order_by(SuccessionCheck.id.desc())
    return session.scalars(query.limit(MOST_CHECKS)).all()


def ready_evaluations(session: Session, project_id: int) -> Sequence[Evaluation]:
    """A project's evaluations that have their cases, the newest first."""
    query = select(Evaluation).where(
        Evaluation.project_id == project_id,
        Evaluation.status == EvaluationStatus.READY,
        Evaluation.archived_at.is_(None),
    )
    return session.scalars(query.order_by(Evaluation.id.desc()).limit(MOST_OFFERED)).all()


def due_recordings(session: Session) -> Sequence[int]:
    """Recordings that are over and not reckoned yet."""
    ended = select(EvaluationRun.id).where(EvaluationRun.status.in_(OVER))
    return leases.due_ids(session, GoldenRecording, GoldenRecording.run_id.in_(ended))


def due_checks(session: Session) -> Sequence[int]:
    """Checks whose run is over and whose verdict is not reckoned yet."""
    ended = select(EvaluationRun.id).where(EvaluationRun.status.in_(OVER))
    return leases.due_ids(session, SuccessionCheck, SuccessionCheck.run_id.in_(ended))


def run_of_due(
    session: Session, model: type[GoldenRecording] | type[SuccessionCheck], row_id: int
) -> tuple[int, bool]:
    """The run of a recording or a check, and whether it is over."""
    query = select(EvaluationRun.id, EvaluationRun.status)
    query = query.join(model, model.run_id == EvaluationRun.id).where(model.id == row_id)
    run_id, status = session.execute(query).one()
    return run_id, status in OVER


def contestants_of(session: Session, run_id: int) -> Sequence[Contestant]:
    """A run's contestants by place."""
    query = select(Contestant).where(Contestant.run_id == run_id).order_by(Contestant.place)
    return session.scalars(query.options(contains_eager(Contestant.run)).join(Contestant.run)).all()


def passes_of(session: Session, contestant_id: int) -> Sequence[tuple[int, int, bool]]:
    """What a contestant's graded answers came to: (case, repeat, passed)."""
    query = select(Result.case_id, Result.repeat, Result.passed).where(
        Result.contestant_id == contestant_id,
        Result.status == ResultStatus.GRADED,
        Result.passed.is_not(None),
    )
    return [(case_id, repeat, bool(passed)) for case_id, repeat, passed in session.execute(query)]
