"""After a restore nothing paid is started until a person says so, and no order is sent twice."""

from datetime import timedelta

import pytest

from app.connections.models import Connection
from app.core import clock, instance
from app.core.database import read_only, unit_of_work
from app.core.errors import Conflict
from app.datasets.models import DatasetVersion
from app.jobs import tasks
from app.jobs.models import Job, JobStatus
from app.projects.models import Project
from app.upkeep import service
from tests import make
from tests.jobs.steps import attempts_of, make_due, queue_job
from tests.stage import job_of, version_of
from tests.witness.script import CREATE_RUN, Fault


def restore_here():
    """What a restore does to the rows, as if they came from a backup of this moment."""
    with unit_of_work() as session:
        moment = clock.now(session)
        service.mark_restored(session, backed_up_at=moment)
    return moment


def allow(team):
    with unit_of_work() as session:
        service.allow_starts(session, actor_id=team.users["owner"])


def test_a_queued_job_waits_for_a_person_and_is_never_ordered_again(workshop, witness):
    queued = queue_job(workshop)
    restore_here()

    assert ("jobs.start", queued) not in tasks.waiting()
    tasks.start(queued)
    assert (job_of(queued).status, witness.creates) == (JobStatus.QUEUED, [])

    allow(workshop)
    assert ("jobs.start", queued) in tasks.waiting()
    for _ in range(7):
        make_due(queued)
        tasks.start(queued)
    assert job_of(queued).status == JobStatus.IN_DOUBT
    assert witness.creates == []
    assert "may have been sent" in job_of(queued).last_error


def test_what_the_other_life_of_the_instance_started_is_found(workshop, witness):
    queued = queue_job(workshop)
    moment = restore_here()
    with unit_of_work() as session:  # the other life goes on, from the same rows
        other = instance.held(session)
        session.delete(other)
        (mark,) = attempts_of(queued)
        session.delete(session.get_one(type(mark), mark.id))
    tasks.start(queued)
    run_id = job_of(queued).run_id
    assert len(witness.creates) == 1
    with unit_of_work() as session:
        job = session.get_one(Job, queued)
        job.status, job.run_id, job.started_at = JobStatus.QUEUED, None, None
        for attempt in attempts_of(queued):
            session.delete(session.get_one(type(attempt), attempt.id))
        session.flush()
        service.mark_restored(session, backed_up_at=moment)
    allow(workshop)
    tasks.start(queued)
    assert (job_of(queued).status, job_of(queued).run_id) == (JobStatus.RUNNING, run_id)
    assert len(witness.creates) == 1


def test_an_order_in_flight_is_looked_for(workshop, witness):
    witness.script(Fault(CREATE_RUN, end="drop", commits=True))
    flying = queue_job(workshop)
    tasks.start(flying)
    restore_here()
    assert len(attempts_of(flying)) == 1
    allow(workshop)
    make_due(flying)
    tasks.start(flying)
    assert job_of(flying).status == JobStatus.RUNNING
    assert len(witness.creates) == 1


def test_a_job_made_after_the_restore_starts_once_allowed_under_another_name(workshop, witness):
    with read_only() as session:
        first_name = instance.tag_of(session)
    restore_here()
    made = queue_job(workshop, key="form:2")
    tasks.start(made)
    assert witness.creates == []
    allow(workshop)
    tasks.start(made)
    (order,) = witness.creates
    assert job_of(made).status == JobStatus.RUNNING
    with read_only() as session:
        name = instance.tag_of(session)
    assert name != first_name
    assert name in order.body["metadata"].values()


def test_runs_are_watched_but_an_old_wish_to_cancel_is_not_carried_out(workshop, witness):
    running = queue_job(workshop)
    tasks.start(running)
    with unit_of_work() as session:
        session.get_one(Job, running).cancel_requested_at = clock.now(session)
    restore_here()
    look(workshop)
    assert [run["status"] for run in witness.runs] == ["validating_files"]
    assert job_of(running).provider_status == "validating_files"
    with unit_of_work() as session:  # asked for here, by a person
        asked_at = clock.now(session) + timedelta(seconds=1)
        session.get_one(Job, running).cancel_requested_at = asked_at
    look(workshop)
    assert [run["status"] for run in witness.runs] == ["cancelled"]


def look(workshop):
    with unit_of_work() as session:
        connection = session.get_one(Connection, workshop.connection_id)
        connection.due_at = clock.now(session)
    tasks.sweep(workshop.connection_id)


def test_leases_of_dead_workers_are_given_back_and_checks_begin_again(team):
    with unit_of_work() as session:
        project = session.get_one(Project, team.project_id)
        version = make.make_version(session, project)
        version.status, version.progress = "checking", {"offset": 5}
        version.attempts, version.lease_until = 3, clock.now(session) + timedelta(hours=1)
        ready = session.get_one(DatasetVersion, team.version_id)
        assert ready.status == "ready"
    restore_here()
    begun = version_of(version.id)
    assert (begun.status, begun.progress, begun.attempts) == ("received", None, 0)
    assert begun.lease_until is None
    assert version_of(team.version_id).status == "ready"


@pytest.mark.parametrize("who", ["viewer", "owner"])
def test_every_page_says_why_and_only_the_instances_owner_ends_it(team, browser, who):
    queued = queue_job(team)
    restore_here()
    person = browser(team.users[who])
    told = person.get(f"/projects/{team.project_id}").text
    assert "No job is started here" in told
    assert ("This instance may start jobs" in told) == (who == "owner")
    assert "restored from a backup and starts nothing" in person.get(f"/jobs/{queued}").text
    status = person.post("/instance/allow-starts").status_code
    assert status == (303 if who == "owner" else 403)
    told = person.get(f"/projects/{team.project_id}").text
    assert ("No job is started here" in told) == (who == "viewer")
    with pytest.raises(Conflict):
        allow(team)
        allow(team)
