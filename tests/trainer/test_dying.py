"""Processes die, disks fill up, clocks go wrong: a run goes on with the same numbers."""

import json
import os
import resource
import signal
import subprocess
import sys

import openai

from tests.trainer.conftest import (
    KEY,
    ROOT,
    SERVE,
    Trainer,
    ended,
    intent_rows,
    messages_of,
    series,
    start_run,
)
from tests.trainer.long_runs import (
    OFTEN,
    STEPS,
    caught,
    endless_run,
    long_run,
    table,
    trained_steps,
)
from tests.waiting import eventually


def test_a_killed_child_is_followed_by_another_with_the_same_numbers(make_trainer, undisturbed):
    trainer = make_trainer(more=OFTEN)
    client = trainer.client()
    run = long_run(client)
    caught(client, run.id, after=150)

    (child,) = trainer.children()
    os.kill(child, signal.SIGKILL)

    assert ended(client, run.id).status == "succeeded"
    assert table(client, run.id) == undisturbed
    assert [point["step"] for point in series(client, run.id)] == list(range(1, STEPS + 1))
    (resumed,) = [text for text in messages_of(client, run.id) if "resumed" in text]
    assert 0 < int(resumed.removeprefix("Fine-tuning job resumed from step ")) < STEPS


def test_a_run_goes_on_after_server_and_child_were_killed(make_trainer, undisturbed):
    trainer = make_trainer(is_owned=False, more=OFTEN)
    client = trainer.client()
    run = long_run(client)
    caught(client, run.id, after=150)
    (child,) = trainer.children()

    trainer.end(signal.SIGKILL)
    os.kill(child, signal.SIGKILL)
    trainer.start()

    assert ended(client, run.id).status == "succeeded"
    assert table(client, run.id) == undisturbed


def test_an_owned_trainer_takes_its_children_along_and_goes_on_where_they_were(
    make_trainer, undisturbed
):
    trainer = make_trainer()
    client = trainer.client()
    run = long_run(client)
    caught(client, run.id)

    trainer.end()

    assert not trainer.children()
    assert (trainer.home / "runs" / run.id / "checkpoints" / "resume.npz").exists()
    trainer.start()
    assert ended(client, run.id).status == "succeeded"
    assert table(client, run.id) == undisturbed


def test_the_children_of_a_killed_owned_trainer_end(make_trainer):
    trainer = make_trainer()
    run = long_run(trainer.client())
    caught(trainer.client(), run.id, after=10)

    trainer.end(signal.SIGKILL)

    eventually(lambda: not trainer.children(), within=30)
    trainer.start()
    assert ended(trainer.client(), run.id).status == "succeeded"


def test_alone_a_training_outlives_its_server(make_trainer):
    trainer: Trainer = make_trainer(is_owned=False)
    client = trainer.client()
    run = long_run(client)
    caught(client, run.id, after=10)
    children = trainer.children()

    trainer.end()
    assert trainer.children() == children
    trainer.start()

    assert ended(client, run.id).status == "succeeded"
    assert not any("resumed" in text for text in messages_of(client, run.id))


def test_a_pause_that_the_child_never_heard_is_kept_by_the_next(make_trainer):
    trainer = make_trainer(more=OFTEN)
    client = trainer.client()
    run = long_run(client)
    caught(client, run.id)
    (child,) = trainer.children()
    os.kill(child, signal.SIGSTOP)
    trainer.end(signal.SIGKILL)
    (trainer.home / "runs" / run.id / "control.json").write_text('{"pause": true}')
    os.kill(child, signal.SIGKILL)

    trainer.start()

    eventually(lambda: client.fine_tuning.jobs.retrieve(run.id).status == "paused", within=30)
    client.fine_tuning.jobs.resume(run.id)
    assert ended(client, run.id).status == "succeeded"
    assert [point["step"] for point in series(client, run.id)] == list(range(1, STEPS + 1))


def test_a_run_whose_child_always_dies_fails_and_says_why(make_trainer):
    trainer = make_trainer()
    client = trainer.client()
    first = endless_run(client)
    run = long_run(client)
    folder = trainer.home / "runs" / run.id
    (folder / "work").write_text("a file where the child needs a folder")
    client.fine_tuning.jobs.cancel(first.id)

    failed = ended(client, run.id)

    assert failed.status == "failed"
    assert failed.error.code == "server_error"
    assert "died 3 times" in failed.error.message


def test_a_full_disk_is_waited_for(make_trainer, undisturbed):
    trainer = make_trainer(more=OFTEN)
    client = trainer.client()
    run = long_run(client)
    caught(client, run.id)
    child, unlimited = filled_up(trainer)

    eventually(lambda: FULL in messages_of(client, run.id), within=30)

    step = trained_steps(client, run.id)
    assert client.fine_tuning.jobs.retrieve(run.id).status == "running"
    assert trained_steps(client, run.id) == step
    resource.prlimit(child, resource.RLIMIT_FSIZE, unlimited)
    assert ended(client, run.id).status == "succeeded"
    assert table(client, run.id) == undisturbed
    assert [point["step"] for point in series(client, run.id)] == list(range(1, STEPS + 1))
    said = messages_of(client, run.id)
    assert any("room on the disk" in text for text in said)
    assert not any("resumed" in text for text in said)


def test_a_run_that_waits_for_room_can_be_cancelled(make_trainer):
    trainer = make_trainer(more=OFTEN)
    client = trainer.client()
    run = endless_run(client)
    caught(client, run.id)
    filled_up(trainer)
    eventually(lambda: FULL in messages_of(client, run.id), within=30)

    client.fine_tuning.jobs.cancel(run.id)

    assert ended(client, run.id).status == "cancelled"


FULL = "The disk is full; training waits for room."


def filled_up(trainer: Trainer) -> tuple[int, tuple[int, int]]:
    """Leave the child room for the lines of a journal and for no model; how it was before."""
    (child,) = trainer.children()
    before = resource.prlimit(child, resource.RLIMIT_FSIZE)
    resource.prlimit(child, resource.RLIMIT_FSIZE, (200_000, before[1]))
    return child, before


def test_torn_journals_are_mended(make_trainer, undisturbed):
    trainer = make_trainer()
    client = trainer.client()
    run = long_run(client)
    caught(client, run.id)
    trainer.end()
    for name in ("events.jsonl", "metrics.jsonl"):
        with (trainer.home / "runs" / run.id / name).open("ab") as file:
            file.write(b'{"step": 12')

    trainer.start()

    assert ended(client, run.id).status == "succeeded"
    assert series(client, run.id)[-1]["step"] == STEPS
    assert table(client, run.id) == undisturbed


def test_a_second_server_on_a_home_is_refused(trainer: Trainer, client: openai.OpenAI):
    code = SERVE.replace("main(", "import app.trainer.server as s; s.HOME_SECONDS = 0.2; main(")
    ours = {"TEST_PORT": "1", "TEST_HOME": str(trainer.home), "TEST_KEY": KEY}

    second = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, **ours},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert second.returncode == 1
    assert f"Another trainer works in {trainer.home}." in second.stderr
    assert client.models.list().data


def test_what_was_seen_is_seen_after_a_start_without_the_index(make_trainer):
    trainer = make_trainer()
    client = trainer.client()
    run = ended(client, start_run(client, intent_rows(20), metadata={"a": "b"}).id)
    files = [file.to_dict() for file in client.files.list()]
    for is_lost in (False, True):
        trainer.end()
        if is_lost:
            (trainer.home / "index.jsonl").unlink()
        trainer.start()

        assert client.fine_tuning.jobs.retrieve(run.id) == run
        assert [file.to_dict() for file in client.files.list()] == files
        listed = client.fine_tuning.jobs.list(metadata={"a": "b"})
        assert [found.id for found in listed] == [run.id]
        assert run.fine_tuned_model in [model.id for model in client.models.list()]


def test_a_clock_that_was_set_back_changes_no_order(make_trainer):
    trainer = make_trainer()
    client = trainer.client()
    first = ended(client, start_run(client, intent_rows(20)).id)
    trainer.end()
    path = trainer.home / "runs" / first.id / "spec.json"
    spec = json.loads(path.read_text())
    path.with_suffix(".part").write_text(json.dumps({**spec, "created_at": 4e9}))
    path.with_suffix(".part").replace(path)
    trainer.start()

    second = ended(client, start_run(client, intent_rows(20)).id)

    assert second.created_at < client.fine_tuning.jobs.retrieve(first.id).created_at
    for _ in range(2):
        assert [run.id for run in client.fine_tuning.jobs.list(limit=1)] == [second.id, first.id]
        trainer.end()
        trainer.start()
