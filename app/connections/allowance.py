"""The pace of calls over a connection: a profile's requests a minute, shared by every process.

The count is a column of the connection's row, so that it outlives brokers and processes.
"""

import time

from app.connections import standing
from app.connections.models import Connection
from app.core.database import unit_of_work
from app.core.http import HeldBack
from app.providers.profiles import profiles
from app.settings import settings

PATIENCE_SECONDS = 3.0
MOST_AT_ONCE, AT_ONCE_PER = 10, 300


class Allowance:
    """What one opened provider may send: call it before each request. A trainer of ours has no
    limit.

    Where requests are plenty it reserves several at once, and forgets those it does not use. Not
    for use by two threads at once.
    """

    def __init__(self, connection: Connection, *, is_urgent: bool) -> None:
        able = profiles()[connection.profile].capabilities
        self._is_free = able.is_ours
        self._at_once = min(max(able.requests_per_minute // AT_ONCE_PER, 1), MOST_AT_ONCE)
        self._connection, self._is_urgent, self._left = connection, is_urgent, 0
        self._patience_seconds = settings().wait(PATIENCE_SECONDS)

    def take_what_is_left(self) -> None:
        """From now on wait for no turn, and leave some to those who do."""
        self._patience_seconds, self._is_urgent = 0.0, False

    def __call__(self) -> None:
        """Wait a moment for a turn. Raises HeldBack when it is further away than that."""
        if self._is_free:
            return
        until = time.monotonic() + self._patience_seconds
        while not self._left:
            wait = self._reserve()
            if wait and time.monotonic() + wait > until:
                raise HeldBack("Luthier sends no faster than this provider allows.", wait)
            time.sleep(wait)
        self._left -= 1

    def _reserve(self) -> float:
        """In a unit of work of its own: a call counts whatever becomes of what it was for."""
        with unit_of_work() as session:
            wait = standing.reserve_calls(
                session, self._connection, count=self._at_once, is_urgent=self._is_urgent
            )
        self._left = 0 if wait else self._at_once
        return wait
