"""Runs that last long enough to be caught in the middle, and what they wrote down."""

import openai
from openai.types.fine_tuning import FineTuningJob

from tests.trainer.conftest import intent_rows, start_run
from tests.waiting import eventually

OFTEN = {"LUTHIER_TRAINER_SAVE_SECONDS": "0.05"}
STEPS = 20 * 50


def long_run(client: openai.OpenAI) -> FineTuningJob:
    """A run of 1,000 steps; every one of them is the same run again."""
    return start_run(
        client, intent_rows(50), valid=intent_rows(10, seed=4), n_epochs=20, batch_size=1
    )


def endless_run(client: openai.OpenAI) -> FineTuningJob:
    """A run that only ends because it is cancelled."""
    return start_run(client, intent_rows(2_000), n_epochs=50, batch_size=1)


def trained_steps(client: openai.OpenAI, run_id: str) -> int:
    """The last step that an event tells of."""
    events = client.fine_tuning.jobs.list_events(run_id, limit=5)
    return next((event.data["step"] for event in events if event.type == "metrics"), 0)


def caught(client: openai.OpenAI, run_id: str, *, after: int = 100) -> None:
    """Wait until the run is in the middle of its training."""
    eventually(lambda: trained_steps(client, run_id) > after, within=30)


def table(client: openai.OpenAI, run_id: str) -> list[str]:
    """The lines of a run's result table: its header, then every step."""
    (file_id,) = client.fine_tuning.jobs.retrieve(run_id).result_files
    return client.files.content(file_id).text.splitlines()
