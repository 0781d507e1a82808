"""Connections to PostgreSQL on which nobody waits for ever: a network that was cut, a machine that
froze, and a disk that hangs say nothing at all.
"""

from typing import Any, TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.pq import TransactionStatus

Answer = TypeVar("Answer")

# The server gives up on a statement first, and says so: whoever is silent for longer is not there.
STATEMENT_SECONDS, ANSWER_SECONDS = 15, 20.0
CONNECT_SECONDS = 5


class Connection(psycopg.Connection[Any]):
    """Gives up on a server that is silent, and is closed then: an answer that comes later would be
    taken for that to the next question.
    """

    def wait(
        self, gen: PQGen[Answer], interval: float = 0.1, timeout: float | None = None
    ) -> Answer:
        """What the server says. Raises psycopg.OperationalError."""
        try:
            return super().wait(gen, interval, timeout or ANSWER_SECONDS)
        except psycopg.OperationalError:
            if self.info.transaction_status == TransactionStatus.ACTIVE:
                self.close()
            raise


def connect(_dialect: object, _record: object, words: list[Any], settings: dict[str, Any]) -> Any:
    """For SQLAlchemy's event `do_connect`."""
    return Connection.connect(
        *words,
        **settings,
        connect_timeout=CONNECT_SECONDS,
        options=f"-c statement_timeout={STATEMENT_SECONDS * 1000} -c timezone=UTC",
    )
