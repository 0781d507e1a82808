"""The worker's part: send what is due, one message at a time on each way out."""

import time

from app.core import instance
from app.core.database import read_only, unit_of_work
from app.core.queue import Work, finds_work, task
from app.notices.sending import carrying, queries, service

SLICE_SECONDS = 5.0


@finds_work("ingest")
def waiting() -> list[Work]:
    """The next delivery on every way out; none while the instance is held."""
    with read_only() as session:
        if instance.held(session) is not None:
            return []
        return [("notices.send", row_id) for row_id in queries.next_ways(session)]


@task("notices.send", queue="ingest")
def send(delivery_id: int) -> None:
    """Send a delivery, and those that go the same way after it, until one fails or a few seconds
    are over. A worker that dies after sending leaves it to be sent once more, with the same id.
    """
    ends_at = time.monotonic() + SLICE_SECONDS
    following: int | None = delivery_id
    while following is not None and time.monotonic() < ends_at:
        with unit_of_work() as session:
            sending = service.claim(session, following)
        if sending is None:
            return
        outcome = carrying.carry(sending)
        with unit_of_work() as session:
            following = service.record(session, sending, outcome)
