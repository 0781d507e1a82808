"""The adapter for OpenAI's wire keeps the contract, and reads what servers really send."""

import json
import time
from datetime import date
from typing import get_args

import pytest
from openai.types.fine_tuning import FineTuningJob

from app.core.http import HttpOptions
from app.providers.base import (
    RunStatus,
)
from app.providers.openai import OpenAIProvider, runs
from tests.providers.contract import ProviderContract, started
from tests.witness import handle
from tests.witness.script import (
    LIST_MODELS,
    LIST_RUNS,
    Fault,
    refusal,
)
from tests.witness.state import STOPS


class WitnessWorld:
    """The witness as a place to try a provider at: runs move when the test says so."""

    base_model = "gpt-4o-mini-2024-07-18"

    def __init__(self, witness):
        self.witness = witness

    def open(self, key=None):
        options = HttpOptions(allow=frozenset({self.witness.host}))
        return OpenAIProvider(self.witness.url, key or handle.KEY, "openai", options)

    def hold(self, run):
        return run

    def finish(self, run_id):
        run = next(run for run in self.witness.runs if run["id"] == run_id)
        if run["status"] == "cancelled":
            return
        for step in range(1, 251):
            data = {"step": step, "total_steps": 250, "train_loss": 1 / step}
            self.witness.add_event(run_id, type="metrics", message=f"Step {step}", data=data)
        self.witness.add_checkpoint(
            run_id,
            id="ckpt-1",
            created_at=int(time.time()),
            fine_tuned_model_checkpoint="ft:gpt:ckpt-step-250",
            step_number=250,
            metrics={"step": 250, "train_loss": 0.1},
        )
        results = self.witness.add_file("results.csv", b"step,train_loss\n1,1.0\n")
        self.witness.change_run(
            run_id,
            status="succeeded",
            finished_at=int(time.time()),
            fine_tuned_model="ft:witness",
            trained_tokens=1234,
            result_files=[results["id"]],
            hyperparameters={"n_epochs": 2, "batch_size": 1, "learning_rate_multiplier": 1.8},
        )


class TestContract(ProviderContract):
    @pytest.fixture
    def world(self, witness):
        return WitnessWorld(witness)


def test_every_status_the_sdk_declares_is_mapped_exactly_once():
    declared = set(get_args(FineTuningJob.model_fields["status"].annotation))

    assert declared <= set(runs.STATUSES)
    assert set(runs.STATUSES) - declared == {"paused"}
    assert not set(runs.STATUSES) & set(runs.OTHER_SPELLINGS)
    assert RunStatus.UNKNOWN not in runs.STATUSES.values()


def test_a_status_nobody_knows_is_kept_as_written_and_has_not_ended(provider, witness, order):
    run = started(provider, order)
    witness.change_run(run.run_id, status="awaiting_moon")

    seen = provider.report(run.run_id)

    assert (seen.status, seen.provider_status) == (RunStatus.UNKNOWN, "awaiting_moon")
    assert not seen.status.has_ended


def test_a_failed_run_says_why_and_an_empty_error_says_nothing(provider, witness, order):
    run = started(provider, order)
    assert run.error is None  # the witness sends `error: {}`
    why = {"code": "invalid_n_examples", "message": "Has 9 examples.", "param": "training_file"}
    witness.change_run(run.run_id, status="failed", error=why)

    failed = provider.report(run.run_id)

    assert failed.status is RunStatus.FAILED
    assert failed.error is not None
    assert (failed.error.message, failed.error.code) == ("Has 9 examples.", "invalid_n_examples")


def test_absurd_fields_become_unknown_and_do_no_harm(provider, witness, order):
    run = started(provider, order)
    witness.change_run(
        run.run_id,
        trained_tokens=10**30,
        created_at=1e300,
        finished_at="soon",
        fine_tuned_model=7,
        result_files=None,
        metadata=None,
        hyperparameters="none",
        seed=True,
    )

    seen = provider.report(run.run_id)

    assert (seen.trained_tokens, seen.created_at, seen.finished_at) == (None, None, None)
    assert (seen.model_name, seen.result_file_ids, seen.seed) == (None, (), None)


def test_text_no_database_keeps_is_replaced(provider, witness, order):
    run = started(provider, order)
    witness.add_event(run.run_id, message="a\0b\ud800c", data={"loss": float("nan")})

    newest = next(provider.events(run.run_id))

    assert newest.message == "a\ufffdb\ufffdc"
    assert newest.data == {"loss": None}


def test_base_models_follow_the_profile_and_carry_their_last_day(provider):
    found = {model.name: model for model in provider.base_models()}

    assert list(found) == ["gpt-4.1-mini-2025-04-14", "gpt-4o-mini-2024-07-18"]
    assert found["gpt-4o-mini-2024-07-18"].shutdown_date == date.fromisoformat(STOPS)
    assert found["gpt-4.1-mini-2025-04-14"].shutdown_date is None
    assert found["gpt-4o-mini-2024-07-18"].row_token_cap == 65_536


def test_a_key_check_says_whose_key_and_what_it_may_not(provider, witness):
    words = "You do not have access to fine-tuning."
    witness.script(
        Fault(LIST_RUNS, status=403, body=json.dumps(refusal(words, "no_access"))),
    )

    account = provider.check_key()

    assert account.organization == "witness-org"
    assert "gpt-6" in account.models
    assert not account.is_trainer
    refused = next(p for p in account.permissions if p.name == "fine-tuning")
    assert not refused.is_allowed
    assert words in (refused.words or "")


def test_a_trainer_makes_itself_known(provider, witness):
    models = json.dumps({"object": "list", "data": []})
    witness.script(Fault(LIST_MODELS, body=models, headers={"x-luthier-trainer": "1"}))

    account = provider.check_key()

    assert account.is_trainer
    assert account.profile == "luthier"
