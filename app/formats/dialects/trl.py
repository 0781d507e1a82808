"""Hugging Face's TRL: https://huggingface.co/docs/trl/dataset_formats."""

from collections.abc import Mapping
from typing import Any

from app.formats.base import JsonObject, Unreadable
from app.formats.dialects.openai import Change, JsonLines
from app.formats.messages import objects_in
from app.formats.preference import in_openais_words
from app.formats.reading import read_object

_PAIR = {"preferred_output": "chosen", "non_preferred_output": "rejected"}


def _conversation(value: JsonObject) -> JsonObject:
    return {**value, "messages": _messages(value["messages"])} if "messages" in value else value


def _pair(value: JsonObject) -> JsonObject:
    """`prompt`, `chosen` and `rejected`; what else the input holds stands beside them."""
    if not value.keys() & {"input"}:
        return value
    value = in_openais_words(value)
    asked = value.pop("input")
    if not isinstance(asked, dict) or value.keys() & asked.keys():
        return {"input": asked, **value}
    rest = {key: inner for key, inner in asked.items() if key != "messages"}
    answers = {_PAIR.get(key, key): _messages(inner) for key, inner in value.items()}
    return {"prompt": _messages(asked.get("messages")), **answers, **rest}


def _prompt(value: JsonObject) -> JsonObject:
    """Under `prompt` what is to be answered; the columns beside it reach the reward function."""
    if "prompt" in value or "messages" not in value:
        return value
    rest = {key: inner for key, inner in value.items() if key != "messages"}
    return {"prompt": _messages(value["messages"]), **rest}


def _messages(told: Any) -> Any:
    """The arguments of tool calls as the object that chat templates expect."""
    if not any("tool_calls" in message for message in objects_in(told)):
        return told
    return [_message(message) if isinstance(message, dict) else message for message in told]


def _message(message: JsonObject) -> JsonObject:
    calls = message.get("tool_calls")
    if not isinstance(calls, list):
        return message
    return {**message, "tool_calls": [_call(call) for call in calls]}


def _call(call: Any) -> Any:
    match call:
        case {"function": {"arguments": str(arguments)}}:
            try:
                said = read_object(arguments.encode())
            except Unreadable:
                return call
            return {**call, "function": {**call["function"], "arguments": said}}
    return call


_CHANGES: Mapping[str, Change | None] = {
    "chat": _conversation,
    "preference": _pair,
    "reinforcement": _prompt,
    "completion": None,
}
TRL = JsonLines(
    "trl",
    "TRL",
    "JSON Lines for Hugging Face's trainers: messages, or prompt with chosen and rejected; tool"
    " arguments as objects. TRL knows no weights and learns every answer.",
    _CHANGES,
    b"",
)
