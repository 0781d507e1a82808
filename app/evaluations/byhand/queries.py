"""Every select about cases that people answer by hand."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import and_, exists, func, or_, select
from sqlalchemy.orm import Session, contains_eager, joinedload

from app.auth.models import User
from app.evaluations.byhand.models import HandAnswer
from app.evaluations.duels.models import Duel
from app.evaluations.models import (
    Case,
    Contestant,
    ContestantKind,
    GivenAnswer,
    Result,
    ResultStatus,
)
from app.evaluations.models_judges import Judgement
from app.evaluations.people.models import RoundResult

MOST_LISTED = 200


def people_in(session: Session, run_id: int) -> Contestant | None:
    """The contestant of a run that is people, as it stands now."""
    query = select(Contestant).where(
        Contestant.run_id == run_id, Contestant.kind == ContestantKind.PEOPLE
    )
    return session.scalar(query.execution_options(populate_existing=True))


def result_numbered(session: Session, contestant_id: int, number: int) -> Result | None:
    """The result for the case of this number, with the case and the answer."""
    query = (
        select(Result)
        .join(Result.case)
        .where(Result.contestant_id == contestant_id, Case.number == number)
        .options(contains_eager(Result.case), joinedload(Result.answer))
    )
    return session.scalar(query.execution_options(populate_existing=True))


def next_open(
    session: Session, contestant_id: int, user_id: int, moment: datetime
) -> Sequence[Any]:
    """What this person may answer, by number: (id, number). What another has in hand is not."""
    anothers = and_(HandAnswer.user_id != user_id, HandAnswer.lease_until > moment)
    query = (
        select(Result.id, Case.number)
        .join(Result.case)
        .outerjoin(HandAnswer, HandAnswer.result_id == Result.id)
        .where(
            Result.contestant_id == contestant_id,
            Result.status == ResultStatus.WAITING,
            or_(HandAnswer.result_id.is_(None), ~anothers),
        )
    )
    return session.execute(query.order_by(Case.number)).all()


def is_used(session: Session, result: Result) -> bool:
    """Whether people or a judge were given the answer to grade or to compare, or another run has
    it as a recording.
    """
    is_judged = exists().where(Judgement.result_id == result.id)
    in_round = exists().where(RoundResult.result_id == result.id)
    in_duel = exists().where(or_(Duel.first_id == result.id, Duel.second_id == result.id))
    elsewhere = exists().where(Result.answer_id == result.answer_id, Result.id != result.id)
    return bool(session.scalar(select(or_(is_judged, in_round, in_duel, elsewhere))))


def counts(session: Session, contestant_id: int, moment: datetime) -> tuple[int, int]:
    """How many cases wait for an answer, and how many of them somebody has in hand."""
    is_held = HandAnswer.lease_until > moment
    query = (
        select(func.count(), func.count().filter(is_held))
        .select_from(Result)
        .outerjoin(HandAnswer, HandAnswer.result_id == Result.id)
        .where(Result.contestant_id == contestant_id, Result.status == ResultStatus.WAITING)
    )
    waiting, held = session.execute(query).one()
    return waiting, held


def who_answered(session: Session, run_id: int) -> Sequence[Any]:
    """Who has answered how many cases of a run, most first: (user_id, name, cases)."""
    query = (
        select(HandAnswer.user_id, User.name, func.count().label("cases"))
        .outerjoin(HandAnswer.user)
        .where(HandAnswer.run_id == run_id, HandAnswer.given_at.is_not(None))
        .group_by(HandAnswer.user_id, User.name)
    )
    return session.execute(query.order_by(func.count().desc(), HandAnswer.user_id)).all()


def answered_by(session: Session, run_id: int, user_id: int) -> Sequence[Any]:
    """What a person answered, the last first: (number, messages, text, given_at)."""
    query = (
        select(Case.number, Case.messages, GivenAnswer.text, HandAnswer.given_at)
        .join(Result, Result.id == HandAnswer.result_id)
        .join(Case, Case.id == Result.case_id)
        .join(GivenAnswer, GivenAnswer.id == Result.answer_id)
        .where(HandAnswer.run_id == run_id, HandAnswer.user_id == user_id)
        .order_by(HandAnswer.given_at.desc(), Case.number)
    )
    return session.execute(query.limit(MOST_LISTED)).all()


def names_of(session: Session, result_ids: Sequence[int]) -> dict[int, str]:
    """Who answered these results by hand, by result; nobody of those who have left."""
    query = (
        select(HandAnswer.result_id, User.name)
        .join(HandAnswer.user)
        .where(HandAnswer.result_id.in_(result_ids), HandAnswer.given_at.is_not(None))
    )
    return {row.result_id: row.name for row in session.execute(query)}
