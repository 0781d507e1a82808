"""A paused run leaves the machine to others, and goes on as if nothing had been."""

import openai
import pytest
from openai.types.fine_tuning import FineTuningJob

from tests.trainer.conftest import ask, ended, intent_rows, messages_of, series, start_run
from tests.trainer.long_runs import STEPS, caught, endless_run, long_run, table, trained_steps
from tests.trainer.shapes import raw, strictly
from tests.waiting import eventually


def test_a_paused_run_leaves_the_machine_and_goes_on_with_the_same_numbers(
    make_trainer, undisturbed
):
    trainer = make_trainer()
    client = trainer.client()
    run = long_run(client)
    caught(client, run.id)
    second = start_run(client, intent_rows(20))

    paused = client.fine_tuning.jobs.pause(run.id)

    assert paused.status == "paused"
    assert paused.estimated_finish is None
    strictly(FineTuningJob, raw(client, f"/fine_tuning/jobs/{run.id}"))
    assert ended(client, second.id).status == "succeeded"
    step = trained_steps(client, run.id)
    assert 100 < step < STEPS
    trainer.end()
    trainer.start()
    assert client.fine_tuning.jobs.retrieve(run.id).status == "paused"
    assert client.fine_tuning.jobs.resume(run.id).status == "queued"
    assert ended(client, run.id).status == "succeeded"
    assert table(client, run.id) == undisturbed
    assert [point["step"] for point in series(client, run.id)] == list(range(1, STEPS + 1))
    said = messages_of(client, run.id)
    assert said.count("The job has been paused") == 1
    assert said.count(f"Fine-tuning job resumed from step {step}") == 1


def test_a_pause_makes_a_checkpoint_that_answers_until_the_next_one(make_trainer):
    client = make_trainer().client()
    run = long_run(client)
    caught(client, run.id, after=170)
    client.fine_tuning.jobs.pause(run.id)
    step = trained_steps(client, run.id)

    snapshot, *earlier = client.fine_tuning.jobs.checkpoints.list(run.id).data

    assert snapshot.step_number == step
    # Paused just where a checkpoint is due, that one is the last of the three that are kept.
    assert [one.step_number % 50 for one in earlier] == [0] * (3 if step % 50 else 2)
    assert ask(client, snapshot.fine_tuned_model_checkpoint, "I lost my card") == "lost_card"
    client.fine_tuning.jobs.resume(run.id)
    eventually(lambda: trained_steps(client, run.id) > step + 50, within=30)
    kept = client.fine_tuning.jobs.checkpoints.list(run.id).data
    assert [one.step_number % 50 for one in kept] == [0, 0, 0]
    client.fine_tuning.jobs.cancel(run.id)


def test_a_paused_run_can_be_cancelled(make_trainer):
    trainer = make_trainer()
    client = trainer.client()
    run = long_run(client)
    caught(client, run.id)
    client.fine_tuning.jobs.pause(run.id)

    assert client.fine_tuning.jobs.cancel(run.id).status == "cancelled"

    assert messages_of(client, run.id)[-1] == "The job has been cancelled"
    assert len(table(client, run.id)) > 100
    folder = trainer.home / "runs" / run.id
    assert not (folder / "work").exists()
    assert not (folder / "checkpoints" / "resume.npz").exists()
    refused(client.fine_tuning.jobs.resume, run.id, "already completed")


def test_a_run_in_another_state_says_so(make_trainer):
    client = make_trainer().client()
    run = endless_run(client)
    waiting = start_run(client, intent_rows(20))
    caught(client, run.id)
    refused(client.fine_tuning.jobs.pause, waiting.id, "is in state validating_files")
    refused(client.fine_tuning.jobs.resume, waiting.id, "is in state validating_files")
    refused(client.fine_tuning.jobs.resume, run.id, "is in state running")
    client.fine_tuning.jobs.pause(run.id)
    refused(client.fine_tuning.jobs.pause, run.id, "already been paused")
    client.fine_tuning.jobs.cancel(run.id)
    refused(client.fine_tuning.jobs.pause, run.id, "already completed")


def test_a_run_that_waits_for_its_turn_after_a_pause_is_queued(make_trainer):
    client = make_trainer().client()
    first = long_run(client)
    caught(client, first.id)
    client.fine_tuning.jobs.pause(first.id)
    second = endless_run(client)
    caught(client, second.id, after=1)

    assert client.fine_tuning.jobs.resume(first.id).status == "queued"

    refused(client.fine_tuning.jobs.pause, first.id, "is in state queued")
    refused(client.fine_tuning.jobs.resume, first.id, "is in state queued")
    client.fine_tuning.jobs.cancel(second.id)
    eventually(lambda: client.fine_tuning.jobs.retrieve(first.id).status == "running", within=30)
    client.fine_tuning.jobs.cancel(first.id)


def refused(call, run_id: str, words: str) -> None:
    with pytest.raises(openai.BadRequestError, match=words) as said:
        call(run_id)
    assert said.value.code == "invalid_job_status"
    assert run_id in said.value.message
