"""No request is made that is not needed, counted by the other side."""

from datetime import UTC, datetime

from app.connections import service as connections
from app.connections.models import Connection
from app.core.database import unit_of_work
from app.rescue.models import Stage
from tests.stage import one_database
from tests.witness import history, needed

FOLLOWED = ("events", "checkpoints")


@one_database
def test_a_rescue_asks_for_each_thing_once_and_the_next_one_only_for_what_may_be_new(
    begin, workshop, witness
):
    day = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    history.fill(witness, now=int(day.timestamp()), jobs=6, files=6, evals=2, runs=1, items=120)
    with unit_of_work() as session:
        connection = session.get_one(Connection, workshop.connection_id)
        connections.change_connection(
            session, connection, actor_id=workshop.users["owner"], admin_key=witness.admin_key
        )
    files, runs = witness.tell("/_files", {})["data"], witness.runs
    wanted = needed.requests(
        witness.expected(),
        files=len(files),
        first_job=min(run["created_at"] for run in runs),
    )

    assert begin(workshop).work().stage == Stage.DONE

    assert witness.journal.counts() == wanted
    assert witness.journal.methods_used() == {"GET"}

    witness.journal.clear()
    assert begin(workshop).work().stage == Stage.DONE

    again = witness.journal.counts()
    assert {route: again[route] for route in again if again[route] > wanted[route]} == {}
    unended = {run["id"] for run in runs if run["status"] == "running"}
    asked = {
        request.path.split("/")[-2]
        for request in witness.journal.read()
        if request.path.split("/")[-1] in FOLLOWED
    }
    assert asked == unended
    assert not [route for route in again if route.endswith(("content", "items", "permissions"))]
