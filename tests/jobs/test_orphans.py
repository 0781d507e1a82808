"""Runs that carry our tag and that no job has: found every quarter of an hour, never lost, and
cancelled only where nobody wants them; counted in the witness's journal.
"""

import json

import openai
import pytest

from app.auth.models import User
from app.core import clock, instance
from app.core.database import read_only, unit_of_work
from app.core.errors import Conflict
from app.jobs import doubts, queries_orders, tasks
from app.jobs.models import Job, JobStatus, Orphan, StartAttempt
from app.upkeep.service import allow_starts, mark_restored
from tests.jobs.steps import (
    answer,
    attempts_of,
    bring_into_doubt,
    log_of,
    look,
    look_for_orphans,
    queue_job,
    show_all,
)
from tests.make import BASE_MODEL
from tests.stage import connection_of, job_of, make_team, one_database
from tests.witness import handle
from tests.witness.script import CREATE_RUN, LIST_RUNS, Fault, refusal

CANCEL = "POST /v1/fine_tuning/jobs/[^/]+/cancel"
TUNED = "ft:gpt-4o-mini-2024-07-18:acme::new"


def our_name():
    with read_only() as session:
        return instance.tag_of(session)


def made_elsewhere(witness, **metadata):
    """A run that somebody made beside us, with these tags."""
    with openai.OpenAI(base_url=witness.url, api_key=handle.KEY) as client:
        rows = client.files.create(file=("rows.jsonl", b"{}\n" * 12), purpose="fine-tune")
        made = client.fine_tuning.jobs.create(
            model=BASE_MODEL, training_file=rows.id, metadata=metadata
        )
        return made.id


def open_orphans(team):
    with read_only() as session:
        return queries_orders.open_orphans(session, connection_id=team.connection_id)


def press(what, team, orphan):
    with unit_of_work() as session:
        user = session.get_one(User, team.users["editor"])
        what(session, session.get_one(Orphan, orphan.id), user=user)


@pytest.fixture
def stray(workshop, witness):
    """A run with our tag of which nothing here knows; something else was ordered lately."""
    tasks.start(queue_job(workshop))
    run_id = made_elsewhere(witness, luthier_op="op-9", luthier_instance=our_name())
    look_for_orphans(workshop)
    (found,) = open_orphans(workshop)
    assert (found.run_id, found.job_id) == (run_id, None)
    return found


def test_a_run_of_ours_that_no_job_knows_waits_for_a_person(workshop, witness, stray):
    look_for_orphans(workshop)
    assert [one.id for one in open_orphans(workshop)] == [stray.id]
    assert witness.journal.read(CANCEL) == []
    with pytest.raises(Conflict, match="which job"):
        press(doubts.adopt, workshop, stray)

    press(doubts.cancel_there, workshop, stray)
    look_for_orphans(workshop)

    assert open_orphans(workshop) == []
    assert {run["id"]: run["status"] for run in witness.runs}[stray.run_id] == "cancelled"
    assert len(witness.journal.read(CANCEL)) == 1
    with pytest.raises(Conflict, match="cancelled"):
        press(doubts.cancel_there, workshop, stray)


@one_database
def test_what_is_not_tagged_as_ours_is_none_of_our_business(workshop, witness):
    tasks.start(queue_job(workshop))
    made_elsewhere(witness)
    made_elsewhere(witness, luthier_op="op-9", luthier_instance="another-luthier")
    look_for_orphans(workshop)
    assert open_orphans(workshop) == []
    assert witness.journal.read(CANCEL) == []


@one_database
def test_another_projects_runs_over_the_same_account_are_not_shown(workshop, witness):
    tasks.start(queue_job(workshop))
    with unit_of_work() as session:
        for user in session.query(User):
            user.email = f"first-{user.email}"
    other = make_team(witness.url, handle.KEY)
    lost = bring_into_doubt(other, witness, is_made=True)
    show_all(witness)

    look_for_orphans(workshop)
    assert open_orphans(workshop) == []
    assert job_of(lost).status == JobStatus.IN_DOUBT

    look_for_orphans(other)
    assert job_of(lost).status == JobStatus.RUNNING


def test_a_job_in_doubt_takes_its_run_as_soon_as_it_shows(workshop, witness):
    job_id = bring_into_doubt(workshop, witness, is_made=True)
    look_for_orphans(workshop)
    assert job_of(job_id).status == JobStatus.IN_DOUBT
    show_all(witness)
    look_for_orphans(workshop)
    job = job_of(job_id)
    assert (job.status, job.run_id) == (JobStatus.RUNNING, witness.runs[0]["id"])
    assert attempts_of(job_id)[0].outcome == "found"
    assert open_orphans(workshop) == []
    assert len(witness.creates) == 1


def test_a_second_run_of_a_job_that_has_one_is_cancelled(workshop, witness, job):
    order = witness.creates[0].body
    with openai.OpenAI(base_url=witness.url, api_key=handle.KEY) as other:
        second = other.fine_tuning.jobs.create(**order)
    witness.change_run(second.id, created_at=second.created_at + 5)
    look_for_orphans(workshop)
    states = {run["id"]: run["status"] for run in witness.runs}
    assert states == {job_of(job).run_id: "validating_files", second.id: "cancelled"}
    assert any(second.id in line for line in log_of(job))
    assert open_orphans(workshop) == []


def test_a_run_that_cannot_be_cancelled_is_told_and_tried_again(workshop, witness, job):
    with openai.OpenAI(base_url=witness.url, api_key=handle.KEY) as other:
        second = other.fine_tuning.jobs.create(**witness.creates[0].body)
    witness.change_run(second.id, created_at=second.created_at + 5)
    no = json.dumps(refusal("You may not."))
    witness.script(Fault(CANCEL, status=403, body=no, times=2))
    for _ in range(2):
        look_for_orphans(workshop)
    (found,) = open_orphans(workshop)
    assert (found.run_id, found.job_id) == (second.id, job)
    assert "You may not." in found.words
    assert sum("You may not." in line for line in log_of(job)) == 1

    look_for_orphans(workshop)
    assert open_orphans(workshop) == []
    assert {run["id"]: run["status"] for run in witness.runs}[second.id] == "cancelled"


@pytest.fixture
def refused(workshop, witness):
    """A job whose order was refused and all the same made a run."""
    body = json.dumps(refusal("No."))
    witness.script(Fault(CREATE_RUN, status=400, body=body, commits=True))
    job_id = queue_job(workshop)
    tasks.start(job_id)
    assert job_of(job_id).status == JobStatus.FAILED
    look_for_orphans(workshop)
    return job_id


def test_a_run_of_a_job_that_failed_is_adopted_by_a_person_and_followed(workshop, witness, refused):
    (found,) = open_orphans(workshop)
    assert found.job_id == refused
    assert witness.journal.read(CANCEL) == []

    press(doubts.adopt, workshop, found)

    job = job_of(refused)
    assert (job.status, job.run_id, job.error) == ("running", witness.runs[0]["id"], None)
    assert open_orphans(workshop) == []
    witness.change_run(job.run_id, status="succeeded", fine_tuned_model=TUNED)
    look(workshop)
    assert job_of(refused).status == JobStatus.SUCCEEDED
    look_for_orphans(workshop)
    assert open_orphans(workshop) == []
    assert len(witness.creates) == 1


@one_database
def test_pages_and_scripts_show_it_and_who_may_spend_decides(
    workshop, witness, refused, browser, script
):
    (found,) = open_orphans(workshop)
    editor, viewer = browser(workshop.users["editor"]), browser(workshop.users["viewer"])
    home = editor.get(f"/projects/{workshop.project_id}").text
    assert "showed up at OpenAI" in home
    slot = editor.get(f"/connections/{workshop.connection_id}/jobs").text
    assert found.run_id in slot
    assert f'action="/orphans/{found.id}/adopt"' in slot
    assert f'action="/orphans/{found.id}/cancel"' in slot
    seen = viewer.get(f"/connections/{workshop.connection_id}/jobs").text
    assert found.run_id in seen
    assert "/adopt" not in seen
    assert viewer.post(f"/orphans/{found.id}/adopt").status_code == 403

    sends = script(workshop.users["editor"])
    (listed,) = sends.get(f"/connections/{workshop.connection_id}/orphans").json()["data"]
    assert (listed["run_id"], listed["job_id"]) == (found.run_id, refused)
    assert sends.post(f"/orphans/{found.id}/cancel").json()["cancel_asked_at"]
    look_for_orphans(workshop)
    assert [run["status"] for run in witness.runs] == ["cancelled"]
    assert editor.post(f"/orphans/{found.id}/adopt").status_code == 409


@one_database
def test_an_order_has_its_connection_looked_through_a_quarter_of_an_hour_later(workshop, witness):
    assert connection_of(workshop.connection_id).orphans_due_at is None
    job_id = queue_job(workshop)
    tasks.start(job_id)
    due_at = connection_of(workshop.connection_id).orphans_due_at
    assert (due_at - attempts_of(job_id)[0].sent_at).total_seconds() == pytest.approx(15, abs=1)
    assert ("jobs.orphans", workshop.connection_id) not in tasks.waiting()
    clock.shift(20)
    assert ("jobs.orphans", workshop.connection_id) in tasks.waiting()

    with unit_of_work() as session:  # three days later
        for attempt in session.query(StartAttempt):
            attempt.sent_at = attempt.sent_at.replace(year=2020)
    asked = len(witness.journal.read())
    look_for_orphans(workshop)
    assert len(witness.journal.read()) == asked
    assert connection_of(workshop.connection_id).orphans_due_at is None


@one_database
def test_a_restored_instance_takes_and_cancels_nothing_before_a_person_allows_it(workshop, witness):
    job_id = bring_into_doubt(workshop, witness, is_made=True)
    show_all(witness)
    with unit_of_work() as session:
        mark_restored(session, backed_up_at=clock.now(session))
    asked = len(witness.journal.read())
    look_for_orphans(workshop)
    assert ("jobs.orphans", workshop.connection_id) not in tasks.waiting()
    assert len(witness.journal.read()) == asked
    assert job_of(job_id).run_id is None


@one_database
def test_a_restored_instance_cancels_no_run_that_its_other_life_was_asked_to(
    workshop, witness, stray
):
    press(doubts.cancel_there, workshop, stray)
    with unit_of_work() as session:
        mark_restored(session, backed_up_at=clock.now(session))
        allow_starts(session, actor_id=workshop.users["owner"])
    look_for_orphans(workshop)
    (kept,) = open_orphans(workshop)
    assert (kept.id, kept.cancel_asked_at) == (stray.id, None)
    assert witness.journal.read(CANCEL) == []


@one_database
def test_a_list_that_cannot_be_read_says_nothing(workshop, witness, stray):
    witness.script(Fault(LIST_RUNS, status=503))
    look_for_orphans(workshop)
    assert [one.id for one in open_orphans(workshop)] == [stray.id]
    connection = connection_of(workshop.connection_id)
    assert connection.not_before is not None
    assert connection.orphans_due_at is not None


@one_database
def test_no_money_ends_a_start_with_words_instead_of_trying_for_ever(workshop, witness):
    witness.script(answer(429, "You exceeded your current quota.", "insufficient_quota"))
    job_id = queue_job(workshop)
    tasks.start(job_id)
    job = job_of(job_id)
    assert (job.status, job.due_at) == (JobStatus.FAILED, None)
    assert "You exceeded your current quota." in job.error
    assert "Nothing was ordered." in job.error
    assert len(witness.creates) == 1


@one_database
def test_a_days_orders_spent_hold_that_start_for_an_hour_and_nothing_else(workshop, witness):
    witness.script(answer(429, "Daily limit reached.", "daily_rate_limit_exceeded"))
    first, second = queue_job(workshop), queue_job(workshop, key="form:2")
    tasks.start(first)
    waited = job_of(first).due_at - attempts_of(first)[0].sent_at
    assert waited.total_seconds() == pytest.approx(60, abs=2)  # 3600 / 60
    assert connection_of(workshop.connection_id).not_before is None
    tasks.start(second)
    assert job_of(second).status == JobStatus.RUNNING


@one_database
def test_a_hurried_provider_is_asked_by_no_other_start_either(workshop, witness):
    slow = Fault(
        CREATE_RUN, status=429, headers={"retry-after": "120"}, body=json.dumps(refusal("Slow."))
    )
    witness.script(slow)
    first, second = queue_job(workshop), queue_job(workshop, key="form:2")
    tasks.start(first)
    asked = len(witness.journal.read())
    tasks.start(second)
    assert len(witness.journal.read()) == asked
    assert job_of(second).due_at == connection_of(workshop.connection_id).not_before


def test_an_answer_with_another_jobs_run_is_none_and_ours_is_looked_for(workshop, witness, job):
    theirs = {"id": job_of(job).run_id, "object": "fine_tuning.job", "status": "running"}
    witness.script(Fault(CREATE_RUN, body=json.dumps(theirs), commits=True))
    second = queue_job(workshop, key="form:2")
    tasks.start(second)
    assert (job_of(second).run_id, attempts_of(second)[0].outcome) == (None, "unknown")
    with unit_of_work() as session:
        session.get_one(Job, second).due_at = clock.now(session)
    tasks.start(second)
    assert job_of(second).run_id == witness.runs[0]["id"]
    assert len(witness.creates) == len(witness.runs) == 2
