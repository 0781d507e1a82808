"""Every select about worst cases."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, Select, and_, case, func, select
from sqlalchemy.orm import Session, joinedload

from app.catalog.models import TunedModel
from app.datasets.models import DatasetVersion
from app.evaluations.models import Case, Contestant, Result
from app.evaluations.reports.models import MIXED, RIGHT, WRONG, BoardCase
from app.evaluations.worst.models import WorstCase, WorstList
from app.jobs.models import Job


def trained_on(session: Session, run_id: int) -> dict[int, int]:
    """The version that each contestant of a run learned from, by contestant; others are left
    out.
    """
    version = func.coalesce(Job.training_version_id, TunedModel.dataset_version_id)
    rows = session.execute(
        select(Contestant.id, version.label("version_id"))
        .outerjoin(TunedModel, TunedModel.model_ref_id == Contestant.model_ref_id)
        .outerjoin(Job, Job.id == func.coalesce(Contestant.job_id, TunedModel.job_id))
        .where(Contestant.run_id == run_id, version.is_not(None))
        .order_by(Contestant.place)
    )
    return {row.id: row.version_id for row in rows}


def list_of(session: Session, contestant_id: int) -> WorstList | None:
    """A contestant's worst cases, with the version it learned from."""
    query = select(WorstList).where(WorstList.contestant_id == contestant_id)
    with_version = joinedload(WorstList.version).joinedload(DatasetVersion.dataset)
    return session.scalar(query.options(with_version))


def listed(session: Session, run_id: int) -> set[int]:
    """The contestants of a run that have such a list."""
    query = select(WorstList.contestant_id).where(WorstList.run_id == run_id)
    return set(session.scalars(query))


def with_case(session: Session, run_id: int, number: int) -> set[int]:
    """The contestants of a run that have this case on their list."""
    query = select(WorstList.contestant_id).join(WorstCase, WorstCase.list_id == WorstList.id)
    has_case = (WorstCase.run_id == run_id, WorstCase.number == number)
    return set(session.scalars(query.where(*has_case)))


def contestants_of(session: Session, run_id: int) -> Sequence[Contestant]:
    """A run's contestants, in their order."""
    query = select(Contestant).where(Contestant.run_id == run_id)
    return session.scalars(query.order_by(Contestant.place)).all()


def wrong_count(session: Session, run_id: int, place: int) -> int:
    """How many cases the contestant at this place, from 1, got wrong."""
    query = select(func.count()).select_from(BoardCase)
    return session.scalar(query.where(*_wrong(run_id, place))) or 0


def wrong_cases(
    session: Session, run_id: int, contestant_id: int, place: int, base: int | None, *, most: int
) -> Sequence[Row[tuple[int, int, float, int]]]:
    """Number, id and mean score of the cases the contestant at this place got wrong at least once,
    and whether the base had them right: those first, then by score.
    """
    # Nothing stands at 0.
    is_lost = case((func.substr(BoardCase.marks, base or 0, 1) == RIGHT, 1), else_=0)
    score = func.avg(func.coalesce(Result.score, case((Result.passed.is_(True), 1.0), else_=0.0)))
    query = (
        select(
            BoardCase.number,
            BoardCase.case_id,
            score.label("score"),
            is_lost.label("is_lost"),
        )
        .join(
            Result,
            and_(Result.case_id == BoardCase.case_id, Result.contestant_id == contestant_id),
        )
        .where(*_wrong(run_id, place), Result.passed.is_not(None))
        .group_by(BoardCase.number, BoardCase.case_id, BoardCase.marks)
        .order_by(is_lost.desc(), score, BoardCase.number)
        .limit(most)
    )
    return session.execute(query).all()


def _wrong(run_id: int, place: int) -> tuple[Any, Any]:
    return (
        BoardCase.run_id == run_id,
        func.substr(BoardCase.marks, place, 1).in_((WRONG, MIXED)),
    )


def to_look_at(
    session: Session, list_id: int, limit: int
) -> Sequence[Row[tuple[int, list[Any], str | None]]]:
    """Place, messages and reference of cases whose rows are not found yet, the worst first."""
    return session.execute(
        select(WorstCase.place, Case.messages, Case.reference)
        .join(Case, Case.id == WorstCase.case_id)
        .where(WorstCase.list_id == list_id, WorstCase.says.is_(None))
        .order_by(WorstCase.place)
        .limit(limit)
    ).all()


def numbers_of(list_id: int) -> Select[int]:
    """The numbers of a list's cases: what it is filtered from."""
    return (
        select(WorstCase.number)
        .join(Case, Case.id == WorstCase.case_id)
        .join(
            BoardCase,
            and_(BoardCase.run_id == WorstCase.run_id, BoardCase.number == WorstCase.number),
        )
        .where(WorstCase.list_id == list_id)
    )


def counts_of(session: Session, list_id: int) -> tuple[int, dict[str | None, int]]:
    """How many cases of a list the base had right; how many there are by what their rows say."""
    rows = session.execute(
        select(
            WorstCase.says,
            func.count().label("cases"),
            func.count().filter(WorstCase.is_lost).label("lost"),
        )
        .where(WorstCase.list_id == list_id)
        .group_by(WorstCase.says)
    ).all()
    return sum(row.lost for row in rows), {row.says: row.cases for row in rows}


def cases_numbered(session: Session, list_id: int, numbers: Sequence[int]) -> list[WorstCase]:
    """These cases of a list, in the order of the numbers."""
    query = select(WorstCase).where(WorstCase.list_id == list_id, WorstCase.number.in_(numbers))
    found = {one.number: one for one in session.scalars(query)}
    return [found[one] for one in numbers if one in found]
