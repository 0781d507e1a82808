"""A judge's comparing in a worker's hands: taken for a slice, pairs claimed before they are asked
about, replies written down.
"""

import hashlib
from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple

from sqlalchemy import update
from sqlalchemy.orm import Session

from app.connections import standing
from app.connections.models import Connection
from app.core import clock, leases
from app.core.events import announce
from app.core.leases import LeaseLost
from app.evaluations.duels import prices, queries, service
from app.evaluations.duels.asking import Asking, Came, Failed, Replied
from app.evaluations.duels.models import Duel, DuelsStatus, DuelStatus, JudgedDuels
from app.evaluations.models import GivenAnswer
from app.evaluations.work.grading import answer_of
from app.graders.base import Score, Ungradable
from app.graders.pairwise import Pairwise
from app.graders.reading import read_grader
from app.providers.base import KeyRejected, NotFound, NotPermitted, RequestRejected
from app.settings import settings

LEASE_SECONDS = 120.0
HELD_SECONDS = 30.0
MOST_TRIES, LONGEST_WAIT = 5, 60.0
OUTCOMES = {1.0: "first", 0.5: "tie", 0.0: "second"}
CAP = "The next questions could come to more than its cap."
GONE = "The connection of this judge was removed."
DIED = "The worker ended before the reply came."


class Work(NamedTuple):
    """A comparing taken for a slice, with all that asking takes."""

    duels_id: int
    fence: int
    run_id: int
    project_id: int
    connection: Connection
    judge: Pairwise


def claim(session: Session, duels_id: int) -> Work | None:
    """Take it for a slice; None when another worker has it or it may not be asked just now. What a
    worker that died had asked is asked again.
    """
    fence = leases.claim(session, JudgedDuels, duels_id, seconds=LEASE_SECONDS)
    if fence is None:
        return None
    row = queries.duels_by_id(session, duels_id, is_held=True)
    assert row is not None  # noqa: S101 - it was claimed
    lost = session.execute(
        update(Duel)
        .where(Duel.duels_id == duels_id, Duel.status == DuelStatus.ASKED)
        .values(status=DuelStatus.WAITING, fault=DIED)
        .returning(Duel.id)
        .execution_options(synchronize_session=False)
    )
    service.guess(row, len(lost.all()))
    connection = queries.connection_of(session, row.version)
    judge = read_grader(row.version.settings)
    if connection is None or not isinstance(judge, Pairwise):
        leases.settle(row, due_at=None)
        service.pause(session, row, by="provider", words=GONE)
        return None
    moment = clock.now(session)
    if standing.is_held(connection, moment):
        until = max(connection.not_before or clock.later(session, HELD_SECONDS), moment)
        leases.settle(row, due_at=until, error=connection.words)
        return None
    return Work(duels_id, fence, row.run_id, row.project_id, connection, judge)


def hold(session: Session, work: Work) -> JudgedDuels:
    """The comparing, held for the rest of the unit of work. Raises LeaseLost."""
    row = leases.hold(session, JudgedDuels, work.duels_id, work.fence)
    if row is None:
        raise LeaseLost
    found: JudgedDuels = row
    return found


def claim_pairs(session: Session, work: Work, *, limit: int) -> list[Asking] | None:
    """The next pairs, written down as asked; what the judge said of the same before is taken as its
    reply. None where nothing waits just now, it is paused, or the cap has no room. Raises
    LeaseLost.
    """
    row = hold(session, work)
    leases.renew(session, JudgedDuels, work.duels_id, work.fence, seconds=LEASE_SECONDS)
    if row.status != DuelsStatus.RUNNING:
        return None
    waiting = queries.waiting_duels(session, work.duels_id, clock.now(session), limit=limit)
    if not waiting:
        return None
    asking = _askings(session, work, waiting)
    kept = queries.answers_kept(session, work.project_id, [one.digest for _, one in asking])
    new: list[tuple[Duel, Asking]] = []
    for duel, one in asking:
        if one.digest in kept:
            given = kept[one.digest]
            _judge(duel, work.judge.read(given.text, one.ask), given)
        else:
            new.append((duel, one))
    if not _fits(session, row, work, [one for _, one in new]):
        service.pause(session, row, by="cap", words=CAP)
        return None
    for duel, _ in new:
        duel.status, duel.asked = DuelStatus.ASKED, duel.asked + 1
    return [one for _, one in new]


def _askings(session: Session, work: Work, waiting: Sequence[Duel]) -> list[tuple[Duel, Asking]]:
    found = queries.matters(session, [(one.first_id, one.second_id) for one in waiting])
    made: list[tuple[Duel, Asking]] = []
    for duel in waiting:
        item, first, second = found[duel.first_id, duel.second_id]
        both = answer_of(first), answer_of(second)
        try:
            ask = work.judge.between(item, *both, was_first=duel.was_first)
        except Ungradable as fault:
            duel.status, duel.fault = DuelStatus.FAILED, fault.reason
            continue
        key = f"judge:{work.connection.id}:{ask.key(work.judge.model)}"
        made.append((duel, Asking(duel.id, ask, hashlib.sha256(key.encode()).hexdigest())))
    return made


def _fits(session: Session, row: JudgedDuels, work: Work, asking: Sequence[Asking]) -> bool:
    """Whether the cap holds even where every reply is as long as it may be, those on their way
    included.
    """
    if row.cap is None or not asking:
        return True
    away = queries.asked_now(session, row.id)
    into = sum(prices.tokens_of(one.ask) for one in asking)
    out = sum(one.ask.sampling["max_tokens"] for one in asking)
    most = prices.cost(work.connection, work.judge.model, into, out)
    if most is None or row.estimate is None:
        return True
    return row.spent + row.estimate * away // row.questions + most <= row.cap


def record(session: Session, work: Work, came: Sequence[Came]) -> None:
    """Write down what came. Raises LeaseLost."""
    row = hold(session, work)
    kept = queries.answers_kept(session, work.project_id, [one.asking.digest for one in came])
    for one in came:
        duel = session.get_one(Duel, one.asking.duel_id)
        if isinstance(one, Replied):
            given = kept.get(one.asking.digest) or _keep(session, work, row, one)
            kept[one.asking.digest] = given
            _judge(duel, work.judge.read(one.text, one.asking.ask), given)
        elif isinstance(one, Failed):
            _fail(session, work, row, duel, one)
        else:
            duel.status, duel.asked = DuelStatus.WAITING, duel.asked - 1
    session.flush()
    leases.renew(session, JudgedDuels, work.duels_id, work.fence, seconds=LEASE_SECONDS)
    if came:
        announce(session, service.key_of(work.duels_id))


def _keep(session: Session, work: Work, row: JudgedDuels, one: Replied) -> GivenAnswer:
    price = None
    if one.prompt_tokens is not None and one.completion_tokens is not None:
        price = prices.cost(
            work.connection, work.judge.model, one.prompt_tokens, one.completion_tokens
        )
    row.spent += price or 0
    given = GivenAnswer(
        project_id=work.project_id,
        digest=one.asking.digest,
        text=one.text,
        calls=[],
        prompt_tokens=one.prompt_tokens,
        completion_tokens=one.completion_tokens,
        total_ms=one.total_ms,
        cost=price,
        answered_at=clock.now(session),
    )
    session.add(given)
    session.flush()
    return given


def _judge(duel: Duel, score: Score, given: GivenAnswer) -> None:
    duel.status, duel.answer_id, duel.not_before = DuelStatus.JUDGED, given.id, None
    duel.reason = str(score.detail.get("reason", ""))
    duel.fault = score.fault.reason if score.fault else None
    duel.outcome = None if score.fault else OUTCOMES[score.value]


def _fail(session: Session, work: Work, row: JudgedDuels, duel: Duel, one: Failed) -> None:
    """What may come another time waits; what was refused fails alone; what would be said of every
    pair waits for a person.
    """
    duel.fault, duel.status = one.error.message, DuelStatus.WAITING
    service.guess(row, int(one.may_be_billed))
    if isinstance(one.error, KeyRejected | NotFound | NotPermitted):
        by = "key" if isinstance(one.error, KeyRejected) else "provider"
        service.pause(session, row, by=by, words=one.error.message)
        standing.record_failure(session, work.connection, one.error)
        return
    duel.tries += 1
    if isinstance(one.error, RequestRejected) or duel.tries >= MOST_TRIES:
        duel.status, duel.not_before = DuelStatus.FAILED, None
        return
    wait = max(getattr(one.error, "retry_after", None) or 0.0, 2.0 ** (duel.tries - 1))
    seconds = settings().wait(min(wait, LONGEST_WAIT))
    duel.not_before = clock.now(session) + timedelta(seconds=seconds)


def give_back(session: Session, work: Work) -> bool:
    """Give it back: to go on at once or later, or never; whether it is over. Raises LeaseLost."""
    row = hold(session, work)
    if row.status != DuelsStatus.RUNNING:
        leases.settle(row, due_at=None)
        return False
    due_at = queries.next_moment(session, row.id)
    leases.settle(row, due_at=due_at)
    if due_at is not None:
        return False
    service.end(session, row, DuelsStatus.DONE)
    return True
