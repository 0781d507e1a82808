"""Proof that the practice engine learns preferences: real gradients, a margin that is measured."""

import json
import math
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.trainer.engines.base import InvalidData, Sampling
from app.trainer.engines.practice.gradients import added
from app.trainer.engines.practice.preferences import Preferences, _Score
from app.trainer.engines.practice.speaker import PracticeSpeaker
from tests.trainer.conftest import Row, intent_rows, train
from tests.trainer.slopes import assert_downhill, in_doubles

pytestmark = pytest.mark.usefixtures("_one_core")
ORCA = Path(__file__).resolve().parents[2] / "examples" / "orca-dpo" / "validation.jsonl"


def pair_row(question: str, preferred: str, other: str) -> Row:
    return {
        "input": {"messages": [{"role": "user", "content": question}]},
        "preferred_output": [{"role": "assistant", "content": preferred}],
        "non_preferred_output": [{"role": "assistant", "content": other}],
    }


def polite_rows(count: int, *, seed: int = 1) -> list[Row]:
    """The right intent with a word of thanks, beside the same without."""
    return [
        pair_row(row["messages"][1]["content"], f"{label} thanks", f"{label} whatever")
        for row in intent_rows(count, seed=seed)
        for label in [row["messages"][-1]["content"]]
    ]


def test_training_begins_at_the_reference_and_the_margin_widens(prepare):
    reports = train(prepare(polite_rows(80), polite_rows(30, seed=2), method="dpo"))

    first, last = reports[0].metrics, reports[-1].metrics
    assert first["train_loss"] == pytest.approx(math.log(2))
    assert first["train_reward_margin"] == 0
    assert last["full_valid_reward_margin"] > 0.2
    assert last["full_valid_reward_accuracy"] > 0.95
    assert last["full_valid_loss"] < first["train_loss"]


def test_the_answers_follow_the_preference(prepare):
    training = prepare(polite_rows(80), method="dpo", n_epochs=10)
    train(training)
    speaker = PracticeSpeaker(training.network)

    def share_of(word: str) -> float:
        said = [
            "".join(token.text for token in tokens) + answer.tail
            for seed in range(50)
            for answer, tokens in [
                speaker.answer(
                    [{"role": "user", "content": "where is my card"}],
                    Sampling(max_tokens=20, seed=seed),
                )
            ]
        ]
        return sum(word in text for text in said) / len(said)

    assert share_of(" thanks") > share_of(" whatever")


def test_the_gradient_is_right(prepare):
    """Against finite differences of the loss as its paper has it, in double precision."""
    training = prepare(polite_rows(20), method="dpo", beta=0.7)
    lesson, rows, chosen = training.lesson, training.rows, np.arange(4)
    network, batch = in_doubles(training.network, rows.batch(chosen))
    rows.batch = lambda _: batch  # in double precision, wherever it is asked for
    reference = lesson._reference["train"][chosen]

    def loss() -> float:
        by_token = network.forward(batch).of_targets(batch)
        answers = np.split(by_token, batch.answer_starts[1:])
        gains = [float(answer.sum()) for answer in answers] - reference.ravel()
        return float(np.mean([math.log1p(math.exp(-0.7 * (w - x))) for w, x in pairs(gains)]))

    score = _Score()
    found = added(lesson._gradients(chosen, score))

    assert score.metrics("train")["train_loss"] == pytest.approx(loss())
    assert_downhill(network, found, loss)


def pairs(values: Any) -> Any:
    return zip(values[::2], values[1::2], strict=True)


def test_beta_is_a_tenth_unless_asked_otherwise(prepare):
    rows = polite_rows(20)

    automatic, asked = (prepare(rows, method="dpo", beta=beta) for beta in ("auto", 0.7))

    assert automatic.facts.hyperparameters["beta"] == 0.1
    assert asked.facts.hyperparameters["beta"] == 0.7


def test_pairs_of_real_answers_are_learned(prepare):
    """A part of the Orca pairs, with its automatic settings; the whole is in the bench."""
    rows = [json.loads(line) for line in ORCA.read_bytes().splitlines()]
    short = [row for row in rows if len(json.dumps(row)) < 2500]
    held_out, learned = short[:15], short[15:60]

    training = prepare(learned, held_out, method="dpo", batch_size="auto")
    reports = train(training)

    margins = [r.metrics["full_valid_reward_margin"] for r in reports if r.is_checkpoint]
    assert isinstance(training.lesson, Preferences)
    assert margins[-1] > margins[0] > 0


def test_a_resumed_training_goes_on_exactly(prepare, tmp_path: Path):
    rows, valid = polite_rows(60), polite_rows(20, seed=2)
    whole = train(prepare(rows, valid, method="dpo"))
    interrupted = prepare(rows, valid, method="dpo")
    first = list(islice(interrupted.steps(), 5))
    interrupted.save_resume(tmp_path / "resume.npz")

    again = prepare(rows, valid, method="dpo")
    again.load_resume(tmp_path / "resume.npz")

    assert first + train(again) == whole


def test_the_older_names_are_read(prepare):
    rows = polite_rows(20)
    older = [
        {key.replace("_output", "_completion"): value for key, value in row.items()} for row in rows
    ]

    assert train(prepare(rows, method="dpo")) == train(prepare(older, method="dpo"))


def test_a_bad_row_is_named_with_its_cure(prepare):
    rows = polite_rows(12)
    rows[6]["preferred_output"] = []

    with pytest.raises(InvalidData) as refused:
        prepare(rows, method="dpo")

    assert refused.value.code == "invalid_training_file"
    assert refused.value.param == "training_file"
    assert "Line 7, preferred_output:" in refused.value.message
    assert 'Write [{"role": "assistant", "content": "…"}].' in refused.value.message
