"""A database's clock that is set back: what was due in a minute would be due in an hour."""

from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import CursorResult, Table, func, or_, select, update
from sqlalchemy.orm import Session

from app.core import clock
from app.core.heartbeat import Heartbeat
from app.core.orm import Base

log = structlog.get_logger(__name__)

NOTICED = timedelta(minutes=1)
# Moments that somebody waits for. Everything else tells what was, and stays as it was told.
WAITED_FOR = {
    "due_at",
    "lease_until",
    "not_before",
    "calls_spent_until",
    "watched_until",
    "test_due_at",
    "models_due_at",
    "orphans_due_at",
}


def mend(session: Session) -> None:
    """If the last signs of life lie ahead, the clock was set back by as much: what waits waits no
    longer than it would have. Of several processes the first that notices does it.
    """
    moment = clock.now(session)
    latest = session.scalar(select(func.max(Heartbeat.at)))
    if latest is None or latest - moment < NOTICED:
        return
    ahead = update(Heartbeat).where(Heartbeat.at > moment).values(at=moment)
    noticed: CursorResult[Any] = session.execute(ahead)  # type: ignore[assignment]
    if noticed.rowcount == 0:  # another was faster
        return
    back = latest - moment
    log.warning("clock.set_back", seconds=back.total_seconds())
    for table in Base.metadata.sorted_tables:
        if WAITED_FOR & set(table.columns.keys()):
            _bring_forward(session, table, moment, back)


def _bring_forward(session: Session, table: Table, moment: datetime, back: timedelta) -> None:
    waits = [column for column in table.columns if column.name in WAITED_FOR]
    late = or_(*(column > moment for column in waits))
    (key,) = table.primary_key
    for row_id, *moments in session.execute(select(key, *waits).where(late)).all():
        sooner = {
            column: at - back
            for column, at in zip(waits, moments, strict=True)
            if at is not None and at > moment
        }
        session.execute(update(table).where(key == row_id).values(sooner))
