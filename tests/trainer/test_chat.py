"""Answers: sampled, streamed, counted."""

import dataclasses
import http.client
import json
import math
import subprocess
import sys
from pathlib import Path

import msgspec
import openai
import pytest
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.fine_tuning import FineTuningJob

from app.trainer.answering import Reply, Stop
from app.trainer.answering import Request as Asked
from app.trainer.engines.base import Sampling
from app.trainer.launcher import child_environment
from tests.trainer.conftest import BASE, KEY, Trainer, ask
from tests.trainer.shapes import strictly
from tests.waiting import eventually

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
        ({"n": 129}, "n"),
        ({"stop": ["a", "b", "c", "d", "e"]}, "stop"),
        ({"stop": 1}, "stop"),
        ({"top_logprobs": 3}, "top_logprobs"),
        ({"stream": "yes"}, "stream"),
        ({"stream_options": {"include_usage": True}}, "stream_options"),
        ({"max_tokens": 5, "max_completion_tokens": 5}, "max_tokens"),
        ({"frequency_penalty": 2.5}, "frequency_penalty"),
        ({"presence_penalty": "much"}, "presence_penalty"),
        ({"logit_bias": {"50256": -100}}, "logit_bias"),
        ({"tools": [{"type": "function"}]}, "tools"),
        ({"tool_choice": "none"}, "tool_choice"),
        ({"response_format": {"type": "json_object"}}, "response_format"),
        ({"response_format": {"type": "xml"}}, "response_format.type"),
        ({"modalities": ["text", "audio"]}, "modalities"),
        ({"reasoning_effort": "low"}, "reasoning_effort"),
        ({"service_tier": "gold"}, "service_tier"),
        ({"user": 5}, "user"),
        ({"store": "yes"}, "store"),
        ({"metadata": {"a": 1}}, "metadata.a"),
        (
            {"messages": [{"role": "user", "content": [{"type": "text"}]}]},
            "messages[0].content[0].text",
        ),
        ({"messages": [{"role": "user", "content": ["x"]}]}, "messages[0].content[0]"),
        ({"messages": [{"role": "user", "content": None}]}, "messages[0].content"),
        (
            {
                "messages": [
                    {"role": "assistant", "content": None, "tool_calls": [{"function": []}]}
                ]
            },
            "messages[0].tool_calls[0]",
        ),
        ({"temperature_": 1}, "temperature_"),
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


def test_what_changes_nothing_is_taken(client: openai.OpenAI, model: str):
    said = client.chat.completions.create(
        model=model,
        messages=[{"role": "user", "content": [{"type": "text", "text": "where is my card"}]}],
        temperature=0,
        user="someone",
        safety_identifier="someone",
        prompt_cache_key="a",
        service_tier="flex",
        store=True,
        metadata={"a": "b"},
        modalities=["text"],
        response_format={"type": "text"},
        logit_bias={},
        tools=[],
    )

    assert said.choices[0].message.content == "card_arrival"
    assert said.service_tier == "default"


def test_penalties_are_openais(client: openai.OpenAI):
    """A negative one pays for repeating: the first token is then the likeliest for ever."""
    asked = {"model": BASE, "messages": QUESTION, "seed": 4, "temperature": 0, "max_tokens": 60}

    def tokens(**more) -> list[str]:
        said = client.chat.completions.create(**asked, logprobs=True, **more).choices[0]
        return [token.token for token in said.logprobs.content]

    assert len(set(tokens(frequency_penalty=-2))) == 1
    assert len(set(tokens(frequency_penalty=2))) > len(set(tokens(presence_penalty=0.1)))


def test_conversations_take_turns_and_end_when_nobody_listens():
    sampling = Sampling(max_tokens=4096, temperature=0, frequency_penalty=-2)
    long = Asked(id=1, engine="practice", path=None, messages=QUESTION, sampling=sampling)
    brief = dataclasses.replace(sampling, max_tokens=3)
    with subprocess.Popen(
        [sys.executable, "-m", "app.trainer.answering"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=child_environment(),
    ) as process:
        ended: list[int] = []

        def say(*lines: Asked | Stop) -> None:
            process.stdin.write(b"".join(msgspec.json.encode(line) + b"\n" for line in lines))
            process.stdin.flush()

        def hear_the_end_of(number: int) -> None:
            while number not in ended:
                reply = msgspec.json.decode(process.stdout.readline(), type=Reply)
                assert reply.error is None
                ended.extend([reply.id] * reply.is_last)

        say(long, msgspec.structs.replace(long, id=2, sampling=brief))
        hear_the_end_of(2)
        say(Stop(1), msgspec.structs.replace(long, id=3))
        hear_the_end_of(3)
        process.stdin.close()

    assert ended == [2, 3]


@pytest.mark.parametrize("is_streamed", [False, True])
def test_who_goes_away_ends_the_sampling(make_trainer, is_streamed: bool):
    trainer: Trainer = make_trainer()
    many = [http.client.HTTPConnection("127.0.0.1", trainer.port) for _ in range(20)]
    asked = {
        "model": BASE,
        "messages": QUESTION,
        "frequency_penalty": -2,
        "max_tokens": 4096,
        "n": 4,
        "logprobs": True,
        "top_logprobs": 20,
        "stream": is_streamed,
    }
    headers = {"authorization": f"Bearer {KEY}", "content-type": "application/json"}
    for connection in many:
        connection.request("POST", "/v1/chat/completions", json.dumps(asked), headers)
    child = eventually(lambda: answering_process(trainer), within=20)
    eventually(lambda: ticks(child) > 100, within=30)

    for connection in many:
        connection.close()

    # Together they would speak for a minute.
    seen = [0]

    def is_silent() -> bool:
        seen.append(ticks(child))
        return seen[-1] == seen[-2]

    eventually(is_silent, within=15, every=0.3)


def answering_process(trainer: Trainer) -> int | None:
    """The process in which the models of this trainer answer."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = (folder / "stat").read_text().rpartition(")")[2].split()[1]
            words = (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if int(parent) == trainer.process.pid and b"app.trainer.answering" in words:
            return int(folder.name)
    return None


def ticks(process: int) -> int:
    """The processor time it has used, in hundredths of a second."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def test_the_server_stays_light(trainer: Trainer):
    """It never loads what trains: numpy would be in its memory map."""
    assert trainer.process is not None
    with open(f"/proc/{trainer.process.pid}/maps") as maps:  # noqa: PTH123
        assert "numpy" not in maps.read()
    loaded = "import sys, app.trainer.server; print({'numpy', 'fastapi'} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", loaded], capture_output=True, text=True, check=True
    )
    assert done.stdout == "set()\n"
