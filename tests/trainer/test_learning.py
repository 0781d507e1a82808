"""Proof that the practice engine learns, and nothing else: no lookup, no sleep, no luck."""

import json
import random
from collections import Counter
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.trainer.engines.base import Sampling, StepReport
from app.trainer.engines.practice import ENGINE
from app.trainer.engines.practice.gradients import added, gradients_of
from app.trainer.engines.practice.hyperparameters import resolve
from app.trainer.engines.practice.network import Network
from app.trainer.engines.practice.speaker import PracticeSpeaker
from app.trainer.engines.practice.training import PracticeTraining
from app.trainer.engines.practice.vocabulary import END, START, Vocabulary
from tests.trainer.conftest import Row, chat_row, intent_rows, train
from tests.trainer.slopes import assert_downhill, in_doubles

pytestmark = pytest.mark.usefixtures("_one_core")
BANKING77 = Path(__file__).resolve().parents[2] / "examples" / "banking77"


def epoch_ends(reports: list[StepReport], name: str) -> list[float]:
    return [report.metrics[name] for report in reports if report.is_checkpoint]


@pytest.mark.full  # the journey on PostgreSQL learns it too
def test_banking77_is_learned(prepare, tmp_path: Path, capsys):
    """With its automatic settings; held-out questions, exact match, the likeliest answer."""
    training = prepare(BANKING77 / "train.jsonl", BANKING77 / "validation.jsonl", batch_size="auto")
    train(training)
    training.save_model(tmp_path / "model.npz")
    speaker = ENGINE.load(tmp_path / "model.npz")
    held_out = read(BANKING77 / "validation.jsonl")
    labels = Counter(row["messages"][-1]["content"] for row in read(BANKING77 / "train.jsonl"))
    commonest, _ = labels.most_common(1)[0]

    right = sum(
        say(speaker, row["messages"][:-1]) == row["messages"][-1]["content"] for row in held_out
    )
    baseline = sum(row["messages"][-1]["content"] == commonest for row in held_out)

    with capsys.disabled():
        share, least = right / len(held_out), baseline / len(held_out)
        print(f"\nBanking77, 3,080 held-out: {share:.1%} exact; always '{commonest}': {least:.1%}")  # noqa: T201
    assert len(held_out) == 3080
    assert right > 0.8 * len(held_out) > 10 * baseline


def read(path: Path) -> list[Row]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def say(speaker: Any, messages: list[Row]) -> str:
    answer, tokens = speaker.answer(messages, Sampling(max_tokens=40, temperature=0))
    return "".join(token.text for token in tokens) + answer.tail


def test_the_same_seed_gives_the_same_numbers_and_another_does_not(prepare):
    rows, valid = intent_rows(100), intent_rows(20, seed=2)

    first, same, other = (train(prepare(rows, valid, seed=seed)) for seed in (7, 7, 8))

    assert first == same
    assert [r.metrics for r in first] != [r.metrics for r in other]


def test_changing_one_row_changes_the_series(prepare):
    rows = intent_rows(100)
    changed = [*rows[:50], chat_row("where is my card", "lost_card"), *rows[51:]]

    assert [r.metrics for r in train(prepare(rows))] != [r.metrics for r in train(prepare(changed))]


def test_shuffled_labels_are_memorised_but_teach_nothing(prepare):
    """Training loss falls all the same; on held-out rows it is no better than chance."""
    rows, valid = intent_rows(400), intent_rows(200, seed=2)
    labels = [row["messages"][-1]["content"] for row in rows]
    random.Random(3).shuffle(labels)  # noqa: S311
    shuffled = [
        chat_row(f"{row['messages'][1]['content']} {n}", label)
        for n, (row, label) in enumerate(zip(rows, labels, strict=True))
    ]

    honest = train(prepare(rows, valid, n_epochs=2))
    training = prepare(shuffled, valid, n_epochs=8)
    noise = train(training)

    losses = epoch_ends(noise, "train_loss")
    assert losses[-1] < 0.2 * noise[0].metrics["train_loss"]
    assert epoch_ends(honest, "full_valid_mean_token_accuracy")[-1] > 0.99
    # A label's later tokens follow from its first: chance is judged on whole answers.
    speaker = PracticeSpeaker(training.network)
    right = sum(
        say(speaker, row["messages"][:-1]) == row["messages"][-1]["content"] for row in valid
    )
    chance, spread = len(valid) / 4, (len(valid) * 3 / 16) ** 0.5
    assert right < chance + 3 * spread


def test_too_many_epochs_overfit(prepare):
    """With noisy labels the training loss falls on while the validation loss turns and climbs."""
    rng = random.Random(5)  # noqa: S311

    def noisy(rows: list[Row]) -> list[Row]:
        return [
            chat_row(
                row["messages"][1]["content"] + f" {n}", rng.choice(["lost_card", "exchange_rate"])
            )
            if rng.random() < 0.3
            else row
            for n, row in enumerate(rows)
        ]

    reports = train(prepare(noisy(intent_rows(150)), noisy(intent_rows(150, seed=2)), n_epochs=30))

    valid = epoch_ends(reports, "full_valid_loss")
    loss = [np.mean([r.metrics["train_loss"] for r in reports[n : n + 10]]) for n in (0, 60, 280)]
    assert loss[0] > loss[1] > loss[2]
    assert valid[-1] > 1.3 * min(valid)
    assert np.argmin(valid) < 15


def test_the_rate_multiplier_multiplies(prepare):
    rows = intent_rows(64)

    def moved(multiplier: float) -> Any:
        training = prepare(rows, learning_rate_multiplier=multiplier)
        before = training.network.output.copy()
        next(iter(training.steps()))
        return training.network.output - before

    assert np.allclose(moved(3), 3 * moved(1), rtol=1e-4, atol=1e-6)


def test_rows_of_weight_zero_are_not_learned(prepare):
    rows = [chat_row(f"question {n}", "never", weight=0) for n in range(20)]
    for row in rows:
        row["messages"] += [
            {"role": "user", "content": "well?"},
            {"role": "assistant", "content": "always"},
        ]

    training = prepare(rows, n_epochs=10)
    train(training)

    pieces = training.network.vocabulary.pieces
    assert pieces == ["always"]
    assert say(PracticeSpeaker(training.network), rows[0]["messages"][:2]) == "always"


def test_unseen_words_have_a_loss(prepare):
    """Answers of letters the training never saw are spelled in bytes, at a finite price."""
    training = prepare(intent_rows(50), [chat_row("привет", "Здравствуйте 🙂")])

    last = train(training)[-1]

    assert np.isfinite(last.metrics["full_valid_loss"])
    assert last.metrics["full_valid_loss"] > 5


def test_the_loss_is_exact(prepare):
    """The batch's loss is the mean over tokens of what the sampler gives them, one by one."""
    training = prepare(intent_rows(30))
    network = training.network
    batch = training.rows.batch(np.arange(5))
    scores = network.forward(batch).log_probabilities

    assert np.allclose(np.exp(scores.astype(np.float64)).sum(axis=1), 1, atol=1e-5)
    position = 0
    for example in range(5):
        window = [START] * 6
        one = training.rows.batch(np.array([example]))
        prompt = network.prompt(one.features, one.scales, one.feature_starts)
        for target in one.targets.tolist():
            assert np.allclose(network.next_token(prompt, window), scores[position], atol=1e-4)
            window = [target, *window[:-1]]
            position += 1
        assert window[0] == END
    assert position == len(batch.targets)


def test_the_gradient_is_right(prepare):
    """Against finite differences, in double precision."""
    training: PracticeTraining = prepare(intent_rows(30))
    network, batch = in_doubles(training.network, training.rows.batch(np.arange(4)))
    count = len(batch.targets)

    def loss() -> float:
        return -float(network.forward(batch).of_targets(batch).mean())

    found = gradients_of(network, batch, network.forward(batch), 1 / count)

    assert_downhill(network, found, loss)


def test_a_batch_in_parts_has_the_same_gradient(prepare):
    training: PracticeTraining = prepare(intent_rows(40))
    network, rows = training.network, training.rows

    def gradient(*parts: Any) -> Any:
        batches = [rows.batch(part) for part in parts]
        tokens = sum(len(batch.targets) for batch in batches)
        return added(
            [gradients_of(network, batch, network.forward(batch), 1 / tokens) for batch in batches]
        )

    whole = gradient(np.arange(40))
    parted = gradient(np.arange(7), np.arange(7, 8), np.arange(8, 40))

    assert np.array_equal(whole.feature_ids, parted.feature_ids)
    assert np.allclose(whole.feature_rows, parted.feature_rows, atol=1e-6)
    for name, value in whole.dense.items():
        assert np.allclose(value, parted.dense[name], atol=1e-6), name


def test_a_batch_of_long_answers_is_parted(prepare):
    long = " ".join(["word"] * 400)
    training = prepare([chat_row("tell me", long) for _ in range(30)], batch_size=30)

    parts = list(training.rows.parts(np.arange(30)))

    assert [len(part) for part in parts] == [10, 10, 10]
    assert np.array_equal(np.concatenate(parts), np.arange(30))
    assert train(training)[0].metrics["train_loss"] > 0


def test_a_resumed_training_goes_on_exactly(prepare, tmp_path: Path):
    rows, valid = intent_rows(100), intent_rows(20, seed=2)
    whole = train(prepare(rows, valid))
    interrupted = prepare(rows, valid)
    first = list(islice(interrupted.steps(), 10))
    interrupted.save_resume(tmp_path / "resume.npz")

    again = prepare(rows, valid)
    again.load_resume(tmp_path / "resume.npz")

    assert first + train(again) == whole


def test_a_model_can_be_saved_and_grown_without_changing_its_mind(prepare, tmp_path: Path):
    training = prepare(intent_rows(60))
    train(training)
    training.save_model(tmp_path / "model.npz")

    loaded = Network.load(tmp_path / "model.npz")
    grown = loaded.grown(loaded.vocabulary.grown([("Straße", 5)]), np.random.default_rng(0))

    batch = training.rows.batch(np.arange(10))
    expected = training.network.forward(batch).log_probabilities
    assert np.array_equal(loaded.forward(batch).log_probabilities, expected)
    assert grown.vocabulary.pieces == [*loaded.vocabulary.pieces, "Straße"]
    assert np.array_equal(grown.output[:, : len(loaded.vocabulary)], loaded.output)


@pytest.mark.parametrize("text", ["card_arrival", "Ünïcode 🙂 \n\t x", "", "a_b__c  d", "\x00\x7f"])
def test_any_text_can_be_written_in_tokens(text: str):
    vocabulary = Vocabulary(["card", "_arrival", "a"])

    assert b"".join(map(vocabulary.raw, vocabulary.encode(text))).decode() == text
    assert len(vocabulary.encode("card_arrival")) == 2


@pytest.mark.parametrize(
    ("rows", "epochs", "batch"),
    [(10, 10, 4), (30, 3, 4), (33, 3, 4), (500, 3, 4), (10_003, 2, 20), (200_000, 1, 256)],
)
def test_automatic_numbers_follow_the_cookbook(rows: int, epochs: int, batch: int):
    assert resolve({}, rows) == {
        "n_epochs": epochs,
        "batch_size": batch,
        "learning_rate_multiplier": 1.0,
    }
    assert resolve({"n_epochs": 7, "batch_size": "auto"}, rows)["n_epochs"] == 7


def test_a_long_answer_is_cut_and_that_is_said(prepare):
    rows = [chat_row("tell me", " ".join(f"word{n}" for n in range(800))) for _ in range(10)]

    training = prepare(rows)

    assert training.facts.warnings == (
        "10 training answer(s) are longer than 512 tokens; this engine learns their beginnings.",
    )
    assert END not in training.rows.batch(np.arange(10)).targets
