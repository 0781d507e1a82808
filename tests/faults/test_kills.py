"""K1 to K16: kill -9 at every step of a paid start, and what must come of it."""

import os
import signal

import httpx2
import openai
import psycopg
import pytest

from app.connections.models import Connection
from app.core import clock
from app.core.database import unit_of_work
from app.projects.models import Project
from tests import make
from tests.faults.stage import BOOT_SECONDS, CONVERGED_SECONDS, WAITS, on
from tests.jobs.steps import attempts_of
from tests.stage import job_of
from tests.waiting import eventually
from tests.witness import handle
from tests.witness.script import CREATE_RUN, UPLOAD, Fault

everywhere = on(full=("sqlite", "postgresql"))


def killed_at(stage, point, **form):
    """A worker dies at a checkpoint with all its processes, another begins; the job in the end."""
    stage.start("beat")
    stage.start("worker", crash_at=point)
    job_id = stage.queue_job(**form)
    stage.crashed(point)
    stage.kill("worker")
    stage.start("worker")
    return stage.assert_paid_once(job_id)


def killed_while_ordering(stage):
    """A worker dies while the witness holds its order; the job in the end."""
    stage.start("beat", "worker")
    job_id = stage.queue_job()
    eventually(lambda: stage.witness.creates, within=BOOT_SECONDS)
    stage.kill("worker")
    stage.start("worker")
    return stage.assert_paid_once(job_id)


@everywhere
def test_K1_killed_before_the_click_is_committed(stage):
    stage.start("beat", "worker")
    stage.start("web", crash_at="K1")
    with pytest.raises(httpx2.TransportError):
        stage.click("form:1")
    stage.crashed("K1")
    assert stage.count_jobs() == 0
    stage.kill("web")
    stage.start("web")

    again = stage.click("form:1").json()

    job = stage.assert_paid_once(again["id"])
    assert (job.status, len(stage.orders_of(job)), stage.count_jobs()) == ("running", 1, 1)
    stage.invariants_hold()


@everywhere
def test_K2_killed_between_the_click_and_its_letter(stage):
    stage.start("beat", "worker")
    stage.start("web", crash_at="K2")
    with pytest.raises(httpx2.TransportError):
        stage.click("form:1")
    stage.crashed("K2")
    assert stage.count_jobs() == 1
    stage.kill("web")
    stage.start("web")

    again = stage.click("form:1").json()

    job = stage.assert_paid_once(again["id"])
    assert (job.status, len(stage.orders_of(job)), stage.count_jobs()) == ("running", 1, 1)
    stage.invariants_hold()


@everywhere
def test_K3_killed_before_the_start_is_claimed(stage):
    job = killed_at(stage, "K3")
    assert (job.status, len(stage.orders_of(job))) == ("running", 1)
    stage.invariants_hold()


@everywhere
def test_K4_killed_after_the_start_is_claimed(stage):
    job = killed_at(stage, "K4")
    assert (job.status, len(stage.orders_of(job))) == ("running", 1)
    stage.invariants_hold()


@everywhere
def test_K5_killed_half_way_through_sending_the_file(stage):
    with unit_of_work() as session:
        project = session.get_one(Project, stage.team.project_id)
        rows = make.chat_file(8000)
        version_id = make.make_checked_version(session, project, rows, name="Many").id

    job = killed_at(stage, "K5", training_version_id=version_id)

    assert (job.status, len(stage.orders_of(job))) == ("running", 1)
    (file,) = stage.witness.tell("/_files", {})["data"]
    assert (file["id"], file["bytes"]) == (job.training_file_id, len(rows))
    stage.invariants_hold()


@everywhere
def test_K6_killed_between_sending_the_file_and_keeping_its_id(stage):
    job = killed_at(stage, "K6")
    assert (job.status, len(stage.orders_of(job))) == ("running", 1)
    assert len(stage.witness.journal.read(UPLOAD)) == 1, "what was there is taken"
    stage.invariants_hold()


@everywhere
def test_K7_killed_before_the_order_is_written_down(stage):
    job = killed_at(stage, "K7")
    assert (job.status, len(stage.orders_of(job))) == ("running", 1)
    stage.invariants_hold()


@on("sqlite", full=("postgresql",))
def test_K8_killed_between_writing_the_order_down_and_sending_it(stage):
    job = killed_at(stage, "K8")
    assert (job.status, stage.orders_of(job)) == ("in_doubt", [])
    stage.invariants_hold()


@everywhere
def test_K9_killed_after_the_order_left_and_the_provider_dropped_it(stage):
    stage.witness.script(Fault(CREATE_RUN, end="drop", delay=2))
    job = killed_while_ordering(stage)
    assert (job.status, len(stage.orders_of(job))) == ("in_doubt", 1)
    stage.invariants_hold()


@everywhere
def test_K10_killed_after_the_provider_took_the_order_and_before_it_answered(stage):
    stage.witness.script(Fault(CREATE_RUN, end="drop", commits=True, delay=2))
    job = killed_while_ordering(stage)
    assert (job.status, len(stage.orders_of(job))) == ("running", 1)
    stage.invariants_hold()


@on("postgresql", full=("sqlite",))
def test_K11_killed_between_the_answer_and_writing_it_down(stage):
    job = killed_at(stage, "K11")
    assert (job.status, len(stage.orders_of(job))) == ("running", 1)
    stage.invariants_hold()


@everywhere
def test_K12_killed_after_the_answer_is_written_down_and_before_anybody_is_told(stage):
    job = killed_at(stage, "K12")
    assert (job.status, len(stage.orders_of(job))) == ("running", 1)
    stage.witness.change_run(job.run_id, status="succeeded", fine_tuned_model="ft:gpt:acme::k12")
    eventually(lambda: job_of(job.id).status == "succeeded", within=CONVERGED_SECONDS)
    stage.invariants_hold()


@everywhere
def test_K13_killed_between_finding_the_run_and_adopting_it(stage):
    stage.witness.script(Fault(CREATE_RUN, end="drop", commits=True))
    job = killed_at(stage, "K13")
    assert (job.status, len(stage.orders_of(job))) == ("running", 1)
    stage.invariants_hold()


@everywhere
def test_K14_killed_between_finding_a_stray_run_and_cancelling_it(stage):
    stage.start("beat", "worker")
    job = stage.assert_paid_once(stage.queue_job())
    stage.kill("worker")
    stray = _order_again(stage, job)
    stage.start("worker", crash_at="K14")
    _look_through(stage)
    stage.crashed("K14")
    assert {run["id"] for run in stage.runs_of(job)} == {job.run_id, stray}
    stage.kill("worker")

    stage.start("worker")

    eventually(lambda: [job.run_id] == [run["id"] for run in stage.runs_of(job)], within=1200)
    assert job_of(job.id).run_id == job.run_id
    stage.invariants_hold()


# What PostgreSQL does while it works at the commit that keeps the run: in the one case it has not
# happened yet, in the other it has, and only the answer is still to come.
COMMITS = {
    "and_it_had_not_happened": ("PgSleep", "PERFORM pg_sleep(10)"),
    "and_it_had_happened": ("SyncRep", "PERFORM set_config('synchronous_commit', 'on', true)"),
}


@on(full=("mortal",))
@pytest.mark.parametrize(("waits_for", "does"), COMMITS.values(), ids=list(COMMITS))
def test_K15_postgresql_killed_during_the_commit_that_keeps_the_run(stage, waits_for, does):
    stage.postgres.execute(
        stage.database_url,
        f"CREATE FUNCTION lingers() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN {does}; RETURN NULL; END $$",
        "CREATE CONSTRAINT TRIGGER lingers AFTER UPDATE ON start_attempts "
        "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.outcome = 'started') "
        "EXECUTE FUNCTION lingers()",
        "ALTER SYSTEM SET synchronous_standby_names = 'nobody'",  # waited for where "on"
        "SELECT pg_reload_conf()",
    )
    stage.start("beat", "worker")
    job_id = stage.queue_job()
    with psycopg.connect(stage.database_url, autocommit=True) as asking:
        eventually(
            lambda: asking.execute(
                "SELECT 1 FROM pg_stat_activity WHERE wait_event = %s AND state = 'active'",
                (waits_for,),
            ).fetchone(),
            within=BOOT_SECONDS,
        )
    stage.postgres.kill()
    stage.postgres.start()

    job = stage.assert_paid_once(job_id)

    assert (job.status, len(stage.orders_of(job))) == ("running", 1)
    (attempt,) = attempts_of(job_id)
    assert attempt.outcome == ("found" if waits_for == "PgSleep" else "started")
    stage.invariants_hold()


@everywhere
def test_K16_stopped_before_sending_and_woken_when_everybody_had_given_up(stage):
    stage.start("beat")
    stage.start("worker", crash_at="K8:stop")
    job_id = stage.queue_job()
    zombie = stage.crashed("K8")
    job = stage.assert_paid_once(job_id)
    assert (job.status, stage.orders_of(job)) == ("in_doubt", [])

    os.kill(zombie, signal.SIGCONT)

    # It knows that nothing left, which ends the doubt: the job is ordered after all.
    eventually(lambda: job_of(job_id).status == "running", within=CONVERGED_SECONDS)
    assert [one.outcome for one in attempts_of(job_id)] == ["not_sent", "started"]
    assert len(stage.orders_of(stage.assert_paid_once(job_id))) == 1
    stage.invariants_hold()


@everywhere
def test_K16_an_order_that_is_carried_out_when_everybody_had_given_up(stage):
    """A zombie beyond the last check, or a network that keeps an order for so long: nothing here
    can stop it, and the look through the connection finds its run.
    """
    stage.witness.script(Fault(CREATE_RUN, end="drop", delay=2))
    job = killed_while_ordering(stage)
    assert job.status == "in_doubt"

    run = stage.witness.carry_out(*stage.orders_of(job))

    eventually(lambda: job_of(job.id).run_id == run["id"], within=CONVERGED_SECONDS + 900 / WAITS)
    assert stage.assert_paid_once(job.id).status == "running"
    stage.invariants_hold()


def _order_again(stage, job):
    """Somebody's order with the same tag: a run beside that of the job. Its id."""
    (order,) = stage.orders_of(job)
    with openai.OpenAI(base_url=stage.witness.url, api_key=handle.KEY, max_retries=0) as other:
        stray = other.fine_tuning.jobs.create(**order.body)
    (first,) = [run for run in stage.witness.runs if run["id"] == job.run_id]
    stage.witness.change_run(stray.id, created_at=first["created_at"] + 5)
    return stray.id


def _look_through(stage):
    """A quarter of an hour has passed."""
    with unit_of_work() as session:
        connection = session.get_one(Connection, stage.team.connection_id)
        connection.orphans_due_at = clock.now(session)
