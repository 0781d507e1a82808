"""Decisions about answers by hand: who has which case, what is kept, when nobody waits any more.

The run is always held first: the workers that grade hold it, too.
"""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import delete, update
from sqlalchemy.orm import Session

from app.auth import service as auth
from app.core import clock
from app.core.errors import Conflict, NotFound, WrongInput
from app.core.queue import enqueue
from app.evaluations import queries as evaluations
from app.evaluations import service
from app.evaluations.byhand import queries
from app.evaluations.byhand.models import HandAnswer
from app.evaluations.models import (
    Contestant,
    Evaluation,
    EvaluationRun,
    GivenAnswer,
    Grade,
    Result,
    ResultStatus,
    RunStatus,
)
from app.evaluations.work.claiming import prepare
from app.settings import settings

LEASE_SECONDS = 30 * 60.0
NO_PEOPLE = "Nobody is to answer this run by hand."
IS_OVER = "The run is over: answers by hand stay as they are."
NOTHING = "Write an answer, or skip the case."
HAS_ANSWER = "Somebody else has answered this case meanwhile."
IN_HAND = "Somebody else has this case in hand just now."
IS_ENDED = "Nobody waits for an answer to this case any more."
IS_USED = "This answer is graded, compared or used in another run already: it stays as it is."
ENDED = "No person answered it before the wait was ended."


class Held(NamedTuple):
    """A run that is not over and its contestant that is people, locked."""

    run: EvaluationRun
    row: Contestant


def claim_next(session: Session, run_id: int, *, user_id: int, after: int = 0) -> int | None:
    """Give this person the next case behind this number, for half an hour theirs alone; its number,
    None where nothing is left for them. What else they had in hand is given back. Raises Conflict.
    """
    held = _hold(session, run_id)
    moment = clock.now(session)
    found = queries.next_open(session, held.row.id, user_id, moment)
    if not found:
        return None
    chosen = next((one for one in found if one.number > after), found[0])
    _give_back(session, run_id, user_id, but=chosen.id)
    mine = session.get(HandAnswer, chosen.id, populate_existing=True)
    if mine is None or mine.user_id != user_id or mine.lease_until < moment:
        shown = {"run_id": run_id, "user_id": user_id, "shown_at": moment}
        mine = session.merge(HandAnswer(result_id=chosen.id, lease_until=moment, **shown))
    mine.lease_until = moment + timedelta(seconds=settings().lease(LEASE_SECONDS))
    session.flush()
    return int(chosen.number)


def _give_back(session: Session, run_id: int, user_id: int, *, but: int | None = None) -> None:
    """What a person has in hand and has not answered is free for others."""
    session.execute(
        delete(HandAnswer)
        .where(
            HandAnswer.run_id == run_id,
            HandAnswer.user_id == user_id,
            HandAnswer.given_at.is_(None),
            HandAnswer.result_id != (but or 0),
        )
        .execution_options(synchronize_session=False)
    )


def skip(session: Session, run_id: int, *, user_id: int) -> None:
    """Leave the case in hand to somebody else, or for later. Raises Conflict."""
    _hold(session, run_id)
    _give_back(session, run_id, user_id)


def give(session: Session, run_id: int, number: int, text: str, *, user_id: int) -> None:
    """Keep a person's answer to the case of this number, and have it graded. Said again it changes
    nothing; said otherwise it is changed and graded anew. Raises NotFound, WrongInput, Conflict.
    """
    held = _hold(session, run_id)
    result = queries.result_numbered(session, held.row.id, number)
    if result is None:
        raise NotFound
    said = text.replace("\r\n", "\n")
    if not said:
        raise WrongInput.field("text", NOTHING)
    moment = clock.now(session)
    mine = session.get(HandAnswer, result.id, populate_existing=True)
    before = result.answer
    _check_free(result, mine, user_id, moment)
    if before is not None and before.text == said:
        return
    if before is not None and queries.is_used(session, result):
        raise Conflict(IS_USED)
    if mine is None or mine.user_id != user_id:
        shown = {"run_id": run_id, "user_id": user_id, "shown_at": moment, "lease_until": moment}
        mine = session.merge(HandAnswer(result_id=result.id, **shown))
        taken = None
    elif before is not None:
        taken = before.total_ms
    else:
        taken = round((moment - mine.shown_at).total_seconds() * 1000)
    mine.given_at = moment
    _keep(session, held, result, said, taken)
    _have_graded(session, held)


def _check_free(result: Result, mine: HandAnswer | None, user_id: int, moment: datetime) -> None:
    is_anothers = mine is not None and mine.user_id != user_id
    if result.status == ResultStatus.FAILED:
        raise Conflict(IS_ENDED)
    if result.answer_id is not None and is_anothers:
        raise Conflict(HAS_ANSWER)
    if mine is not None and is_anothers and mine.lease_until > moment:
        raise Conflict(IN_HAND)


def _keep(session: Session, held: Held, result: Result, text: str, taken: int | None) -> None:
    """Never under one digest with another: no model is ever answered for by a person."""
    before = result.answer
    key = f"people:{result.id}:{secrets.token_hex(16)}"
    given = GivenAnswer(
        project_id=held.run.project_id,
        digest=hashlib.sha256(key.encode()).hexdigest(),
        text=text,
        calls=[],
        total_ms=taken,
        cost=0,
        answered_at=clock.now(session),
    )
    session.add(given)
    session.flush()
    if result.status == ResultStatus.GRADED:
        held.row.graded -= 1
        held.row.passed -= bool(result.passed)
    session.execute(delete(Grade).where(Grade.result_id == result.id))
    result.answer_id, result.status = given.id, ResultStatus.ANSWERED
    result.passed = result.score = None
    session.flush()
    if before is not None:
        session.delete(before)


def _have_graded(session: Session, held: Held) -> None:
    """By a worker, with what grades everybody's answers; of a paused run when it goes on."""
    if held.run.status == RunStatus.RUNNING:
        held.row.due_at, held.row.attempts = clock.now(session), 0
        enqueue(session, "evaluations.answer", held.row.id)
    session.flush()
    service.tell(session, held.run)


def end_wait(session: Session, run_id: int, *, actor_id: int) -> int:
    """Wait for people no more: what none of them has answered fails; how many that were. Raises
    Conflict.
    """
    run, row = held = _hold(session, run_id)
    left = session.execute(
        update(Result)
        .where(Result.contestant_id == row.id, Result.status == ResultStatus.WAITING)
        .values(status=ResultStatus.FAILED, error=ENDED)
        .returning(Result.id)
        .execution_options(synchronize_session=False)
    ).all()
    if not left:
        return 0
    row.failed += len(left)
    session.execute(
        delete(HandAnswer)
        .where(HandAnswer.run_id == run_id, HandAnswer.given_at.is_(None))
        .execution_options(synchronize_session=False)
    )
    session.flush()
    _record(session, held, actor_id, left=len(left))
    if not evaluations.is_any_unfinished(session, run_id):
        service.end(session, run, RunStatus.DONE)
    service.tell(session, run)
    return len(left)


def _hold(session: Session, run_id: int) -> Held:
    run = evaluations.held_run(session, run_id)
    row = queries.people_in(session, run_id)
    if row is None:
        raise NotFound(NO_PEOPLE)
    if run.status not in evaluations.UNENDED:
        raise Conflict(IS_OVER)
    prepare(session, run, row)
    return Held(run, row)


def _record(session: Session, held: Held, actor_id: int, *, left: int) -> None:
    evaluation = session.get_one(Evaluation, held.run.evaluation_id)
    auth.record(
        session,
        "evaluation.wait_ended",
        f"evaluation:{evaluation.id}",
        actor_id=actor_id,
        project_id=held.run.project_id,
        name=evaluation.name,
        run=held.run.number,
        left=left,
    )
