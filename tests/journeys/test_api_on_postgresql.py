"""The main path over the JSON API, on the shape for servers: PostgreSQL, a broker, two workers."""

import os
import signal
import sys
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
from tests.processes import TRAINER_KEY, Program, start_server_shape

pytestmark = pytest.mark.processes

EPOCHS = 3
ROWS, QUESTIONS = 10_003, 3_080
WIDE_MARGIN = 0.5


@pytest.mark.timeout(300)
def test_a_job_outlives_both_workers_and_its_model_answers_what_it_was_not_taught(
    tmp_path, postgres_url, capsys
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
        held = script.upload(project_id, HELD_OUT, "Banking77, held out")
        assert script.get(f"/dataset-versions/{training}")["rows"] == ROWS
        assert script.content(training) == TRAINING.read_bytes()

        versions = {"training_version_id": training, "validation_version_id": held["version"]["id"]}
        job = script.start_job(project_id, suffix="intents", n_epochs=EPOCHS, **versions)
        repeated = script.start_job(project_id, suffix="intents", n_epochs=EPOCHS, **versions)
        assert repeated == job

        curve = Curve(script, job["id"])
        for name in ("worker1", "worker2"):
            _kill_while_it_runs(programs[name], curve)
            programs[name].start_again()
        ended = curve.follow(within=150)

        assert (ended["status"], ended["error"]) == ("succeeded", None)
        assert len(curve.counts) >= 5
        curve.assert_whole(ended["progress"]["total_steps"])
        (model,) = script.get(f"/projects/{project_id}/models")["data"]
        assert model["id"] == ended["model_id"]
        (run,) = runs_at(programs["trainer"].address, TRAINER_KEY)
        assert (run.id, run.fine_tuned_model) == (ended["run_id"], model["name"])

        questions, labels = held_out()
        started_at = time.monotonic()
        answers = script.answers(model["id"], questions)
        seconds = time.monotonic() - started_at
        right = sum(map(str.__eq__, answers, labels)) / len(labels)
        baseline = labels.count(commonest_label()) / len(labels)
        with capsys.disabled():
            sys.stdout.write(
                f"\n{len(labels):,} held-out questions in {seconds:.0f} s: the tuned model is "
                f"right in {right:.1%}, always the commonest label in {baseline:.1%}\n"
            )
        assert len(labels) == QUESTIONS
        assert right > baseline + WIDE_MARGIN


def _kill_while_it_runs(worker: Program, curve: Curve) -> None:
    """End a worker that is bringing points, and its pool, as `kill -9` does or a power cut."""
    curve.wait_for_more(within=90)
    assert curve.job()["status"] == "running"
    for pid in (worker.process.pid, *owned.descendants(worker.process.pid)):
        os.kill(pid, signal.SIGKILL)
