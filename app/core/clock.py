"""What time it is: the database's clock, so that machines need not agree with each other."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.settings import settings

_offset = timedelta()


def now(session: Session) -> datetime:
    """The database's time in UTC, cut to milliseconds, plus the offset that only tests set."""
    if session.get_bind().dialect.name == "sqlite":
        stamp = session.scalar(text("SELECT strftime('%Y-%m-%dT%H:%M:%f', 'now')"))
        moment = datetime.fromisoformat(str(stamp)).replace(tzinfo=UTC)
    else:
        moment = session.scalars(text("SELECT clock_timestamp()")).one().astimezone(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000) + _offset


def later(session: Session, seconds: float) -> datetime:
    """So many seconds from now: a wait as configured, which tests divide."""
    return now(session) + timedelta(seconds=settings().wait(seconds))


def shift(seconds: float) -> None:
    """Move the clock of this process; for tests only."""
    global _offset  # noqa: PLW0603 - the one place where tests bend time
    _offset = timedelta(seconds=seconds)
