"""The main path on an empty folder: one command, SQLite, and a worker that is killed."""

import os
import signal

import pytest

from tests.journeys.api import HELD_OUT, OWNER, TRAINING, Curve, Script, command, runs_at
from tests.processes import processes_of, start_luthier
from tests.waiting import eventually

pytestmark = pytest.mark.processes


def set_up_the_webhook_of_practice(script, project_id):
    """The trainer of this machine reaches this instance, before and after a rotation."""
    (practice,) = script.get(f"/projects/{project_id}/connections")["data"]
    path = f"/connections/{practice['id']}/webhook"
    made = script.post(path, json={})
    rotated = script.post(f"{path}/rotate", 200)
    assert made["secret_hint"] != rotated["secret_hint"]
    assert script.post(f"{path}/test", 200) == {"status_code": 204}
    return path


def about_run(script, hook, run_id):
    """What came in about a run, or None."""
    found = script.get(f"{hook}/deliveries")["data"]
    return next((one for one in found if one["run_id"] == run_id), None)


@pytest.mark.full  # tests/faults kills workers at each step
@pytest.mark.timeout(300)
def test_a_killed_worker_costs_nothing_and_nothing_is_left_behind(tmp_path):
    with start_luthier(tmp_path / "home", **OWNER) as luthier, Script(luthier) as script:
        project_id = script.post("/projects", json={"name": "Support routing"})["id"]
        hook = set_up_the_webhook_of_practice(script, project_id)
        training = script.upload(project_id, TRAINING, "Banking77")
        held = script.upload(project_id, HELD_OUT, "Banking77, held out")
        job = script.start_job(
            project_id,
            suffix="intents",
            n_epochs=2,
            training_version_id=training["version"]["id"],
            validation_version_id=held["version"]["id"],
        )
        curve = Curve(script, job["id"])
        curve.wait_for_more(within=60)
        worker = luthier.child("worker")
        os.kill(worker, signal.SIGKILL)
        eventually(lambda: luthier.child("worker") != worker, within=30)
        ended = curve.follow(within=150)

        assert (ended["status"], ended["error"]) == ("succeeded", None)
        curve.assert_whole(ended["progress"]["total_steps"])
        (model,) = script.get(f"/projects/{project_id}/models")["data"]
        assert model["id"] == ended["model_id"]
        told = eventually(lambda: about_run(script, hook, ended["run_id"]), within=20)
        assert (told["type"], told["times"]) == ("fine_tuning.job.succeeded", 1)
        assert told["outcome"] in {"looked", "known"}
        trainer = f"http://127.0.0.1:{(luthier.home / 'trainer.port').read_text().strip()}"
        (run,) = runs_at(trainer, command(luthier.home, "trainer-key")).values()
        assert (run.id, run.fine_tuned_model) == (ended["run_id"], model["name"])

        luthier.stop()
        assert processes_of(luthier.home) == []
