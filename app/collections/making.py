"""From a collection to a dataset version: its rows are written to a file, then received as an
upload is.
"""

from app.collections import queries, service
from app.collections.service import Made
from app.core.database import read_only, unit_of_work
from app.core.errors import Conflict
from app.core.storage import Blob, Incoming


def make(collection_id: int, *, actor_id: int) -> Made:
    """Writes a file: no session may be open. Raises Conflict where there are no rows, and what
    `service.make_version` does.
    """
    blob = _write(collection_id)
    with unit_of_work() as session:
        return service.make_version(session, collection_id, blob, actor_id=actor_id)


def _write(collection_id: int) -> Blob:
    with read_only() as session, Incoming() as incoming:
        for line in queries.lines_of(session, collection_id):
            incoming.write(f"{line}\n".encode())
        if not incoming.size:
            raise Conflict("There are no rows in it yet.")
        return incoming.keep()
