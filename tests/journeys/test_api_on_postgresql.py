"""The main path over the JSON API, on the shape for servers: PostgreSQL, a broker, two workers."""

import os
import signal
import time

import pytest

from app.core import owned
from tests import broker
from tests.journeys.api import (
    HELD_OUT,
    OWNER,
    TRAINING,
    Curve,
    Script,
    commonest_label,
    held_out,
    runs_at,
)
from tests.measured import MEASURED
from tests.processes import TRAINER_KEY, Program, start_server_shape

pytestmark = pytest.mark.processes

EPOCHS = 2
ROWS, HELD_OUT_ROWS, EVERY = 10_003, 3_080, 10
WIDE_MARGIN = 0.5


@pytest.mark.full  # a minute; tests/browser/test_journey.py goes the same way
@pytest.mark.timeout(400)
def test_a_model_answers_what_it_was_not_taught_and_jobs_outlive_workers(
    tmp_path, postgres_url, record_property
):
    with (
        broker.running() as redis_url,
        start_server_shape(
            tmp_path / "home", database_url=postgres_url, redis_url=redis_url, **OWNER
        ) as programs,
        Script(programs["web"], DATABASE_URL=postgres_url) as script,
    ):
        project_id = script.post("/projects", json={"name": "Support routing"})["id"]
        training = script.upload(project_id, TRAINING, "Banking77")["version"]["id"]
        held = script.upload(project_id, HELD_OUT, "Banking77, held out")["version"]["id"]
        assert script.get(f"/dataset-versions/{training}")["rows"] == ROWS
        assert script.content(training) == TRAINING.read_bytes()
        versions = {"training_version_id": training, "validation_version_id": held}

        ended = [_watch_a_whole_job(script, project_id, versions)]
        right, baseline, seconds = _ask_what_it_was_not_taught(script, ended[0]["model_id"])
        record_property(
            MEASURED,
            f"{HELD_OUT_ROWS // EVERY:,} held-out questions in {seconds:.0f} s: the tuned model "
            f"is right in {right:.1%}, always the commonest label in {baseline:.1%}",
        )
        assert right > baseline + WIDE_MARGIN

        ended += [
            _kill_while_it_trains(script, project_id, versions, programs[name])
            for name in ("worker1", "worker2")
        ]
        models = script.get(f"/projects/{project_id}/models")["data"]
        runs = runs_at(programs["trainer"].address, TRAINER_KEY)
        assert {model["id"]: model["name"] for model in models} == {
            job["model_id"]: run.fine_tuned_model for job in ended for run in [runs[job["run_id"]]]
        }
        assert len(runs) == len(ended)


def _watch_a_whole_job(script, project_id, versions):
    """Nothing happens to this job; its points are read as they come."""
    job = script.start_job(project_id, suffix="intents", n_epochs=EPOCHS, **versions)
    assert script.start_job(project_id, suffix="intents", n_epochs=EPOCHS, **versions) == job
    curve = Curve(script, job["id"])
    ended = curve.follow(within=150)
    assert (ended["status"], ended["error"]) == ("succeeded", None)
    assert len(curve.counts) >= 5
    curve.assert_whole(ended["progress"]["total_steps"])
    return ended


def _ask_what_it_was_not_taught(script, model_id):
    """The share of right answers, that of the commonest label, and the seconds it took."""
    questions, labels = (column[::EVERY] for column in held_out())
    assert len(labels) == HELD_OUT_ROWS // EVERY
    started_at = time.monotonic()
    answers = script.answers(model_id, questions)
    seconds = time.monotonic() - started_at
    right = sum(map(str.__eq__, answers, labels)) / len(labels)
    return right, labels.count(commonest_label()) / len(labels), seconds


def _kill_while_it_trains(script, project_id, versions, worker: Program):
    """End a worker and its pool as `kill -9` does, or a power cut; what became of the job."""
    suffix = f"without-{worker.process.pid}"
    job = script.start_job(project_id, suffix=suffix, n_epochs=1, **versions)
    curve = Curve(script, job["id"])
    curve.wait_for_more(within=90)
    assert curve.job()["status"] == "running"
    for pid in (worker.process.pid, *owned.descendants(worker.process.pid)):
        os.kill(pid, signal.SIGKILL)
    ended = curve.follow(within=150)
    worker.start_again()
    assert (ended["status"], ended["error"]) == ("succeeded", None)
    curve.assert_whole(ended["progress"]["total_steps"])
    return ended
