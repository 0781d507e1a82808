"""Every rule of the chat format, complete: each problem of a row is named with its field, its reason and its cure."""

import re
from collections.abc import Container, Iterator
from typing import Any

import msgspec

from app.formats.base import Finding, JsonObject, Severity

NAME = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")
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
    """Everything wrong with a row, in its order. No finding means OpenAI's supervised method would take it as it is."""
    return list(_row(value))


def arguments_parse(arguments: str) -> bool:
    """Whether a call's arguments are JSON, as the API asks of this text."""
    try:
        msgspec.json.decode(arguments)
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
        return False
    return True


def _row(value: JsonObject) -> Iterator[Finding]:
    for key in _others(value, ROW_KEYS):
        yield _error(
            "row.unknown_key",
            _short(key),
            f"{_quoted(key)} is not a key of a chat row; OpenAI refuses rows with keys it does not know.",
            f"Remove {_quoted(key)}, or move it out of the training file.",
        )
    names: set[str] = set()
    if "tools" in value:
        yield from _tools(value["tools"], names)
    if "functions" in value:
        yield from _functions(value["functions"], names)
    if "parallel_tool_calls" in value and not isinstance(value["parallel_tool_calls"], bool):
        yield _error(
            "row.parallel_tool_calls",
            "parallel_tool_calls",
            f"parallel_tool_calls is {_kind(value['parallel_tool_calls'])}, not true or false.",
            "Write true or false, or leave the key out.",
        )
    messages = value.get("messages")
    if "messages" not in value:
        yield _error(
            "messages.missing",
            "messages",
            "The row has no messages.",
            'Add "messages": a list of turns.',
        )
    elif not isinstance(messages, list):
        yield _error(
            "messages.type",
            "messages",
            f"messages is {_kind(messages)}, not a list.",
            "Write the turns as a list.",
        )
    elif not messages:
        yield _error(
            "messages.empty",
            "messages",
            "The list of messages is empty.",
            "Add the turns, or drop the row.",
        )
    else:
        yield from _conversation(messages, names)


def _conversation(messages: list[Any], names: set[str]) -> Iterator[Finding]:
    calls: set[str] = set()
    for at, message in enumerate(messages):
        field = f"messages[{at}]"
        if not isinstance(message, dict):
            yield _error(
                "message.type",
                field,
                f"The message is {_kind(message)}, not an object.",
                _MESSAGE_CURE,
            )
            continue
        role = message.get("role")
        if not isinstance(role, str) or role not in MESSAGE_KEYS:
            yield _unknown_role(message, field)
            continue
        yield from _message(message, role, field, names, calls)
    yield from _assistants(messages)


def _assistants(messages: list[Any]) -> Iterator[Finding]:
    answers = [
        item for item in messages if isinstance(item, dict) and item.get("role") == "assistant"
    ]
    last = messages[-1]
    if not answers:
        yield _error(
            "messages.no_assistant",
            "messages",
            "No message is from the assistant, so there is nothing to learn.",
            "Add the answer the model should give, with the role assistant.",
        )
    elif all(
        item.get("weight") == 0 and not isinstance(item.get("weight"), bool) for item in answers
    ):
        yield _error(
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
            "The conversation does not end with the assistant; what follows the last answer teaches nothing.",
            "End the row with the answer the model should give.",
        )


def _message(
    message: JsonObject, role: str, field: str, names: set[str], calls: set[str]
) -> Iterator[Finding]:
    for key in _others(message, MESSAGE_KEYS[role]):
        yield _misplaced_key(key, role, field)
    yield from _content(message, role, field)
    if "name" in message or role == "function":
        yield from _name(message, role, field)
    if role == "assistant":
        yield from _answer(message, field, names, calls)
    if role == "tool":
        yield from _tool_result(message, field, calls)


def _answer(message: JsonObject, field: str, names: set[str], calls: set[str]) -> Iterator[Finding]:
    weight = message.get("weight", 1)
    if isinstance(weight, bool) or not isinstance(weight, int) or weight not in {0, 1}:
        yield _error(
            "message.weight",
            f"{field}.weight",
            f"weight is {_shown(weight)}; only the numbers 0 and 1 are allowed.",
            "Write 0 to leave the answer out of training, or 1 to learn it.",
        )
    refusal = message.get("refusal")
    if refusal is not None and not isinstance(refusal, str):
        yield _error(
            "message.refusal",
            f"{field}.refusal",
            f"refusal is {_kind(refusal)}, not a text.",
            "Write it as a text.",
        )
    if message.get("tool_calls") is not None:
        yield from _tool_calls(message["tool_calls"], f"{field}.tool_calls", names, calls)
    elif "tool_calls" in message:
        yield _null(f"{field}.tool_calls")
    if message.get("function_call") is not None:
        yield from _call(message["function_call"], f"{field}.function_call", names)
    elif "function_call" in message:
        yield _null(f"{field}.function_call")


def _content(message: JsonObject, role: str, field: str) -> Iterator[Finding]:
    field = f"{field}.content"
    content = message.get("content")
    if isinstance(content, str):
        if not content and role == "assistant" and not _says_otherwise(message):
            yield _error(
                "content.empty",
                field,
                "The answer is empty and calls no tool.",
                "Write the answer, or drop the row.",
            )
        return
    if content is None:
        if not (role == "assistant" and _says_otherwise(message)):
            what = "content is null" if "content" in message else "content is missing"
            yield _error(
                "content.missing",
                field,
                f"{what}; only an assistant message that calls a tool may go without.",
                "Write the text of the message.",
            )
        return
    if not isinstance(content, list):
        yield _error(
            "content.type",
            field,
            f"content is {_kind(content)}, not a text or a list of parts.",
            "Write the content as a text.",
        )
        return
    if not content:
        yield _error(
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
        yield _error(
            "content.part",
            field,
            "The part is not an object with a type.",
            'Write {"type": "text", "text": "…"}, or give the content as one text.',
        )
    elif kind not in PARTS[role]:
        where = "an assistant message" if role == "assistant" else f"a {role} message"
        yield _error(
            "content.part_type",
            f"{field}.type",
            f"A part of type {_quoted(kind)} may not stand in {where}.",
            "Images belong in user messages; everything else is text.",
        )
    elif kind in {"text", "refusal"} and not isinstance(part.get(kind), str):
        yield _error(
            "content.part",
            f"{field}.{kind}",
            f"{kind} is {_kind(part.get(kind))}, not a text.",
            "Write it as a text.",
        )
    elif kind == "image_url":
        yield from _image(part.get("image_url"), f"{field}.image_url")


def _image(image: object, field: str) -> Iterator[Finding]:
    url = image.get("url") if isinstance(image, dict) else None
    if not isinstance(url, str):
        yield _error(
            "image.url",
            field,
            "The image has no url.",
            'Write {"image_url": {"url": "https://…"}}.',
        )
    elif not url.startswith(("http://", "https://", "data:image/")):
        yield _error(
            "image.url",
            f"{field}.url",
            f"{_quoted(url.partition(':')[0])} is not an address an image can be trained from.",
            "Use an http(s) address, or a data URL with the image in base64.",
        )
    if isinstance(image, dict) and image.get("detail", "auto") not in ("low", "high", "auto"):
        yield _error(
            "image.detail",
            f"{field}.detail",
            "detail is not low, high or auto.",
            "Write low, high or auto.",
        )


def _name(message: JsonObject, role: str, field: str) -> Iterator[Finding]:
    name = message.get("name")
    if name is None and role != "function":
        yield _null(f"{field}.name")
    elif not isinstance(name, str) or not NAME.match(name):
        yield _error(
            "message.name",
            f"{field}.name",
            f"The name {_shown(name)} is not 1 to 64 letters, digits, _ or -.",
            "Rename it with letters, digits, _ and - alone.",
        )


def _tool_calls(value: object, field: str, names: set[str], calls: set[str]) -> Iterator[Finding]:
    if not isinstance(value, list) or not value:
        what = "an empty list" if value == [] else _kind(value)
        yield _error(
            "tool_calls.type",
            field,
            f"tool_calls is {what}, not a list of calls.",
            "List the calls, or drop the key.",
        )
        return
    for at, call in enumerate(value):
        where = f"{field}[{at}]"
        if not isinstance(call, dict):
            yield _error(
                "tool_calls.type", where, f"The call is {_kind(call)}, not an object.", _CALL_CURE
            )
            continue
        for key in _others(call, {"id", "type", "function"}):
            yield _unknown_key(key, where, "a tool call")
        if not isinstance(call.get("id"), str) or not call["id"]:
            yield _error(
                "tool_calls.id",
                f"{where}.id",
                "The call has no id for its answer to name.",
                "Give the call an id.",
            )
        elif call["id"] in calls:
            yield _error(
                "tool_calls.id",
                f"{where}.id",
                f"The id {_quoted(call['id'])} stands on an earlier call of this row.",
                "Give each call an id of its own.",
            )
        else:
            calls.add(call["id"])
        if call.get("type") != "function":
            yield _error(
                "tool_calls.type",
                f"{where}.type",
                "The type is not function.",
                'Write "type": "function".',
            )
        yield from _call(call.get("function"), f"{where}.function", names)


def _call(value: object, field: str, names: set[str]) -> Iterator[Finding]:
    if not isinstance(value, dict):
        yield _error(
            "tool_calls.function",
            field,
            f"The function is {_kind(value)}, not an object.",
            _CALL_CURE,
        )
        return
    for key in _others(value, {"name", "arguments"}):
        yield _unknown_key(key, field, "a function call")
    name, arguments = value.get("name"), value.get("arguments")
    if not isinstance(name, str) or not NAME.match(name):
        yield _error(
            "tool_calls.name",
            f"{field}.name",
            f"The name {_shown(name)} is not 1 to 64 letters, digits, _ or -.",
            "Name one of the row's tools.",
        )
    elif name not in names:
        yield _error(
            "tool_calls.undefined",
            f"{field}.name",
            f"The assistant calls {_quoted(name)}, which the row's tools do not define.",
            f"Define {_quoted(name)} in tools, or call a tool that is defined.",
        )
    if not isinstance(arguments, str):
        yield _error(
            "tool_calls.arguments",
            f"{field}.arguments",
            f"arguments is {_kind(arguments)}, not a text that holds JSON.",
            'Write the arguments as JSON inside a text: "{\\"city\\": \\"Graz\\"}".',
        )
    elif not arguments_parse(arguments):
        yield _error(
            "tool_calls.arguments",
            f"{field}.arguments",
            "The text of arguments is not JSON.",
            "Correct the JSON inside the text: double quotes, no trailing comma.",
        )


def _tool_result(message: JsonObject, field: str, calls: set[str]) -> Iterator[Finding]:
    identity = message.get("tool_call_id")
    if not isinstance(identity, str) or not identity:
        yield _error(
            "tool.call_id",
            f"{field}.tool_call_id",
            "The tool message does not say which call it answers.",
            "Set tool_call_id to the id of the call.",
        )
    elif identity not in calls:
        yield _error(
            "tool.unmatched",
            f"{field}.tool_call_id",
            f"No earlier call of this row has the id {_quoted(identity)}.",
            "Set tool_call_id to the id of an earlier call, or drop the message.",
        )


def _tools(value: object, names: set[str]) -> Iterator[Finding]:
    if not isinstance(value, list) or not value:
        what = "an empty list" if value == [] else _kind(value)
        yield _error(
            "tools.type",
            "tools",
            f"tools is {what}, not a list of tools.",
            "List the tools, or drop the key.",
        )
        return
    for at, tool in enumerate(value):
        field = f"tools[{at}]"
        if not isinstance(tool, dict) or not isinstance(tool.get("function"), dict):
            yield _error("tools.function", field, "The tool has no function.", _TOOL_CURE)
            continue
        if tool.get("type") != "function":
            yield _error(
                "tools.type",
                f"{field}.type",
                "The type is not function.",
                'Write "type": "function".',
            )
        for key in _others(tool, {"type", "function"}):
            yield _unknown_key(key, field, "a tool")
        yield from _definition(tool["function"], f"{field}.function", names)


def _functions(value: object, names: set[str]) -> Iterator[Finding]:
    yield Finding(
        "row.functions",
        "functions",
        "warning",
        "functions is the old way to define tools; OpenAI has deprecated it.",
        "Write tools and tool_calls in its place.",
    )
    if not isinstance(value, list) or not 1 <= len(value) <= 128:
        yield _error(
            "functions.type",
            "functions",
            "functions is not a list of 1 to 128 functions.",
            _TOOL_CURE,
        )
        return
    for at, function in enumerate(value):
        if isinstance(function, dict):
            yield from _definition(function, f"functions[{at}]", names)
        else:
            yield _error(
                "functions.type", f"functions[{at}]", "The function is not an object.", _TOOL_CURE
            )


def _definition(function: JsonObject, field: str, names: set[str]) -> Iterator[Finding]:
    name = function.get("name")
    if not isinstance(name, str) or not NAME.match(name):
        yield _error(
            "tools.name",
            f"{field}.name",
            f"The name {_shown(name)} is not 1 to 64 letters, digits, _ or -.",
            "Rename the tool with letters, digits, _ and - alone.",
        )
    elif name in names:
        yield _error(
            "tools.name",
            f"{field}.name",
            f"Two tools are called {_quoted(name)}.",
            "Give each tool a name of its own.",
        )
    else:
        names.add(name)
    if not isinstance(function.get("parameters", {}), dict):
        yield _error(
            "tools.parameters",
            f"{field}.parameters",
            f"parameters is {_kind(function['parameters'])}, not a JSON schema.",
            "Write the parameters as a JSON schema object, or leave them out.",
        )


def _unknown_role(message: JsonObject, field: str) -> Finding:
    if "role" not in message:
        return _error("message.role", f"{field}.role", "The message has no role.", _ROLE_CURE)
    return _error(
        "message.role", f"{field}.role", f"{_shown(message['role'])} is not a role.", _ROLE_CURE
    )


def _misplaced_key(key: str, role: str, field: str) -> Finding:
    if any(key in keys for keys in MESSAGE_KEYS.values()):
        owner = "tool" if key == "tool_call_id" else "assistant"
        return _error(
            f"message.{key}",
            f"{field}.{key}",
            f"{key} stands on a {role} message; only {owner} messages may carry it.",
            f"Remove {key} from the message.",
        )
    return _unknown_key(key, field, f"a message of role {role}")


def _unknown_key(key: str, field: str, owner: str) -> Finding:
    return _error(
        "message.unknown_key",
        f"{field}.{_short(key)}",
        f"{_quoted(key)} is not a key of {owner}; OpenAI refuses rows with keys it does not know.",
        f"Remove {_quoted(key)}.",
    )


def _others(value: JsonObject, known: Container[str]) -> list[str]:
    return [key for key in value if key not in known]


def _null(field: str) -> Finding:
    return Finding(
        "message.null",
        field,
        "warning",
        "null stands where a value is expected.",
        "Leave the key out.",
    )


def _error(rule: str, field: str, reason: str, cure: str) -> Finding:
    severity: Severity = "error"
    return Finding(rule, field, severity, reason, cure)


def _kind(value: object) -> str:
    if value is None:
        return "missing or null"
    if isinstance(value, bool):
        return "true or false"
    return {dict: "an object", list: "a list", str: "a text"}.get(type(value), "a number")


def _shown(value: object) -> str:
    return (
        _quoted(value)
        if isinstance(value, str)
        else str(value)
        if isinstance(value, int | float)
        else _kind(value)
    )


def _quoted(text: str) -> str:
    return f'"{_short(text)}"'


def _short(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:79]}…"


_MESSAGE_CURE = 'Write {"role": "user", "content": "…"}.'
_ROLE_CURE = f"Use one of {', '.join(ROLES)}."
_CALL_CURE = 'Write {"id": "…", "type": "function", "function": {"name": "…", "arguments": "{}"}}.'
_TOOL_CURE = 'Write {"type": "function", "function": {"name": "…", "parameters": {}}}.'
