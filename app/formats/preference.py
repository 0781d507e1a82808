"""Preference rows as OpenAI's DPO takes them: a prompt, the answer preferred and the other."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from app.formats import chat, chat_rules
from app.formats.base import Finding, JsonObject
from app.formats.reading import read_object
from app.formats.words import error, kind_of, others, quoted, short

OUTPUTS = ("preferred_output", "non_preferred_output")
OLDER = {"preferred_completion": OUTPUTS[0], "non_preferred_completion": OUTPUTS[1]}
_INPUT_KEYS = frozenset({"messages", "tools", "parallel_tool_calls"})


@dataclass(frozen=True, slots=True)
class PreferenceRow:
    """A prompt and two answers to it. `value` is the row as read, older names made today's."""

    prompt: tuple[chat.Message, ...]
    preferred: tuple[chat.Message, ...]
    non_preferred: tuple[chat.Message, ...]
    value: JsonObject


def read(line: bytes) -> PreferenceRow:
    """The row on this line, as far as it follows the format. Raises Unreadable."""
    return from_value(read_object(line))


def from_value(value: JsonObject) -> PreferenceRow:
    """The typed view of a row that has been read already."""
    older = {key: name for key, name in OLDER.items() if name not in value}
    value = {older.get(key, key): item for key, item in value.items()}
    asked = value.get("input")
    prompt = asked.get("messages") if isinstance(asked, dict) else None
    preferred, non_preferred = (_messages(value.get(name)) for name in OUTPUTS)
    return PreferenceRow(_messages(prompt), preferred, non_preferred, value)


def findings(row: PreferenceRow) -> list[Finding]:
    """Everything wrong with a row, in its order."""
    return list(_row(row.value))


def _row(value: JsonObject) -> Iterator[Finding]:
    for key in others(value, {"input", *OUTPUTS}):
        yield error(
            "row.unknown_key",
            short(key),
            f"{quoted(key)} is not a key of a preference row.",
            f"Remove {quoted(key)}, or move it out of the training file.",
        )
    tools: set[str] = set()
    yield from _input(value.get("input"), tools)
    for name in OUTPUTS:
        yield from _output(value.get(name), name, tools)
    if value.get(OUTPUTS[0]) == value.get(OUTPUTS[1]) is not None:
        yield Finding(
            "preference.equal",
            OUTPUTS[1],
            "warning",
            "Both answers are the same, so there is nothing to prefer.",
            "Drop the row, or give two different answers.",
        )


def _input(asked: object, tools: set[str]) -> Iterator[Finding]:
    if not isinstance(asked, dict):
        what = "The row has no input." if asked is None else f"input is {kind_of(asked)}."
        yield error("preference.input", "input", what, 'Write "input": {"messages": […]}.')
        return
    for key in others(asked, _INPUT_KEYS):
        yield error(
            "row.unknown_key",
            f"input.{short(key)}",
            f"{quoted(key)} is not a key of input.",
            f"Remove {quoted(key)}.",
        )
    yield from chat_rules.conversation(asked, tools, "input.")
    messages = asked.get("messages")
    last = messages[-1] if isinstance(messages, list) and messages else None
    if isinstance(last, dict) and last.get("role") == "assistant":
        yield error(
            "preference.input_answered",
            f"input.messages[{len(asked['messages']) - 1}]",
            "The input ends with an answer; the two outputs are to answer it.",
            "End the input with the user's message.",
        )


def _output(output: object, field: str, tools: set[str]) -> Iterator[Finding]:
    messages: list[Any] = output if isinstance(output, list) else []
    if len(messages) != 1 or not isinstance(messages[0], dict):
        yield error(
            "preference.output",
            field,
            f"{field} is not a list of exactly one message.",
            'Write [{"role": "assistant", "content": "…"}].',
        )
    elif messages[0].get("role") != "assistant":
        yield error(
            "preference.output_role",
            f"{field}[0].role",
            "The answer is not from the assistant.",
            'Write "role": "assistant".',
        )
    else:
        yield from chat_rules.turns(messages, tools, field)


def _messages(value: object) -> tuple[chat.Message, ...]:
    return chat.from_value({"messages": value}).messages
