"""Answers: sampled, streamed, counted."""

import math
import subprocess

import openai
import pytest
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.fine_tuning import FineTuningJob

from tests.trainer.conftest import BASE, Trainer, ask
from tests.trainer.shapes import strictly

QUESTION = [{"role": "user", "content": "hello where is my card please"}]


@pytest.fixture
def model(finished: FineTuningJob) -> str:
    assert finished.fine_tuned_model
    return finished.fine_tuned_model


def test_a_tuned_model_answers_with_a_label(client: openai.OpenAI, model: str):
    said = client.chat.completions.create(model=model, messages=QUESTION, temperature=0)

    assert said.choices[0].message.content == "card_arrival"
    assert said.choices[0].finish_reason == "stop"
    assert said.usage.to_dict() == {"prompt_tokens": 6, "completion_tokens": 2, "total_tokens": 8}
    body = client.post(
        "/chat/completions",
        body={"model": model, "messages": QUESTION, "logprobs": True, "top_logprobs": 2, "n": 2},
        cast_to=object,
    )
    strictly(ChatCompletion, body)


def test_the_base_model_only_babbles(client: openai.OpenAI):
    said = {ask(client, BASE, "where is my card", temperature=1, seed=n) for n in range(5)}

    assert len(said) == 5
    assert "card_arrival" not in said


def test_a_stream_says_the_same(client: openai.OpenAI, model: str):
    asked = {"model": BASE, "messages": QUESTION, "seed": 4, "temperature": 1, "max_tokens": 20}
    whole = client.chat.completions.create(**asked)
    with client.chat.completions.create(
        **asked, stream=True, stream_options={"include_usage": True}
    ) as stream:
        chunks = list(stream)

    for chunk in chunks:
        strictly(ChatCompletionChunk, chunk.to_dict())
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == whole.choices[0].message.content
    assert chunks[0].choices[0].delta.role == "assistant"
    assert chunks[-2].choices[0].finish_reason == whole.choices[0].finish_reason
    assert chunks[-1].usage == whole.usage
    assert all(chunk.usage is None for chunk in chunks[:-1])


def test_a_seed_repeats_an_answer_and_another_does_not(client: openai.OpenAI):
    first, same, other = (
        ask(client, BASE, "hello", temperature=1, seed=seed) for seed in (1, 1, 2)
    )

    assert first == same != other


def test_limits_are_kept(client: openai.OpenAI):
    for limit in ({"max_tokens": 3}, {"max_completion_tokens": 3}):
        said = client.chat.completions.create(
            model=BASE, messages=QUESTION, temperature=1, seed=3, **limit
        )
        assert said.usage.completion_tokens == 3
        assert said.choices[0].finish_reason == "length"


def test_a_stop_sequence_is_not_said(client: openai.OpenAI):
    asked = {"model": BASE, "messages": QUESTION, "seed": 4, "temperature": 1, "max_tokens": 30}
    whole = client.chat.completions.create(**asked).choices[0].message.content
    words = whole.split()
    stop = f"{words[2][-1]} {words[3]}"

    said = client.chat.completions.create(**asked, stop=["never said", stop]).choices[0]

    assert said.message.content == whole[: whole.index(stop)]
    assert said.finish_reason == "stop"


def test_several_choices_are_different_and_counted_together(client: openai.OpenAI):
    said = client.chat.completions.create(
        model=BASE, messages=QUESTION, n=3, seed=1, temperature=1, max_tokens=5
    )

    assert [choice.index for choice in said.choices] == [0, 1, 2]
    assert len({choice.message.content for choice in said.choices}) == 3
    assert 3 <= said.usage.completion_tokens <= 15


def test_log_probabilities_are_the_models_own(client: openai.OpenAI, model: str):
    said = client.chat.completions.create(
        model=model, messages=QUESTION, temperature=0, logprobs=True, top_logprobs=5
    )

    tokens = said.choices[0].logprobs.content
    assert (
        b"".join(bytes(token.bytes) for token in tokens).decode() == said.choices[0].message.content
    )
    for token in tokens:
        assert token.logprob == token.top_logprobs[0].logprob
        assert sum(math.exp(other.logprob) for other in token.top_logprobs) <= 1.0001
    assert math.exp(tokens[0].logprob) > 0.5


def test_a_narrow_top_p_takes_the_likeliest(client: openai.OpenAI, model: str):
    answers = {
        ask(client, model, "I lost my card", temperature=1.5, top_p=0.01, seed=n) for n in range(5)
    }

    assert answers == {"lost_card"}


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"messages": []}, "messages"),
        ({"messages": "hello"}, "messages"),
        ({"messages": [{"role": "king", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": {}, "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "content": 5}]}, "messages[0].content"),
        ({"temperature": 3}, "temperature"),
        ({"temperature": "hot"}, "temperature"),
        ({"top_p": -1}, "top_p"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"n": 0}, "n"),
        ({"n": 17}, "n"),
        ({"stop": ["a", "b", "c", "d", "e"]}, "stop"),
        ({"stop": 1}, "stop"),
        ({"top_logprobs": 3}, "top_logprobs"),
        ({"stream": "yes"}, "stream"),
        ({"tools": [{"type": "function"}]}, "tools"),
    ],
)
def test_a_wrong_question_is_refused(client: openai.OpenAI, change, param):
    with pytest.raises(openai.BadRequestError) as refused:
        client.post(
            "/chat/completions",
            body={"model": BASE, "messages": QUESTION, **change},
            cast_to=object,
        )

    assert refused.value.param == param


def test_the_server_stays_light(trainer: Trainer):
    """It never loads what trains: numpy would be in its memory map."""
    assert trainer.process is not None
    with open(f"/proc/{trainer.process.pid}/maps") as maps:  # noqa: PTH123
        assert "numpy" not in maps.read()
    loaded = (
        "import sys, app.trainer.server; print({'numpy', 'fastapi', 'pydantic'} & set(sys.modules))"
    )
    import sys

    done = subprocess.run(
        [sys.executable, "-c", loaded], capture_output=True, text=True, check=True
    )
    assert done.stdout == "set()\n"
