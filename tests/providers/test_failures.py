"""What fails at a provider, in our words; chat and the environment among it."""

import asyncio
import json
import time

import pytest

from app.providers.base import (
    ChatRequest,
    KeyRejected,
    NotFound,
    NotPermitted,
    ProviderError,
    ProviderUnavailable,
    RequestRejected,
)
from tests.providers.contract import collect
from tests.witness import handle
from tests.witness.script import (
    CHAT,
    LIST_MODELS,
    Fault,
    refusal,
)


def test_the_limit_on_tokens_is_spelled_as_the_service_spells_it(open_at, witness):
    question = ChatRequest("gpt-6", ({"role": "user", "content": "Hello"},), max_tokens=5)
    for profile in ("openai", "compatible"):
        open_at(witness, profile=profile).answer(question)

    sent = [set(request.body) for request in witness.journal.read(CHAT)]
    assert sent == [
        {"model", "messages", "max_completion_tokens"},
        {"model", "messages", "max_tokens"},
    ]


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        ("<html></html>", {"content-type": "text/html"}),
        ("data: {broken\n\n", {"content-type": "text/event-stream"}),
        (
            'data: {"error": {"message": "out of memory"}}\n\n',
            {"content-type": "text/event-stream"},
        ),
    ],
)
def test_a_stream_that_is_none_is_an_error_in_our_words(provider, witness, body, headers):
    witness.script(Fault(CHAT, body=body, headers=headers))
    question = ChatRequest("gpt-6", ({"role": "user", "content": "Hello"},))

    with pytest.raises(ProviderError):
        asyncio.run(collect(provider, question))


def test_a_reader_who_leaves_ends_the_stream(provider, witness):
    words = " ".join(["word"] * 5_000)
    question = ChatRequest("gpt-6", ({"role": "user", "content": words},))

    async def leave_early():
        deltas = provider.stream(question)
        async for delta in deltas:
            if delta.text:
                break
        await deltas.aclose()
        return delta.text

    assert asyncio.run(leave_early()) == "You "


def test_a_stream_that_breaks_off_says_so(provider, witness):
    piece = json.dumps({"object": "chat.completion.chunk", "choices": []})
    body = f"data: {piece}\n\n" * 50
    stream = {"content-type": "text/event-stream"}
    witness.script(Fault(CHAT, end="truncate", body=body, headers=stream))
    question = ChatRequest("gpt-6", ({"role": "user", "content": "Hello"},))

    with pytest.raises(ProviderUnavailable):
        asyncio.run(collect(provider, question))


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, refusal("No."), RequestRejected),
        (401, refusal("No."), KeyRejected),
        (403, refusal("No."), KeyRejected),
        (404, refusal("No."), NotFound),
        (404, {"detail": "Not Found"}, NotFound),
        (404, "<html>", ProviderError),
        (408, refusal("No."), ProviderUnavailable),
        (409, refusal("No."), RequestRejected),
        (422, refusal("No."), RequestRejected),
        (429, refusal("No."), ProviderUnavailable),
        (500, refusal("No."), ProviderUnavailable),
        (503, "<html>", ProviderUnavailable),
        (307, "", ProviderError),
    ],
)
def test_each_failure_has_the_name_of_the_reaction_it_needs(provider, witness, status, body, kind):
    text = body if isinstance(body, str) else json.dumps(body)
    witness.script(Fault(LIST_MODELS, status=status, body=text))

    with pytest.raises(ProviderError) as caught:
        provider.base_models()

    assert type(caught.value) is kind
    assert caught.value.http_status == status
    assert len(witness.journal.read(LIST_MODELS)) == 1


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (403, refusal("Project `p` does not have access to model `m`.", "model_not_found")),
        (403, refusal("You are not allowed to sample from this model.")),
        (403, refusal("Not this one.", param="model")),
        (403, refusal("You have insufficient permissions for this operation.")),
        (401, refusal("Missing scopes: api.model.read.")),
    ],
)
def test_a_refusal_of_one_thing_does_not_refuse_the_key(provider, witness, status, body):
    witness.script(Fault(LIST_MODELS, status=status, body=json.dumps(body)))

    with pytest.raises(NotPermitted) as caught:
        provider.base_models()

    assert caught.value.message == body["error"]["message"]


def test_a_restricted_key_says_what_it_may_not(provider, witness):
    said = json.dumps(refusal("Missing scopes: api.model.read."))
    witness.script(Fault(LIST_MODELS, status=403, body=said))

    account = provider.check_key()

    assert account.models == ()
    assert [one.is_allowed for one in account.permissions] == [False, True, True]


@pytest.mark.parametrize("end", ["drop", "truncate"])
def test_a_broken_connection_is_unavailable_and_asked_once(provider, witness, end):
    witness.script(Fault(LIST_MODELS, end=end, body="x" * 1000))

    with pytest.raises(ProviderUnavailable):
        provider.base_models()

    assert len(witness.journal.read(LIST_MODELS)) == 1


def test_a_server_that_is_gone_is_unavailable(open_at, mortal_witness):
    provider = open_at(mortal_witness)
    mortal_witness.kill()

    with pytest.raises(ProviderUnavailable, match="cannot be reached: Connection refused"):
        provider.base_models()


def test_a_slow_answer_is_given_up(open_at, witness):
    provider = open_at(witness, read_seconds=5, total_seconds=0.4)
    witness.script(
        Fault(LIST_MODELS, delay=1.0, body="{}"),
        Fault(LIST_MODELS, end="drip", body="x" * 100),
    )
    for _ in range(2):
        before = time.monotonic()
        with pytest.raises(ProviderUnavailable, match="in time"):
            provider.base_models()
        assert time.monotonic() - before < 1.5


def test_a_message_shown_to_people_is_short_plain_and_without_the_key(provider, witness):
    nasty = f"No\x1b[2J\n key {handle.KEY}\u202e! " + "long " * 1_000
    witness.script(Fault(LIST_MODELS, status=400, body=json.dumps(refusal(nasty))))

    with pytest.raises(RequestRejected) as caught:
        provider.base_models()

    message = str(caught.value)
    assert message.startswith("No [2J key … !")
    assert len(message) <= 500


@pytest.mark.parametrize(
    ("asked", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "7.5"}, 7.5),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "0"}, None),
        ({"retry-after": "1000000000"}, 86_400.0),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": ""}, None),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, None),
        ({"retry-after": "Wed, 21 Oct 2099 07:28:00 GMT"}, 86_400.0),
        ({"retry-after-ms": "250", "retry-after": "7"}, 0.25),
        ({}, None),
    ],
)
def test_every_form_of_retry_after_is_read(provider, witness, asked, seconds):
    witness.script(Fault(LIST_MODELS, status=429, body="{}", headers=asked))

    with pytest.raises(ProviderUnavailable) as caught:
        provider.base_models()

    assert caught.value.retry_after == seconds


@pytest.mark.parametrize("key", ["sk-\n", "sk ey", "schlüssel", "sk-\0"])
def test_a_key_no_key_looks_like_is_rejected_before_it_travels(open_at, witness, key):
    with pytest.raises(KeyRejected):
        open_at(witness, key=key)

    assert witness.journal.read() == []


def test_the_environment_of_the_process_changes_nothing(open_at, witness, monkeypatch):
    for name, value in {
        "OPENAI_API_KEY": "sk-environment",
        "OPENAI_ADMIN_KEY": "sk-admin",
        "OPENAI_BASE_URL": "http://127.0.0.1:9/v1",
        "OPENAI_ORG_ID": "org-environment",
        "OPENAI_PROJECT_ID": "proj-environment",
        "OPENAI_WEBHOOK_SECRET": "whsec-environment",
        "OPENAI_CUSTOM_HEADERS": "X-From: environment\nAuthorization: Bearer environment",
        "HTTP_PROXY": "http://127.0.0.1:9",
        "HTTPS_PROXY": "http://127.0.0.1:9",
        "ALL_PROXY": "http://127.0.0.1:9",
    }.items():
        monkeypatch.setenv(name, value)
        monkeypatch.setenv(name.lower(), value)
    provider = open_at(witness)
    question = ChatRequest("gpt-6", ({"role": "user", "content": "Hello"},))

    provider.base_models()
    asyncio.run(collect(provider, question))

    for request in witness.journal.read():
        assert request.headers["authorization"] == f"Bearer {handle.KEY}"
        assert "environment" not in json.dumps(request.headers)
        assert request.headers["accept-encoding"] == "identity"
