"""The paid start: one order, whatever happens, counted in the witness's journal."""

import json as _json

import pytest

from app.auth.models import Activity
from app.connections import standing
from app.connections.models import Connection
from app.core import clock, storage
from app.core.database import read_only, unit_of_work
from app.core.errors import Conflict
from app.jobs import service, starts, tasks
from app.jobs.models import Job, JobStatus
from app.providers.base import NotSent
from tests import make
from tests.jobs.steps import answer, attempts_of, log_of, lose_lease, make_due, queue_job
from tests.make import BASE_MODEL
from tests.stage import connection_of, job_of, one_database, version_of
from tests.witness.script import CREATE_RUN, LIST_FILES, UPLOAD, Fault, refusal


def test_a_queued_job_becomes_one_tagged_run(workshop, witness):
    job_id = queue_job(workshop, suffix="june", seed=5, hyperparameters={"n_epochs": 2})

    tasks.start(job_id)

    job = job_of(job_id)
    (order,) = witness.creates
    (run,) = witness.runs
    assert job.status == JobStatus.RUNNING
    assert job.run_id == run["id"]
    assert job.due_at is None
    assert order.body["model"] == BASE_MODEL
    assert order.body["suffix"] == "june"
    assert order.body["seed"] == 5
    assert order.body["method"]["supervised"]["hyperparameters"]["n_epochs"] == 2
    assert job.op_key in order.body["metadata"].values()
    (attempt,) = attempts_of(job_id)
    assert attempt.outcome == "started"
    (sent,) = witness.journal.read(UPLOAD)
    assert sent.body["purpose"] == "fine-tune"
    assert job.training_sha256[:16] in sent.body["file"]["filename"]
    assert job.op_key[:8] in sent.body["file"]["filename"]
    assert connection_of(workshop.connection_id).due_at is not None


def test_the_task_run_again_does_nothing(workshop, witness):
    job_id = queue_job(workshop)
    for _ in range(3):
        tasks.start(job_id)
    assert len(witness.creates) == len(witness.runs) == 1


def test_a_worker_that_dies_before_the_order_sends_one_order(workshop, witness):
    """Claimed, and then the process is gone: nothing was owed, so it begins again."""
    job_id = queue_job(workshop)
    with unit_of_work() as session:
        assert starts.claim_start(session, job_id) is not None
    tasks.start(job_id)
    assert witness.creates == []

    lose_lease(job_id)
    tasks.start(job_id)

    assert job_of(job_id).status == JobStatus.RUNNING
    assert len(witness.creates) == 1


def test_a_worker_that_dies_after_the_upload_does_not_send_the_file_again(
    workshop, witness, monkeypatch
):
    job_id = queue_job(workshop)

    def die(*_args, **_words):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(tasks.starts, "record_file", die)
        with pytest.raises(KeyboardInterrupt):
            tasks.start(job_id)
    lose_lease(job_id)
    tasks.start(job_id)

    assert len(witness.journal.read(UPLOAD)) == 1
    assert job_of(job_id).status == JobStatus.RUNNING
    assert any("was at the provider already" in line for line in log_of(job_id))


def test_a_worker_that_dies_between_writing_and_sending_sends_nothing_twice(
    workshop, witness, monkeypatch
):
    """Nobody can know that nothing was sent, so nothing is sent again: a person decides."""
    job_id = queue_job(workshop)
    with monkeypatch.context() as patch:
        patch.setattr(starts, "SEND_WITHIN_SECONDS", -1)
        patch.setattr(tasks.starts, "record_not_sent", _die)
        with pytest.raises(KeyboardInterrupt):
            tasks.start(job_id)
    for _ in range(8):
        make_due(job_id)
        tasks.start(job_id)
    assert witness.creates == []
    assert job_of(job_id).status == JobStatus.IN_DOUBT


def _die(*_args, **_words):
    raise KeyboardInterrupt


def test_a_worker_that_dies_after_the_provider_accepted_does_not_pay_twice(
    workshop, witness, monkeypatch
):
    job_id = queue_job(workshop)
    with monkeypatch.context() as patch:
        patch.setattr(tasks.starts, "record_outcome", _die)
        with pytest.raises(KeyboardInterrupt):
            tasks.start(job_id)
    assert len(witness.runs) == 1
    assert job_of(job_id).run_id is None

    lose_lease(job_id)
    tasks.start(job_id)

    job = job_of(job_id)
    assert (job.status, job.run_id) == (JobStatus.RUNNING, witness.runs[0]["id"])
    assert len(witness.creates) == 1
    (attempt,) = attempts_of(job_id)
    assert attempt.outcome == "found"


def test_an_order_that_would_leave_too_late_is_put_back(workshop, witness, monkeypatch):
    monkeypatch.setattr(starts, "SEND_WITHIN_SECONDS", -1)
    job_id = queue_job(workshop)
    tasks.start(job_id)
    assert witness.creates == []
    assert attempts_of(job_id)[0].outcome == "not_sent"
    monkeypatch.setattr(starts, "SEND_WITHIN_SECONDS", 10)
    make_due(job_id)
    tasks.start(job_id)
    assert job_of(job_id).status == JobStatus.RUNNING
    assert [one.outcome for one in attempts_of(job_id)] == ["not_sent", "started"]


@one_database
@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 422])
def test_a_clear_refusal_fails_the_job_with_the_providers_words(workshop, witness, status):
    witness.script(answer(status, "This model is not for you."))
    job_id = queue_job(workshop)

    tasks.start(job_id)

    job = job_of(job_id)
    assert job.status == JobStatus.FAILED
    assert "This model is not for you." in job.error
    assert job.due_at is None
    assert job.ended_at is not None
    (attempt,) = attempts_of(job_id)
    assert (attempt.outcome, attempt.http_status) == ("refused", status)
    assert len(witness.creates) == 1


def test_a_busy_provider_gets_the_order_again_after_its_wait(workshop, witness):
    wait = Fault(
        CREATE_RUN,
        status=429,
        headers={"retry-after": "120"},
        body=_json.dumps(refusal("Slow down.")),
    )
    witness.script(wait)
    job_id = queue_job(workshop)

    tasks.start(job_id)

    job = job_of(job_id)
    assert job.status == JobStatus.STARTING
    assert job.run_id is None
    assert 1.5 < (job.due_at - attempts_of(job_id)[0].sent_at).total_seconds() < 5  # 120 / 60
    assert "Slow down." in job.last_error
    tasks.start(job_id)
    assert len(witness.creates) == 1
    make_due(job_id)
    tasks.start(job_id)
    assert job_of(job_id).status == JobStatus.RUNNING
    assert len(witness.runs) == 1


def test_an_order_that_never_connected_goes_back_into_the_queue(workshop, witness, monkeypatch):
    job_id = queue_job(workshop)
    from app.providers.openai import OpenAIProvider

    with monkeypatch.context() as patch:
        patch.setattr(OpenAIProvider, "start_run", lambda *_: NotSent("No route."))
        tasks.start(job_id)
    job = job_of(job_id)
    assert job.status == JobStatus.STARTING
    assert attempts_of(job_id)[0].outcome == "not_sent"
    make_due(job_id)
    tasks.start(job_id)
    assert job_of(job_id).status == JobStatus.RUNNING
    assert len(witness.creates) == 1


def test_a_file_that_the_provider_refuses_fails_the_job(workshop, witness):
    witness.script(Fault(UPLOAD, status=400, body=_json.dumps(refusal("No such rows here."))))
    job_id = queue_job(workshop)
    tasks.start(job_id)
    job = job_of(job_id)
    assert job.status == JobStatus.FAILED
    assert "No such rows here." in job.error
    assert attempts_of(job_id) == []


def test_a_provider_that_is_away_before_the_order_costs_only_time(workshop, witness):
    witness.script(Fault(LIST_FILES, status=503))
    job_id = queue_job(workshop)
    tasks.start(job_id)
    job = job_of(job_id)
    assert job.status == JobStatus.STARTING
    assert job.attempts == 0
    assert attempts_of(job_id) == []
    make_due(job_id)
    tasks.start(job_id)
    assert job_of(job_id).status == JobStatus.RUNNING


def test_a_held_connection_holds_its_starts(workshop, witness):
    with unit_of_work() as session:
        connection = session.get_one(Connection, workshop.connection_id)
        until = connection.not_before = clock.now(session).replace(year=2100)
    job_id = queue_job(workshop)
    tasks.start(job_id)
    job = job_of(job_id)
    assert (job.status, job.due_at) == (JobStatus.QUEUED, until)
    assert witness.journal.read() == []


def test_a_key_that_no_longer_opens_lets_the_job_wait_for_another(workshop, witness):
    job_id = queue_job(workshop)
    with unit_of_work() as session:
        connection = session.get_one(Connection, workshop.connection_id)
        kept, connection.sealed_key = connection.sealed_key, b"x" * 60
    tasks.start(job_id)
    job = job_of(job_id)
    assert job.status == JobStatus.STARTING
    assert "key" in job.last_error
    assert witness.journal.read() == []
    with unit_of_work() as session:
        connection = session.get_one(Connection, workshop.connection_id)
        assert connection.refused_at is not None
        connection.sealed_key = kept
        standing.forget(session, connection)
    tasks.start(job_id)
    assert job_of(job_id).status == JobStatus.RUNNING


def test_an_order_in_doubt_stays_in_doubt_when_its_key_no_longer_opens(workshop, witness):
    witness.script(Fault(CREATE_RUN, end="drop", commits=True))
    job_id = queue_job(workshop)
    tasks.start(job_id)
    with unit_of_work() as session:
        connection = session.get_one(Connection, workshop.connection_id)
        kept, connection.sealed_key = connection.sealed_key, b"x" * 60
    make_due(job_id)
    tasks.start(job_id)
    assert job_of(job_id).status == JobStatus.STARTING
    with unit_of_work() as session:
        connection = session.get_one(Connection, workshop.connection_id)
        connection.sealed_key = kept
        standing.forget(session, connection)
    make_due(job_id)
    tasks.start(job_id)
    assert job_of(job_id).status == JobStatus.RUNNING
    assert len(witness.creates) == 1


def test_a_split_makes_the_same_two_files_every_time(workshop, witness):
    first = queue_job(workshop, key="form:1", validation_split=0.15, seed=9)
    again = queue_job(workshop, key="form:2", validation_split=0.15, seed=9)
    other = queue_job(workshop, key="form:3", validation_split=0.15, seed=10)
    for job_id in (first, again, other):
        tasks.start(job_id)

    one, two, three = (job_of(job_id) for job_id in (first, again, other))
    assert (one.training_rows, one.validation_rows) == (10, 2)
    assert one.training_sha256 == two.training_sha256
    assert one.validation_sha256 == two.validation_sha256
    assert one.training_sha256 != three.training_sha256
    held_out = storage.blob_path(one.validation_sha256).read_bytes().splitlines()
    learned = storage.blob_path(one.training_sha256).read_bytes().splitlines()
    assert sorted(held_out + learned) == sorted(make.chat_file().splitlines())
    order = witness.creates[0].body
    assert order["validation_file"] != order["training_file"]


@one_database
def test_a_start_waits_for_files_of_its_version_that_are_gone(workshop, witness, letters):
    job_id = queue_job(workshop, validation_split=0.15, seed=9)
    index, content = storage.index_path(workshop.version_id), make.chat_file()
    index.unlink()
    tasks.start(job_id)
    job = job_of(job_id)
    assert (job.run_id, job.attempts, job.due_at is not None) == (None, 0, True)
    assert "made anew" in job.last_error
    letters.deliver()
    make_due(job_id)
    path = storage.blob_path(version_of(workshop.version_id).sha256)
    path.unlink()
    tasks.start(job_id)
    assert "upload the same file once more" in job_of(job_id).last_error
    path.write_bytes(content)
    make_due(job_id)
    tasks.start(job_id)
    assert job_of(job_id).status == JobStatus.RUNNING
    assert len(witness.creates) == 1


def test_a_split_that_died_is_made_again_the_same(workshop, witness, monkeypatch):
    job_id = queue_job(workshop, validation_split=0.15, seed=9)
    with monkeypatch.context() as patch:
        patch.setattr(tasks.starts, "record_split", _die)
        with pytest.raises(KeyboardInterrupt):
            tasks.start(job_id)
    lose_lease(job_id)
    tasks.start(job_id)
    assert job_of(job_id).status == JobStatus.RUNNING
    parts = list(storage.folder("blobs").glob("*.part"))
    assert parts == []


def test_after_three_dead_workers_a_start_waits_for_a_person(workshop, witness, letters):
    job_id = queue_job(workshop)
    for _ in range(3):
        with unit_of_work() as session:
            assert starts.claim_start(session, job_id) is not None
        lose_lease(job_id)
    tasks.start(job_id)
    assert witness.creates == []
    letters.tasks.clear()
    letters.ring(tasks.waiting)
    assert ("jobs.start", (job_id,)) not in letters.tasks

    with unit_of_work() as session:
        job = session.get_one(Job, job_id)
        service.retry_start(session, job, actor_id=workshop.users["owner"])
    tasks.start(job_id)

    assert job_of(job_id).status == JobStatus.RUNNING
    with unit_of_work() as session, pytest.raises(Conflict):
        service.retry_start(session, session.get_one(Job, job_id), actor_id=workshop.users["owner"])


def test_what_is_due_is_rung_for(workshop, letters):
    job_id = queue_job(workshop)
    letters.tasks.clear()
    letters.ring(tasks.waiting)
    assert letters.tasks == [("jobs.start", (job_id,))]


def test_a_job_without_anybodys_click_is_not_started(workshop, witness):
    tasks.start(999_999)
    assert witness.journal.read() == []


def test_the_click_is_on_record_with_what_it_froze(workshop):
    job_id = queue_job(workshop)
    job = job_of(job_id)
    with read_only() as session:
        row = session.query(Activity).filter_by(verb="job.created").one()
    assert row.subject == f"job:{job_id}"
    assert row.detail["training_sha256"] == job.training_sha256
    assert row.actor_id == workshop.users["owner"]
