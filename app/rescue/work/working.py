"""A part in a worker's hands: taken, held while results are kept, and given back."""

from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy.orm import Session

from app.auth import service as auth
from app.connections import standing
from app.connections.models import Connection
from app.core import clock, leases, storage
from app.core.database import unit_of_work
from app.core.pages import size
from app.core.queue import enqueue
from app.providers.base import ProviderError
from app.rescue import queries
from app.rescue.models import RescuePart, Stage
from app.rescue.service import is_working, tell
from app.rescue.work.pace import Pace
from app.settings import settings

# Of what is home already nobody is asked: a refused key holds up nothing there.
ASKING = frozenset({Stage.LOOKING, Stage.FETCHING})
LEASE_SECONDS = 30.0
ROOM_SECONDS = HELD_SECONDS = 60.0
NO_ROOM = (
    "The disk is too small: what is still to come needs {wanted}, and {free} are free beyond what "
    "the database keeps; {missing} are missing. It goes on by itself as soon as there is room."
)
JUST_FULL = (
    "The disk is full: {free} are free beyond what the database keeps. It goes on by itself as "
    "soon as there is room."
)
NEEDS_KEY = "{words} It goes on by itself with another key, or when this one works again."
WAITS = "The provider asks to wait. It goes on by itself."


class Work(NamedTuple):
    """A claimed part, with its rescue and its connection as they were then."""

    part: RescuePart
    fence: int

    @property
    def connection(self) -> Connection:
        return self.part.connection


class Rest(NamedTuple):
    """How a slice ended before its stage did: when the next may begin, and why not at once."""

    seconds: float = 0.0
    words: str | None = None


def claim(session: Session, part_id: int) -> Work | None:
    """Take the next slice of a part; None when it is not due, its connection stands still, or it
    is at a stage of which only newer code knows.
    """
    is_known = RescuePart.stage.in_(Stage)
    fence = leases.claim(session, RescuePart, part_id, seconds=LEASE_SECONDS, where=[is_known])
    if fence is None:
        return None
    part = queries.part_at_work(session, part_id)
    if part.is_paused or not is_working(part):
        leases.settle(part, due_at=None)
        return None
    moment = clock.now(session)
    if part.stage in ASKING and standing.is_held(part.connection, moment):
        _stand_still(session, part, moment)
        return None
    return Work(part, fence)


def hold(session: Session, work: Work) -> RescuePart:
    """The part, locked until what was brought is kept, and its lease made longer. Raises LeaseLost
    when somebody else has it.
    """
    part = leases.keep(session, RescuePart, work.part.id, work.fence, seconds=LEASE_SECONDS)
    part.changed_at, part.words = clock.now(session), None
    tell(session, part, is_turn=False)
    return part


def keep_alive(work: Work) -> None:
    """Make the lease longer while something is waited for. Raises LeaseLost."""
    with unit_of_work() as session:
        hold(session, work)


def end_slice(session: Session, work: Work, rest: Rest | None, pace: Pace | None) -> None:
    """Give the part back: to go on after a rest, or in the stage that follows where there is none.
    What the provider said is kept with its connection.
    """
    if pace is not None and pace.has_answers:
        standing.record_answer(session, work.connection.id)
    part, moment = hold(session, work), clock.now(session)
    if pace is not None:
        part.pace, part.pace_limit = round(pace.rate, 2), pace.limit
    if rest is None:
        _turn(session, work, part, moment)
        rest = Rest()
    part.words = rest.words
    is_over = part.is_paused or not is_working(part)
    due_at = moment + timedelta(seconds=settings().wait(rest.seconds))
    leases.settle(part, due_at=None if is_over else due_at)
    if not (rest.seconds or is_over):
        enqueue(session, "rescue.step", part.id)


def _turn(session: Session, work: Work, part: RescuePart, moment: datetime) -> None:
    """The stage is over: set the next one."""
    match part.stage:
        case Stage.LOOKING:
            part.looked_at = moment
            part.stage = Stage.FETCHING if part.is_asked_for else Stage.LOOKED
        case Stage.FETCHING:
            part.fetched_at, part.stage = moment, Stage.VERIFYING
        case Stage.VERIFYING:
            part.verified_at, part.stage = moment, Stage.USING
        case Stage.USING:
            part.ended_at, part.stage = moment, Stage.DONE
            _record_end(session, work)
    part.place = {}
    tell(session, part, is_turn=True)


def _record_end(session: Session, work: Work) -> None:
    auth.record(
        session,
        "rescue.ended",
        f"rescue:{work.part.rescue_id}",
        actor_id=None,
        project_id=work.part.project_id,
        name=f"rescue {work.part.rescue_id}",
        connections=work.connection.name,
    )


def stop_for_key(session: Session, work: Work, error: ProviderError) -> None:
    """The key is refused: nothing more is asked until it is another, or works again."""
    standing.record_failure(session, work.connection, error)
    part = hold(session, work)
    _stand_still(session, part, clock.now(session))


def _stand_still(session: Session, part: RescuePart, moment: datetime) -> None:
    """Until the connection may be asked again: it is looked at now and then."""
    connection = session.get_one(Connection, part.connection_id)
    later = moment + timedelta(seconds=settings().wait(HELD_SECONDS))
    due_at = min(connection.not_before or later, later)
    if connection.refused_at is not None:
        part.words = NEEDS_KEY.format(words=connection.words or "")
        due_at = later
    elif standing.is_held(connection, moment):
        part.words = connection.words or WAITS
    else:  # it was given another key meanwhile
        part.words, due_at = None, moment
    leases.settle(part, due_at=None if part.is_paused else due_at)
    tell(session, part, is_turn=True)


def wait_for_room(session: Session, work: Work) -> None:
    """The disk has no room for what comes next: say how much is missing, and look again later."""
    part = hold(session, work)
    wanted = queries.bytes_waiting(session, part.connection_id)
    free = max(storage.room().free - settings().disk_reserve, 0)
    told = NO_ROOM if wanted > free else JUST_FULL
    part.words = told.format(free=size(free), wanted=size(wanted), missing=size(wanted - free))
    due_at = clock.later(session, ROOM_SECONDS)
    leases.settle(part, due_at=None if part.is_paused else due_at)
    tell(session, part, is_turn=True)
