"""Every select about rounds of grading by people."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session, contains_eager, joinedload

from app.evaluations.models import Case, Contestant, EvaluationRun, GivenAnswer, Result, RunGrader
from app.evaluations.people.models import PersonsGrade, Round, RoundPerson, RoundResult

GIVEN = (Result.repeat == 0, Result.answer_id.is_not(None))


def round_by_id(session: Session, round_id: int) -> Round | None:
    """The round with its run, whichever project it belongs to: the caller checks the fence."""
    query = select(Round).where(Round.id == round_id)
    return session.scalar(
        query.options(
            joinedload(Round.run).joinedload(EvaluationRun.evaluation), joinedload(Round.creator)
        )
    )


def project_id_of_round(session: Session, round_id: int) -> int | None:
    """Whose round it is."""
    return session.scalar(select(Round.project_id).where(Round.id == round_id))


def rounds_of(session: Session, run_id: int) -> Sequence[Round]:
    """A run's rounds with their makers, the newest first."""
    query = select(Round).where(Round.run_id == run_id).options(joinedload(Round.creator))
    return session.scalars(query.order_by(Round.number.desc())).all()


def last_number(session: Session, run_id: int) -> int:
    """How many rounds a run has had."""
    return session.scalar(select(func.max(Round.number)).where(Round.run_id == run_id)) or 0


def contestants_of(session: Session, run_id: int) -> Sequence[Contestant]:
    """Who takes part in a run, in order."""
    query = select(Contestant).where(Contestant.run_id == run_id)
    return session.scalars(query.order_by(Contestant.place)).all()


def graders_of(session: Session, run_id: int) -> Sequence[RunGrader]:
    """The graders of a run in the versions it used, in order."""
    query = select(RunGrader).where(RunGrader.run_id == run_id)
    return session.scalars(
        query.options(joinedload(RunGrader.version)).order_by(RunGrader.place)
    ).all()


def answered_case_ids(session: Session, run_id: int) -> Sequence[int]:
    """The cases of a run that anybody has answered."""
    query = select(Result.case_id).where(Result.run_id == run_id, *GIVEN).distinct()
    return session.scalars(query.order_by(Result.case_id)).all()


def answers_to(session: Session, run_id: int, case_ids: Sequence[int]) -> Sequence[Any]:
    """What a run's contestants answered to these cases: (result_id, case_id, place, text, calls,
    refusal).
    """
    query = (
        select(
            Result.id.label("result_id"),
            Result.case_id,
            Contestant.place,
            GivenAnswer.text,
            GivenAnswer.calls,
            GivenAnswer.refusal,
        )
        .join(Contestant, Contestant.id == Result.contestant_id)
        .join(Result.answer)
        .where(Result.run_id == run_id, Result.case_id.in_(case_ids), *GIVEN)
    )
    return session.execute(query.order_by(Result.id)).all()


def shown_in(session: Session, round_id: int, number: int) -> Sequence[Result]:
    """The results of an item with their answers and cases; of a duel the first contestant's
    first.
    """
    query = (
        select(Result)
        .join(RoundResult, RoundResult.result_id == Result.id)
        .join(Result.answer)
        .join(Result.case)
        .where(RoundResult.round_id == round_id, RoundResult.number == number)
        .options(contains_eager(Result.answer), contains_eager(Result.case))
    )
    return session.scalars(query.order_by(RoundResult.side, Result.id)).all()


def grade_of(session: Session, round_id: int, user_id: int, number: int) -> PersonsGrade | None:
    """What a person said of an item."""
    return session.get(PersonsGrade, (round_id, user_id, number))


def last_grade_of(session: Session, round_id: int, user_id: int) -> PersonsGrade | None:
    """What a person said last in a round."""
    query = select(PersonsGrade).where(
        PersonsGrade.round_id == round_id, PersonsGrade.user_id == user_id
    )
    return session.scalar(query.order_by(PersonsGrade.step.desc()).limit(1))


def said_by(session: Session, round_id: int, user_id: int) -> set[int]:
    """The numbers of the items that a person has graded or passed over."""
    query = select(PersonsGrade.number).where(
        PersonsGrade.round_id == round_id, PersonsGrade.user_id == user_id
    )
    return set(session.scalars(query))


def graded_by_others(session: Session, round_id: int, user_id: int) -> dict[int, int]:
    """How many others have graded each item; those who passed it over do not count."""
    query = (
        select(PersonsGrade.number, func.count())
        .where(
            PersonsGrade.round_id == round_id,
            PersonsGrade.user_id != user_id,
            PersonsGrade.label.is_not(None),
        )
        .group_by(PersonsGrade.number)
    )
    return {row[0]: row[1] for row in session.execute(query)}


def grades_of(session: Session, round_ids: Sequence[int]) -> Sequence[PersonsGrade]:
    """All that was said in these rounds, with who said it."""
    query = select(PersonsGrade).where(PersonsGrade.round_id.in_(round_ids))
    return session.scalars(
        query.options(joinedload(PersonsGrade.user)).order_by(
            PersonsGrade.round_id, PersonsGrade.number, PersonsGrade.user_id
        )
    ).all()


def people_of(session: Session, round_id: int) -> Sequence[RoundPerson]:
    """Who was asked to grade or began to, in the order they came."""
    query = select(RoundPerson).where(RoundPerson.round_id == round_id)
    return session.scalars(
        query.options(joinedload(RoundPerson.user)).order_by(
            RoundPerson.asked_at, RoundPerson.user_id
        )
    ).all()


def person_of(session: Session, round_id: int, user_id: int) -> RoundPerson | None:
    """The person as one who grades the round."""
    return session.get(RoundPerson, (round_id, user_id))


def places_of(session: Session, round_id: int) -> Sequence[Any]:
    """Whose answers a round shows: (number, side, result_id, case_id, case, place), where `case` is
    the case's number and `place` the contestant's.
    """
    query = (
        select(
            RoundResult.number,
            RoundResult.side,
            RoundResult.result_id,
            Result.case_id,
            Case.number.label("case"),
            Contestant.place,
        )
        .join(Result, Result.id == RoundResult.result_id)
        .join(Case, Case.id == Result.case_id)
        .join(Contestant, Contestant.id == Result.contestant_id)
        .where(RoundResult.round_id == round_id)
    )
    return session.execute(query.order_by(RoundResult.number, RoundResult.side)).all()
