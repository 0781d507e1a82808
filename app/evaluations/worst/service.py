"""Decisions about worst cases: when they are looked for, and what is kept of them."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import delete, insert, update
from sqlalchemy.orm import Session

from app.core import clock, leases
from app.core.events import announce
from app.core.queue import enqueue
from app.datasets.models import DatasetVersion
from app.evaluations.models import Contestant
from app.evaluations.worst import queries
from app.evaluations.worst.models import WorstCase, WorstList
from app.evaluations.worst.saying import Neighbour, Says

LEASE_SECONDS = 180
MOST = 2_000


class Work(NamedTuple):
    """A list to work on for a slice."""

    list_id: int
    run_id: int
    fence: int
    version: DatasetVersion


def ask(session: Session, run_id: int) -> None:
    """Have the worst cases of each contestant whose training rows are known drawn anew, and the
    rows nearest to them found.
    """
    moment = clock.now(session)
    for contestant_id, version_id in queries.trained_on(session, run_id).items():
        drawn = queries.list_of(session, contestant_id)
        if drawn is None:
            drawn = WorstList(run_id=run_id, contestant_id=contestant_id)
            session.add(drawn)
        drawn.version_id, drawn.is_drawn, drawn.attempts, drawn.due_at = (
            version_id,
            False,
            0,
            moment,
        )
        # Whoever is at it holds an older fence, and has lost it.
        drawn.fence, drawn.lease_until = (drawn.fence or 0) + 1, None
        session.flush()
        enqueue(session, "worst_cases.find", drawn.id)


def claim(session: Session, list_id: int) -> Work | None:
    """Take a list for a slice, drawn by now; None where it is not due, or another worker has it."""
    fence = leases.claim(session, WorstList, list_id, seconds=LEASE_SECONDS)
    if fence is None:
        return None
    drawn = session.get_one(WorstList, list_id)
    if not drawn.is_drawn:
        _draw(session, drawn)
    version = session.get_one(DatasetVersion, drawn.version_id)
    return Work(list_id, drawn.run_id, fence, version)


def _draw(session: Session, drawn: WorstList) -> None:
    run_id = drawn.run_id
    contestants = queries.contestants_of(session, run_id)
    place = next(at for at, one in enumerate(contestants, 1) if one.id == drawn.contestant_id)
    base = _base(contestants, queries.trained_on(session, run_id))
    found = queries.wrong_cases(session, run_id, drawn.contestant_id, place, base, most=MOST)
    session.execute(delete(WorstCase).where(WorstCase.list_id == drawn.id))
    rows = [
        {
            "list_id": drawn.id,
            "place": at,
            "run_id": run_id,
            "number": row.number,
            "case_id": row.case_id,
            "score": row.score,
            "is_lost": bool(row.is_lost),
            "near": [],
        }
        for at, row in enumerate(found, start=1)
    ]
    if rows:
        session.execute(insert(WorstCase), rows)
    drawn.base_place, drawn.is_drawn = base, True
    drawn.wrong = queries.wrong_count(session, run_id, place)
    drawn.cases, drawn.looked, drawn.rows = len(rows), 0, 0


def _base(contestants: Sequence[Contestant], trained: Mapping[int, int]) -> int | None:
    """Whom the others are to beat, by its place from 1: the first that was not tuned, rather one
    that is shown no examples.
    """
    others = [
        (one.shots is not None, at)
        for at, one in enumerate(contestants, 1)
        if one.id not in trained
    ]
    return min(others)[1] if others else None


def keep(
    session: Session,
    work: Work,
    found: Mapping[int, tuple[Says, Sequence[Neighbour]]],
    *,
    rows: int,
) -> bool:
    """Keep the rows found for the cases at these places. False where the list was given to somebody
    else, or drawn anew.
    """
    drawn = leases.hold(session, WorstList, work.list_id, work.fence)
    if drawn is None:
        return False
    session.execute(
        update(WorstCase),
        [
            {
                "list_id": work.list_id,
                "place": place,
                "says": says,
                "near": [list(one) for one in near],
                "likeness": near[0].likeness if near else 0.0,
            }
            for place, (says, near) in found.items()
        ],
    )
    drawn.looked, drawn.rows = drawn.looked + len(found), rows
    drawn.attempts = 0
    announce(session, f"evaluation_run:{work.run_id}")
    return leases.renew(session, WorstList, work.list_id, work.fence, seconds=LEASE_SECONDS)


def pass_on(session: Session, work: Work) -> None:
    """The slice is over, and more is to be found."""
    drawn = leases.hold(session, WorstList, work.list_id, work.fence)
    if drawn is not None:
        leases.settle(drawn, due_at=drawn.due_at)
        enqueue(session, "worst_cases.find", drawn.id)


def end(session: Session, work: Work, *, words: str | None = None) -> None:
    """All is found, or nothing more can be: `words` say why."""
    drawn = leases.hold(session, WorstList, work.list_id, work.fence)
    if drawn is not None:
        leases.settle(drawn, due_at=None, error=words)
        announce(session, f"evaluation_run:{work.run_id}")


def put_off(session: Session, work: Work, words: str, *, seconds: float) -> None:
    """The rows cannot be read just now: later, which costs no attempt."""
    drawn = leases.hold(session, WorstList, work.list_id, work.fence)
    if drawn is not None:
        leases.settle(drawn, due_at=clock.later(session, seconds), error=words)


def due_ids(session: Session) -> Sequence[int]:
    """The lists to work on."""
    return leases.due_ids(session, WorstList)
