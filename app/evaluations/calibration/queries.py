"""Every select about how judges compare to people."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import and_, select
from sqlalchemy.orm import Session, joinedload

from app.evaluations.calibration.models import Calibration
from app.evaluations.duels.models import JudgedDuels
from app.evaluations.models import Grade, RunGrader
from app.evaluations.people.models import PersonsGrade, Round, RoundKind, RoundResult
from app.grading.models import GraderVersion

CAN_JUDGE = ("label_model", "score_model", "pairwise", "multi")


def graders_of(session: Session, run_id: int) -> Sequence[Any]:
    """A run's graders that may ask a model, each with its calibration: (RunGrader, GraderVersion,
    Calibration or None), in order.
    """
    query = (
        select(RunGrader, GraderVersion, Calibration)
        .join(GraderVersion, GraderVersion.id == RunGrader.version_id)
        .outerjoin(Calibration, _is_of_version())
        .where(RunGrader.run_id == run_id, GraderVersion.type.in_(CAN_JUDGE))
        .options(joinedload(GraderVersion.grader))
    )
    return session.execute(query.order_by(RunGrader.place)).all()


def comparing_judges_of(session: Session, run_id: int) -> Sequence[Any]:
    """The judges that compared a run's contestants: (GraderVersion, Calibration or None)."""
    query = (
        select(GraderVersion, Calibration)
        .outerjoin(Calibration, _is_of_version())
        .where(
            GraderVersion.id.in_(select(JudgedDuels.version_id).where(JudgedDuels.run_id == run_id))
        )
        .options(joinedload(GraderVersion.grader))
    )
    return session.execute(query.order_by(GraderVersion.id)).all()


def _is_of_version() -> Any:
    return and_(
        Calibration.project_id == GraderVersion.project_id,
        Calibration.sha256 == GraderVersion.sha256,
    )


def calibration_of(session: Session, project_id: int, sha256: str) -> Calibration | None:
    """What was found of a judge of this hash."""
    query = select(Calibration).where(
        Calibration.project_id == project_id, Calibration.sha256 == sha256
    )
    return session.scalar(query)


def closed_rounds(session: Session, project_id: int, kind: RoundKind) -> Sequence[Round]:
    """The project's closed rounds of this kind."""
    query = select(Round).where(
        Round.project_id == project_id, Round.kind == kind, Round.closed_at.is_not(None)
    )
    return session.scalars(query.order_by(Round.id)).all()


def judged_beside_people(session: Session, project_id: int, sha256: str) -> Sequence[Any]:
    """What a judge of this hash said of answers that people graded in closed rounds: (round_id,
    number, result_id, passed, fault).
    """
    query = (
        select(RoundResult.round_id, RoundResult.number, Grade.result_id, Grade.passed, Grade.fault)
        .join(Round, Round.id == RoundResult.round_id)
        .join(Grade, Grade.result_id == RoundResult.result_id)
        .join(RunGrader, and_(RunGrader.run_id == Grade.run_id, RunGrader.place == Grade.place))
        .join(GraderVersion, GraderVersion.id == RunGrader.version_id)
        .where(
            Round.project_id == project_id,
            Round.kind == RoundKind.GRADES,
            Round.closed_at.is_not(None),
            GraderVersion.sha256 == sha256,
        )
    )
    return session.execute(query.order_by(RoundResult.round_id, RoundResult.number)).all()


def people_said(session: Session, round_ids: Sequence[int]) -> Sequence[PersonsGrade]:
    """All labels of these rounds."""
    query = select(PersonsGrade).where(
        PersonsGrade.round_id.in_(round_ids), PersonsGrade.label.is_not(None)
    )
    return session.scalars(query).all()


def pairs_shown(session: Session, round_ids: Sequence[int]) -> Sequence[RoundResult]:
    """What rounds in pairs showed, the first contestant's first."""
    query = select(RoundResult).where(RoundResult.round_id.in_(round_ids))
    return session.scalars(
        query.order_by(RoundResult.round_id, RoundResult.number, RoundResult.side)
    ).all()


def duels_by(session: Session, project_id: int, sha256: str) -> Sequence[JudgedDuels]:
    """The comparings by a judge of this hash."""
    query = (
        select(JudgedDuels)
        .join(GraderVersion, GraderVersion.id == JudgedDuels.version_id)
        .where(JudgedDuels.project_id == project_id, GraderVersion.sha256 == sha256)
    )
    return session.scalars(query.order_by(JudgedDuels.id)).all()
