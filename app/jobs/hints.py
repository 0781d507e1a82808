"""What a webhook means for jobs: that it is time to look, and nothing else."""

from sqlalchemy.orm import Session

from app.connections import standing
from app.connections.models import Connection
from app.core import clock
from app.core.queue import enqueue
from app.jobs import queries_orders, queries_runs
from app.jobs.looks import LOOKS


def heard(session: Session, connection: Connection, run_id: str) -> str:
    """A provider says that one of its runs has ended: bring the next look at the connection's runs
    forward, where the run is a job's that goes on, or may be that of an order without an answer.
    The caller holds the connection's row; the word says what was done.
    """
    job = queries_runs.job_of_run(session, connection.id, run_id)
    if job is not None:
        if job.has_ended:
            return "known"
        _look_soon(session, connection)
        return "looked"
    if not queries_orders.has_open_order(session, connection.id):
        return "unknown"
    _look_soon(session, connection)
    _look_through_soon(session, connection)
    return "searched"


def _look_soon(session: Session, connection: Connection) -> None:
    standing.look_soon(session, connection)
    if connection.due_at is not None and connection.due_at <= clock.now(session):
        enqueue(session, "jobs.sweep", connection.id)


def _look_through_soon(session: Session, connection: Connection) -> None:
    """An order is out whose answer may be on its way: give it as long as the first look does."""
    soon = clock.later(session, LOOKS[0])
    if connection.orphans_due_at is None or connection.orphans_due_at > soon:
        connection.orphans_due_at = soon
