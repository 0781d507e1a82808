"""Runs on the wire, driven by the official SDK."""

import csv
import io

import openai
import pytest
from openai.types import FileObject, Model
from openai.types.fine_tuning import FineTuningJob, FineTuningJobEvent
from openai.types.fine_tuning.jobs import FineTuningJobCheckpoint

from tests.trainer.conftest import (
    BASE,
    Trainer,
    ask,
    chat_row,
    ended,
    intent_rows,
    messages_of,
    series,
    start_run,
    upload,
)
from tests.trainer.long_runs import caught, endless_run
from tests.trainer.shapes import raw, strictly
from tests.waiting import eventually


def test_a_run_tells_its_story(client: openai.OpenAI, finished: FineTuningJob):
    assert finished.status == "succeeded"
    name = finished.fine_tuned_model
    assert name == f"ft:{BASE}:luthier:intents-v1:{finished.id.removeprefix('ftjob-')[:8]}"
    files = f"{finished.training_file} and validation file: {finished.validation_file}"
    assert messages_of(client, finished.id) == [
        f"Created fine-tuning job: {finished.id}",
        f"Validating training file: {files}",
        "Files validated, moving job to queued state",
        "Fine-tuning job started",
        f"Checkpoint created at step 13 with Snapshot ID: {name}:ckpt-step-13",
        f"Checkpoint created at step 26 with Snapshot ID: {name}:ckpt-step-26",
        f"Checkpoint created at step 39 with Snapshot ID: {name}:ckpt-step-39",
        f"Checkpoint created at step 52 with Snapshot ID: {name}",
        f"New fine-tuned model created: {name}",
        "The job has successfully completed",
    ]
    points = series(client, finished.id)
    assert [point["step"] for point in points] == list(range(1, 53))
    assert all(point["total_steps"] == 52 for point in points)
    assert [point["step"] for point in points if "full_valid_loss" in point] == [13, 26, 39, 52]
    assert all(
        {"train_loss", "train_mean_token_accuracy", "valid_loss"} <= set(point) for point in points
    )
    assert points[-1]["full_valid_loss"] < points[12]["full_valid_loss"] < points[0]["train_loss"]


def test_the_finished_run_carries_what_was_used(client: openai.OpenAI, finished: FineTuningJob):
    assert finished.hyperparameters.to_dict() == {
        "n_epochs": 4,
        "batch_size": 16,
        "learning_rate_multiplier": 1.0,
    }
    assert finished.seed == 11
    assert finished.trained_tokens
    assert finished.finished_at >= finished.created_at
    assert finished.estimated_finish is None
    assert finished.metadata == {"luthier_job": "1"}


def test_its_result_file_is_a_table(client: openai.OpenAI, finished: FineTuningJob):
    (file_id,) = finished.result_files

    rows = list(csv.DictReader(io.StringIO(client.files.content(file_id).text)))

    assert len(rows) == 52
    assert float(rows[-1]["train_loss"]) == series(client, finished.id)[-1]["train_loss"]
    assert rows[0]["full_valid_loss"] == ""
    assert strictly(FileObject, raw(client, f"/files/{file_id}")).purpose == "fine-tune-results"
    assert file_id in [file.id for file in client.files.list(purpose="fine-tune-results")]


def test_answers_have_the_shapes_of_the_sdk(client: openai.OpenAI, finished: FineTuningJob):
    at = f"/fine_tuning/jobs/{finished.id}"
    strictly(FineTuningJob, raw(client, at))
    for page, kind in (
        ("/fine_tuning/jobs", FineTuningJob),
        (f"{at}/events?limit=500", FineTuningJobEvent),
        (f"{at}/checkpoints", FineTuningJobCheckpoint),
        ("/models", Model),
    ):
        body = raw(client, page)
        assert body["object"] == "list"
        assert [strictly(kind, item) for item in body["data"]]
    strictly(Model, raw(client, f"/models/{finished.fine_tuned_model}"))


def test_events_are_paged_newest_first(client: openai.OpenAI, finished: FineTuningJob):
    whole = list(client.fine_tuning.jobs.list_events(finished.id, limit=1000))

    by_sevens = list(client.fine_tuning.jobs.list_events(finished.id, limit=7))

    assert [event.id for event in by_sevens] == [event.id for event in whole]
    assert len({event.id for event in whole}) == 62
    assert whole[0].message == "The job has successfully completed"
    with pytest.raises(openai.BadRequestError):
        client.fine_tuning.jobs.list_events(finished.id, after="ftevent-of-another-1")


def test_the_last_three_epochs_can_be_talked_to(client: openai.OpenAI, finished: FineTuningJob):
    kept = client.fine_tuning.jobs.checkpoints.list(finished.id).data

    assert [checkpoint.step_number for checkpoint in kept] == [52, 39, 26]
    assert kept[0].fine_tuned_model_checkpoint == finished.fine_tuned_model
    assert kept[0].metrics.full_valid_loss == series(client, finished.id)[-1]["full_valid_loss"]
    assert ask(client, kept[-1].fine_tuned_model_checkpoint, "I lost my card") == "lost_card"


def test_runs_are_listed_by_page_and_by_metadata(make_trainer):
    client = make_trainer().client()
    file_id = upload(client, intent_rows(10))
    runs = [
        client.fine_tuning.jobs.create(
            model=BASE, training_file=file_id, metadata={"n": str(n), "team": "a"}
        ).id
        for n in range(3)
    ]
    bare = client.fine_tuning.jobs.create(model=BASE, training_file=file_id).id

    assert [run.id for run in client.fine_tuning.jobs.list(limit=2)] == [bare, *reversed(runs)]
    assert client.fine_tuning.jobs.list(limit=3).has_more
    assert [run.id for run in client.fine_tuning.jobs.list(metadata={"n": "2"})] == [runs[2]]
    assert [run.id for run in client.fine_tuning.jobs.list(metadata={"n": "2", "team": "b"})] == []
    assert [
        run.id for run in client.fine_tuning.jobs.list(limit=3, metadata={"team": "a"})
    ] == runs[::-1]
    for run in [*runs, bare]:
        assert ended(client, run).status == "succeeded"


def test_a_page_goes_on_where_the_last_one_ended(client: openai.OpenAI):
    file_id = upload(client, intent_rows(10))
    runs = [
        client.fine_tuning.jobs.create(
            model=BASE, training_file=file_id, metadata={"team": "paged", "odd": str(n % 2)}
        ).id
        for n in range(4)
    ]
    listed = client.fine_tuning.jobs.list

    assert [run.id for run in listed(metadata={"team": "paged"}, limit=1)] == runs[::-1]
    page = listed(after=runs[2], metadata={"odd": "1"}, limit=1)
    assert [run.id for run in page.data] == [runs[1]]
    assert not page.has_more
    assert runs[3] not in [run.id for run in listed(after=runs[3], limit=100)]

    back = listed(extra_query={"before": runs[0]}, metadata={"team": "paged"}, limit=2)
    assert [run.id for run in back.data] == [runs[2], runs[1]]
    assert back.has_more
    first = listed(extra_query={"before": runs[2]}, metadata={"team": "paged"}, limit=2)
    assert [run.id for run in first.data] == [runs[3]]
    assert not first.has_more
    between = listed(extra_query={"before": runs[0]}, after=runs[3])
    assert [run.id for run in between.data] == [runs[2], runs[1]]
    with pytest.raises(openai.BadRequestError, match="ftjob-none") as refused:
        listed(extra_query={"before": "ftjob-none"})
    assert refused.value.param == "before"
    for run in runs:
        assert ended(client, run).status == "succeeded"


def test_integrations_are_kept_and_nothing_is_sent_to_them(client: openai.OpenAI):
    settings = {"project": "intents", "name": "first", "tags": ["a", "b"]}
    run = start_run(
        client, intent_rows(20), integrations=[{"type": "wandb", "wandb": settings}], suffix="WandB"
    )

    assert run.integrations[0].wandb.to_dict() == {**settings, "entity": None}
    assert ended(client, run.id).integrations == run.integrations
    strictly(FineTuningJob, raw(client, f"/fine_tuning/jobs/{run.id}"))
    events = client.fine_tuning.jobs.list_events(run.id, limit=100)
    (told,) = [event for event in events if "integrations" in event.message]
    assert told.level == "warn"
    assert run.to_dict()["user_provided_suffix"] == "WandB"


def test_a_running_run_says_when_it_will_be_done(make_trainer):
    client = make_trainer().client()
    run = endless_run(client)
    caught(client, run.id)

    now = eventually(lambda: going_on(client, run.id), within=30)

    assert now.estimated_finish >= now.created_at
    assert (now.trained_tokens, now.finished_at, now.result_files) == (None, None, [])
    assert now.hyperparameters.n_epochs == 50
    client.fine_tuning.jobs.cancel(run.id)


def going_on(client: openai.OpenAI, run_id: str) -> FineTuningJob | None:
    run = client.fine_tuning.jobs.retrieve(run_id)
    return run if run.estimated_finish else None


def test_too_few_rows_fail_as_at_openai(client: openai.OpenAI):
    run = ended(client, start_run(client, intent_rows(9)).id)

    assert run.status == "failed"
    assert run.error.to_dict() == {
        "code": "invalid_n_examples",
        "message": "Training file has 9 example(s), but must have at least 10 examples",
        "param": "training_file",
    }
    assert run.result_files == []
    assert run.fine_tuned_model is None


def test_a_line_that_cannot_be_read_is_named(client: openai.OpenAI):
    run = ended(client, start_run(client, b'{"messages": []\n' * 20).id)

    assert run.error.code == "invalid_training_file"
    assert "Line 1:" in run.error.message
    assert messages_of(client, run.id)[-1].startswith("The job failed: ")


def test_a_rate_beyond_reason_fails_in_words(client: openai.OpenAI):
    run = ended(client, start_run(client, intent_rows(50), learning_rate_multiplier=1e38).id)

    assert run.status == "failed"
    assert run.error.code == "training_diverged"


def test_a_running_run_is_cancelled_and_keeps_its_checkpoints(client: openai.OpenAI):
    run = start_run(client, intent_rows(300), n_epochs=50, batch_size=1)
    eventually(lambda: client.fine_tuning.jobs.checkpoints.list(run.id).data, within=30)

    cancelled = client.fine_tuning.jobs.cancel(run.id)

    assert cancelled.status == "cancelled"
    assert cancelled.fine_tuned_model is None
    assert messages_of(client, run.id)[-1] == "The job has been cancelled"
    kept = client.fine_tuning.jobs.checkpoints.list(run.id).data
    assert ask(client, kept[0].fine_tuned_model_checkpoint, "I lost my card") == "lost_card"
    with pytest.raises(openai.BadRequestError, match="already completed"):
        client.fine_tuning.jobs.cancel(run.id)


def test_runs_wait_their_turn_and_can_be_cancelled_while_they_wait(make_trainer):
    client = make_trainer().client()
    first = endless_run(client)
    second = start_run(client, intent_rows(20))
    eventually(lambda: client.fine_tuning.jobs.retrieve(first.id).status == "running", within=30)

    assert client.fine_tuning.jobs.retrieve(second.id).status == "validating_files"
    assert client.fine_tuning.jobs.cancel(second.id).status == "cancelled"
    assert client.fine_tuning.jobs.retrieve(first.id).status == "running"
    third = start_run(client, intent_rows(20))
    assert client.fine_tuning.jobs.cancel(first.id).status == "cancelled"
    assert ended(client, third.id).status == "succeeded"


def test_a_tuned_model_can_be_tuned_further(client: openai.OpenAI, finished: FineTuningJob):
    new = [chat_row(f"close my account {n}", "close_account") for n in range(12)]
    rows = intent_rows(60, seed=2) + new

    run = ended(client, start_run(client, rows, model=finished.fine_tuned_model, batch_size=64).id)

    assert run.status == "succeeded"
    assert run.fine_tuned_model.startswith(f"ft:{BASE}:luthier::")
    fresh = ended(client, start_run(client, rows, batch_size=64).id)
    assert series(client, run.id)[0]["train_loss"] < series(client, fresh.id)[0]["train_loss"] / 2
    assert ask(client, run.fine_tuned_model, "close my account") == "close_account"
    assert ask(client, run.fine_tuned_model, "my top up failed") == "top_up_failed"


def test_a_deleted_model_is_gone_and_its_run_stays(client: openai.OpenAI):
    run = ended(client, start_run(client, intent_rows(20)).id)

    assert client.models.delete(run.fine_tuned_model).deleted

    with pytest.raises(openai.NotFoundError) as refused:
        ask(client, run.fine_tuned_model, "hello")
    assert refused.value.code == "model_not_found"
    assert run.fine_tuned_model not in [model.id for model in client.models.list()]
    assert client.fine_tuning.jobs.retrieve(run.id).status == "succeeded"
    assert client.fine_tuning.jobs.checkpoints.list(run.id).data == []


def test_answers_outlive_the_training_file(client: openai.OpenAI, trainer: Trainer):
    run = ended(client, start_run(client, intent_rows(60)).id)
    questions = [row["messages"][1]["content"] for row in intent_rows(20, seed=3)]
    before = [
        ask(client, run.fine_tuned_model, question, temperature=1, seed=1) for question in questions
    ]

    client.files.delete(run.training_file)
    eventually(lambda: not answering(trainer), within=30)

    after = [
        ask(client, run.fine_tuned_model, question, temperature=1, seed=1) for question in questions
    ]
    assert after == before


def answering(trainer: Trainer) -> list[str]:
    """The server's children that answer; they are let go when nobody asks."""
    from pathlib import Path

    assert trainer.process is not None
    tasks = Path(f"/proc/{trainer.process.pid}/task").glob("*/children")
    children = [pid for task in tasks for pid in task.read_text().split()]
    lines = [Path(f"/proc/{pid}/cmdline").read_text() for pid in children]
    return [line for line in lines if "app.trainer.answering" in line]
