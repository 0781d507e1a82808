"""Processes die: a run goes on with the same numbers, and nothing is left behind."""

import os
import signal

from tests.trainer.conftest import (
    Trainer,
    ended,
    intent_rows,
    messages_of,
    series,
    start_run,
)
from tests.waiting import eventually

OFTEN = {"LUTHIER_TRAINER_SAVE_SECONDS": "0.05"}
SLOW = {"n_epochs": 50, "batch_size": 1}
STEPS = 50 * 60


def trained_steps(client, run_id: str) -> int:
    events = client.fine_tuning.jobs.list_events(run_id, limit=5)
    return next((event.data["step"] for event in events if event.type == "metrics"), 0)


def slow_run(client):
    return start_run(client, intent_rows(60), valid=intent_rows(10, seed=4), **SLOW)


def all_points(client, run_id: str):
    text = client.files.content(client.fine_tuning.jobs.retrieve(run_id).result_files[0]).text
    return text.splitlines()


def test_a_killed_child_is_followed_by_another_with_the_same_numbers(make_trainer):
    trainer = make_trainer(more=OFTEN)
    client = trainer.client()
    run = slow_run(client)
    eventually(lambda: trained_steps(client, run.id) > 150, within=30)

    (child,) = trainer.children()
    os.kill(child, signal.SIGKILL)

    assert ended(client, run.id).status == "succeeded"
    undisturbed = slow_run(client)
    assert ended(client, undisturbed.id).status == "succeeded"
    assert all_points(client, run.id) == all_points(client, undisturbed.id)
    assert [point["step"] for point in series(client, run.id)] == list(range(1, STEPS + 1))
    (resumed,) = [text for text in messages_of(client, run.id) if "resumed" in text]
    assert 0 < int(resumed.removeprefix("Fine-tuning job resumed from step ")) < STEPS


def test_an_owned_trainer_takes_its_children_along_and_goes_on_where_they_were(make_trainer):
    trainer = make_trainer()
    client = trainer.client()
    run = slow_run(client)
    eventually(lambda: trained_steps(client, run.id) > 100, within=30)

    trainer.end()

    assert not trainer.children()
    folder = trainer.home / "runs" / run.id
    assert (folder / "checkpoints" / "resume.npz").exists()
    trainer.start()
    assert ended(client, run.id).status == "succeeded"
    assert len(all_points(client, run.id)) == STEPS + 1


def test_the_children_of_a_killed_owned_trainer_end(make_trainer):
    trainer = make_trainer()
    run = slow_run(trainer.client())
    eventually(lambda: trained_steps(trainer.client(), run.id) > 10, within=30)

    trainer.end(signal.SIGKILL)

    eventually(lambda: not trainer.children(), within=30)
    trainer.start()
    assert ended(trainer.client(), run.id).status == "succeeded"


def test_alone_a_training_outlives_its_server(make_trainer):
    trainer: Trainer = make_trainer(is_owned=False)
    client = trainer.client()
    run = slow_run(client)
    eventually(lambda: trained_steps(client, run.id) > 10, within=30)
    children = trainer.children()

    trainer.end()
    assert trainer.children() == children
    trainer.start()

    assert ended(client, run.id).status == "succeeded"
    assert not any("resumed" in text for text in messages_of(client, run.id))


def test_a_run_whose_child_always_dies_fails_and_says_why(make_trainer):
    trainer = make_trainer()
    client = trainer.client()
    first = slow_run(client)
    run = slow_run(client)
    folder = trainer.home / "runs" / run.id
    (folder / "work").write_text("a file where the child needs a folder")
    client.fine_tuning.jobs.cancel(first.id)

    failed = ended(client, run.id)

    assert failed.status == "failed"
    assert failed.error.code == "server_error"
    assert "died 3 times" in failed.error.message


def test_a_torn_journal_is_mended(make_trainer):
    trainer = make_trainer()
    client = trainer.client()
    run = slow_run(client)
    eventually(lambda: trained_steps(client, run.id) > 100, within=30)
    trainer.end()
    for name in ("events.jsonl", "metrics.jsonl"):
        path = trainer.home / "runs" / run.id / name
        with path.open("ab") as file:
            file.write(b'{"step": 12')

    trainer.start()

    assert ended(client, run.id).status == "succeeded"
    assert series(client, run.id)[-1]["step"] == STEPS
    assert len(all_points(client, run.id)) == STEPS + 1


def test_the_index_is_made_anew_from_the_folders(make_trainer):
    trainer = make_trainer()
    client = trainer.client()
    run = ended(client, start_run(client, intent_rows(20), metadata={"a": "b"}).id)
    files = [file.to_dict() for file in client.files.list()]

    trainer.end()
    trainer.start()

    assert client.fine_tuning.jobs.retrieve(run.id) == run
    assert [file.to_dict() for file in client.files.list()] == files
    assert [found.id for found in client.fine_tuning.jobs.list(metadata={"a": "b"})] == [run.id]
    assert run.fine_tuned_model in [model.id for model in client.models.list()]
