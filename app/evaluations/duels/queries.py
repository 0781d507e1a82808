"""Every select about contestants head to head."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased, contains_eager, joinedload

from app.connections.models import Connection
from app.evaluations.asking.queries import may_be_asked
from app.evaluations.duels.models import Duel, DuelsStatus, DuelStatus, JudgedDuels
from app.evaluations.models import Case, Contestant, EvaluationRun, GivenAnswer, Result
from app.grading.models import GraderVersion, LibraryGrader

JUDGE = "pairwise"
First, Second = aliased(Result), aliased(Result)
FirstPlayer, SecondPlayer = aliased(Contestant), aliased(Contestant)
FirstAnswer, SecondAnswer = aliased(GivenAnswer), aliased(GivenAnswer)


def duels_by_id(session: Session, duels_id: int, *, is_held: bool = False) -> JudgedDuels | None:
    """The comparing with its run and judge, whichever project it belongs to: the caller checks the
    fence.
    """
    query = select(JudgedDuels).where(JudgedDuels.id == duels_id)
    if is_held:
        query = query.with_for_update(of=JudgedDuels).execution_options(populate_existing=True)
    return session.scalar(
        query.options(
            joinedload(JudgedDuels.run).joinedload(EvaluationRun.evaluation),
            joinedload(JudgedDuels.version).joinedload(GraderVersion.grader),
            joinedload(JudgedDuels.creator),
        )
    )


def project_id_of_duels(session: Session, duels_id: int) -> int | None:
    """Whose it is."""
    return session.scalar(select(JudgedDuels.project_id).where(JudgedDuels.id == duels_id))


def duels_of_run(session: Session, run_id: int) -> Sequence[JudgedDuels]:
    """What judges were asked about a run, the newest first."""
    query = select(JudgedDuels).where(JudgedDuels.run_id == run_id)
    return session.scalars(
        query.options(
            joinedload(JudgedDuels.version).joinedload(GraderVersion.grader),
            joinedload(JudgedDuels.creator),
        ).order_by(JudgedDuels.number.desc())
    ).all()


def duels_begun_by(session: Session, project_id: int, key: str) -> JudgedDuels | None:
    """What was begun under this request key."""
    query = select(JudgedDuels).where(
        JudgedDuels.project_id == project_id, JudgedDuels.request_key == key
    )
    return session.scalar(query)


def last_number(session: Session, run_id: int) -> int:
    """How many times judges compared a run's contestants."""
    query = select(func.max(JudgedDuels.number)).where(JudgedDuels.run_id == run_id)
    return session.scalar(query) or 0


def judges_of(session: Session, project_id: int) -> Sequence[GraderVersion]:
    """The newest versions of the project's judges of two that have a connection, by name."""
    query = (
        select(GraderVersion)
        .join(GraderVersion.grader)
        .where(
            LibraryGrader.project_id == project_id,
            GraderVersion.number == LibraryGrader.number,
            GraderVersion.type == JUDGE,
            GraderVersion.connection_id.is_not(None),
        )
        .options(contains_eager(GraderVersion.grader))
    )
    return session.scalars(query.order_by(LibraryGrader.name)).all()


def connection_of(session: Session, version: GraderVersion) -> Connection | None:
    """Where the version's judge is asked."""
    return session.get(Connection, version.connection_id) if version.connection_id else None


def waiting_duels(
    session: Session, duels_id: int, moment: datetime, *, behind: int, limit: int
) -> Sequence[Duel]:
    """The next pairs to ask about, behind the one of this id."""
    query = select(Duel).where(
        Duel.duels_id == duels_id, may_be_asked(Duel, moment), Duel.id > behind
    )
    return session.scalars(query.order_by(Duel.id).limit(limit)).all()


def next_moment(session: Session, duels_id: int) -> datetime | None:
    """When the first of the pairs that wait may be asked about; None where none waits."""
    query = select(func.min(func.coalesce(Duel.not_before, JudgedDuels.created_at))).join(
        JudgedDuels, JudgedDuels.id == Duel.duels_id
    )
    return session.scalar(query.where(Duel.duels_id == duels_id, Duel.status == DuelStatus.WAITING))


def matters(session: Session, results: Sequence[tuple[int, int]]) -> dict[tuple[int, int], Any]:
    """What a judge needs to know of these pairs of results: (item, first, second), the answers
    both; by the pair.
    """
    ids = {one for pair in results for one in pair}
    query = (
        select(Result)
        .where(Result.id.in_(ids))
        .options(joinedload(Result.answer), joinedload(Result.case))
    )
    found = {one.id: one for one in session.scalars(query)}
    return {
        (first, second): (found[first].case.item, found[first].answer, found[second].answer)
        for first, second in results
        if first in found and second in found
    }


def counts_of(session: Session, duels_ids: Sequence[int]) -> dict[int, dict[str, int]]:
    """How many questions stand where, by the comparing; "fault" are replies nobody could read."""
    query = (
        select(Duel.duels_id, Duel.status, func.count(), func.count(Duel.fault))
        .where(Duel.duels_id.in_(duels_ids))
        .group_by(Duel.duels_id, Duel.status)
    )
    found: dict[int, dict[str, int]] = {one: {} for one in duels_ids}
    for duels_id, status, count, faults in session.execute(query):
        found[duels_id][status] = count
        if status == DuelStatus.JUDGED:
            found[duels_id]["fault"] = faults
    return found


def was_asked(session: Session, duels_id: int) -> bool:
    """Whether anything was sent."""
    query = select(Duel.id).where(Duel.duels_id == duels_id, Duel.asked > 0)
    return session.scalar(query.limit(1)) is not None


def said_of(session: Session, duels_id: int) -> Sequence[Any]:
    """What the judge said: (first_id, second_id, first_place, second_place, was_first, outcome,
    answer_id), without what it could not say.
    """
    query = (
        select(
            Duel.first_id,
            Duel.second_id,
            FirstPlayer.place.label("first_place"),
            SecondPlayer.place.label("second_place"),
            Duel.was_first,
            Duel.outcome,
            Duel.answer_id,
        )
        .join(First, First.id == Duel.first_id)
        .join(Second, Second.id == Duel.second_id)
        .join(FirstPlayer, FirstPlayer.id == First.contestant_id)
        .join(SecondPlayer, SecondPlayer.id == Second.contestant_id)
        .where(Duel.duels_id == duels_id, Duel.outcome.is_not(None))
    )
    return session.execute(query.order_by(Duel.id)).all()


def duels_of(session: Session, duels_id: int, *, after: int, limit: int) -> Sequence[Any]:
    """The pairs with what was said of them, from behind the id `after`: (Duel, case, question,
    first, second, first_text, second_text).
    """
    query = (
        select(
            Duel,
            Case.number.label("case"),
            FirstPlayer.name.label("first"),
            SecondPlayer.name.label("second"),
            FirstAnswer.text.label("first_text"),
            SecondAnswer.text.label("second_text"),
        )
        .join(First, First.id == Duel.first_id)
        .join(Second, Second.id == Duel.second_id)
        .join(Case, Case.id == First.case_id)
        .join(FirstPlayer, FirstPlayer.id == First.contestant_id)
        .join(SecondPlayer, SecondPlayer.id == Second.contestant_id)
        .join(FirstAnswer, FirstAnswer.id == First.answer_id)
        .join(SecondAnswer, SecondAnswer.id == Second.answer_id)
        .where(Duel.duels_id == duels_id, Duel.id > after)
    )
    return session.execute(query.order_by(Duel.id).limit(limit)).all()


def waiting_for_key(session: Session, connection_id: int) -> Sequence[JudgedDuels]:
    """What is paused since this connection's key was refused."""
    query = (
        select(JudgedDuels)
        .join(GraderVersion, GraderVersion.id == JudgedDuels.version_id)
        .where(
            GraderVersion.connection_id == connection_id,
            JudgedDuels.status == DuelsStatus.PAUSED,
            JudgedDuels.paused_by == "key",
        )
    )
    return session.scalars(query.with_for_update(of=JudgedDuels)).all()


def names_under_way(session: Session, connection_id: int) -> list[str]:
    """What is still to be asked over a connection, by name."""
    query = (
        select(LibraryGrader.name)
        .join(GraderVersion, GraderVersion.grader_id == LibraryGrader.id)
        .join(JudgedDuels, JudgedDuels.version_id == GraderVersion.id)
        .where(
            GraderVersion.connection_id == connection_id,
            JudgedDuels.status.in_([DuelsStatus.RUNNING, DuelsStatus.PAUSED]),
        )
    )
    return [f"the comparing by {name}" for name in session.scalars(query)]
