"""How a connection stands: what its provider last said of the key, and how long calls wait."""

import random
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from app.connections import queries
from app.connections.keys import KeyUnreadable
from app.connections.models import Connection
from app.core import clock
from app.core.events import announce
from app.providers.base import (
    AccountInfo,
    AllowanceSpent,
    KeyRejected,
    ProviderError,
    ProviderUnavailable,
)
from app.providers.profiles import profiles
from app.settings import settings

LONGEST_WAIT_SECONDS = 86_400.0
ANSWERED_EVERY = timedelta(minutes=1)
FIRST_READING_SECONDS = 3_600.0
# A refused key is tried again when as much time has passed as it was refused for, within these.
FIRST_PROBE_SECONDS, LAST_PROBE_SECONDS = 900.0, 14_400.0

# A little less than the clock's own second, which finds what is due.
TICK = timedelta(seconds=0.4)
LATER_BY_CHANCE_SECONDS = 1.0

# What higher domains know of a connection's old key or address, dropped in the same unit of work;
# filled by app/reactions.py.
FORGET: list[Callable[[Session, int], None]] = []
# What goes on there when a connection that was held with these words is held no more before its
# time; filled by app/reactions.py.
GO_ON: list[Callable[[Session, int, str | None], None]] = []
# Who is told that a connection's key is refused from now on; filled by app/reactions.py.
REFUSED: list[Callable[[Session, Connection], None]] = []


def record_answer(session: Session, connection_id: int) -> None:
    """The provider answered: nothing holds the connection any more, but for a wait that somebody
    else was asked for meanwhile.
    """
    connection = session.get_one(Connection, connection_id)
    moment = clock.now(session)
    if connection.refused_at is not None:
        connection.not_before = None  # that was the wait for a key that works
    if connection.words or connection.refused_at or connection.checked_at is None:
        connection.words = connection.refused_at = None
        connection.checked_at = moment
        tell(session, connection)
    if connection.not_before is not None and connection.not_before <= moment:
        connection.not_before = None
    if connection.answered_at is None or moment - connection.answered_at > ANSWERED_EVERY:
        connection.answered_at = moment


def record_account(session: Session, asked: Connection, found: AccountInfo) -> None:
    """Keep whose key it is and what it may do, with the date; the server's own profile counts."""
    connection = unless_changed(session, asked)
    if connection is None:
        return
    was_held, words = is_held(connection, clock.now(session)), connection.words
    connection.not_before = None
    record_answer(session, connection.id)
    connection.profile = found.profile
    connection.account_at = connection.checked_at = clock.now(session)
    if connection.account is None:  # what stops there, and when, is the next question
        connection.models_due_at = connection.checked_at
    connection.account = asdict(found)
    if was_held:
        connection.due_at = connection.checked_at
        for go_on in GO_ON:
            go_on(session, connection.id, words)
    tell(session, connection)


def record_failure(session: Session, asked: Connection, error: ProviderError) -> None:
    """Keep the provider's words where people see them; a refused key stops the connection. `asked`
    is the connection as it was asked: a key entered since then has not been judged.
    """
    connection = unless_changed(session, asked)
    if connection is None or isinstance(error, AllowanceSpent):
        return
    moment = connection.checked_at = clock.now(session)
    if isinstance(error, KeyRejected):
        connection.words = _refusal(connection, error)
        if connection.refused_at is None:
            connection.refused_at = moment
            for told in REFUSED:
                told(session, connection)
        _probe_later(connection, moment, is_useless=isinstance(error, KeyUnreadable))
    elif connection.refused_at is not None and isinstance(error, ProviderUnavailable):
        _probe_later(connection, moment)  # who does not answer says nothing of the key
    else:
        if connection.refused_at is not None:
            connection.not_before = None
        connection.words, connection.refused_at = error.message, None
    tell(session, connection)


def _refusal(connection: Connection, error: KeyRejected) -> str:
    if error.said is None:
        return error.message
    verb = "no longer accepts" if connection.answered_at else "does not accept"
    return f'{profiles()[connection.profile].label} {verb} this key: "{error.said}"'


def _probe_later(connection: Connection, moment: datetime, *, is_useless: bool = False) -> None:
    """Nothing is sent until then; one look then shows whether the key works again."""
    refused_for = (moment - (connection.refused_at or moment)).total_seconds()
    first, last = settings().wait(FIRST_PROBE_SECONDS), settings().wait(LAST_PROBE_SECONDS)
    wait = timedelta(seconds=min(max(refused_for, first), last))
    connection.not_before = connection.due_at = None if is_useless else moment + wait


def hold(
    session: Session, asked: Connection, error: ProviderError, *, seconds: float
) -> datetime | None:
    """Keep the words, and let all calls over the connection wait; until when they do, None for ever
    or until another key is entered. A longer wait that was asked for earlier holds.
    """
    record_failure(session, asked, error)
    connection = session.get_one(Connection, asked.id)
    if connection.refused_at is not None:
        return connection.not_before
    # Not all connections of a provider come back at the same moment.
    seconds += random.uniform(0, LATER_BY_CHANCE_SECONDS)  # noqa: S311 - spreads load
    wait = timedelta(seconds=settings().wait(min(max(seconds, 1.0), LONGEST_WAIT_SECONDS)))
    until = max(clock.now(session) + wait, connection.not_before or clock.now(session))
    connection.not_before = until
    return until


def is_held(connection: Connection, moment: datetime) -> bool:
    """True while nothing may be sent over it: it was told to wait, or its key is refused."""
    is_waiting = connection.not_before is not None and connection.not_before > moment
    return is_waiting or connection.refused_at is not None


def look_every(connection: Connection) -> timedelta:
    """How soon after each other the looks at its runs may come, while somebody waits for them."""
    return timedelta(seconds=profiles()[connection.profile].capabilities.watch_seconds)


def soonest_look(connection: Connection) -> datetime | None:
    """Before when its runs are not looked at, however many ask for it; None: now."""
    waits = [connection.not_before]
    if connection.swept_at is not None:
        waits.append(connection.swept_at + look_every(connection) - TICK)
    return max((wait for wait in waits if wait is not None), default=None)


def look_soon(session: Session, connection: Connection) -> None:
    """Somebody waits for news, or there may be some: look at its runs now, or as soon as may be.
    Many who ask together are one look.
    """
    if connection.refused_at is not None:
        return
    moment = clock.now(session)
    at = max(moment, soonest_look(connection) or moment)
    # While a look is out, its time stands for its own beginning.
    is_out = connection.lease_until is not None and connection.lease_until > moment
    if is_out or connection.due_at is None or connection.due_at > at:
        connection.due_at = at


def reserve_calls(
    session: Session, connection: Connection, *, count: int, is_urgent: bool
) -> float:
    """Reserve calls within the profile's requests a minute. Seconds to wait before trying again; 0
    when they are reserved.

    A leaky bucket (GCRA): three quarters of the allowance flow steadily, a quarter may come at
    once, so that no minute sees more than the whole. What nobody watches leaves half of that
    quarter to what somebody does.
    """
    per_minute = profiles()[connection.profile].capabilities.requests_per_minute
    each = timedelta(seconds=settings().wait(60 / (per_minute * 0.75)))
    burst = each * max(per_minute // 4 - count, 0) / (1 if is_urgent else 2)
    moment = clock.now(session)
    spent_until = max(queries.calls_spent_until(session, connection.id) or moment, moment)
    wait = (spent_until - moment - burst).total_seconds()
    if wait > 0:
        return wait
    queries.set_calls_spent_until(session, connection.id, spent_until + each * count)
    return 0.0


def forget(session: Session, connection: Connection) -> None:
    """Another key or address: what was said of the old one is no longer true, and nothing waits."""
    for go_on in GO_ON:
        go_on(session, connection.id, connection.words)
    connection.words = connection.refused_at = connection.not_before = None
    connection.account = connection.account_at = None
    connection.checked_at = connection.answered_at = None
    connection.due_at = clock.now(session)
    connection.models_due_at = connection.due_at + first_reading()
    for forget_too in FORGET:
        forget_too(session, connection.id)
    tell(session, connection)


def first_reading() -> timedelta:
    """After which time the list of models is read by itself, where no form asked for it before."""
    return timedelta(seconds=settings().wait(FIRST_READING_SECONDS))


def tell(session: Session, connection: Connection) -> None:
    """Tell open pages that the connection changed."""
    announce(session, f"connection:{connection.id}", f"project:{connection.project_id}")


def unless_changed(session: Session, asked: Connection) -> Connection | None:
    """The row as it is now; None when it is gone, or another key or address was asked: what that
    one answered says nothing of this one.
    """
    connection = session.get(Connection, asked.id)
    if connection is None:
        return None
    is_same = (connection.sealed_key, connection.base_url) == (asked.sealed_key, asked.base_url)
    return connection if is_same else None
