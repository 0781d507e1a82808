"""What a person decides about an order that nobody proved; counted in the witness's journal."""

import json

import pytest

from app.auth.models import Activity
from app.core import clock
from app.core.database import read_only, unit_of_work
from app.core.errors import Conflict
from app.jobs import doubts, looks, queries_orders, service, tasks
from app.jobs.models import Job, JobStatus
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
from tests.stage import job_of, one_database
from tests.witness.script import CREATE_RUN, LIST_RUNS, Fault, refusal

CANCEL = "POST /v1/fine_tuning/jobs/[^/]+/cancel"


def looks_of(job_id):
    with read_only() as session:
        return queries_orders.looks_of(session, job_id, limit=50)


def verbs(job_id):
    with read_only() as session:
        rows = session.query(Activity).filter_by(subject=f"job:{job_id}").order_by(Activity.id)
        return [row.verb for row in rows]


def test_looking_again_looks_at_once_and_then_for_ten_minutes_more(workshop, witness):
    job_id = bring_into_doubt(workshop, witness, is_made=True)
    before = len(witness.journal.read(LIST_RUNS))

    decide(doubts.look_again, workshop, job_id)
    tasks.start(job_id)

    job, (attempt,) = job_of(job_id), attempts_of(job_id)
    assert len(witness.journal.read(LIST_RUNS)) > before
    assert (job.status, attempt.looks) == (JobStatus.STARTING, 1)
    assert attempt.looking_since > attempt.sent_at
    assert (job.due_at - attempt.looking_since).total_seconds() == pytest.approx(0.5, abs=0.01)
    show_all(witness)
    make_due(job_id)
    tasks.start(job_id)
    assert (job_of(job_id).status, job_of(job_id).run_id) == ("running", witness.runs[0]["id"])
    assert len(witness.creates) == 1
    assert "job.looked_again" in verbs(job_id)


def test_starting_again_sends_a_second_order_with_the_same_tag_after_one_more_look(
    workshop, witness
):
    job_id = bring_into_doubt(workshop, witness)
    decide(doubts.start_again, workshop, job_id)
    assert len(witness.creates) == 1, "a worker sends it, not the button"

    tasks.start(job_id)

    first, second = witness.creates
    (run,) = witness.runs
    assert (job_of(job_id).status, job_of(job_id).run_id) == ("running", run["id"])
    assert first.body == second.body
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"]
    routes = [request.route for request in witness.journal.read()]
    last_order = len(routes) - 1 - routes[::-1].index(CREATE_RUN)
    assert routes[last_order - 1] == LIST_RUNS
    assert [one.outcome for one in attempts_of(job_id)] == ["given_up", "started"]
    assert "job.started_again" in verbs(job_id)


def test_starting_again_takes_the_first_run_if_it_shows_by_then(workshop, witness):
    job_id = bring_into_doubt(workshop, witness, is_made=True)
    show_all(witness)
    decide(doubts.start_again, workshop, job_id)
    tasks.start(job_id)
    assert len(witness.creates) == len(witness.runs) == 1
    assert job_of(job_id).run_id == witness.runs[0]["id"]
    assert [one.outcome for one in attempts_of(job_id)] == ["found"]


@one_database
@pytest.mark.parametrize("status", [404, 503])
def test_nothing_is_sent_again_while_the_list_cannot_be_read(workshop, witness, status):
    job_id = bring_into_doubt(workshop, witness)
    no = json.dumps(refusal("No list today."))
    # A filter that is refused is asked without: two questions each.
    witness.script(Fault(LIST_RUNS, status=status, body=no, times=4 if status == 404 else 2))
    decide(doubts.start_again, workshop, job_id)
    for _ in range(2):
        make_due(job_id)
        tasks.start(job_id)
    job = job_of(job_id)
    assert len(witness.creates) == 1
    assert (job.status, job.due_at is not None) == (JobStatus.STARTING, True)
    assert "No list today." in job.last_error
    make_due(job_id)
    tasks.start(job_id)
    assert len(witness.creates) == 2
    assert job_of(job_id).status == JobStatus.RUNNING


def test_when_both_orders_made_a_run_the_older_is_followed_and_the_other_is_cancelled(
    workshop, witness
):
    job_id = bring_into_doubt(workshop, witness, is_made=True)
    (first,) = witness.runs
    decide(doubts.start_again, workshop, job_id)
    tasks.start(job_id)
    second = job_of(job_id).run_id
    assert second not in {None, first["id"]}
    witness.change_run(first["id"], created_at=first["created_at"] - 60)
    with unit_of_work() as session:
        session.get_one(Job, job_id).step = 7
    show_all(witness)

    look_for_orphans(workshop)
    look_for_orphans(workshop)

    job = job_of(job_id)
    states = {run["id"]: run["status"] for run in witness.runs}
    assert states == {first["id"]: "validating_files", second: "cancelled"}
    assert (job.status, job.run_id, job.step) == (JobStatus.RUNNING, first["id"], None)
    assert len(witness.journal.read(CANCEL)) == 1
    assert any(second in line and "cancelled" in line for line in log_of(job_id))
    assert verbs(job_id).count("job.spare_cancelled") == 1


@pytest.mark.parametrize("way", ["did not start", "cancelled"])
def test_a_run_that_shows_after_a_person_ended_its_job_is_cancelled_there(workshop, witness, way):
    job_id = bring_into_doubt(workshop, witness, is_made=True)
    if way == "cancelled":
        with unit_of_work() as session:
            job, actor = session.get_one(Job, job_id), workshop.users["editor"]
            service.cancel_job(session, job, actor_id=actor)
    else:
        decide(doubts.did_not_start, workshop, job_id)
        assert job_of(job_id).error == "It did not start, says Editor."
        assert attempts_of(job_id)[0].outcome == "did_not_start"
    assert job_of(job_id).status == JobStatus.CANCELLED
    tasks.start(job_id)
    look_for_orphans(workshop)
    assert witness.journal.read(CANCEL) == []

    show_all(witness)
    look_for_orphans(workshop)
    look_for_orphans(workshop)

    assert [run["status"] for run in witness.runs] == ["cancelled"]
    assert len(witness.journal.read(CANCEL)) == len(witness.creates) == 1
    assert job_of(job_id).status == JobStatus.CANCELLED
    assert any("showed up after the job's end" in line for line in log_of(job_id))


def test_a_list_that_cannot_be_read_for_ten_minutes_is_a_persons_question(workshop, witness):
    witness.script(Fault(CREATE_RUN, end="drop", commits=True), Fault(LIST_RUNS, status=500))
    job_id = queue_job(workshop)
    tasks.start(job_id)
    with unit_of_work() as session:
        (attempt,) = attempts_of(job_id)
        attempt = session.merge(attempt)
        attempt.sent_at = clock.now(session).replace(year=2020)
    make_due(job_id)
    tasks.start(job_id)

    assert job_of(job_id).status == JobStatus.IN_DOUBT
    assert any(looks.NEVER_READ in line for line in log_of(job_id))
    (look,) = looks_of(job_id)
    assert (look.is_answered, look.times) == (False, 1)

    look_for_orphans(workshop)  # by now it can be read
    assert job_of(job_id).run_id == witness.runs[0]["id"]
    assert len(witness.creates) == 1


@one_database
def test_every_look_is_kept_with_what_the_list_said(workshop, witness):
    witness.script(Fault(CREATE_RUN, end="drop"), Fault(LIST_RUNS, status=500, times=2))
    job_id = queue_job(workshop)
    tasks.start(job_id)
    for _ in range(3):
        make_due(job_id)
        tasks.start(job_id)
    last, failed = looks_of(job_id)
    assert (last.words, last.is_answered) == ("The list is empty.", True)
    assert (failed.times, failed.is_answered) == (2, False)
    assert "500" in failed.words


@one_database
def test_a_second_order_that_has_not_left_is_cancelled_and_the_first_still_looked_for(
    workshop, witness
):
    job_id = bring_into_doubt(workshop, witness, is_made=True)
    decide(doubts.start_again, workshop, job_id)
    with unit_of_work() as session:
        service.cancel_job(session, session.get_one(Job, job_id), actor_id=workshop.users["editor"])
    assert job_of(job_id).status == JobStatus.CANCELLED
    assert "broke off" in job_of(job_id).error
    tasks.start(job_id)
    show_all(witness)
    look_for_orphans(workshop)
    assert [run["status"] for run in witness.runs] == ["cancelled"]
    assert len(witness.creates) == 1


@one_database
def test_who_decides_too_late_is_told(workshop, witness, job):
    for decision in (doubts.look_again, doubts.start_again, doubts.did_not_start):
        with pytest.raises(Conflict, match="running"):
            decide(decision, workshop, job)
    assert len(witness.creates) == 1


@one_database
def test_a_page_and_a_script_say_what_is_known_and_take_the_decision(
    workshop, witness, browser, script
):
    job_id = bring_into_doubt(workshop, witness)
    editor, viewer = browser(workshop.users["editor"]), browser(workshop.users["viewer"])
    shown = editor.get(f"/jobs/{job_id}").text
    for words in ("What is known of the order", "broke off", "The list is empty.", "1 time"):
        assert words in shown, words
    for name in ("look-again", "start-again", "did-not-start"):
        assert f'data-dialog-open="{name}-dialog"' in shown
        assert f'<dialog class="dialog" id="{name}-dialog"' in shown
        assert f'action="/jobs/{job_id}/{name}"' in shown
    part = viewer.get(f"/jobs/{job_id}/progress").text
    assert "What is known of the order" in part
    assert "dialog-open" not in part
    assert viewer.post(f"/jobs/{job_id}/start-again").status_code == 403

    sends = script(workshop.users["editor"])
    known = sends.get(f"/jobs/{job_id}/orders").json()
    assert [one["outcome"] for one in known["orders"]] == ["unknown"]
    assert [one["words"] for one in known["looks"]] == ["The list is empty."]
    assert sends.post(f"/jobs/{job_id}/look-again").json()["status"] == "starting"
    assert sends.post(f"/jobs/{job_id}/start-again").status_code == 409
    tasks.start(job_id)
    with unit_of_work() as session:
        session.get_one(Job, job_id).status = JobStatus.IN_DOUBT
    assert editor.post(f"/jobs/{job_id}/did-not-start").status_code == 303
    ended = sends.get(f"/jobs/{job_id}").json()
    assert (ended["status"], ended["error"]) == ("cancelled", "It did not start, says Editor.")
