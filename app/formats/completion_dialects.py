"""TRL's conversational prompt and completion, said as the chat rows they are.

Source: https://huggingface.co/docs/trl/dataset_formats, "Prompt-completion".
"""

import json
from collections.abc import Mapping
from typing import Any

from app.formats.base import JsonObject

KEYS = ("prompt", "completion")
READ_KEYS = (*KEYS, "tools")


def is_conversational(value: Mapping[str, Any]) -> bool:
    """Whether prompt and completion are messages, not texts."""
    return value.keys() >= set(KEYS) and any(isinstance(value[key], list) for key in KEYS)


def as_chat(value: JsonObject) -> JsonObject:
    """The same conversation under `messages`. TRL learns the completion alone, so what the
    assistant says in the prompt gets weight 0; arguments of tool calls become the text that OpenAI
    reads; keys that are not part of it are left out. A row of another kind stays as it is.
    """
    if not is_conversational(value):
        return value
    asked, answer = _messages(value["prompt"], "user"), _messages(value["completion"], "assistant")
    tools = {"tools": value["tools"]} if value.get("tools") else {}
    return {"messages": [*map(_unlearned, asked), *answer], **tools}


def _messages(told: object, role: str) -> list[Any]:
    if not isinstance(told, list):
        return [{"role": role, "content": told}]
    return [_message(one) if isinstance(one, dict) else one for one in told]


def _message(told: JsonObject) -> JsonObject:
    """Tables of TRL's have each key in every message: those that say nothing are left out."""
    kept = {key: inner for key, inner in told.items() if inner is not None or key == "content"}
    if isinstance(kept.get("tool_calls"), list):
        kept["tool_calls"] = [_call(one) for one in kept["tool_calls"]]
    return kept


def _call(call: Any) -> Any:
    match call:
        case {"function": {"arguments": dict(arguments)}}:
            said = json.dumps(arguments, ensure_ascii=False)
            return {**call, "function": {**call["function"], "arguments": said}}
    return call


def _unlearned(message: Any) -> Any:
    if isinstance(message, dict) and message.get("role") == "assistant":
        return {**message, "weight": 0}
    return message
