"""What people decide about a rescue: begin, go, pause, resume, ask again, verify."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from sqlalchemy import update
from sqlalchemy.orm import Session

from app.auth import service as auth
from app.connections.models import Connection
from app.connections.service import capabilities_of
from app.core import clock
from app.core.errors import Conflict, WrongInput
from app.core.events import announce
from app.core.queue import enqueue
from app.rescue import queries
from app.rescue.models import Outcome, Rescue, RescuedObject, RescuePart, Stage

ABILITY = "archive"
HAS_COME = {Stage.VERIFYING, Stage.USING, Stage.DONE}
ASKED_AGAIN = (Outcome.REFUSED, Outcome.GONE, Outcome.FAILED)


class Asking(Protocol):
    """What a person asks of a rescue that is there."""

    def __call__(self, session: Session, rescue: Rescue, *, actor_id: int) -> None: ...


def begin(
    session: Session,
    *,
    project_id: int,
    actor_id: int,
    connections: Sequence[Connection],
    with_completions: bool,
    is_asked_for: bool,
) -> Rescue:
    """A new rescue over connections of one project: it looks at once, and fetches when it is asked
    for. A look over one of them that nobody followed up ends here.

    Raises WrongInput where a provider has no history to give, Conflict while another rescue works
    over one of them.
    """
    for connection in connections:
        if ABILITY not in capabilities_of(connection).abilities:
            words = f"{connection.name} is at a provider that gives no history."
            raise WrongInput.field("connection_ids", words)
    _free(session, connections)
    moment = clock.now(session)
    rescue = Rescue(
        project_id=project_id,
        with_completions=with_completions,
        created_by=actor_id,
        created_at=moment,
    )
    rescue.parts = [
        _part(session, connection, moment, is_asked_for=is_asked_for) for connection in connections
    ]
    session.add(rescue)
    session.flush()
    for part in rescue.parts:
        enqueue(session, "rescue.step", part.id)
    _record(session, rescue, "rescue.begun", actor_id)
    return rescue


def _part(
    session: Session, connection: Connection, moment: datetime, *, is_asked_for: bool
) -> RescuePart:
    """Work over one connection, at the pace that the last rescue found there."""
    last = queries.newest_part_over(session, connection.id)
    return RescuePart(
        project_id=connection.project_id,
        connection_id=connection.id,
        connection=connection,
        stage=Stage.LOOKING,
        is_asked_for=is_asked_for,
        place={},
        kinds={},
        pace=last.pace if last else None,
        pace_limit=last.pace_limit if last else None,
        due_at=moment,
        changed_at=moment,
    )


def go(session: Session, rescue: Rescue, *, actor_id: int) -> None:
    """Fetch what the look found, or will have found. Asked twice it is no different."""
    parts = [part for part in rescue.parts if not part.is_asked_for]
    for part in parts:
        part.is_asked_for = True
        if part.stage == Stage.LOOKED and part.ended_at is None:
            _begin_stage(session, part, Stage.FETCHING)
    if parts:
        _record(session, rescue, "rescue.asked_for", actor_id)


def pause(session: Session, rescue: Rescue, *, actor_id: int) -> None:
    """Stand still after what is under way. Raises Conflict when nothing works."""
    parts = [part for part in rescue.parts if is_working(part) and not part.is_paused]
    if not parts:
        raise Conflict("Nothing of this rescue is at work.")
    for part in parts:
        part.is_paused, part.due_at = True, None
        part.changed_at = clock.now(session)
    _record(session, rescue, "rescue.paused", actor_id)


def resume(session: Session, rescue: Rescue, *, actor_id: int) -> None:
    """Go on where it was: after a pause, or at once where it waits or was given up. Raises Conflict
    when nothing is left to do.
    """
    parts = [part for part in rescue.parts if is_working(part)]
    if not parts:
        raise Conflict("Nothing of this rescue waits to go on.")
    for part in parts:
        part.is_paused, part.attempts, part.words = False, 0, None
        _wake(session, part)
    _record(session, rescue, "rescue.resumed", actor_id)


def ask_again(session: Session, rescue: Rescue, *, actor_id: int) -> None:
    """Look again, and try once more for all that was refused, gone, damaged, or failed. Raises
    Conflict while another rescue works over one of the connections.
    """
    connections = [part.connection for part in rescue.parts]
    _free(session, connections, but=rescue)
    theirs = RescuedObject.connection_id.in_([one.id for one in connections])
    lost = {"sha256": None, "size": None, "lines": None}
    anew = {"outcome": Outcome.WAITING, "tries": 0, "retry_at": None, "error": None}
    for outcomes, values in (((Outcome.DAMAGED,), {**anew, **lost}), (ASKED_AGAIN, anew)):
        session.execute(
            update(RescuedObject)
            .where(theirs, RescuedObject.outcome.in_(outcomes))
            .values(**values)
            .execution_options(synchronize_session=False)
        )
    for part in rescue.parts:
        part.is_asked_for, part.is_paused = True, False
        _begin_stage(session, part, Stage.LOOKING)
    _record(session, rescue, "rescue.asked_again", actor_id)


def verify(session: Session, rescue: Rescue, *, actor_id: int) -> None:
    """Read every stored byte again and compare. Raises Conflict while anything is still to come:
    what came is verified then by itself.
    """
    if not all(part.stage in HAS_COME for part in rescue.parts):
        raise Conflict("Not everything has come yet; it is verified by itself as soon as it has.")
    _free(session, [part.connection for part in rescue.parts], but=rescue)
    for part in rescue.parts:
        _begin_stage(session, part, Stage.VERIFYING, place={"everything": True})
    _record(session, rescue, "rescue.verified", actor_id)


def wake(session: Session, connection_id: int) -> None:
    """Another key or address: what stands still over the connection goes on at once."""
    for part in queries.unended_parts(session, [connection_id]):
        if is_working(part) and not part.is_paused:
            part.attempts, part.words = 0, None
            _wake(session, part)


def is_working(part: RescuePart) -> bool:
    """True while something is left to do that needs no further word, a pause aside."""
    return part.ended_at is None and part.stage != Stage.LOOKED


def tell(session: Session, part: RescuePart, *, is_turn: bool) -> None:
    """Open pages look again: the rescue's own, and at a turn those of the project."""
    announce(session, f"rescue:{part.rescue_id}")
    if is_turn:
        announce(session, f"project:{part.project_id}")


def _free(
    session: Session, connections: Sequence[Connection], *, but: Rescue | None = None
) -> None:
    """Nobody else begins over these connections until the unit of work ends. Ends looks that nobody
    followed up; raises Conflict where another rescue works.
    """
    for connection in sorted(connections, key=lambda one: one.id):
        session.refresh(connection, with_for_update=True)
    for part in queries.unended_parts(session, [one.id for one in connections]):
        if but is not None and part.rescue_id == but.id:
            continue
        if part.stage != Stage.LOOKED:
            raise Conflict(
                f"Rescue {part.rescue_id} is at work over one of these connections. "
                "Wait until it has ended; what it brings home belongs to all rescues."
            )
        part.stage, part.ended_at = Stage.DONE, clock.now(session)
        part.due_at = None
        tell(session, part, is_turn=True)


def _begin_stage(
    session: Session, part: RescuePart, stage: Stage, place: dict[str, object] | None = None
) -> None:
    """Set a part to a stage's beginning, whoever holds it."""
    part.stage, part.place, part.words, part.ended_at = stage, place or {}, None, None
    if stage is Stage.LOOKING:
        part.kinds = {}
    part.fence += 1
    part.lease_until, part.attempts = None, 0
    _wake(session, part)


def _wake(session: Session, part: RescuePart) -> None:
    part.due_at = part.changed_at = clock.now(session)
    enqueue(session, "rescue.step", part.id)


def _record(session: Session, rescue: Rescue, verb: str, actor_id: int) -> None:
    names = ", ".join(part.connection.name for part in rescue.parts)
    auth.record(
        session,
        verb,
        f"rescue:{rescue.id}",
        actor_id=actor_id,
        project_id=rescue.project_id,
        name=f"rescue {rescue.id}",
        connections=names,
    )
    announce(session, f"rescue:{rescue.id}", f"project:{rescue.project_id}")
