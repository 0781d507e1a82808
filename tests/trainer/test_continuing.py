"""A training goes on from an earlier model, by every method, where that one stood."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.trainer.engines.practice.network import Network
from tests.trainer.conftest import ask, chat_row, ended, intent_rows, series, train, upload
from tests.trainer.test_preferences import polite_rows
from tests.trainer.test_reinforcement import SAYS_THE_LABEL, labelled_rows

pytestmark = pytest.mark.usefixtures("_one_core")
VALID = intent_rows(40, seed=2)


@pytest.fixture
def earlier(prepare, tmp_path: Path) -> tuple[Path, dict[str, Any]]:
    """A tuned model and the metrics of its last step."""
    training = prepare(intent_rows(150), VALID, n_epochs=2)
    last = train(training)[-1].metrics
    training.save_model(tmp_path / "earlier.npz")
    return tmp_path / "earlier.npz", last


def full_loss(training: Any) -> float:
    """The loss on all validation rows, as the model is now."""
    valid = training.lesson._setting.valid
    return float(training.lesson._measured(valid, np.arange(len(valid)), "now")["now_loss"])


def test_supervised_begins_with_the_loss_the_earlier_run_ended_with(prepare, earlier):
    path, last = earlier

    training = prepare(intent_rows(150), VALID, start_from=path)

    assert full_loss(training) == pytest.approx(last["full_valid_loss"], abs=1e-6)
    after = train(training)
    assert after[-1].metrics["full_valid_loss"] < last["full_valid_loss"]


def test_new_words_are_added_without_unlearning_the_old(prepare, earlier):
    path, last = earlier
    new = [chat_row(f"how do I close my account {n}", "account_closing") for n in range(20)]

    training = prepare([*intent_rows(100), *new], VALID, start_from=path)

    old = Network.load(path).vocabulary.pieces
    assert training.network.vocabulary.pieces[: len(old)] == old
    assert "_closing" in training.network.vocabulary.pieces[len(old) :]
    assert full_loss(training) == pytest.approx(last["full_valid_loss"], rel=0.05)
    assert train(training)[-1].metrics["train_loss"] < 0.2


def test_preferences_are_measured_against_the_model_they_began_with(prepare, earlier):
    path, _ = earlier
    rows = polite_rows(40)

    training = prepare(rows, method="dpo", start_from=path)

    start = Network.load(path).grown(training.network.vocabulary, np.random.default_rng(0))
    batch = training.rows.batch(np.arange(5))
    by_token = training.network.forward(batch).of_targets(batch)
    expected = np.add.reduceat(by_token.astype(np.float64), batch.answer_starts).reshape(-1, 2)
    assert np.allclose(training.lesson._reference["train"][:5], expected)
    assert np.array_equal(training.network.output, start.output)
    reports = train(training)
    assert reports[0].metrics["train_loss"] == pytest.approx(math.log(2))
    # The reference stays: at the end the margin is still that from where it began.
    assert np.allclose(training.lesson._reference["train"][:5], expected)
    assert reports[-1].metrics["train_reward_margin"] > 0


def test_reinforcement_begins_with_what_the_earlier_model_says(prepare, earlier):
    """A tuned model earns from its first answer what one from nothing has to find."""
    path, _ = earlier
    rows, valid = labelled_rows(60), labelled_rows(40, seed=2)
    asked = {"method": "reinforcement", "grader": SAYS_THE_LABEL, "batch_size": 8, "n_epochs": 2}

    tuned = prepare(rows, valid, start_from=path, **asked)
    fresh = prepare(rows, valid, **asked)

    def reward(training: Any) -> float:
        return float(training.lesson.evaluated(0).graded.rewards().mean())

    assert tuned.network.vocabulary.pieces == Network.load(path).vocabulary.pieces
    before = reward(tuned)
    assert before > reward(fresh) + 0.3
    train(tuned)
    assert reward(tuned) >= before


def test_a_job_by_dpo_goes_on_from_a_checkpoint_over_the_wire(client, finished):
    checkpoint = client.fine_tuning.jobs.checkpoints.list(finished.id).data[-1]
    assert ":ckpt-step-" in checkpoint.fine_tuned_model_checkpoint

    run = client.fine_tuning.jobs.create(
        model=checkpoint.fine_tuned_model_checkpoint,
        training_file=upload(client, polite_rows(30)),
        validation_file=upload(client, polite_rows(10, seed=2)),
        method={"type": "dpo", "dpo": {"hyperparameters": {"beta": 0.2, "n_epochs": 2}}},
    )

    done = ended(client, run.id)
    assert done.status == "succeeded", done.error
    assert done.method.dpo.hyperparameters.beta == 0.2
    first, *_, last = series(client, run.id)
    assert first["train_loss"] == pytest.approx(math.log(2), abs=1e-6)
    assert last["full_valid_reward_margin"] > 0
    assert last["full_valid_reward_accuracy"] > 0.5
    assert ask(client, done.fine_tuned_model, "where is my card", max_tokens=20)
