"""F23 and F30: twenty who press Start at once, and somebody who takes things away meanwhile."""

import threading
import uuid
from urllib.parse import urlsplit

import httpx2
import pytest
from sqlalchemy import delete
from sqlalchemy.exc import IntegrityError

from app.auth import service as auth
from app.auth.models import User, UserSession
from app.connections.models import Connection
from app.connections.service import delete_connection
from app.core import secrets
from app.core.database import read_only, unit_of_work
from app.core.errors import ProductError
from app.datasets.models import Dataset, DatasetVersion
from app.datasets.service import archive_dataset
from app.jobs import service, tasks
from app.jobs.forms import JobForm
from app.jobs.models import Job, JobStatus
from app.projects.models import Project
from tests.faults.stage import on
from tests.jobs.steps import attempts_of, bring_into_doubt, queue_job
from tests.make import BASE_MODEL
from tests.stage import job_of, make_team, one_database, run_together
from tests.witness import handle
from tests.witness.script import CREATE_RUN, UPLOAD, Fault

TWENTY = 20


@pytest.mark.full
@on("sqlite", "postgresql")
def test_F23_twenty_identical_starts_at_once_are_one_job(stage):
    stage.start("beat", "worker", "web")
    address = stage.programs["web"].address
    with unit_of_work() as session:
        cookie = auth.sign_in(session, stage.team.users["editor"])
        csrf = session.get_one(UserSession, secrets.fingerprint(cookie)).csrf
    headers = {"cookie": f"luthier-{urlsplit(address).port}={cookie}"}
    form = {
        "csrf": csrf,
        "nonce": str(uuid.uuid4()),
        "connection_id": str(stage.team.connection_id),
        "training_version_id": str(stage.team.version_id),
        "base_model": BASE_MODEL,
        "method": "supervised",
        "validation": "none",
    }
    together, answers = threading.Barrier(TWENTY), []

    def press():
        together.wait(30)
        path = f"{address}/projects/{stage.team.project_id}/jobs"
        answers.append(httpx2.post(path, data=form, headers=headers, timeout=60))

    run_together(press, TWENTY)

    assert {answer.status_code for answer in answers} == {303}
    (there,) = {answer.headers["location"].partition("?")[0] for answer in answers}
    with read_only() as session:
        (job,) = session.query(Job).all()
    assert there.endswith(f"/jobs/{job.id}")
    job = stage.assert_paid_once(job.id)
    assert (job.status, len(stage.orders_of(job))) == (JobStatus.RUNNING, 1)
    stage.invariants_hold()


def at_each_step(team, witness):
    """A job whose file is on its way, one whose order is, one in doubt, and one that runs."""
    witness.script(Fault(UPLOAD, status=503), Fault(CREATE_RUN, end="drop", commits=True))
    sending, ordered = queue_job(team, key="form:1"), queue_job(team, key="form:2")
    tasks.start(sending)
    with unit_of_work() as session:
        session.get_one(Connection, team.connection_id).not_before = None
    tasks.start(ordered)
    doubtful = bring_into_doubt(team, witness, key="form:3")
    running = queue_job(team, key="form:4")
    tasks.start(running)
    found = [job_of(job_id) for job_id in (sending, ordered, doubtful, running)]
    assert [job.status for job in found] == ["starting", "starting", "in_doubt", "running"]
    assert [len(attempts_of(job.id)) for job in found] == [0, 1, 1, 1]
    return found


@one_database
def test_F30_what_a_job_needs_stays_at_every_step(workshop, witness, script):
    jobs = at_each_step(workshop, witness)
    owner = script(workshop.users["owner"])

    refused = owner.send("DELETE", f"/connections/{workshop.connection_id}")

    assert refused.status_code == 409
    assert "4 jobs came over it" in refused.json()["detail"]
    for kind, row_id in (
        (Connection, workshop.connection_id),
        (DatasetVersion, workshop.version_id),
    ):
        with pytest.raises(IntegrityError), unit_of_work() as session:
            session.execute(delete(kind).where(kind.id == row_id))
    assert [job_of(job.id).status for job in jobs] == [job.status for job in jobs]
    moved = owner.send(
        "PATCH",
        f"/connections/{workshop.connection_id}",
        json={"base_url": "https://elsewhere.example/v1", "api_key": "sk-0123456789"},
    )
    assert moved.status_code == 422, moved.text
    assert "Under way at" in moved.text


@one_database
def test_F30_a_dataset_put_away_meanwhile_takes_nothing_from_its_jobs(workshop, witness):
    witness.script(Fault(UPLOAD, status=503))
    job_id = queue_job(workshop)
    tasks.start(job_id)
    with unit_of_work() as session:
        dataset = session.get_one(Dataset, workshop.dataset_id)
        archive_dataset(session, dataset, actor_id=workshop.users["owner"])
        session.get_one(Connection, workshop.connection_id).not_before = None
        job = session.get_one(Job, job_id)
        job.due_at = job.created_at
    tasks.start(job_id)
    assert job_of(job_id).status == JobStatus.RUNNING
    assert len(witness.creates) == 1


def test_F30_a_connection_removed_while_somebody_starts_a_job_over_it(real_database, witness):
    """Either the job is there and its connection with it, or neither."""
    for number in range(6):
        with unit_of_work() as session:
            for user in session.query(User):
                user.email = f"{number}-{user.email}"[:200]
        team = make_team(witness.url, handle.KEY)
        together, failed = threading.Barrier(2), []

        def start(team=team, together=together, failed=failed):
            form = JobForm(
                connection_id=team.connection_id,
                base_model=BASE_MODEL,
                training_version_id=team.version_id,
            )
            together.wait(10)
            with unit_of_work() as session:
                project = session.get_one(Project, team.project_id)
                user = session.get_one(User, team.users["editor"])
                service.create_job(
                    session, project=project, user=user, form=form, request_key="form:1"
                )

        def remove(team=team, together=together):
            together.wait(10)
            with unit_of_work() as session:
                connection = session.get_one(Connection, team.connection_id)
                delete_connection(session, connection, actor_id=team.users["owner"])

        turns = [start, remove]

        def go(turns=turns, failed=failed):
            try:
                turns.pop()()
            except ProductError:
                failed.append("refused")
            except Exception as error:  # noqa: BLE001 - a thread's failure is the test's
                failed.append(repr(error))

        run_together(go, 2)
        assert failed == ["refused"], "one is refused in words, and nothing breaks"
        with read_only() as session:
            there = session.get(Connection, team.connection_id) is not None
            jobs = session.query(Job).filter_by(connection_id=team.connection_id).count()
        assert jobs == int(there)


@one_database
def test_F30_a_job_cancelled_while_its_order_is_on_its_way_is_stopped_there(workshop, witness):
    witness.script(Fault(CREATE_RUN, end="drop", commits=True))
    job_id = queue_job(workshop)
    tasks.start(job_id)
    with unit_of_work() as session:
        owner = workshop.users["owner"]
        service.cancel_job(session, session.get_one(Job, job_id), actor_id=owner)
    tasks.start(job_id)
    tasks.sweep(workshop.connection_id)
    tasks.sweep(workshop.connection_id)
    assert [run["status"] for run in witness.runs] == ["cancelled"]
    assert len(witness.creates) == 1
