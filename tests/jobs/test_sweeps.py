"""Following runs: what a look keeps, when the next is due, and how a job ends once."""

import json
from datetime import timedelta

from app.catalog.models import TunedModel
from app.connections.models import Connection
from app.core import clock, storage
from app.core.database import read_only, unit_of_work
from app.jobs import metrics, queries, service, sweeps, tasks
from app.jobs.models import Checkpoint, Job, JobEvent, JobStatus
from tests import make
from tests.jobs.steps import look, metric
from tests.stage import connection_of, job_of
from tests.witness.script import Fault, refusal

CANCEL = "POST /v1/fine_tuning/jobs/{}/cancel"
EVENTS = "GET /v1/fine_tuning/jobs/{}/events"
TUNED = "ft:gpt-4o-mini-2024-07-18:acme::new"


def lines_of(job_id, *, ours=False):
    with read_only() as session:
        found = queries.events_of(session, job_id, limit=200)
        return [line.text for line in reversed(found) if line.is_ours == ours]


def count(model):
    with read_only() as session:
        return session.query(model).count()


def test_a_look_keeps_status_numbers_and_words(workshop, witness, job):
    run_id = job_of(job).run_id
    witness.change_run(run_id, status="running")
    witness.add_event(run_id, message="Training has begun")
    metric(witness, run_id, 1, train_loss=3.0, train_mean_token_accuracy=0.1)
    metric(witness, run_id, 2, train_loss=2.0, valid_loss=2.5)

    look(workshop)

    found = job_of(job)
    assert found.status == JobStatus.RUNNING
    assert found.provider_status == "running"
    assert (found.step, found.total_steps) == (2, 24)
    assert (found.train_loss, found.valid_loss, found.best_valid_loss) == (2.0, 2.5, 2.5)
    assert found.training_since is not None
    assert lines_of(job) == ["Created fine-tuning job", "Training has begun"]
    with read_only() as session:
        series = metrics.read_after(session, job, -1)
    assert series["train_loss"].steps == [1, 2]
    assert series["train_loss"].values == [3.0, 2.0]
    assert series["valid_loss"].values == [2.5]
    assert series.keys() == {"train_loss", "valid_loss", "train_mean_token_accuracy"}


def test_the_same_look_twice_keeps_everything_once(workshop, witness, job):
    run_id = job_of(job).run_id
    metric(witness, run_id, 1, train_loss=3.0)
    look(workshop)
    with unit_of_work() as session:
        session.get_one(Job, job).known_event_id = None  # as if the row had never learned it
    log = (storage.folder("events") / f"{job}.jsonl").read_bytes()

    look(workshop)

    assert lines_of(job) == ["Created fine-tuning job"]
    with read_only() as session:
        assert metrics.read_after(session, job, -1)["train_loss"].steps == [1]
    again = (storage.folder("events") / f"{job}.jsonl").read_bytes()
    assert len([line for line in log.splitlines() if json.loads(line)["type"] == "metrics"]) == 1
    assert again.startswith(log)


def test_events_behind_the_known_one_are_not_asked_for_again(workshop, witness, job):
    run_id = job_of(job).run_id
    for step in range(1, 251):
        metric(witness, run_id, step, train_loss=1 / step)
    look(workshop)
    first = len(witness.journal.read(EVENTS.format(run_id)))
    metric(witness, run_id, 251, train_loss=0.001)
    look(workshop)
    with read_only() as session:
        assert metrics.read_after(session, job, -1)["train_loss"].steps == list(range(1, 252))
    assert first == 3
    assert len(witness.journal.read(EVENTS.format(run_id))) == 4


def test_numbers_that_are_none_are_left_out(workshop, witness, job):
    run_id = job_of(job).run_id
    witness.add_event(run_id, type="metrics", data={"train_loss": 1.0})
    witness.add_event(run_id, type="metrics", data={"step": "3", "train_loss": 1.0})
    witness.add_event(run_id, type="metrics", data={"step": -1, "train_loss": 1.0})
    witness.add_event(run_id, type="metrics", data={"step": True, "train_loss": 1.0})
    odd = {"step": 4, "train_loss": None, "valid_loss": "low", "x" * 65: 1.0, "flag": True}
    witness.add_event(run_id, type="metrics", data=odd)
    look(workshop)
    with read_only() as session:
        assert metrics.read_after(session, job, -1) == {}
    assert job_of(job).status == JobStatus.RUNNING


def test_the_best_validation_loss_is_that_of_the_full_set_where_there_is_one(
    workshop, witness, job
):
    run_id = job_of(job).run_id
    metric(witness, run_id, 1, train_loss=3.0, valid_loss=0.5)
    look(workshop)
    assert job_of(job).best_valid_loss == 0.5
    metric(witness, run_id, 2, train_loss=2.0, valid_loss=0.4, full_valid_loss=1.5)
    look(workshop)
    assert (job_of(job).best_valid_loss, job_of(job).best_valid_step) == (1.5, 2)
    metric(witness, run_id, 3, train_loss=1.0, valid_loss=0.1)
    metric(witness, run_id, 4, train_loss=1.0, valid_loss=0.2, full_valid_loss=1.2)
    metric(witness, run_id, 5, train_loss=1.0, valid_loss=0.2, full_valid_loss=1.9)
    look(workshop)
    assert (job_of(job).best_valid_loss, job_of(job).best_valid_step) == (1.2, 4)


def test_a_succeeded_run_makes_one_model_with_its_lineage(workshop, witness, job, letters):
    run_id = job_of(job).run_id
    metric(witness, run_id, 24, train_loss=0.5, full_valid_loss=0.7)
    finished = {"status": "succeeded", "fine_tuned_model": TUNED, "trained_tokens": 960}
    dials = {"n_epochs": 2, "batch_size": 1, "learning_rate_multiplier": 0.1}
    witness.change_run(run_id, **finished, hyperparameters=dials)
    letters.nudges.clear()

    look(workshop)
    look(workshop)
    tasks.sweep(workshop.connection_id)

    found = job_of(job)
    assert found.status == JobStatus.SUCCEEDED
    assert found.ended_at is not None
    assert found.trained_tokens == 960
    with read_only() as session:
        (model,) = session.query(TunedModel).all()
        assert queries.job_by_id(session, job).training_sha256 == model.lineage["training_sha256"]
    assert model.job_id == job
    assert model.dataset_version_id == workshop.version_id
    assert model.best_valid_loss == 0.7
    assert model.lineage["run_id"] == run_id
    assert model.lineage["training_rows"] == 12
    assert model.lineage["hyperparameters"]["n_epochs"] == 2
    assert model.lineage["suffix"] == "june"
    assert f"job:{job}" in letters.nudges
    assert f"project:{workshop.project_id}" in letters.nudges


def test_an_ended_run_is_not_looked_at_again(workshop, witness, job):
    witness.change_run(job_of(job).run_id, status="succeeded", fine_tuned_model=TUNED)
    look(workshop)
    asked = len(witness.journal.read())
    look(workshop)
    assert len(witness.journal.read()) == asked
    assert connection_of(workshop.connection_id).due_at is None


def test_an_ended_job_never_changes_again(workshop, witness, job):
    run_id = job_of(job).run_id
    watch = claimed(workshop)
    witness.change_run(run_id, status="succeeded", fine_tuned_model=TUNED)
    with unit_of_work() as session:
        service.end(session, session.get_one(Job, job), JobStatus.CANCELLED)
    late = {job: sweeps.Sighting(make.make_report(run_id, provider_status="late"))}
    with unit_of_work() as session:
        sweeps.record_sweep(session, watch, late)
    assert job_of(job).status == JobStatus.CANCELLED
    assert job_of(job).provider_status != "late"


def claimed(workshop):
    with unit_of_work() as session:
        session.get_one(Connection, workshop.connection_id).due_at = clock.now(session)
        session.flush()
        watch = sweeps.claim_sweep(session, workshop.connection_id)
        assert watch is not None
        return watch


def test_a_failed_run_keeps_the_providers_reason(workshop, witness, job):
    error = {"message": "Row 7 is not safe.", "code": "unsafe", "param": "training_file"}
    witness.change_run(job_of(job).run_id, status="failed", error=error)
    look(workshop)
    assert job_of(job).status == JobStatus.FAILED
    assert job_of(job).error == "Row 7 is not safe."
    assert count(TunedModel) == 0


def test_a_failure_without_a_reason_says_so(workshop, witness, job):
    witness.change_run(job_of(job).run_id, status="failed", error=None)
    look(workshop)
    assert job_of(job).error == "The provider gave no reason."


def test_checkpoints_are_kept_once(workshop, witness, job):
    run_id = job_of(job).run_id
    witness.add_checkpoint(
        run_id,
        id="ftckpt-1",
        object="fine_tuning.job.checkpoint",
        created_at=1_700_000_000,
        fine_tuned_model_checkpoint=f"{TUNED}:ckpt-step-8",
        step_number=8,
        metrics={"step": 8, "train_loss": 0.9, "full_valid_loss": 1.1},
    )
    witness.change_run(run_id, status="succeeded", fine_tuned_model=TUNED)
    metric(witness, run_id, 8, full_valid_loss=1.1)
    look(workshop)
    with read_only() as session:
        (kept,) = session.query(Checkpoint).all()
    assert (kept.step, kept.name) == (8, f"{TUNED}:ckpt-step-8")
    assert kept.metrics["full_valid_loss"] == 1.1


def test_a_late_look_with_an_old_fence_changes_nothing(workshop, witness, job):
    late = claimed(workshop)
    with unit_of_work() as session:
        session.get_one(Connection, workshop.connection_id).lease_until = None
    claimed(workshop)
    seen = {job: sweeps.Sighting(make.make_report(late.runs[0].run_id, provider_status="late"))}
    with unit_of_work() as session:
        sweeps.record_sweep(session, late, seen)
    assert job_of(job).provider_status != "late"
    assert count(JobEvent) == len(lines_of(job, ours=True)) + len(lines_of(job))


def test_what_is_wrong_with_one_runs_log_concerns_that_run(workshop, witness, job):
    """Its state is kept, and the other runs of the connection are not held."""
    witness.change_run(job_of(job).run_id, status="running")
    witness.script(Fault(EVENTS, status=400, body=refusal("No such events.")))
    look(workshop)
    assert job_of(job).provider_status == "running"
    assert connection_of(workshop.connection_id).not_before is None


def test_a_look_that_was_asked_for_while_one_was_out_is_not_forgotten(workshop, witness, job):
    with unit_of_work() as session:
        session.get_one(Connection, workshop.connection_id).due_at = clock.now(session)
    with unit_of_work() as session:
        watch = sweeps.claim_sweep(session, workshop.connection_id)
    with unit_of_work() as session:
        service.cancel_job(session, session.get_one(Job, job), actor_id=workshop.users["owner"])
        asked_at = session.get_one(Connection, workshop.connection_id).due_at
    with unit_of_work() as session:
        sweeps.record_sweep(session, watch, {})
    assert connection_of(workshop.connection_id).due_at <= asked_at


def test_the_log_of_a_run_nobody_watches_is_read_every_ten_minutes(workshop, witness, job):
    look(workshop)
    assert logs_read(witness, workshop, job, minutes_ago=9) == 0
    assert logs_read(witness, workshop, job, minutes_ago=11) == 1


def logs_read(witness, workshop, job, *, minutes_ago):
    """How often a look asks for the log that was last read so many minutes ago."""
    run_id = job_of(job).run_id
    with unit_of_work() as session:
        held = session.get_one(Job, job)
        held.watched_until = None
        held.events_at = clock.now(session) - timedelta(minutes=minutes_ago)
        session.get_one(Connection, workshop.connection_id).due_at = clock.now(session)
    asked = [entry for entry in witness.journal.read() if entry.path.endswith(f"{run_id}/events")]
    tasks.sweep(workshop.connection_id)
    since = [entry for entry in witness.journal.read() if entry.path.endswith(f"{run_id}/events")]
    return len(since) - len(asked)
