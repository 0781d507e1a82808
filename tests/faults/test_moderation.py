"""A worker that dies while a version's rows are put before a provider."""

from collections import Counter

from app.connections.models import Connection
from app.core.database import read_only, unit_of_work
from app.datasets import queries as datasets
from app.datasets.moderation import queries, service
from app.projects.models import Project
from app.providers.moderation import MOST_TEXTS
from tests import make
from tests.faults.stage import BOOT_SECONDS, CONVERGED_SECONDS, on
from tests.waiting import eventually
from tests.witness.script import Fault

ROUTE = "POST /v1/moderations"
QUESTIONS = 4


@on(full=("sqlite", "postgresql"))
def test_a_worker_killed_in_the_middle_is_followed_by_one_that_asks_for_no_kept_answer_again(stage):
    with unit_of_work() as session:
        project = session.get_one(Project, stage.team.project_id)
        rows = [make.chat_row(f"Where is {n}?", "There.") for n in range(QUESTIONS * MOST_TEXTS)]
        made = make.make_checked_version(session, project, b"".join(rows), name="Many")
        version_id = made.id
    with unit_of_work() as session:
        version = datasets.version_by_id(session, version_id)
        connection = session.get_one(Connection, stage.team.connection_id)
        service.begin(session, version, connection, actor_id=stage.team.users["editor"])
    stage.witness.script(Fault(ROUTE, end="real", delay=120, skip=2))
    stage.start("beat", "worker")
    eventually(lambda: len(stage.witness.journal.read(ROUTE)) == 3, within=BOOT_SECONDS)
    stage.kill("worker")
    with read_only() as session:
        begun = queries.moderation_of(session, version_id)
        assert (begun.status, begun.n) == ("asking", 2 * MOST_TEXTS)
    stage.start("worker")

    def is_done():
        with read_only() as session:
            found = queries.moderation_of(session, version_id)
            return found.status == "done" and found.n == QUESTIONS * MOST_TEXTS

    eventually(is_done, within=CONVERGED_SECONDS)
    asked = Counter(tuple(one.body["input"]) for one in stage.witness.journal.read(ROUTE))
    assert sum(map(len, asked)) == QUESTIONS * MOST_TEXTS
    # The third was on its way when the worker died: nobody knows its answer, and it comes again.
    assert list(asked.values()) == [1, 1, 2, 1]
    stage.invariants_hold()
