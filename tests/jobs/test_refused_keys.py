"""A refused key stops its connection: nothing is lost, nothing is asked, people are told."""

import json as _json

import pytest

from app.connections.models import Connection
from app.connections.service import change_connection
from app.connections.standing import record_failure
from app.core.database import unit_of_work
from app.datasets.models import DatasetVersion
from app.jobs import tasks
from app.jobs.models import JobStatus
from app.projects.models import Project
from app.providers.base import KeyRejected
from tests import make
from tests.jobs.steps import answer, queue_job
from tests.stage import connection_of, job_of
from tests.witness import handle
from tests.witness.script import CHAT, CREATE_RUN, LIST_FILES, UPLOAD, Fault, refusal

SAID = "Incorrect API key provided."


@pytest.mark.parametrize("route", [LIST_FILES, UPLOAD, CREATE_RUN])
def test_a_key_refused_at_any_step_lets_starts_wait_and_another_key_wakes_them(
    workshop, witness, letters, route
):
    said = _json.dumps(refusal("Incorrect API key provided."))
    witness.script(Fault(route, status=401, body=said))
    first, second = queue_job(workshop), queue_job(workshop, key="form:2")
    tasks.start(first)
    asked = len(witness.journal.read())

    for job_id in (first, second):
        tasks.start(job_id)
    letters.tasks.clear()
    letters.ring(tasks.waiting)

    assert len(witness.journal.read()) == asked
    assert letters.tasks == []
    assert {job_of(first).status, job_of(second).status} == {"starting", "queued"}
    words = connection_of(workshop.connection_id).words
    assert words == 'OpenAI does not accept this key: "Incorrect API key provided."'
    with unit_of_work() as session:
        connection = session.get_one(Connection, workshop.connection_id)
        actor = workshop.users["owner"]
        change_connection(session, connection, actor_id=actor, api_key=handle.KEY)
    letters.ring(tasks.waiting)
    letters.deliver()
    assert {job_of(first).status, job_of(second).status} == {JobStatus.RUNNING}
    assert len(witness.runs) == 2


def test_a_refusal_of_one_model_fails_that_job_and_stops_nothing_else(workshop, witness):
    witness.script(answer(403, "Project `p` does not have access to model `m`."))
    refused, other = queue_job(workshop), queue_job(workshop, key="form:2")
    for job_id in (refused, other):
        tasks.start(job_id)
    assert job_of(refused).status == JobStatus.FAILED
    assert job_of(other).status == JobStatus.RUNNING
    assert connection_of(workshop.connection_id).refused_at is None


def test_a_refused_key_is_told_where_somebody_could_miss_it(team, browser):
    job_id = queue_job(team)
    with unit_of_work() as session:
        connection = session.get_one(Connection, team.connection_id)
        connection.answered_at = connection.created_at
        record_failure(session, connection, KeyRejected("No.", said=SAID))
    editor = browser(team.users["editor"])
    for path in (
        f"/projects/{team.project_id}",
        f"/projects/{team.project_id}/connections",
        f"/projects/{team.project_id}/jobs/new",
        f"/connections/{team.connection_id}",
        f"/jobs/{job_id}",
    ):
        shown = editor.get(path).text
        assert "OpenAI no longer accepts this key: &#34;Incorrect API key provided.&#34;" in shown
        assert f"/connections/{team.connection_id}" in shown
    assert "Jobs wait until you change it." in shown


def test_nobody_talks_over_a_connection_whose_key_is_refused(workshop, script, witness):
    with unit_of_work() as session:
        project = session.get_one(Project, workshop.project_id)
        connection = session.get_one(Connection, workshop.connection_id)
        version = session.get_one(DatasetVersion, workshop.version_id)
        model = make.make_model(session, project, connection, version, model_name="ft:x")
    witness.script(Fault(CHAT, status=401, body=_json.dumps(refusal(SAID))))
    question = {"messages": [{"role": "user", "content": "Hello"}]}
    sends = script(workshop.users["editor"])

    first = sends.post(f"/models/{model.id}/chat", json=question)
    second = sends.post(f"/models/{model.id}/chat", json={**question, "stream": True})

    assert (first.status_code, second.status_code) == (502, 409)
    assert SAID in first.json()["detail"]
    assert SAID in second.json()["detail"]
    assert len(witness.journal.read(CHAT)) == 1
    assert connection_of(workshop.connection_id).due_at is not None, "somebody looks again"


def test_a_probe_notices_a_key_that_works_again_where_no_job_runs(workshop, witness):
    with unit_of_work() as session:
        connection = session.get_one(Connection, workshop.connection_id)
        record_failure(session, connection, KeyRejected("No.", said=SAID))
        assert connection.due_at == connection.not_before
        connection.due_at = connection.not_before = connection.created_at
    tasks.sweep(workshop.connection_id)
    after = connection_of(workshop.connection_id)
    assert (after.refused_at, after.words, after.not_before) == (None, None, None)
    assert len(witness.journal.read()) == 1
