"""Proof that the practice engine follows a reward: it samples, a grader grades, gradients move."""

import json
import os
import signal
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.trainer.engines.base import InvalidData, StepReport
from app.trainer.engines.practice.gradients import added
from app.trainer.engines.practice.lesson import SAMPLES
from app.trainer.engines.practice.reinforcement import advantages
from app.trainer.engines.practice.sampling import sampled
from app.trainer.engines.practice.vocabulary import END, START
from tests.trainer.conftest import (
    BASE,
    Row,
    ask,
    ended,
    intent_rows,
    messages_of,
    train,
    upload,
)
from tests.trainer.conftest import series as points
from tests.trainer.slopes import assert_downhill, in_doubles
from tests.waiting import eventually

pytestmark = pytest.mark.usefixtures("_one_core")
COUNTDOWN = Path(__file__).resolve().parents[2] / "examples" / "countdown-rft"
SAYS_THE_LABEL: Row = {
    "type": "string_check",
    "name": "label",
    "input": "{{sample.output_text}}",
    "reference": "{{item.label}}",
    "operation": "like",
}

NEAR_THE_LABEL: Row = {
    "type": "text_similarity",
    "name": "near",
    "input": "{{sample.output_text}}",
    "reference": "{{item.label}}",
    "evaluation_metric": "rouge_1",
}


def labelled_rows(count: int, *, seed: int = 1) -> list[Row]:
    """Questions, and the intent that a grader knows."""
    return [
        {"messages": row["messages"][:2], "label": row["messages"][2]["content"]}
        for row in intent_rows(count, seed=seed)
    ]


@pytest.fixture
def reinforce(prepare):
    """A reinforcement of this test; short unless told otherwise."""

    def make(rows: Any = None, valid: Any = None, grader: Row = SAYS_THE_LABEL, **asked: Any):
        return prepare(
            rows if rows is not None else labelled_rows(40),
            valid if valid is not None else labelled_rows(20, seed=2),
            method="reinforcement",
            grader=grader,
            **{"batch_size": 8, "n_epochs": 2, **asked},
        )

    return make


def timeless(reports: list[StepReport]) -> list[Any]:
    """Everything but the clock's figures."""
    return [
        (
            r.step,
            {k: v for k, v in r.metrics.items() if k != "timing"},
            r.trained_tokens,
            r.is_checkpoint,
        )
        for r in reports
    ]


def test_the_dense_part_of_the_countdown_reward_rises(reinforce, capsys):
    """From a model that knows nothing, on held-out puzzles before and after, over three seeds.

    On two fifths of the rows; the whole is in the bench.
    """
    grader = json.loads((COUNTDOWN / "grader.json").read_bytes())
    rows, valid = (read(COUNTDOWN / f"{name}.jsonl") for name in ("train", "validation"))
    rises = []
    for seed in (1, 2, 3):
        training = reinforce(
            rows[:40],
            valid[:20],
            grader,
            seed=seed,
            batch_size="auto",
            n_epochs=2,
            eval_interval=99,
        )
        before = dense_part(training)
        train(training)
        rises.append(dense_part(training) - before)

    rise, error = np.mean(rises), np.std(rises, ddof=1) / len(rises) ** 0.5
    with capsys.disabled():
        told = ", ".join(f"{one:+.3f}" for one in rises)
        print(f"\nCountdown, the dense part by seed: {told}; {rise / error:.1f} standard errors")  # noqa: T201
    assert rise > 3 * error
    assert min(rises) > 0


def read(path: Path) -> list[Row]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def dense_part(training: Any) -> float:
    """What the keys and the form bring the model as it is now, on average."""
    weights = {"expression_key": 0.2, "result_key": 0.2, "form": 0.5}
    graded = training.lesson.evaluated(0).graded
    return float(sum(weight * graded.rewards(part).mean() for part, weight in weights.items()))


def test_a_reward_for_the_right_label_teaches_the_labels(reinforce):
    reports = train(reinforce(labelled_rows(100), grader=NEAR_THE_LABEL, n_epochs=5))

    evaluated = [r.metrics["full_valid_mean_reward"] for r in reports if r.is_checkpoint]
    assert evaluated[-1] > evaluated[0] + 0.3


def test_answers_are_drawn_as_likely_as_the_model_says(reinforce):
    network = reinforce().network
    prompts = np.zeros((4000, 96), np.float32)

    answers = sampled(network, prompts, np.random.default_rng(0))

    expected = np.exp(network.next_token(prompts[0], [START] * 6).astype(np.float64))
    first = np.bincount([answer[0] for answer in answers], minlength=len(expected)) / 4000
    spread = np.sqrt(expected * (1 - expected) / 4000)
    assert (np.abs(first - expected) < 5 * spread + 1e-3).all()
    assert all(END not in answer[:-1] for answer in answers)


def test_an_advantage_is_the_reward_beyond_that_of_the_others():
    found = advantages(np.array([[1.0, 0.0, 0.5], [2.0, 2.0, 2.0]]))

    assert np.allclose(found, [[0.75, -0.75, 0.0], [0, 0, 0]])


def test_the_gradient_is_right(reinforce):
    """Against finite differences of the mean of advantage times log-probability."""
    training = reinforce(grader=NEAR_THE_LABEL)
    lesson, rows, chosen = training.lesson, training.rows, np.arange(3)
    drawn = lesson._drawn(rows, chosen, lesson._each, SAMPLES, 1)
    network, batch = in_doubles(training.network, rows.batch_of(chosen, drawn.answers))
    rows.batch_of = lambda *_: batch
    weights = advantages(drawn.graded.rewards().reshape(3, -1)).ravel()
    assert np.abs(weights).max() > 0

    def loss() -> float:
        by_token = network.forward(batch).of_targets(batch)
        answers = np.split(by_token, batch.answer_starts[1:])
        return -float(np.mean([w * a.sum() for w, a in zip(weights, answers, strict=True)]))

    assert_downhill(network, added(lesson._gradients(chosen, drawn)), loss)


def test_the_same_seed_gives_the_same_series_and_another_does_not(reinforce):
    first, same, other = (timeless(train(reinforce(seed=seed))) for seed in (7, 7, 8))

    assert first == same
    assert first != other


def test_a_resumed_training_goes_on_exactly(reinforce, tmp_path: Path):
    whole = timeless(train(reinforce()))
    interrupted = reinforce()
    first = timeless(list(islice(interrupted.steps(), 7)))
    interrupted.save_resume(tmp_path / "resume.npz")

    again = reinforce()
    again.load_resume(tmp_path / "resume.npz")

    assert first + timeless(train(again)) == whole


def test_a_killed_child_is_followed_by_another_with_the_same_series(reinforce, make_trainer):
    trainer = make_trainer(more={"LUTHIER_TRAINER_SAVE_SECONDS": "0.05"})
    client = trainer.client()
    rows, valid = labelled_rows(40), labelled_rows(20, seed=2)
    asked = {"n_epochs": 8, "batch_size": 4, "compute_multiplier": 0.5, "eval_interval": 30}
    run = client.fine_tuning.jobs.create(
        model=BASE,
        training_file=upload(client, rows),
        validation_file=upload(client, valid),
        seed=4,
        method={
            "type": "reinforcement",
            "reinforcement": {"grader": NEAR_THE_LABEL, "hyperparameters": asked},
        },
    )

    eventually(lambda: len(points(client, run.id)) > 20, within=60)
    (child,) = trainer.children()
    os.kill(child, signal.SIGKILL)

    assert ended(client, run.id).status == "succeeded"
    assert any("resumed from step" in text for text in messages_of(client, run.id))
    undisturbed = train(reinforce(rows, valid, NEAR_THE_LABEL, seed=4, **asked))
    rewards = [point["train_mean_reward"] for point in points(client, run.id)]
    assert rewards == [round(r.metrics["train_mean_reward"], 6) for r in undisturbed]
    model = client.fine_tuning.jobs.retrieve(run.id).fine_tuned_model
    assert model
    assert ask(client, model, "where is my card", max_tokens=20)


def test_the_metrics_are_those_of_openai_s_events(reinforce):
    reports = train(reinforce(eval_interval=4, eval_samples=3, compute_multiplier=0.5, n_epochs=2))

    assert [r.step for r in reports if r.is_checkpoint] == [4, 8, 10]
    evaluated, other = reports[3].metrics, reports[4].metrics
    assert evaluated.keys() - other.keys() == {
        "full_valid_mean_reward",
        "full_valid_mean_parse_error",
        "valid_reasoning_tokens_mean",
    }
    assert other.keys() == {
        "train_mean_reward",
        "completion_tokens_mean",
        "mean_unresponsive_rewards",
        "reasoning_tokens_mean",
        "model_graders_token_usage",
        "scores",
        "usage",
        "errors",
        "timing",
    }
    assert evaluated["scores"]["valid_reward_mean"] == evaluated["full_valid_mean_reward"]
    assert evaluated["scores"]["graders"] == [
        {
            "name": "label",
            "type": "string_check",
            "train_reward_mean": evaluated["train_mean_reward"],
            "valid_reward_mean": evaluated["full_valid_mean_reward"],
        }
    ]
    assert evaluated["errors"]["graders"][0]["valid_other_error_count"] == 0
    assert evaluated["timing"]["step"].keys() == {"sampling", "training", "eval", "full_iteration"}


def test_an_answer_that_cannot_be_graded_is_counted_and_earns_nothing(reinforce):
    grader = {**SAYS_THE_LABEL, "input": "{{sample.output_json.label}}"}

    first = train(reinforce(grader=grader, n_epochs=1))[-1].metrics

    (errors,) = first["errors"]["graders"]
    assert errors["valid_sample_parse_error_mean"] == first["full_valid_mean_parse_error"] > 0.5
    assert first["full_valid_mean_reward"] <= 1 - first["full_valid_mean_parse_error"]


@pytest.mark.parametrize(
    ("wrong", "code", "said"),
    [
        ({"valid": None}, "missing_validation_file", "needs a validation file"),
        ({"grader": {"type": "guess"}}, "invalid_grader", "'guess'"),
    ],
)
def test_what_cannot_be_trained_is_refused_with_the_reason(prepare, wrong, code, said):
    asked = {"valid": labelled_rows(20), "grader": SAYS_THE_LABEL, **wrong}

    with pytest.raises(InvalidData) as refused:
        prepare(labelled_rows(20), method="reinforcement", **asked)

    assert refused.value.code == code
    assert said in refused.value.message


def test_a_bad_row_is_named_with_its_cure(reinforce):
    rows = labelled_rows(12)
    rows[2]["messages"].append({"role": "assistant", "content": "lost_card"})

    with pytest.raises(InvalidData) as refused:
        reinforce(rows)

    assert "Line 3, messages[2].role:" in refused.value.message
    assert "End the row with the user's message" in refused.value.message
