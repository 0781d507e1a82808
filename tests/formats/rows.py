"""Rows and values for the tests of formats and checks."""

import json
from typing import Any

USER = {"role": "user", "content": "Where is my card?"}
ANSWER = {"role": "assistant", "content": "card_arrival"}
TOOL = {"type": "function", "function": {"name": "find", "parameters": {"type": "object"}}}
CALL = {"id": "call_1", "type": "function", "function": {"name": "find", "arguments": "{}"}}


def make_row(*messages: Any, **others: Any) -> dict[str, Any]:
    """A chat row; a question and its answer unless other messages are given."""
    return {"messages": list(messages) or [USER, ANSWER], **others}


def make_line(*messages: Any, **others: Any) -> bytes:
    """The same as a line without its newline."""
    return json.dumps(make_row(*messages, **others), ensure_ascii=False).encode()


def question(text: str) -> bytes:
    """A row whose question differs."""
    return make_line({"role": "user", "content": text}, ANSWER)


def raw_question(text: bytes) -> bytes:
    """A row whose question is written as given, between the quotes, escaped or not."""
    return (
        b'{"messages": [{"role": "user", "content": "%s"}, {"role": "assistant", "content": "x"}]}'
        % text
    )
