"""What is not here says so, with the reason and what to call instead, in OpenAI's shape."""

import openai
import pytest

from tests.trainer.conftest import BASE, KEY, Trainer

IMAGE = {"prompt": "a violin", "model": "gpt-image-1"}
WORDS = [{"role": "user", "content": "hello"}]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda c: c.moderations.create(input="words"), "No content is moderated"),
        (lambda c: c.embeddings.create(input="words", model=BASE), "no embeddings"),
        (lambda c: c.responses.create(input="words", model=BASE), "chat.completions.create"),
        (lambda c: c.completions.create(prompt="words", model=BASE), "chat.completions.create"),
        (lambda c: c.images.generate(**IMAGE), "no image models"),
        (lambda c: c.audio.speech.create(input="a", model="tts-1", voice="x"), "no audio"),
        (lambda c: c.batches.list(), "no batches"),
        (lambda c: c.vector_stores.list(), "no vector stores"),
        (lambda c: c.chat.completions.retrieve("chatcmpl-a"), "not stored"),
        (lambda c: c.get("/fine-tunes", cast_to=object), "client.fine_tuning.jobs.create"),
        (lambda c: c.post("/fine-tunes/ft-a/cancel", cast_to=object), "POST /v1/fine_tuning/jobs"),
        (lambda c: c.get("/engines", cast_to=object), "client.models.list"),
    ],
)
def test_a_call_that_is_not_here_says_what_is(client: openai.OpenAI, call, words: str):
    with pytest.raises(openai.NotFoundError, match=words) as refused:
        call(client)

    assert "docs/trainer.md" in refused.value.message
    assert refused.value.code == "unsupported_endpoint"
    assert refused.value.type == "invalid_request_error"


def test_stored_completions_are_not_listed(client: openai.OpenAI):
    with pytest.raises(openai.APIStatusError, match="not stored"):
        client.chat.completions.list()


def test_a_base_url_without_v1_is_named(trainer: Trainer):
    wrong = openai.OpenAI(base_url=f"http://127.0.0.1:{trainer.port}", api_key=KEY, max_retries=0)

    with wrong, pytest.raises(openai.NotFoundError, match="begins with /v1"):
        wrong.chat.completions.create(model=BASE, messages=WORDS)


def test_any_other_path_is_answered_as_openai_does(client: openai.OpenAI):
    with pytest.raises(openai.NotFoundError) as refused:
        client.get("/of/nobody", cast_to=object)

    assert refused.value.body == {
        "message": "Invalid URL (GET /v1/of/nobody)",
        "type": "invalid_request_error",
        "param": None,
        "code": None,
    }
