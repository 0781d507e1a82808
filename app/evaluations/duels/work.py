"""A judge's comparing in a worker's hands: taken for a slice, pairs claimed before they are asked
about, replies written down.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import update
from sqlalchemy.orm import Session

from app.core import clock, leases
from app.core.events import announce
from app.core.queue import enqueue
from app.evaluations.asking import rows, standing
from app.evaluations.asking.asker import Asker, Share
from app.evaluations.asking.judges import question_to
from app.evaluations.asking.queries import held_by
from app.evaluations.asking.questions import Answered, Failed, Question, Unsent
from app.evaluations.asking.slices import Brought, Claimed, Slice
from app.evaluations.duels import queries, service
from app.evaluations.duels.models import Duel, DuelsStatus, DuelStatus, JudgedDuels
from app.evaluations.models import GivenAnswer
from app.evaluations.work.grading import answer_of
from app.graders.base import Ungradable
from app.graders.judge import Ask
from app.graders.pairwise import Pairwise
from app.graders.reading import read_grader

LEASE_SECONDS = 120.0
OUTCOMES = {1.0: "first", 0.5: "tie", 0.0: "second"}
CAP = "The next questions could come to more than its cap."
GONE = "The connection of this judge was removed."


class Work(NamedTuple):
    """A comparing taken for a slice, with all that asking takes."""

    duels_id: int
    fence: int
    run_id: int
    project_id: int
    share: Share
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
    billed = rows.wait_again(session, Duel, Duel.duels_id == duels_id)
    row.spent, row.guessed = row.spent + billed, row.guessed + billed
    connection, pause = queries.connection_of(session, row.version), service.pausing(session, row)
    judge = read_grader(row.version.settings)
    if connection is None or not isinstance(judge, Pairwise):
        leases.settle(row, due_at=None)
        pause("provider", GONE)
        return None
    if standing.stands_still(session, row, connection, pause):
        return None
    share = standing.share_of(session, connection)
    return Work(duels_id, fence, row.run_id, row.project_id, share, judge)


def hold(session: Session, work: Work) -> JudgedDuels:
    """The comparing, held for the rest of the unit of work, the lease made longer. Raises
    LeaseLost.
    """
    return leases.keep(session, JudgedDuels, work.duels_id, work.fence, seconds=LEASE_SECONDS)


def claim_pairs(session: Session, work: Work, *, behind: int, limit: int) -> Claimed[Ask]:
    """The next pairs, written down as asked as far as the cap has room, but for those of which the
    judge said something before. Raises LeaseLost.
    """
    row = hold(session, work)
    if row.status != DuelsStatus.RUNNING:
        return Claimed([])
    moment = clock.now(session)
    waiting = queries.waiting_duels(session, row.id, moment, behind=behind, limit=limit)
    room = None
    if row.cap is not None:
        room = row.cap - row.spent - held_by(session, Duel, Duel.duels_id == row.id)
    questions = list(_questions(session, work, waiting))
    return rows.claimed(session, Duel, work.project_id, questions, room)


def _questions(session: Session, work: Work, waiting: Sequence[Duel]) -> Iterator[Question[Ask]]:
    found = queries.matters(session, [(one.first_id, one.second_id) for one in waiting])
    for duel in waiting:
        item, first, second = found[duel.first_id, duel.second_id]
        both = answer_of(first), answer_of(second)
        try:
            ask = work.judge.between(item, *both, was_first=duel.was_first)
        except Ungradable as fault:
            duel.status, duel.error = DuelStatus.FAILED, fault.reason
            continue
        yield question_to(work.judge, ask, work.share.connection, duel)


def record(session: Session, work: Work, brought: Brought[Ask]) -> JudgedDuels:
    """Write down what a slice brought; the comparing as it stands. Raises LeaseLost."""
    row, came = hold(session, work), brought.came
    answered = [one for one in came if isinstance(one, Answered)]
    kept = rows.keep(session, work.project_id, work.share, answered)
    said = [_said(work, one.question, kept.given[one.question.digest]) for one in answered]
    said += [_said(work, one, one.known) for one in brought.known if one.known is not None]
    if said:
        session.execute(update(Duel), said)
    failed = [one for one in came if isinstance(one, Failed)]
    fell = rows.fail(session, Duel, failed, is_away=brought.is_away)
    row.spent, row.guessed = row.spent + kept.spent + fell.billed, row.guessed + fell.billed
    unsent = [one.question for one in came if isinstance(one, Unsent)]
    rows.put_back(session, Duel, [*unsent, *brought.left])
    if row.ended_at is not None and came:  # it was stopped, and this was on its way
        service.count(session, row)
    if came or brought.known:
        announce(session, service.key_of(row.id))
    return row


def _said(work: Work, question: Question[Ask], given: GivenAnswer) -> dict[str, Any]:
    score = work.judge.read(given.text, question.of)
    return {
        "id": question.row_id,
        "status": DuelStatus.JUDGED,
        "answer_id": given.id,
        "not_before": None,
        "reason": str(score.detail.get("reason", "")),
        "fault": score.fault.reason if score.fault else None,
        "outcome": None if score.fault else OUTCOMES[score.value],
    }


def give_back(session: Session, work: Work, asker: Asker, seen: Slice) -> bool:
    """Give it back: to go on at once or later, or never; whether it is over. Raises LeaseLost."""
    row = hold(session, work)
    outages = standing.keep_pace(session, work.share, asker, seen)
    pause = service.pausing(session, row)
    if row.status != DuelsStatus.RUNNING:
        leases.settle(row, due_at=None)
        return False
    if standing.gives_up(session, row, work.share, seen, outages, pause):
        return False
    due_at = queries.next_moment(session, row.id)
    leases.settle(row, due_at=due_at)
    if due_at is None:
        service.end(session, row, DuelsStatus.DONE)
    elif seen.is_capped:
        pause("cap", CAP)
    elif due_at <= clock.now(session):
        enqueue(session, "duels.judge", row.id)
    return due_at is None
