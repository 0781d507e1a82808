"""Every rule of the chat format, complete: each problem with its field, its reason and its cure."""

from collections.abc import Iterator
from typing import Any

from app.formats import image_rules, tool_rules
from app.formats.base import Finding, JsonObject
from app.formats.words import NAME, error, kind_of, null, others, quoted, short, shown, unknown_key

ROLES = ("system", "developer", "user", "assistant", "tool", "function")
ROW_KEYS = frozenset({"messages", "tools", "parallel_tool_calls", "functions"})
_COMMON_KEYS = frozenset({"role", "content", "name"})
MESSAGE_KEYS: dict[str, frozenset[str]] = {
    "system": _COMMON_KEYS,
    "developer": _COMMON_KEYS,
    "user": _COMMON_KEYS,
    "assistant": _COMMON_KEYS | {"weight", "tool_calls", "function_call", "refusal"},
    "tool": _COMMON_KEYS | {"tool_call_id"},
    "function": _COMMON_KEYS,
}
PARTS: dict[str, frozenset[str]] = {
    "system": frozenset({"text"}),
    "developer": frozenset({"text"}),
    "user": frozenset({"text", "image_url", "input_audio", "file"}),
    "assistant": frozenset({"text", "refusal"}),
    "tool": frozenset({"text"}),
    "function": frozenset(),
}


def findings(value: JsonObject) -> list[Finding]:
    """Everything wrong with a row, in its order; none means OpenAI would take it as it is."""
    return list(_row(value))


def _row(value: JsonObject) -> Iterator[Finding]:
    for key in others(value, ROW_KEYS):
        yield error(
            "row.unknown_key",
            short(key),
            f"{quoted(key)} is not a key of a chat row; OpenAI refuses keys it does not know.",
            f"Remove {quoted(key)}, or move it out of the training file.",
        )
    yield from conversation(value, set())
    messages = value.get("messages")
    if isinstance(messages, list) and messages:
        yield from _assistants(messages)


def conversation(value: JsonObject, names: set[str], above: str = "") -> Iterator[Finding]:
    """What is wrong with the tools and messages of an object, which stands at `above`.

    `names` receives the tools' names.
    """
    if "tools" in value:
        yield from tool_rules.tools(value["tools"], names, above)
    if "functions" in value:
        yield from tool_rules.functions(value["functions"], names)
    if "parallel_tool_calls" in value and not isinstance(value["parallel_tool_calls"], bool):
        yield error(
            "row.parallel_tool_calls",
            f"{above}parallel_tool_calls",
            f"parallel_tool_calls is {kind_of(value['parallel_tool_calls'])}, not true or false.",
            "Write true or false, or leave the key out.",
        )
    messages, field = value.get("messages"), f"{above}messages"
    if "messages" not in value:
        yield error(
            "messages.missing",
            field,
            "The row has no messages.",
            'Add "messages": a list of turns.',
        )
    elif not isinstance(messages, list):
        yield error(
            "messages.type",
            field,
            f"messages is {kind_of(messages)}, not a list.",
            "Write the turns as a list.",
        )
    elif not messages:
        yield error(
            "messages.empty",
            field,
            "The list of messages is empty.",
            "Add the turns, or drop the row.",
        )
    else:
        yield from turns(messages, names, field)
        yield from image_rules.count(messages, field)


def turns(messages: list[Any], names: set[str], above: str) -> Iterator[Finding]:
    """What is wrong with each message of the list at `above`; `names` are the tools' names."""
    calls: set[str] = set()
    for at, message in enumerate(messages):
        field = f"{above}[{at}]"
        if not isinstance(message, dict):
            yield error(
                "message.type",
                field,
                f"The message is {kind_of(message)}, not an object.",
                _MESSAGE_CURE,
            )
            continue
        role = message.get("role")
        if not isinstance(role, str) or role not in MESSAGE_KEYS:
            yield _unknown_role(message, field)
            continue
        yield from _message(message, role, field, names, calls)


def _assistants(messages: list[Any]) -> Iterator[Finding]:
    answers = [
        item for item in messages if isinstance(item, dict) and item.get("role") == "assistant"
    ]
    last = messages[-1]
    if not answers:
        yield error(
            "messages.no_assistant",
            "messages",
            "No message is from the assistant, so there is nothing to learn.",
            "Add the answer the model should give, with the role assistant.",
        )
    elif all(
        item.get("weight") == 0 and not isinstance(item.get("weight"), bool) for item in answers
    ):
        yield error(
            "messages.nothing_trained",
            "messages",
            "Every assistant message has weight 0, so there is nothing to learn.",
            "Give at least one answer weight 1, or drop the row.",
        )
    elif not isinstance(last, dict) or last.get("role") != "assistant":
        yield Finding(
            "messages.last_not_assistant",
            f"messages[{len(messages) - 1}]",
            "warning",
            "The row does not end with the assistant; what follows the last answer is not learned.",
            "End the row with the answer the model should give.",
        )


def _message(
    message: JsonObject, role: str, field: str, names: set[str], calls: set[str]
) -> Iterator[Finding]:
    for key in others(message, MESSAGE_KEYS[role]):
        yield _misplaced_key(key, role, field)
    yield from _content(message, role, field)
    if "name" in message or role == "function":
        yield from _name(message, role, field)
    if role == "assistant":
        yield from _answer(message, field, names, calls)
    if role == "tool":
        yield from tool_rules.tool_result(message, field, calls)


def _answer(message: JsonObject, field: str, names: set[str], calls: set[str]) -> Iterator[Finding]:
    weight = message.get("weight", 1)
    if isinstance(weight, bool) or not isinstance(weight, int) or weight not in {0, 1}:
        yield error(
            "message.weight",
            f"{field}.weight",
            f"weight is {shown(weight)}; only the numbers 0 and 1 are allowed.",
            "Write 0 to leave the answer out of training, or 1 to learn it.",
        )
    refusal = message.get("refusal")
    if refusal is not None and not isinstance(refusal, str):
        yield error(
            "message.refusal",
            f"{field}.refusal",
            f"refusal is {kind_of(refusal)}, not a text.",
            "Write it as a text.",
        )
    if message.get("tool_calls") is not None:
        yield from tool_rules.tool_calls(message["tool_calls"], f"{field}.tool_calls", names, calls)
    elif "tool_calls" in message:
        yield null(f"{field}.tool_calls")
    if message.get("function_call") is not None:
        yield from tool_rules.called(message["function_call"], f"{field}.function_call", names)
    elif "function_call" in message:
        yield null(f"{field}.function_call")


def _content(message: JsonObject, role: str, field: str) -> Iterator[Finding]:
    field = f"{field}.content"
    content = message.get("content")
    if isinstance(content, str):
        if not content and role == "assistant" and not _says_otherwise(message):
            yield error(
                "content.empty",
                field,
                "The answer is empty and calls no tool.",
                "Write the answer, or drop the row.",
            )
        return
    if content is None:
        if not (role == "assistant" and _says_otherwise(message)):
            what = "content is null" if "content" in message else "content is missing"
            yield error(
                "content.missing",
                field,
                f"{what}; only an assistant message that calls a tool may go without.",
                "Write the text of the message.",
            )
        return
    if not isinstance(content, list):
        yield error(
            "content.type",
            field,
            f"content is {kind_of(content)}, not a text or a list of parts.",
            "Write the content as a text.",
        )
        return
    if not content:
        yield error(
            "content.empty",
            field,
            "content is a list without parts.",
            "Write the content as a text.",
        )
    for at, part in enumerate(content):
        yield from _part(part, role, f"{field}[{at}]")


def _says_otherwise(message: JsonObject) -> bool:
    return any(message.get(key) is not None for key in ("tool_calls", "function_call", "refusal"))


def _part(part: object, role: str, field: str) -> Iterator[Finding]:
    kind = part.get("type") if isinstance(part, dict) else None
    if not isinstance(part, dict) or not isinstance(kind, str):
        yield error(
            "content.part",
            field,
            "The part is not an object with a type.",
            'Write {"type": "text", "text": "…"}, or give the content as one text.',
        )
    elif kind not in PARTS[role]:
        where = "an assistant message" if role == "assistant" else f"a {role} message"
        yield error(
            "content.part_type",
            f"{field}.type",
            f"A part of type {quoted(kind)} may not stand in {where}.",
            "Images belong in user messages; everything else is text.",
        )
    elif kind in {"input_audio", "file"}:
        yield Finding(
            "content.unsupported",
            f"{field}.type",
            "warning",
            f"A part of type {quoted(kind)} can be asked about, but OpenAI tunes on texts and "
            "images alone.",
            "Write what it says as text, or drop the row.",
        )
    else:
        for key in others(part, {"type", kind}):
            yield unknown_key(key, field, f"a part of type {kind}")
        if kind == "image_url":
            yield from image_rules.image(part.get("image_url"), f"{field}.image_url")
        elif not isinstance(part.get(kind), str):
            yield error(
                "content.part",
                f"{field}.{kind}",
                f"{kind} is {kind_of(part.get(kind))}, not a text.",
                "Write it as a text.",
            )


def _name(message: JsonObject, role: str, field: str) -> Iterator[Finding]:
    name = message.get("name")
    if name is None and role != "function":
        yield null(f"{field}.name")
    elif not isinstance(name, str) or not NAME.match(name):
        yield error(
            "message.name",
            f"{field}.name",
            f"The name {shown(name)} is not 1 to 64 letters, digits, _ or -.",
            "Rename it with letters, digits, _ and - alone.",
        )


def _unknown_role(message: JsonObject, field: str) -> Finding:
    if "role" not in message:
        return error("message.role", f"{field}.role", "The message has no role.", _ROLE_CURE)
    return error(
        "message.role", f"{field}.role", f"{shown(message['role'])} is not a role.", _ROLE_CURE
    )


def _misplaced_key(key: str, role: str, field: str) -> Finding:
    if any(key in keys for keys in MESSAGE_KEYS.values()):
        owner = "tool" if key == "tool_call_id" else "assistant"
        return error(
            f"message.{key}",
            f"{field}.{key}",
            f"{key} stands on a {role} message; only {owner} messages may carry it.",
            f"Remove {key} from the message.",
        )
    return unknown_key(key, field, f"a message of role {role}")


_MESSAGE_CURE = 'Write {"role": "user", "content": "…"}.'
_ROLE_CURE = f"Use one of {', '.join(ROLES)}."
