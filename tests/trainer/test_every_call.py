"""Whatever the SDK can call about the trainer's matters is called, and its answer checked."""

import json
from typing import Any

import openai
import pytest
from openai.pagination import SyncConversationCursorPage, SyncCursorPage, SyncPage
from openai.types.chat import ChatCompletion
from pydantic import BaseModel

from tests.trainer.calls import (
    ANSWERED,
    BESIDES,
    REFUSED,
    Caller,
    calling,
    finished_run,
    methods,
    serving,
)
from tests.trainer.receiver import Receiver
from tests.trainer.shapes import strictly

PAGES = (SyncPage, SyncCursorPage, SyncConversationCursorPage)
CALLS = ANSWERED | BESIDES
OF_A_PAGE = {"object", "data", "has_more", "first_id", "last_id"}


@pytest.fixture(scope="module")
def receiver():
    receiver = Receiver()
    yield receiver
    receiver.close()


@pytest.fixture(scope="module")
def caller(receiver: Receiver, tmp_path_factory: pytest.TempPathFactory):
    with serving(tmp_path_factory.mktemp("called") / "home", receiver) as trainer:
        finished = finished_run(trainer)
        with calling(f"http://127.0.0.1:{trainer.port}/v1", finished, receiver) as caller:
            yield caller


def test_no_method_of_the_sdk_is_forgotten():
    assert methods() == ANSWERED.keys() | REFUSED.keys()


@pytest.mark.parametrize("name", sorted(CALLS))
def test_a_call_is_answered_in_the_sdks_own_shape(caller: Caller, name: str):
    caller.answers.clear()

    answer = CALLS[name](caller)

    last = caller.answers[-1]
    if isinstance(answer, PAGES):
        whole = last.json()
        assert whole.keys() <= OF_A_PAGE
        assert len(answer.data) == len(whole["data"])
        for item, body in zip(answer.data, whole["data"], strict=True):
            strictly(type(item), body)
    elif isinstance(answer, list):
        for chunk, body in zip(answer, chunks(last.text), strict=True):
            strictly(type(chunk), body)
    elif isinstance(answer, BaseModel) and name != "webhooks.unwrap":
        kind = ChatCompletion if isinstance(answer, ChatCompletion) else type(answer)
        strictly(kind, last.json())


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_a_call_that_cannot_be_says_why(caller: Caller, name: str):
    call, words = REFUSED[name]

    with pytest.raises(openai.APIStatusError, match=words) as refused:
        call(caller)

    assert refused.value.status_code in {400, 404, 405}
    assert set(refused.value.body) == {"message", "type", "param", "code"}


def chunks(text: str) -> list[Any]:
    """The chunks of a streamed answer."""
    lines = [line.removeprefix("data: ") for line in text.splitlines() if line]
    assert lines.pop() == "[DONE]"
    return [json.loads(line) for line in lines]
