"""An order without an answer is found again by what its provider lets it carry; where that is
nothing a person says which run is its own. Counted in the witness's journal.
"""

import pytest

from app.connections import tasks as connection_tasks
from app.connections import testing
from app.connections.models import Connection
from app.core.database import read_only, unit_of_work
from app.core.errors import Conflict
from app.jobs import doubts, queries_orders, tasks
from app.jobs.models import Job, JobStatus, Orphan
from tests.jobs.steps import (
    attempts_of,
    bring_into_doubt,
    decide,
    log_of,
    look_for_orphans,
    make_due,
    queue_job,
    show_all,
)
from tests.jobs.test_orphans import CANCEL, made_elsewhere, open_orphans, press
from tests.stage import job_of, one_database
from tests.witness.script import CREATE_RUN, Fault

UNTOLD = ["metadata", "user_provided_suffix"]


@pytest.fixture
def azure(workshop):
    with unit_of_work() as session:
        session.get_one(Connection, workshop.connection_id).profile = "azure"
    return workshop


def lose_the_answer(team, witness, **form):
    witness.script(Fault(CREATE_RUN, end="drop", commits=True))
    job_id = queue_job(team, **form)
    tasks.start(job_id)
    make_due(job_id)
    return job_id


def doubtful(team, witness):
    """A job in doubt whose run no list tells from others."""
    witness.set(leaves_out=UNTOLD, filter="ignored")
    job_id = bring_into_doubt(team, witness, is_made=True)
    show_all(witness)
    decide(doubts.look_again, team, job_id)
    with unit_of_work() as session:
        attempts = queries_orders.unproved_attempts(session, job_id)
        attempts[-1].looks = 5
    tasks.start(job_id)
    assert job_of(job_id).status == JobStatus.IN_DOUBT
    return job_id


def name_model(witness, run_id, job):
    """Azure names the model when it is done, and the suffix with it."""
    name = f"gpt-4o-mini-2024-07-18.ft-{'0' * 32}-{job.op_key[:8]}"
    witness.change_run(run_id, status="succeeded", fine_tuned_model=name)


@one_database
def test_a_filter_that_brings_neighbours_brings_no_wrong_run(workshop, witness):
    with unit_of_work() as session:
        session.get_one(Connection, workshop.connection_id).profile = "openai"
    made_elsewhere(witness, luthier_op="op-8")
    job_id = lose_the_answer(workshop, witness)
    made_elsewhere(witness, luthier_op="op-9")
    witness.set(filter="neighbours")
    tasks.start(job_id)
    assert job_of(job_id).run_id == witness.runs[1]["id"]
    assert len(witness.creates) == 3


def test_where_no_tag_comes_back_the_suffix_finds_the_run(azure, witness, browser):
    witness.set(leaves_out=["metadata"], filter="ignored")
    job_id = lose_the_answer(azure, witness, suffix="june")
    tasks.start(job_id)
    (run,) = witness.runs
    job = job_of(job_id)
    assert (job.status, job.run_id) == (JobStatus.RUNNING, run["id"])
    assert (job.suffix, job.name) == ("june", "june")
    assert run["user_provided_suffix"] == f"june-{job.op_key[:8]}"
    page = browser(azure.users["viewer"]).get(f"/jobs/{job_id}").text
    assert f"marked {job.op_key[:8]}" in page
    assert len(witness.creates) == 1


@one_database
def test_a_mark_that_shows_when_the_model_is_named_is_found_by_the_regular_look(azure, witness):
    job_id = doubtful(azure, witness)
    (run,) = witness.runs
    look_for_orphans(azure)
    assert job_of(job_id).status == JobStatus.IN_DOUBT

    name_model(witness, run["id"], job_of(job_id))
    look_for_orphans(azure)

    assert job_of(job_id).run_id == run["id"]
    assert open_orphans(azure) == []
    assert len(witness.creates) == 1


@one_database
def test_a_suffix_that_a_person_used_again_is_not_taken_for_the_order(azure, witness):
    witness.set(leaves_out=["metadata"], filter="ignored")
    job_id = queue_job(azure)
    tasks.start(job_id)
    theirs = made_elsewhere(witness)
    mark = job_of(job_id).op_key[:8]
    witness.change_run(theirs, user_provided_suffix=f"again-{mark}")
    made_up = made_elsewhere(witness)
    witness.change_run(made_up, user_provided_suffix="june-20261128")

    look_for_orphans(azure)

    assert open_orphans(azure) == []
    assert witness.journal.read(CANCEL) == []


@one_database
def test_a_second_run_of_one_mark_and_one_file_is_cancelled(azure, witness):
    witness.set(leaves_out=["metadata"], filter="ignored")
    job_id = lose_the_answer(azure, witness)
    (first,) = witness.runs
    twin = made_elsewhere(witness)
    same = {name: first[name] for name in ("training_file", "user_provided_suffix")}
    witness.change_run(twin, created_at=first["created_at"] + 5, **same)
    tasks.start(job_id)
    assert job_of(job_id).run_id == first["id"]
    assert {run["id"]: run["status"] for run in witness.runs}[twin] == "cancelled"


def test_a_run_without_a_tag_on_the_jobs_file_waits_for_a_person(workshop, witness, client):
    stranger = made_elsewhere(witness)
    job_id = doubtful(workshop, witness)
    run_id = witness.runs[0]["id"]
    assert run_id != stranger
    assert any("2 runs listed" in one.words and run_id in one.words for one in looks_of(job_id))
    assert any(run_id in line and "Nothing is sent again" in line for line in log_of(job_id))
    (guess,) = open_orphans(workshop)
    assert (guess.run_id, guess.job_id, guess.is_tagged) == (run_id, job_id, False)

    press(doubts.adopt, workshop, guess)

    assert (job_of(job_id).status, job_of(job_id).run_id) == (JobStatus.RUNNING, run_id)
    assert [one.outcome for one in attempts_of(job_id)] == ["found"]
    assert open_orphans(workshop) == []
    assert len(witness.creates) == 2


def looks_of(job_id):
    with read_only() as session:
        return queries_orders.looks_of(session, job_id, limit=50)


@one_database
@pytest.mark.parametrize("decision", [doubts.did_not_start, doubts.start_again])
def test_a_person_who_decides_otherwise_leaves_such_a_run_alone(workshop, witness, decision):
    job_id = doubtful(workshop, witness)
    (guess,) = open_orphans(workshop)
    decide(decision, workshop, job_id)
    assert open_orphans(workshop) == []
    with pytest.raises(Conflict, match="not_ours"):
        press(doubts.adopt, workshop, guess)
    look_for_orphans(workshop)
    if decision is doubts.start_again:
        tasks.start(job_id)
        assert len(witness.creates) == 2
    assert open_orphans(workshop) == []
    assert witness.journal.read(CANCEL) == []


@one_database
def test_a_run_that_another_job_has_is_no_guess(workshop, witness):
    first = queue_job(workshop)
    tasks.start(first)
    witness.set(leaves_out=UNTOLD, filter="ignored")
    second = bring_into_doubt(workshop, witness, key="form:2")
    with unit_of_work() as session:  # this server knows equal files as one
        job = session.get_one(Job, second)
        job.training_file_id = session.get_one(Job, first).training_file_id
    decide(doubts.look_again, workshop, second)
    tasks.start(second)
    with read_only() as session:
        assert session.query(Orphan).count() == 0


@one_database
def test_pages_say_what_such_a_run_may_be(workshop, witness, browser):
    job_id = doubtful(workshop, witness)
    editor = browser(workshop.users["editor"])
    page = editor.get(f"/connections/{workshop.connection_id}/jobs").text
    assert "it may be its run" in page
    with unit_of_work() as session:
        connection = session.get_one(Connection, workshop.connection_id)
        testing.ask_for_test(session, connection, actor_id=workshop.users["owner"])
    connection_tasks.test(workshop.connection_id)
    assert "a person decides" in editor.get(f"/connections/{workshop.connection_id}").text
    home = editor.get(f"/projects/{workshop.project_id}").text
    assert f"may be that of {job_of(job_id).name}" in home
