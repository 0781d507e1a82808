"""F25: old and new code at once, as in the minutes of an update."""

import pytest

from app.connections.models import Connection
from app.core import queue
from app.core.database import unit_of_work
from app.datasets import tasks as datasets
from app.datasets.models import DatasetVersion
from app.jobs import tasks as jobs
from app.jobs.models import Job
from app.rescue import tasks as rescues
from app.rescue.models import RescuePart
from app.settings import settings
from tests import make
from tests.faults.stage import on
from tests.stage import job_of, one_database, read, version_of
from tests.waiting import eventually

NEWER = "translating"


@one_database
def test_F25_what_newer_code_wrote_is_shown_as_it_stands_and_left_alone(furnished, browser, script):
    with unit_of_work() as session:
        make.make_rescue(session, session.get_one(Connection, furnished.connection_id))
        part = session.query(RescuePart).one()
        moment = session.get_one(Job, furnished.job_id).created_at
        for model, row_id, field in (
            (Job, furnished.job_id, "status"),
            (DatasetVersion, furnished.version_id, "status"),
            (RescuePart, part.id, "stage"),
        ):
            row = session.get_one(model, row_id)
            setattr(row, field, NEWER)
            row.due_at, row.lease_until, row.attempts = moment, None, 0
    for _ in range(4):  # more often than a row may fail
        jobs.start(furnished.job_id)
        jobs.sweep(furnished.connection_id)
        datasets.check(furnished.version_id)
        rescues.step(part.id)
    for row, state in (
        (job_of(furnished.job_id), "status"),
        (version_of(furnished.version_id), "status"),
        (read(RescuePart, part.id), "stage"),
    ):
        assert (getattr(row, state), row.attempts, row.due_at) == (NEWER, 0, moment)

    owner, token = browser(furnished.users["owner"]), script(furnished.users["owner"])
    project = f"/projects/{furnished.project_id}"
    job, version = f"/jobs/{furnished.job_id}", f"/dataset-versions/{furnished.version_id}"
    for path in ("/", "/projects", project, f"{project}/jobs", job, f"{project}/datasets", version):
        answer = owner.get(path)
        assert answer.status_code in {200, 303}, f"{path}: {answer.status_code}"
    assert "Translating" in owner.get(job).text
    for path in (f"{project}/jobs", job, f"{project}/datasets", version):
        answer = token.get(path)
        assert answer.status_code == 200, f"{path}: {answer.text}"
    assert token.get(job).json()["status"] == NEWER


@one_database
def test_F25_a_form_of_older_or_newer_code_is_taken_or_clearly_refused(team, browser, script):
    owner, token = browser(team.users["owner"]), script(team.users["owner"])
    order = {
        "connection_id": team.connection_id,
        "base_model": make.BASE_MODEL,
        "method": "supervised",
        "training_version_id": team.version_id,
    }
    place = f"/projects/{team.project_id}/jobs"
    key = {"Idempotency-Key": "once"}
    refused = token.post(place, json={**order, "priority": "high"}, headers=key)
    assert refused.status_code == 422
    assert "priority" in refused.text
    assert token.post(place, json=order, headers=key).status_code == 201
    again = owner.post(place, {**order, "priority": "high", "request_key": "form:1"})
    assert again.status_code == 422
    older = owner.post(place, {"connection_id": team.connection_id})
    assert older.status_code == 422


@pytest.mark.full
@on("sqlite")
def test_F25_letters_that_only_newer_code_can_read_do_not_stop_a_worker(stage):
    stage.start("worker")
    queue.celery.conf.broker_url = queue.broker_url(settings().redis_url)
    queue.celery.amqp._producer_pool = None
    send = queue.celery.send_task
    for _ in range(20):
        send("jobs.translate", args=[1], queue="provider")
        send("jobs.start", args=[1], kwargs={"hurry": True}, queue="provider")
        send("jobs.start", args=[1, 2, 3], queue="provider")
        send("jobs.start", args=["one"], queue="provider")
        send("jobs.start", queue="provider")
    job_id = stage.queue_job()
    send("jobs.start", args=[job_id], kwargs={"hurry": True}, queue="provider")
    assert stage.settled(job_id, within=60).status == "running"
    eventually(lambda: "jobs.translate" in stage.programs["worker"].output)
    assert stage.programs["worker"].process.poll() is None
    queue.celery.amqp._producer_pool = None
    stage.invariants_hold()
