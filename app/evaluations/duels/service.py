"""Decisions about comparing contestants by a judge: what is asked, what it may cost, when it
pauses.
"""

import secrets
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from sqlalchemy import insert
from sqlalchemy.orm import Session

from app.auth import service as auth
from app.budgets import ledger
from app.budgets.ledger import PaidThing
from app.connections.models import Connection
from app.core import clock
from app.core.errors import Conflict, WrongInput
from app.core.events import announce
from app.core.queue import enqueue
from app.evaluations import prices
from app.evaluations.duels import queries
from app.evaluations.duels.forms import MOST_QUESTIONS, DuelsForm
from app.evaluations.duels.models import Duel, DuelsStatus, DuelStatus, JudgedDuels
from app.evaluations.models import EvaluationRun
from app.evaluations.people import making
from app.evaluations.people import service as people
from app.evaluations.people.making import Shown
from app.evaluations.people.ordering import repeatable
from app.evaluations.prices import Cost
from app.evaluations.work.grading import answer_of
from app.graders.base import Ungradable
from app.graders.pairwise import Pairwise
from app.graders.reading import read_grader
from app.grading.models import GraderVersion

MILLION = 1_000_000
PRICED = 20  # so many questions say what all cost
NO_JUDGE = "The project has no such judge of two with a connection. Graders are where one is made."
IS_OVER = "It is over: begin another."
OTHER = "This form was sent before with other values. Open it again to begin another."
ALL_SAME = "The contestants answered each of these cases word for word alike."
NOTHING = "Nothing was asked."
UNKNOWN = "Nobody knows the price."


class Plan(NamedTuple):
    """What is about to be asked, of whom, and what that costs."""

    version: GraderVersion
    connection: Connection
    judge: Pairwise
    pairs: list[Shown]
    same: list[Shown]
    price: Cost


def planned(session: Session, run: EvaluationRun, form: DuelsForm, seed: int) -> Plan:
    """The pairs, drawn by `seed`, and their price. Raises WrongInput."""
    judges = queries.judges_of(session, run.project_id)
    version = next((one for one in judges if one.grader_id == form.grader_id), None)
    connection = queries.connection_of(session, version) if version else None
    judge = read_grader(version.settings) if version else None
    if version is None or connection is None or not isinstance(judge, Pairwise):
        raise WrongInput.field("grader_id", NO_JUDGE)
    against = people.meets(session, run, form.against)
    given = people.answers_given(session, run.id, cases=form.cases, seed=seed)
    pairs, same = making.to_choose(given, seed, against=against)
    questions = len(pairs) * (2 if form.both_ways else 1)
    if not pairs:
        raise WrongInput.field("cases", ALL_SAME)
    if questions > MOST_QUESTIONS:
        words = f"That is {questions:,} questions; {MOST_QUESTIONS:,} is the most. Draw fewer."
        raise WrongInput.field("cases", words)
    asks = []
    for item, first, second in queries.matters(session, _two(pairs[:PRICED])).values():
        try:
            asks.append(judge.between(item, answer_of(first), answer_of(second)))
        except Ungradable as fault:
            raise WrongInput.field("grader_id", fault.reason) from fault
    price = prices.judging(connection, judge, asks, questions)
    return Plan(version, connection, judge, pairs, same, price)


def _two(pairs: list[Shown]) -> list[tuple[int, int]]:
    return [(first, second) for first, second in pairs]


def begin_duels(
    session: Session,
    run: EvaluationRun,
    form: DuelsForm,
    *,
    actor_id: int,
    key: str,
    seed: int | None = None,
) -> JudgedDuels:
    """Freeze the pairs and have the judge asked. The same key again is the first's. Raises
    WrongInput, Conflict and OverBudget.
    """
    asked_for = form.model_dump(exclude={"nonce"})
    before = queries.duels_begun_by(session, run.project_id, key)
    if before is not None:
        if (before.run_id, before.asked_for) != (run.id, asked_for):
            raise Conflict(OTHER)
        return before
    seed = secrets.randbelow(2**31) if seed is None else seed
    plan = planned(session, run, form, seed)
    with session.begin_nested():  # where the budget has no room, nothing is kept
        made = _add(session, run, form, plan, seed)
        made.request_key, made.created_by = key, actor_id
        session.flush()
        session.execute(insert(Duel), list(_rows(made, plan)))
        name = f"{plan.version.grader.name} compares {run.evaluation.name}, run {run.number}"
        thing = PaidThing(run.project_id, key_of(made.id), name, key_of(made.id), actor_id)
        ledger.reserve(session, thing, _least(plan.price.most, made.cap))
    record(session, made, "duels.begun", actor_id)
    enqueue(session, "duels.judge", made.id)
    return made


def _add(
    session: Session, run: EvaluationRun, form: DuelsForm, plan: Plan, seed: int
) -> JudgedDuels:
    moment = clock.now(session)
    made = JudgedDuels(
        project_id=run.project_id,
        run=run,
        number=queries.last_number(session, run.id) + 1,
        version_id=plan.version.id,
        status=DuelsStatus.RUNNING,
        asked_for=form.model_dump(exclude={"nonce"}),
        both_ways=form.both_ways,
        seed=seed,
        pairs=len(plan.pairs) + len(plan.same),
        questions=plan.price.requests,
        estimate=plan.price.most,
        cap=round(form.cap_usd * MILLION) if form.cap_usd else None,
        created_at=moment,
        due_at=moment,
    )
    session.add(made)
    return made


def _least(amount: int | None, cap: int | None) -> int | None:
    return amount if amount is None or cap is None else min(amount, cap)


def _rows(made: JudgedDuels, plan: Plan) -> Iterator[dict[str, Any]]:
    usual = {"duels_id": made.id, "asked": 0, "tries": 0, "reason": ""}
    for first, second in _two(plan.pairs):
        drawn = repeatable("side", made.seed, first, second).random() < 0.5  # noqa: PLR2004
        for was_first in (True, False) if made.both_ways else (drawn,):
            yield {
                **usual,
                "first_id": first,
                "second_id": second,
                "was_first": was_first,
                "status": DuelStatus.WAITING,
                "outcome": None,
            }
    for first, second in _two(plan.same):
        yield {
            **usual,
            "first_id": first,
            "second_id": second,
            "was_first": True,
            "status": DuelStatus.JUDGED,
            "outcome": "tie",
        }


def key_of(duels_id: int) -> str:
    """The key of its row in the ledger, and the subject of its page."""
    return f"duels:{duels_id}"


def pause(session: Session, row: JudgedDuels, *, by: str, words: str | None = None) -> None:
    """Wait: for a `person`, the `cap`, the `key` or the `provider`. What is on its way is kept."""
    if row.status == DuelsStatus.RUNNING:
        row.status, row.paused_by, row.words, row.due_at = DuelsStatus.PAUSED, by, words, None
        announce(session, key_of(row.id))


def pausing(session: Session, row: JudgedDuels) -> Callable[[str, str | None], None]:
    """What pauses this comparing, by whom or what and in which words."""
    return lambda by, words: pause(session, row, by=by, words=words)


def pause_duels(session: Session, row: JudgedDuels, *, actor_id: int) -> None:
    """A person has it wait. Raises Conflict where it is over."""
    _check_open(row)
    pause(session, row, by="person")
    record(session, row, "duels.paused", actor_id)


def resume_duels(
    session: Session, row: JudgedDuels, *, actor_id: int, cap_usd: float | None = None
) -> None:
    """Go on, with another cap if one is given. Raises Conflict where it is over, and WrongInput."""
    _check_open(row)
    if cap_usd is not None:
        cap = round(cap_usd * MILLION)
        if cap <= row.spent:
            raise WrongInput.field("cap_usd", "So much is spent already.")
        row.cap = cap
    _go_on(session, row)
    record(session, row, "duels.resumed", actor_id)


def _go_on(session: Session, row: JudgedDuels) -> None:
    row.status, row.paused_by, row.words = DuelsStatus.RUNNING, None, None
    row.due_at, row.attempts = clock.now(session), 0
    announce(session, key_of(row.id))
    enqueue(session, "duels.judge", row.id)


def key_works(session: Session, connection_id: int, _words: str | None) -> None:
    """A connection is held no more: what waited for its key goes on."""
    for row in queries.waiting_for_key(session, connection_id):
        _go_on(session, row)


def stop_duels(session: Session, row: JudgedDuels, *, actor_id: int) -> None:
    """End it for good: what was said stays. Raises Conflict where it is over."""
    _check_open(row)
    end(session, row, DuelsStatus.STOPPED)
    record(session, row, "duels.stopped", actor_id)


def end(session: Session, row: JudgedDuels, status: DuelsStatus) -> None:
    """It is over: count what it came to."""
    row.status, row.paused_by, row.words, row.due_at = status, None, None, None
    row.ended_at = clock.now(session)
    count(session, row)
    announce(session, key_of(row.id))


def count(session: Session, row: JudgedDuels) -> None:
    """Put into the ledger what a comparing that is over came to."""
    if not queries.was_asked(session, row.id):
        ledger.release(session, key_of(row.id), NOTHING)
    elif row.estimate is None:
        ledger.settle(session, key_of(row.id), None, words=UNKNOWN)
    else:
        ledger.settle(session, key_of(row.id), row.spent, is_guess=bool(row.guessed))


def _check_open(row: JudgedDuels) -> None:
    if row.status not in {DuelsStatus.RUNNING, DuelsStatus.PAUSED}:
        raise Conflict(IS_OVER)


def record(session: Session, row: JudgedDuels, verb: str, actor_id: int | None) -> None:
    """Write down who did what to it."""
    auth.record(
        session,
        verb,
        key_of(row.id),
        actor_id=actor_id,
        project_id=row.project_id,
        name=row.run.evaluation.name,
        number=row.number,
    )
