"""Looks one after the other: when they come, what holds them, and what none of them turns back."""

import json
import random
from datetime import timedelta

import pytest

from app.catalog.models import TunedModel
from app.connections.models import Connection
from app.core import clock
from app.core.database import read_only, unit_of_work
from app.datasets.models import DatasetVersion
from app.jobs import service, tasks
from app.jobs.models import Job, JobStatus
from app.projects.models import Project
from app.settings import settings
from tests import make
from tests.jobs.steps import log_of, look, look_for_orphans, metric, queue_job
from tests.stage import connection_of, job_of
from tests.witness.script import LIST_EVENTS, LIST_RUNS, Fault, refusal

MOST_LOOKS = 300
TUNED = "ft:gpt-4o-mini-2024-07-18:acme::new"


def test_a_status_nobody_knows_is_shown_and_polled_on(workshop, witness, job):
    witness.change_run(job_of(job).run_id, status="contemplating")
    look(workshop)
    found = job_of(job)
    assert found.status == JobStatus.RUNNING
    assert found.provider_status == "contemplating"
    assert connection_of(workshop.connection_id).due_at is not None


def test_a_paused_run_is_followed(workshop, witness, job):
    run_id = job_of(job).run_id
    witness.change_run(run_id, status="paused")
    look(workshop)
    assert job_of(job).status == JobStatus.PAUSED
    witness.change_run(run_id, status="running")
    look(workshop)
    assert job_of(job).status == JobStatus.RUNNING


def test_a_run_vanishes_after_three_misses_over_an_hour(workshop, witness, job):
    with unit_of_work() as session:
        session.get_one(Job, job).run_id = "ftjob-nobody-knows"
    for _ in range(5):
        look(workshop)
    assert job_of(job).status == JobStatus.RUNNING
    assert job_of(job).misses == 5

    clock.shift(61)  # an hour is a minute in tests
    look(workshop)

    found = job_of(job)
    assert found.status == JobStatus.VANISHED
    assert "no longer knows" in found.error


def test_a_run_that_comes_back_is_not_counted_as_missing(workshop, witness, job):
    run_id = job_of(job).run_id
    with unit_of_work() as session:
        session.get_one(Job, job).run_id = "ftjob-nobody-knows"
    look(workshop)
    with unit_of_work() as session:
        session.get_one(Job, job).run_id = run_id
    look(workshop)
    assert (job_of(job).misses, job_of(job).missed_since) == (0, None)


@pytest.mark.parametrize(("status", "asked"), [(429, 90), (429, None), (500, None), (503, 30)])
def test_a_provider_that_says_wait_holds_the_whole_connection(
    workshop, witness, job, stopped_clock, status, asked
):
    headers = {} if asked is None else {"retry-after": str(asked)}
    body = json.dumps(refusal("Not now."))
    witness.script(Fault(LIST_RUNS, status=status, headers=headers, body=body))

    look(workshop)

    connection = connection_of(workshop.connection_id)
    assert job_of(job).status == JobStatus.RUNNING
    assert "Not now." in connection.words
    assert connection.due_at == connection.not_before
    held = (connection.not_before - stopped_clock).total_seconds() * 60
    assert (asked or 1) <= held <= (asked or 30) + 2
    before = len(witness.journal.read(LIST_RUNS))
    with unit_of_work() as session:  # whoever asks for a look
        session.get_one(Connection, workshop.connection_id).due_at = clock.now(session)
    tasks.sweep(workshop.connection_id)
    assert len(witness.journal.read(LIST_RUNS)) == before
    assert connection_of(workshop.connection_id).due_at == connection.not_before
    look(workshop)
    after = connection_of(workshop.connection_id)
    assert (after.not_before, after.words) == (None, None)


def test_failures_one_after_the_other_hold_longer_and_longer(
    workshop, witness, job, monkeypatch, stopped_clock
):
    monkeypatch.setattr(random, "uniform", lambda _least, most: most)
    witness.script(Fault(LIST_RUNS, status=500, times=7))
    holds = []
    for _ in range(7):
        look(workshop)
        wait = connection_of(workshop.connection_id).not_before - stopped_clock
        holds.append(round(wait.total_seconds() * 60))
    assert holds == [31, 61, 121, 241, 301, 301, 301]
    witness.script(Fault(LIST_EVENTS, status=500))
    look(workshop)
    assert connection_of(workshop.connection_id).attempts == 1, "it does answer"
    look(workshop)
    assert connection_of(workshop.connection_id).attempts == 0


def test_what_a_look_saw_before_it_failed_is_kept(workshop, witness, job):
    """Of two pages the second fails: the run of the first is known, the other one waits."""
    (older,) = witness.runs
    newer = queue_job(workshop, key="form:2")
    tasks.start(newer)
    ours = witness.runs[0]
    between = [{**ours, "id": f"ftjob-between-{n}", "metadata": {}} for n in range(130)]
    runs = [ours, *between, older]
    witness.set(runs=runs, visible_at={run["id"]: 0.0 for run in runs})
    for run in (ours, older):
        witness.change_run(run["id"], status="running")
    witness.script(Fault(LIST_RUNS, status=500, skip=1))
    look(workshop)
    assert job_of(newer).provider_status == "running"
    assert job_of(job).provider_status == "validating_files"
    assert connection_of(workshop.connection_id).not_before is not None
    look(workshop)
    assert job_of(job).provider_status == "running"


def test_an_end_is_known_at_once_and_its_last_lines_as_soon_as_they_can_be_read(
    workshop, witness, job
):
    run_id = job_of(job).run_id
    look(workshop)
    metric(witness, run_id, 24, train_loss=0.5, full_valid_loss=0.7)
    witness.change_run(run_id, status="succeeded", fine_tuned_model=TUNED)
    witness.script(Fault(LIST_EVENTS, status=500))
    look(workshop)
    assert job_of(job).status == JobStatus.SUCCEEDED
    assert the_model().best_valid_loss is None

    asked = len(witness.journal.read(LIST_RUNS))
    look(workshop)

    assert the_model().best_valid_loss == 0.7
    assert job_of(job).step == 24
    assert len(witness.journal.read(LIST_RUNS)) == asked  # its state is known
    look(workshop)
    assert connection_of(workshop.connection_id).due_at is None


def the_model():
    with read_only() as session:
        (model,) = session.query(TunedModel).all()
        return model


def test_a_log_that_cannot_be_read_is_given_up_after_an_hour(workshop, witness, job):
    look(workshop)
    witness.change_run(job_of(job).run_id, status="succeeded", fine_tuned_model=TUNED)
    witness.script(Fault(LIST_EVENTS, body="[]", times=99))
    look(workshop)
    assert connection_of(workshop.connection_id).due_at is not None
    clock.shift(3601)
    look(workshop)
    assert connection_of(workshop.connection_id).due_at is None
    assert job_of(job).status == JobStatus.SUCCEEDED


def test_a_look_that_sees_nothing_new_writes_no_job_however_many_there_are(
    workshop, witness, job, queries
):
    counts = []
    for many in (2, 9):
        for number in range(many):
            tasks.start(queue_job(workshop, key=f"form:{many}-{number}"))
        look(workshop)
        with unit_of_work() as session:
            session.get_one(Connection, workshop.connection_id).due_at = clock.now(session)
        with queries() as asked:
            tasks.sweep(workshop.connection_id)
        assert not [words for words, _ in asked.asked if words.startswith("UPDATE jobs")]
        counts.append(asked.count)
    assert counts[0] == counts[1]


def test_a_list_that_lags_behind_does_not_turn_a_run_back(workshop, witness, job):
    run_id = job_of(job).run_id
    for status, shown in [
        ("queued", "queued"),
        ("running", "running"),
        ("queued", "running"),
        ("validating_files", "running"),
        ("paused", "paused"),
        ("queued", "queued"),  # taken up again, it waits once more
        ("contemplating", "contemplating"),
        ("running", "running"),
    ]:
        witness.change_run(run_id, status=status)
        look(workshop)
        assert job_of(job).provider_status == shown


def vanish(workshop, job):
    """The provider has not known a job's run for an hour."""
    with unit_of_work() as session:
        found = session.get_one(Job, job)
        found.status, found.error = JobStatus.VANISHED, "Gone."
        found.ended_at = clock.now(session)


def test_a_vanished_run_that_a_list_shows_again_goes_on(workshop, witness, job):
    vanish(workshop, job)
    other = queue_job(workshop, key="form:2")
    tasks.start(other)
    witness.change_run(job_of(job).run_id, status="succeeded", fine_tuned_model=TUNED)
    look(workshop)
    assert (job_of(job).status, job_of(job).error) == (JobStatus.SUCCEEDED, None)
    assert "The provider shows this run again." in log_of(job)


def test_a_vanished_run_is_found_again_where_nothing_else_is_followed(workshop, witness, job):
    vanish(workshop, job)
    witness.change_run(job_of(job).run_id, status="running")
    look_for_orphans(workshop)
    assert job_of(job).status == JobStatus.RUNNING
    tasks.sweep(workshop.connection_id)
    assert job_of(job).provider_status == "running"


@pytest.fixture
def _real_waits(monkeypatch, home):
    monkeypatch.setenv("LUTHIER_WAIT_DIVISOR", "1")
    settings.cache_clear()


@pytest.mark.usefixtures("_real_waits")
def test_many_who_watch_are_one_look_in_five_seconds(workshop, witness, job):
    other = queue_job(workshop, key="form:2")
    tasks.start(other)
    look(workshop)
    swept_at = connection_of(workshop.connection_id).swept_at
    for watched in (job, other, job):
        with unit_of_work() as session:
            service.mark_watched(session, watched)
    due_at = connection_of(workshop.connection_id).due_at
    assert (due_at - swept_at).total_seconds() == pytest.approx(5, abs=0.5)


def test_a_run_is_looked_at_ten_seconds_after_its_expected_end(workshop, witness, job, monkeypatch):
    monkeypatch.setenv("LUTHIER_WAIT_DIVISOR", "1")
    settings.cache_clear()
    with unit_of_work() as session:
        session.get_one(Connection, workshop.connection_id).sweep_seconds = 300
        expected = int(clock.now(session).timestamp()) + 60
    witness.change_run(job_of(job).run_id, status="running", estimated_finish=expected)
    look(workshop)
    with unit_of_work() as session:
        session.get_one(Connection, workshop.connection_id).sweep_seconds = 300
    look(workshop)
    due_at = connection_of(workshop.connection_id).due_at
    assert due_at.timestamp() == expected + 10


def test_runs_that_no_list_shows_are_all_asked_for_in_the_end(workshop, witness):
    with unit_of_work() as session:
        place = [session.get_one(Project, workshop.project_id)]
        place.append(session.get_one(Connection, workshop.connection_id))
        place.append(session.get_one(DatasetVersion, workshop.version_id))
        for number in range(25):
            words = {"run_id": f"ftjob-lost-{number}", "key": f"form:{number}"}
            make.make_running_job(session, *place, **words)
    for _ in range(MOST_LOOKS):  # a look is shorter where the allowance is spent
        asked = len(witness.journal.read())
        look(workshop)
        assert len(witness.journal.read()) - asked <= 1 + 20
        with read_only() as session:
            if all(job.misses for job in session.query(Job)):
                return
    raise AssertionError("Some are never asked for.")


def test_a_refused_key_is_tried_again_seldom_and_the_job_goes_on(
    workshop, witness, job, stopped_clock
):
    witness.script(Fault(LIST_RUNS, status=401, body=json.dumps(refusal("Bad key.")), times=3))
    look(workshop)
    assert connection_of(workshop.connection_id).refused_at is not None
    assert job_of(job).status == JobStatus.RUNNING
    probes = []
    for second in range(0, 130, 5):  # of a clock that runs sixty times as fast
        clock.shift(second)
        before = len(witness.journal.read(LIST_RUNS))
        for _ in range(3):
            look(workshop)
        probes += [second] * (len(witness.journal.read(LIST_RUNS)) - before)
        if connection_of(workshop.connection_id).refused_at is None:
            break
    assert probes == [15, 30, *[60] * 3], "once each, until it works again"


def test_the_next_look_comes_later_while_nothing_changes(workshop, witness, job):
    witness.change_run(job_of(job).run_id, status="running")
    look(workshop)
    waits = []
    for _ in range(9):
        look(workshop)
        waits.append(connection_of(workshop.connection_id).sweep_seconds)
    assert waits[0] == 22.5
    assert waits == sorted(waits)
    assert waits[-1] == 300
    witness.add_event(job_of(job).run_id, message="Something happened")
    look(workshop)
    assert connection_of(workshop.connection_id).sweep_seconds == 15


def test_looks_come_more_seldom_while_webhooks_arrive(workshop, witness, job):
    look(workshop)
    for minutes, most in [(59, 600), (61, 300)]:
        with unit_of_work() as session:
            connection = session.get_one(Connection, workshop.connection_id)
            connection.hooked_at = clock.now(session) - timedelta(minutes=minutes)
            connection.sweep_seconds = 500
        look(workshop)
        assert connection_of(workshop.connection_id).sweep_seconds == most


def test_a_watched_job_is_looked_at_often(workshop, witness, job):
    with unit_of_work() as session:
        service.mark_watched(session, job)
    look(workshop)
    with read_only() as session:
        due = connection_of(workshop.connection_id).due_at
        assert (due - clock.now(session)) <= timedelta(seconds=5)


def test_runs_behind_the_first_page_are_found_too(workshop, witness, job):
    run_id = job_of(job).run_id
    (ours,) = witness.runs
    younger = [{**ours, "id": f"ftjob-younger-{n}", "metadata": {}} for n in range(130)]
    witness.set(runs=[*younger, ours], visible_at={run["id"]: 0.0 for run in [*younger, ours]})
    witness.change_run(run_id, status="running")
    look(workshop)
    assert job_of(job).provider_status == "running"
