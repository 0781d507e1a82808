"""The worker's part: a rescue goes slice by slice, and any worker can take the next."""

from collections.abc import Callable

from app.core import leases
from app.core.database import read_only, unit_of_work
from app.core.errors import DiskFull
from app.core.leases import LeaseLost
from app.core.queue import Work as Letter
from app.core.queue import finds_work, task
from app.providers.base import KeyRejected
from app.rescue.models import RescuePart, Stage
from app.rescue.using import use_next
from app.rescue.work import working
from app.rescue.work.asking import Asker
from app.rescue.work.fetching import fetch
from app.rescue.work.looking import look
from app.rescue.work.pace import Pace
from app.rescue.work.verifying import verify
from app.rescue.work.working import Rest, Work
from app.settings import settings

# One download may be long; its slice lasts until it is home.
LONGEST_SECONDS = 6 * 3600


@finds_work()
def waiting() -> list[Letter]:
    """Every part of a rescue that is due."""
    with read_only() as session:
        return [("rescue.step", part_id) for part_id in leases.due_ids(session, RescuePart)]


# Not on the queue of checks: what comes home is checked there, file by file, and what is still to
# come would wait behind it.
@task("rescue.step", time_limit=LONGEST_SECONDS)
def step(part_id: int) -> None:
    """Work at one part of a rescue for a while: look around, fetch, verify, use."""
    with unit_of_work() as session:
        work = working.claim(session, part_id)
    if work is None:
        return
    try:
        STAGES[Stage(work.part.stage)](work)
    except LeaseLost:
        return
    except KeyRejected as error:
        with unit_of_work() as session:
            working.stop_for_key(session, work, error)
    except DiskFull:
        with unit_of_work() as session:
            working.wait_for_room(session, work)


def _asking(go: Callable[[Work, Asker], Rest | None]) -> Callable[[Work], None]:
    """A slice that asks the provider, at the pace that the last one found."""

    def ask(work: Work) -> None:
        pace = Pace(work.part.pace, work.part.pace_limit)
        with Asker(work.connection, pace) as asker:
            rest = go(work, asker)
        _end(work, rest, pace)

    return ask


def _verify(work: Work) -> None:
    _end(work, verify(work))


def _use(work: Work) -> None:
    is_done = use_next(work.part, settings().slice_seconds)
    _end(work, None if is_done else Rest())


def _end(work: Work, rest: Rest | None, pace: Pace | None = None) -> None:
    with unit_of_work() as session:
        working.end_slice(session, work, rest, pace)


STAGES: dict[Stage, Callable[[Work], None]] = {
    Stage.LOOKING: _asking(look),
    Stage.FETCHING: _asking(fetch),
    Stage.VERIFYING: _verify,
    Stage.USING: _use,
}
