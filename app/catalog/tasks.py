"""The worker's part: read each provider's list of models once a day, for the dates in it."""

from app.catalog import queries, service
from app.catalog.asking import read_base_models
from app.core import clock
from app.core.database import read_only, unit_of_work
from app.core.queue import Work, finds_work, task


@finds_work()
def waiting() -> list[Work]:
    """Every connection whose list of models is to be read again."""
    with read_only() as session:
        found = queries.connections_to_read(session, clock.now(session))
    return [("catalog.read", connection_id) for connection_id in found]


@task("catalog.read")
def read(connection_id: int) -> None:
    """Ask a connection's provider for its list of models; whoever did not answer is asked again
    tomorrow.
    """
    with unit_of_work() as session:
        is_ours = service.claim_reading(session, connection_id)
    if is_ours:
        read_base_models(connection_id)
