"""Preferences and reinforcement on the wire: what is asked, answered, told, and survives."""

import os
import signal
from collections.abc import Callable
from typing import Any

import openai
import pytest
from openai.types.fine_tuning import FineTuningJob, FineTuningJobEvent
from openai.types.fine_tuning.jobs import FineTuningJobCheckpoint

from tests.graders.making import score_model
from tests.trainer.conftest import (
    BASE,
    Row,
    ask,
    ended,
    intent_rows,
    messages_of,
    series,
    upload,
)
from tests.trainer.long_runs import OFTEN, caught, table, trained_steps
from tests.trainer.shapes import raw, strictly
from tests.waiting import eventually

Start = Callable[..., FineTuningJob]
SAYS_THE_LABEL: Row = {
    "type": "string_check",
    "name": "label",
    "input": "{{sample.output_text}}",
    "reference": "{{item.label}}",
    "operation": "like",
}
IS_SHORT: Row = {
    "type": "text_similarity",
    "name": "form",
    "input": "{{sample.output_text}}",
    "reference": "lost_card",
    "evaluation_metric": "fuzzy_match",
}
BOTH: Row = {
    "type": "multi",
    "name": "both",
    "graders": {"label": SAYS_THE_LABEL, "form": IS_SHORT},
    "calculate_output": "0.8 * label + 0.2 * form",
}


def preferring(client: openai.OpenAI, *, n_epochs: int = 2, **numbers: Any) -> FineTuningJob:
    """A run by preferences."""
    return client.fine_tuning.jobs.create(
        model=BASE,
        training_file=upload(client, pairs(40)),
        validation_file=upload(client, pairs(10, seed=2)),
        seed=5,
        method={
            "type": "dpo",
            "dpo": {"hyperparameters": {"n_epochs": n_epochs, "batch_size": 4, **numbers}},
        },
    )


def reinforcing(
    client: openai.OpenAI, *, grader: Row = SAYS_THE_LABEL, n_epochs: int = 2, **numbers: Any
) -> FineTuningJob:
    """A run that follows a grader's reward."""
    asked = {"n_epochs": n_epochs, "batch_size": 4, "eval_interval": 3, "eval_samples": 1}
    return client.fine_tuning.jobs.create(
        model=BASE,
        training_file=upload(client, labelled(24)),
        validation_file=upload(client, labelled(10, seed=2)),
        seed=5,
        method={
            "type": "reinforcement",
            "reinforcement": {"grader": grader, "hyperparameters": {**asked, **numbers}},  # type: ignore[typeddict-item]
        },
    )


def pairs(count: int, *, seed: int = 1) -> list[Row]:
    """The right intent beside a wrong word."""
    return [
        {
            "input": {"messages": [row["messages"][1]]},
            "preferred_output": [row["messages"][2]],
            "non_preferred_output": [{"role": "assistant", "content": "whatever"}],
        }
        for row in intent_rows(count, seed=seed)
    ]


def labelled(count: int, *, seed: int = 1) -> list[Row]:
    """Questions, and the intent that a grader knows."""
    return [
        {"messages": row["messages"][:2], "label": row["messages"][2]["content"]}
        for row in intent_rows(count, seed=seed)
    ]


def test_preferences_are_learned_on_the_wire(client: openai.OpenAI):
    run = ended(client, preferring(client, beta=0.2).id)

    assert run.status == "succeeded"
    assert run.method.type == "dpo"
    numbers = run.method.dpo.hyperparameters.to_dict()
    assert (numbers["n_epochs"], numbers["batch_size"], numbers["beta"]) == (2, 4, 0.2)
    assert run.hyperparameters.to_dict() == {}
    assert_shapes(client, run)
    assert [point["step"] for point in series(client, run.id)] == list(range(1, 21))
    header = table(client, run.id)[0].split(",")
    assert header[:5] == [
        "step",
        "train_loss",
        "train_accuracy",
        "valid_loss",
        "valid_mean_token_accuracy",
    ]
    steps = [event for event in told(client, run.id) if event.type == "metrics"]
    assert steps[0].message.startswith("Step 20/20: training loss=")
    assert ask(client, run.fine_tuned_model, "I lost my card")


def test_a_reward_is_followed_on_the_wire(client: openai.OpenAI):
    run = ended(client, reinforcing(client, grader=BOTH, reasoning_effort="low").id)

    assert run.status == "succeeded"
    asked = raw(client, f"/fine_tuning/jobs/{run.id}")["method"]["reinforcement"]
    assert asked["grader"] == BOTH
    assert asked["hyperparameters"]["reasoning_effort"] == "low"
    assert all(value != "auto" for value in asked["hyperparameters"].values())
    assert_shapes(client, run)
    steps = [event for event in told(client, run.id) if event.type == "metrics"]
    assert steps[0].message.startswith("Step 12/12 , train mean reward=")
    assert "full validation mean reward=" in steps[0].message
    scores = steps[0].data["scores"]
    assert {grader["name"] for grader in scores["graders"]} >= {"label", "form"}
    assert 0 <= scores["valid_reward_mean"] <= 1
    assert table(client, run.id)[0].startswith("step,train_mean_reward,")
    kept = client.fine_tuning.jobs.checkpoints.list(run.id).data
    assert len(kept) == 3
    rewards = {
        event.data["step"]: event.data["scores"]["valid_reward_mean"]
        for event in steps
        if "valid_reward_mean" in event.data["scores"]
    }
    best = sorted(rewards, key=lambda step: (rewards[step], step))[-3:]
    assert [one.step_number for one in kept] == sorted(best, reverse=True)
    for one in kept:
        assert client.models.retrieve(one.fine_tuned_model_checkpoint)
    assert ask(client, run.fine_tuned_model, "I lost my card") is not None


def assert_shapes(client: openai.OpenAI, run: FineTuningJob) -> None:
    at = f"/fine_tuning/jobs/{run.id}"
    strictly(FineTuningJob, raw(client, at))
    for part, kind in (("events", FineTuningJobEvent), ("checkpoints", FineTuningJobCheckpoint)):
        assert [strictly(kind, item) for item in raw(client, f"{at}/{part}")["data"]]


def told(client: openai.OpenAI, run_id: str) -> list[FineTuningJobEvent]:
    return client.fine_tuning.jobs.list_events(run_id, limit=1000).data


@pytest.mark.parametrize(("start", "n_epochs"), [(preferring, 12), (reinforcing, 4)])
def test_it_survives_a_pause_and_the_death_of_all(
    make_trainer, client: openai.OpenAI, start: Start, n_epochs: int
):
    trainer = make_trainer(is_owned=False, more=OFTEN)
    here = trainer.client()
    undisturbed = start(client, n_epochs=n_epochs)
    run = start(here, n_epochs=n_epochs)
    caught(here, run.id, after=2)
    assert here.fine_tuning.jobs.pause(run.id).status == "paused"
    step = trained_steps(here, run.id)
    here.fine_tuning.jobs.resume(run.id)
    caught(here, run.id, after=step + 2)
    (child,) = trainer.children()

    trainer.end(signal.SIGKILL)
    os.kill(child, signal.SIGKILL)
    trainer.start()

    assert ended(here, run.id).status == "succeeded"
    assert ended(client, undisturbed.id).status == "succeeded"
    assert table(here, run.id) == table(client, undisturbed.id)
    resumed = [text for text in messages_of(here, run.id) if "resumed" in text]
    assert resumed[0] == f"Fine-tuning job resumed from step {step}"
    assert len(resumed) == 2
    at = [one.step_number for one in here.fine_tuning.jobs.checkpoints.list(run.id)]
    assert at == [
        one.step_number for one in client.fine_tuning.jobs.checkpoints.list(undisturbed.id)
    ]


@pytest.mark.parametrize(
    ("method", "param"),
    [
        ({"type": "dpo", "dpo": {"hyperparameters": {"beta": 0}}}, "dpo.hyperparameters.beta"),
        ({"type": "dpo", "dpo": {"hyperparameters": {"beta": 2.5}}}, "dpo.hyperparameters.beta"),
        (
            {"type": "dpo", "dpo": {"hyperparameters": {"eval_samples": 1}}},
            "dpo.hyperparameters.eval_samples",
        ),
        ({"type": "reinforcement"}, "reinforcement.grader"),
        ({"type": "reinforcement", "reinforcement": {}}, "reinforcement.grader"),
        ({"type": "reinforcement", "reinforcement": {"grader": "x"}}, "reinforcement.grader"),
        (
            {"type": "reinforcement", "reinforcement": {"grader": {**SAYS_THE_LABEL, "name": 1}}},
            "reinforcement.grader.name",
        ),
        *(
            (
                {
                    "type": "reinforcement",
                    "reinforcement": {"grader": SAYS_THE_LABEL, "hyperparameters": {name: value}},
                },
                f"reinforcement.hyperparameters.{name}",
            )
            for name, value in (
                ("eval_interval", 0),
                ("eval_samples", 1.5),
                ("compute_multiplier", 0.00001),
                ("compute_multiplier", 11),
                ("reasoning_effort", "auto"),
                ("beta", 0.1),
            )
        ),
    ],
)
def test_a_method_that_cannot_be_is_refused(client: openai.OpenAI, file_id: str, method, param):
    body = {
        "model": BASE,
        "training_file": file_id,
        "validation_file": file_id,
        "method": method,
    }
    with pytest.raises(openai.BadRequestError) as refused:
        client.post("/fine_tuning/jobs", body=body, cast_to=object)
    assert refused.value.param == f"method.{param}"


def test_a_grader_that_cannot_run_here_is_refused_with_the_reason(
    client: openai.OpenAI, file_id: str
):
    grader = score_model()
    with pytest.raises(openai.BadRequestError) as refused:
        reinforcing_with(client, file_id, grader=grader)
    assert refused.value.code == "unsupported_grader"
    assert refused.value.param == "method.reinforcement.grader"


def test_reinforcement_needs_a_validation_file(client: openai.OpenAI, file_id: str):
    with pytest.raises(openai.BadRequestError) as refused:
        reinforcing_with(client, file_id, grader=SAYS_THE_LABEL)
    assert refused.value.code == "missing_required_parameter"
    assert refused.value.param == "validation_file"


def test_a_response_format_is_kept_and_told_of(client: openai.OpenAI, file_id: str):
    shape = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object"}}}

    run = reinforcing_with(
        client,
        file_id,
        grader=SAYS_THE_LABEL,
        response_format=shape,
        more={"validation_file": file_id},
    )

    assert run.to_dict()["method"]["reinforcement"]["response_format"] == shape
    strictly(FineTuningJob, raw(client, f"/fine_tuning/jobs/{run.id}"))
    eventually(lambda: any("response format" in text for text in messages_of(client, run.id)), 30)
    client.fine_tuning.jobs.cancel(run.id)


def reinforcing_with(
    client: openai.OpenAI, file_id: str, *, more: Any = None, **asked: Any
) -> FineTuningJob:
    return client.fine_tuning.jobs.create(
        model=BASE,
        training_file=file_id,
        method={"type": "reinforcement", "reinforcement": asked},  # type: ignore[typeddict-item]
        **(more or {}),
    )


@pytest.mark.parametrize(
    ("start", "rows"), [(preferring, intent_rows(12)), (reinforcing, pairs(12))]
)
def test_rows_of_another_method_fail_the_job_and_name_the_line(
    client: openai.OpenAI, start: Start, rows: list[Row]
):
    file_id = upload(client, rows)
    asked = start(client, n_epochs=1).to_dict()
    client.fine_tuning.jobs.cancel(asked["id"])
    again = {name: asked[name] for name in ("model", "validation_file", "method")}

    run = ended(
        client,
        client.post(
            "/fine_tuning/jobs",
            body={**again, "training_file": file_id},
            cast_to=FineTuningJob,
        ).id,
    )

    assert run.status == "failed"
    assert run.error.code == "invalid_training_file"
    assert "Line 1" in run.error.message


@pytest.fixture(scope="module")
def file_id(client: openai.OpenAI) -> str:
    return upload(client, labelled(12))
