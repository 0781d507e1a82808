"""Every select about rows that models are asked about, whatever they are."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import ColumnElement, and_, func, or_, select, union_all
from sqlalchemy.orm import Session

from app.catalog.models import ModelRef
from app.evaluations.duels.models import JudgedDuels
from app.evaluations.models import (
    AnswerPace,
    Contestant,
    GivenAnswer,
    Questioned,
    RunGrader,
    RunJudge,
)
from app.grading.models import GraderVersion

WAITING, ASKED = "waiting", "asked"
Table = type[Questioned]


def may_be_asked(table: Table, moment: datetime) -> ColumnElement[bool]:
    """Rows that may be asked for now."""
    is_time = or_(table.not_before.is_(None), table.not_before <= moment)
    return and_(table.status == WAITING, is_time)


def held_by(session: Session, table: Table, *where: ColumnElement[bool]) -> int:
    """The most that those of these rows may cost that are on their way; of those without a price
    nothing.
    """
    query = select(func.sum(table.held)).where(table.status == ASKED, *where)
    return int(session.scalar(query) or 0)


def given_for(
    session: Session, project_id: int, digests: Collection[str]
) -> dict[str, GivenAnswer]:
    """What was answered before to what these digests stand for."""
    query = select(GivenAnswer).where(
        GivenAnswer.project_id == project_id, GivenAnswer.digest.in_(digests)
    )
    return {one.digest: one for one in session.scalars(query)}


def held_pace(session: Session, connection_id: int) -> AnswerPace:
    """How fast a connection answers, locked until the unit of work ends."""
    query = select(AnswerPace).where(AnswerPace.connection_id == connection_id)
    return session.scalars(query.with_for_update().execution_options(populate_existing=True)).one()


def count_beside(session: Session, connection_id: int, moment: datetime) -> int:
    """How many slices ask over a connection just now."""
    contestants = select(Contestant.id).join(Contestant.ref)
    contestants = contestants.where(
        ModelRef.connection_id == connection_id, Contestant.lease_until > moment
    )
    is_its = and_(RunGrader.run_id == RunJudge.run_id, RunGrader.place == RunJudge.place)
    judges = select(RunJudge.id).join(RunGrader, is_its).join(RunGrader.version)
    judges = judges.where(
        GraderVersion.connection_id == connection_id, RunJudge.lease_until > moment
    )
    duels = select(JudgedDuels.id).join(JudgedDuels.version)
    duels = duels.where(
        GraderVersion.connection_id == connection_id, JudgedDuels.lease_until > moment
    )
    asking = union_all(contestants, judges, duels).subquery()
    return session.scalar(select(func.count()).select_from(asking)) or 0
