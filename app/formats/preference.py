"""Preference rows as OpenAI's DPO takes them: a prompt, the answer preferred and the other."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from app.core.tokens import PER_ROW, Count, definition_tokens, message_tokens
from app.formats import chat_rules, image_rules
from app.formats.base import Finding, JsonObject, Measured, ReadSlowly, Text, canonical
from app.formats.drawn import Answer, Drawn
from app.formats.messages import (
    Message,
    messages_in,
    objects_in,
    system_in,
    texts_in,
    told,
    tool_names_in,
    turns_in,
)
from app.formats.preference_dialects import as_openai, is_foreign
from app.formats.reading import read_object
from app.formats.words import error, kind_of, others, quoted, short

OUTPUTS = ("preferred_output", "non_preferred_output")
OLDER = {"preferred_completion": OUTPUTS[0], "non_preferred_completion": OUTPUTS[1]}
_INPUT_KEYS = frozenset({"messages", "tools", "parallel_tool_calls"})


@dataclass(frozen=True, slots=True)
class PreferenceRow:
    """A prompt and two answers to it. `value` is the row as read, other names made OpenAI's."""

    prompt: tuple[Message, ...]
    preferred: tuple[Message, ...]
    non_preferred: tuple[Message, ...]
    value: JsonObject


def read(line: bytes) -> PreferenceRow:
    """The row on this line, as far as it follows the format. Raises Unreadable."""
    return from_value(read_object(line))


def from_value(value: JsonObject) -> PreferenceRow:
    """The typed view of a row that has been read already."""
    value = in_openais_words(value)
    prompt, preferred, non_preferred = (messages_in(told) for told in _parts(value))
    return PreferenceRow(prompt, preferred, non_preferred, value)


def in_openais_words(value: JsonObject) -> JsonObject:
    """The row under the keys that OpenAI reads today."""
    if is_foreign(value):
        return as_openai(value)
    older = {key: name for key, name in OLDER.items() if name not in value}
    return {older.get(key, key): item for key, item in value.items()}


def _parts(value: JsonObject) -> tuple[object, object, object]:
    asked = value.get("input")
    prompt = asked.get("messages") if isinstance(asked, dict) else None
    return prompt, value.get(OUTPUTS[0]), value.get(OUTPUTS[1])


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
    elif _roles(messages) & {"assistant"}:
        yield Finding(
            "preference.turns",
            "input.messages",
            "warning",
            "The input holds earlier answers; OpenAI tunes preferences on one turn only.",
            "Keep the last question alone, with what it needs to be understood.",
        )
    if image_rules.has_images(messages):
        yield Finding(
            "preference.images",
            "input.messages",
            "warning",
            "The input shows images; OpenAI tunes preferences on texts alone.",
            "Describe what the image shows, or drop the row.",
        )


def _output(output: object, field: str, tools: set[str]) -> Iterator[Finding]:
    messages: list[Any] = output if isinstance(output, list) else []
    if not messages or not all(isinstance(message, dict) for message in messages):
        yield error(
            "preference.output",
            field,
            f"{field} is not a list of exactly one message.",
            'Write [{"role": "assistant", "content": "…"}].',
        )
        return
    if len(messages) > 1:
        yield error(
            "preference.outputs",
            field,
            f"{field} has {len(messages)} messages; only one turn is learned.",
            "Keep the one message that answers.",
        )
    roles = [message.get("role") for message in messages]
    if "assistant" in roles and all(role in ("assistant", "tool") for role in roles):
        yield from chat_rules.turns(messages, tools, field)
        return
    yield error(
        "preference.output_role",
        f"{field}[0].role",
        "The answer is not from the assistant.",
        'Write "role": "assistant".',
    )


def _roles(messages: object) -> set[str]:
    """The roles of those messages that name one."""
    written = messages if isinstance(messages, list) else []
    roles = (message.get("role") for message in written if isinstance(message, dict))
    return {role for role in roles if isinstance(role, str)}


def _dialect(value: JsonObject) -> Iterator[Finding]:
    """A row that is read here all the same, and that a provider would not know."""
    if is_foreign(value) or any(key in value for key in OLDER):
        names = "TRL's" if is_foreign(value) else "names that OpenAI gave up"
        yield Finding(
            "preference.dialect",
            None,
            "warning",
            f"The row's keys are {names}; OpenAI and Azure know {OUTPUTS[0]} and {OUTPUTS[1]}.",
            "Export the rows for the provider and upload what comes.",
        )


class Preference(ReadSlowly):
    """Preference as one entry of the registry."""

    name = "preference"
    title = "Preference"

    def matches(self, value: Mapping[str, Any]) -> bool:
        """A question with two answers under OpenAI's keys, old or new, or under TRL's."""
        has_outputs = any(key in value for key in (*OUTPUTS, *OLDER))
        return ("input" in value and has_outputs) or is_foreign(value)

    def findings(self, value: JsonObject) -> list[Finding]:
        """The rules of preference rows, all of them, and whether the keys are OpenAI's of today."""
        return [*_dialect(value), *findings(from_value(value))]

    def texts(self, value: JsonObject) -> list[Text]:
        """What is asked and both answers, under OpenAI's keys however the row names them."""
        prompt, preferred, other = _parts(in_openais_words(value))
        return [
            *texts_in(prompt, "input.messages"),
            *texts_in(preferred, OUTPUTS[0]),
            *texts_in(other, OUTPUTS[1], role="rejected"),
        ]

    def draw(self, value: JsonObject) -> Drawn:
        """The question, and the two answers side by side."""
        value = in_openais_words(value)
        prompt, preferred, other = _parts(value)
        asked = value.get("input")
        return Drawn(
            turns=turns_in(prompt),
            answers=(
                Answer("Preferred", turns_in(preferred, teaches=True)),
                Answer("Not preferred", turns_in(other)),
            ),
            tools=tool_names_in(asked.get("tools")) if isinstance(asked, dict) else (),
        )

    def measure(self, value: JsonObject, count: Count) -> Measured:
        """A pair in figures; the answer that is not preferred is of the role `rejected`."""
        row = from_value(value)
        prompt, preferred, other = (objects_in(part) for part in _parts(row.value))
        role_tokens = tuple(message_tokens(one, count) for one in (*prompt, *preferred, *other))
        asked = row.value.get("input")
        tools = asked.get("tools") if isinstance(asked, dict) else None
        roles = (message.role for message in (*row.prompt, *row.preferred))
        return Measured(
            tokens=PER_ROW + sum(role_tokens),
            roles=(*roles, *("rejected" for _ in other)),
            role_tokens=role_tokens,
            trained=len(preferred),
            prompt=told(row.prompt),
            rest=canonical(row.value),
            system=system_in(row.prompt),
            answer=next((one.text for one in row.preferred if one.text), None),
            has_images=any(message.has_images for message in row.prompt),
            has_tools=bool(tools),
            definition_tokens=definition_tokens(tools, count) if tools else 0,
        )
