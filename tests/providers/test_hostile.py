"""A server that means harm, or is broken in odd ways: whatever it sends, an error in our words or
plain values that every database keeps, and soon.
"""

import asyncio
import json

import pytest

from app.providers.base import ChatRequest, ProviderError, ProviderUnavailable
from app.providers.openai import provider as module
from app.providers.openai import wire
from tests.providers.contract import collect
from tests.witness.script import CHAT, LIST_MODELS, LIST_RUNS, Fault, refusal

STREAM = {"content-type": "text/event-stream"}
QUESTION = ChatRequest("gpt-6", ({"role": "user", "content": "Hello"},))
EVENTS = "GET /v1/fine_tuning/jobs/{}/events"
CHECKPOINTS = "GET /v1/fine_tuning/jobs/{}/checkpoints"
HUGE = "9" * 400


def page(*items, has_more=False):
    """A page of a list; "@huge@" in it is a whole number of four hundred digits."""
    text = json.dumps({"object": "list", "data": items, "has_more": has_more})
    return text.replace('"@huge@"', HUGE)


@pytest.mark.parametrize(
    "piece",
    [
        "[1, 2]",
        '"text"',
        "1",
        "[" * 100_000,
        '{"choices": ' * 5_000,
        "9" * 5_000,
        '{"choices": [], "n": ' + "9" * 5_000 + "}",
        '{"error": {"message": {"a": 1}, "code": []}}',
        '{"error": [1]}',
    ],
    ids=lambda piece: piece[:20],
)
def test_a_piece_of_a_stream_that_is_none_is_an_error_in_our_words(provider, witness, piece):
    witness.script(Fault(CHAT, body=f"data: {piece}\n\n", headers=STREAM))
    with pytest.raises(ProviderError) as caught:
        asyncio.run(collect(provider, QUESTION))
    assert len(caught.value.message) < 600


@pytest.mark.parametrize(
    ("choices", "text"),
    [
        ("[]", ""),
        ("{}", ""),
        ('[{"delta": null}]', ""),
        ('[{"delta": {"content": ["x"]}}]', ""),
        ('[{"delta": {"content": "a\\u0000b\\ud800"}}]', "a\ufffdb\ufffd"),
        ('[{"delta": {"content": "x"}, "n": ' + HUGE + "}]", "x"),
    ],
)
def test_an_odd_piece_of_a_stream_is_read_as_far_as_it_can_be(provider, witness, choices, text):
    piece = '{"object": "chat.completion.chunk", "choices": ' + choices + "}"
    body = f"data: {piece}\n\ndata: [DONE]\n\n"
    witness.script(Fault(CHAT, body=body, headers=STREAM))
    deltas = asyncio.run(collect(provider, QUESTION))
    assert "".join(delta.text for delta in deltas) == text
    assert HUGE not in json.dumps([delta.raw for delta in deltas])


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 429, 500])
@pytest.mark.parametrize(
    "error",
    [
        {"message": {"a": "b"}, "code": {"a": 1}, "param": ["x"], "type": 1},
        {"message": 1, "code": 1, "param": 1},
        {"message": ["x" * 10_000]},
        ["message"],
        "x" * 100_000,
        1,
        True,
    ],
    ids=str,
)
def test_a_refusal_of_any_shape_is_a_refusal(provider, witness, status, error):
    witness.script(Fault(LIST_MODELS, status=status, body=json.dumps({"error": error})))
    with pytest.raises(ProviderError) as caught:
        provider.base_models()
    assert len(caught.value.message) < 600


@pytest.mark.parametrize(
    "asked",
    ["Fri, 31 Dec 9999 23:59:59 -2300", "Fri, 31 Dec 99999 23:59:59 GMT", "9" * 400, "\t", "-0"],
)
def test_a_wait_beyond_the_calendar_is_no_wait_or_a_day(provider, witness, asked):
    witness.script(Fault(LIST_MODELS, status=429, body="{}", headers={"retry-after": asked}))
    with pytest.raises(ProviderUnavailable) as caught:
        provider.base_models()
    assert caught.value.retry_after in {None, 0.0, 86_400.0}


def test_a_model_is_listed_once_and_only_under_a_name_that_can_be_kept(open_at, witness):
    names = ["one", "one", "", "x" * 256, "y" * 255, "two"]
    listed = [{"id": name, "object": "model"} for name in names] + [{"id": 1}, {"id": None}, {}]
    witness.script(Fault(LIST_MODELS, body=page(*listed), times=2))
    provider = open_at(witness, profile="compatible")
    assert [model.name for model in provider.base_models()] == ["one", "two", "y" * 255]
    assert provider.check_key().models == ("one", "one", "y" * 255, "two")


def test_of_endless_models_some_are_listed(open_at, witness):
    listed = [{"id": f"model-{number}", "object": "model"} for number in range(5_000)]
    witness.script(Fault(LIST_MODELS, body=page(*listed), times=2))
    provider = open_at(witness, profile="compatible")
    assert len(provider.base_models()) == 2_000
    assert len(provider.check_key().models) == 2_000


def test_a_run_of_odd_values_is_read_as_far_as_it_can_be_kept(provider, witness):
    odd = {
        "object": "fine_tuning.job",
        "id": "ftjob-odd",
        "status": "s" * 100_000,
        "model": "m" * 256,
        "fine_tuned_model": "f" * 256,
        "created_at": 10**12,
        "finished_at": float("1e308"),
        "trained_tokens": "@huge@",
        "seed": "@huge@",
        "hyperparameters": {"n_epochs": "@huge@", "x" * 256: 1, "long": "y" * 256, "batch_size": 4}
        | {f"made-up-{number}": 1 for number in range(1_000)},
        "error": {"message": {"not": "text"}},
        "result_files": {"not": "a list"},
        "metadata": [1],
        "method": "supervised",
    }
    witness.script(Fault(LIST_RUNS, body=page(odd)))
    (run,) = provider.list_runs().items
    assert (run.base_model, run.model_name, run.trained_tokens, run.seed) == ("", None, None, None)
    assert (run.created_at, run.finished_at, run.error) == (None, None, None)
    assert len(run.provider_status) <= 500
    assert len(run.hyperparameters) == 100
    assert run.hyperparameters["batch_size"] == 4
    assert not {"n_epochs", "x" * 256, "long"} & run.hyperparameters.keys()


def test_checkpoints_and_events_that_cannot_be_kept_are_left_out(provider, witness):
    saved = {"id": "c", "fine_tuned_model_checkpoint": "m", "step_number": 1}
    points = [
        saved | {"metrics": {"train_loss": "@huge@", "valid_loss": 1.5}},
        saved | {"step_number": "@huge@"},
        saved | {"fine_tuned_model_checkpoint": "m" * 256},
        saved | {"id": "i" * 256},
    ]
    witness.script(Fault(CHECKPOINTS.format("ftjob-1"), body=page(*points)))
    (checkpoint,) = provider.checkpoints("ftjob-1")
    assert checkpoint.metrics == {"valid_loss": 1.5}
    lines = [{"id": "e" * 256}, {"id": "e", "message": "m" * 50_000, "created_at": 1e300}]
    witness.script(Fault(EVENTS.format("ftjob-1"), body=page(*lines)))
    (event,) = provider.events("ftjob-1")
    assert (event.event_id, len(event.message), event.at) == ("e", 10_000, None)


def test_a_log_without_an_end_is_read_as_far_as_there_is_room(provider, witness, monkeypatch):
    monkeypatch.setattr(module, "MOST_EVENT_BYTES", 3_000)
    for number in range(10):
        lines = [{"id": f"e{number}-{line}", "message": "x" * 100} for line in range(5)]
        witness.script(Fault(EVENTS.format("ftjob-1"), body=page(*lines, has_more=True)))
    found = list(provider.events("ftjob-1"))
    assert 5 < len(found) <= 25
    assert found[0].event_id == "e0-0"


def test_a_long_list_of_slow_pages_is_given_up(provider, witness, monkeypatch):
    monkeypatch.setattr(wire, "PAGES_SECONDS", 0.2)
    monkeypatch.setattr(wire, "SECONDS_A_PAGE", 0.01)
    for number in range(20):
        body = page({"id": f"e{number}"}, has_more=True)
        witness.script(Fault(EVENTS.format("ftjob-1"), delay=0.1, body=body))
    with pytest.raises(ProviderUnavailable, match="too slowly"):
        list(provider.events("ftjob-1"))
    assert len(witness.journal.read(EVENTS.format("ftjob-1"))) < 6


def test_a_page_instead_of_data_repeats_nothing_of_itself(provider, witness):
    body = "<html><script>alert(1)</script>" + json.dumps(refusal("<b>x</b>"))
    for status in (200, 401, 403, 404, 500):
        fault = Fault(LIST_MODELS, status=status, body=body, headers={"content-type": "text/html"})
        witness.script(fault)
        with pytest.raises(ProviderError) as caught:
            provider.base_models()
        assert "<" not in caught.value.message
