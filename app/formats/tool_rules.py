"""The rules of tools in a chat row: their definitions, the calls, and the answers to calls."""

from collections.abc import Iterator

import msgspec

from app.formats.base import Finding, JsonObject
from app.formats.words import NAME, error, kind_of, others, quoted, shown, unknown_key

FUNCTION_LIMIT = 128
_DEFINITION_KEYS = frozenset({"name", "description", "parameters", "strict"})

_CALL_CURE = 'Write {"id": "…", "type": "function", "function": {"name": "…", "arguments": "{}"}}.'
_TOOL_CURE = 'Write {"type": "function", "function": {"name": "…", "parameters": {}}}.'


def tools(value: object, names: set[str], above: str = "") -> Iterator[Finding]:
    """What is wrong with the tools of an object, which stands at `above`; `names` receives those
    that are defined.
    """
    if not isinstance(value, list):
        yield error(
            "tools.type",
            f"{above}tools",
            f"tools is {kind_of(value)}, not a list of tools.",
            "List the tools, or drop the key.",
        )
        return
    if not value:
        yield Finding(
            "tools.empty",
            f"{above}tools",
            "hint",
            "The list of tools is empty.",
            "List the tools, or drop the key.",
        )
    for at, tool in enumerate(value):
        field = f"{above}tools[{at}]"
        if not isinstance(tool, dict) or not isinstance(tool.get("function"), dict):
            yield error("tools.function", field, "The tool has no function.", _TOOL_CURE)
            continue
        if tool.get("type") != "function":
            yield error(
                "tools.type",
                f"{field}.type",
                "The type is not function.",
                'Write "type": "function".',
            )
        for key in others(tool, {"type", "function"}):
            yield unknown_key(key, field, "a tool")
        yield from _definition(tool["function"], f"{field}.function", names)


def functions(value: object, names: set[str]) -> Iterator[Finding]:
    """The same for the older `functions`."""
    yield Finding(
        "row.functions",
        "functions",
        "warning",
        "functions is the old way to define tools; OpenAI has deprecated it.",
        "Write tools and tool_calls in its place.",
    )
    if not isinstance(value, list) or not 1 <= len(value) <= FUNCTION_LIMIT:
        yield error(
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
            yield error(
                "functions.type", f"functions[{at}]", "The function is not an object.", _TOOL_CURE
            )


def _definition(function: JsonObject, field: str, names: set[str]) -> Iterator[Finding]:
    name = function.get("name")
    if not isinstance(name, str) or not NAME.match(name):
        yield error(
            "tools.name",
            f"{field}.name",
            f"The name {shown(name)} is not 1 to 64 letters, digits, _ or -.",
            "Rename the tool with letters, digits, _ and - alone.",
        )
    elif name in names:
        yield error(
            "tools.twice",
            f"{field}.name",
            f"Two tools are called {quoted(name)}.",
            "Give each tool a name of its own.",
        )
    else:
        names.add(name)
    for key in others(function, _DEFINITION_KEYS):
        yield unknown_key(key, field, "a function's definition")
    if not isinstance(function.get("description", ""), str):
        yield error(
            "tools.description",
            f"{field}.description",
            f"description is {kind_of(function['description'])}, not a text.",
            "Write the description as a text, or leave it out.",
        )
    if not isinstance(function.get("strict"), bool | None):
        yield error(
            "tools.strict",
            f"{field}.strict",
            f"strict is {kind_of(function['strict'])}, not true or false.",
            "Write true or false, or leave the key out.",
        )
    if not isinstance(function.get("parameters", {}), dict):
        yield error(
            "tools.parameters",
            f"{field}.parameters",
            f"parameters is {kind_of(function['parameters'])}, not a JSON schema.",
            "Write the parameters as a JSON schema object, or leave them out.",
        )


def tool_calls(value: object, field: str, names: set[str], calls: set[str]) -> Iterator[Finding]:
    """What is wrong with an answer's calls; `calls` receives their ids."""
    if not isinstance(value, list) or not value:
        what = "an empty list" if value == [] else kind_of(value)
        yield error(
            "tool_calls.type",
            field,
            f"tool_calls is {what}, not a list of calls.",
            "List the calls, or drop the key.",
        )
        return
    for at, call in enumerate(value):
        where = f"{field}[{at}]"
        if not isinstance(call, dict):
            yield error(
                "tool_calls.type", where, f"The call is {kind_of(call)}, not an object.", _CALL_CURE
            )
            continue
        for key in others(call, {"id", "type", "function"}):
            yield unknown_key(key, where, "a tool call")
        if not isinstance(call.get("id"), str) or not call["id"]:
            yield error(
                "tool_calls.id",
                f"{where}.id",
                "The call has no id for its answer to name.",
                "Give the call an id.",
            )
        elif call["id"] in calls:
            yield error(
                "tool_calls.twice",
                f"{where}.id",
                f"The id {quoted(call['id'])} stands on an earlier call of this row.",
                "Give each call an id of its own.",
            )
        else:
            calls.add(call["id"])
        if call.get("type") != "function":
            yield error(
                "tool_calls.type",
                f"{where}.type",
                "The type is not function.",
                'Write "type": "function".',
            )
        yield from called(call.get("function"), f"{where}.function", names)


def called(value: object, field: str, names: set[str]) -> Iterator[Finding]:
    """What is wrong with one called function, its name and its arguments."""
    if not isinstance(value, dict):
        yield error(
            "tool_calls.function",
            field,
            f"The function is {kind_of(value)}, not an object.",
            _CALL_CURE,
        )
        return
    for key in others(value, {"name", "arguments"}):
        yield unknown_key(key, field, "a function call")
    name, arguments = value.get("name"), value.get("arguments")
    if not isinstance(name, str) or not NAME.match(name):
        yield error(
            "tool_calls.name",
            f"{field}.name",
            f"The name {shown(name)} is not 1 to 64 letters, digits, _ or -.",
            "Name one of the row's tools.",
        )
    elif name not in names:
        yield error(
            "tool_calls.undefined",
            f"{field}.name",
            f"The assistant calls {quoted(name)}, which the row's tools do not define.",
            f"Define {quoted(name)} in tools, or call a tool that is defined.",
        )
    if not isinstance(arguments, str):
        yield error(
            "tool_calls.arguments",
            f"{field}.arguments",
            f"arguments is {kind_of(arguments)}, not a text that holds JSON.",
            'Write the arguments as JSON inside a text: "{\\"city\\": \\"Graz\\"}".',
        )
    elif not arguments_parse(arguments):
        yield error(
            "tool_calls.arguments",
            f"{field}.arguments",
            "The text of arguments is not JSON.",
            "Correct the JSON inside the text: double quotes, no trailing comma.",
        )


def tool_result(message: JsonObject, field: str, calls: set[str]) -> Iterator[Finding]:
    """Whether a tool message answers an earlier call."""
    identity = message.get("tool_call_id")
    if not isinstance(identity, str) or not identity:
        yield error(
            "tool.call_id",
            f"{field}.tool_call_id",
            "The tool message does not say which call it answers.",
            "Set tool_call_id to the id of the call.",
        )
    elif identity not in calls:
        yield error(
            "tool.unmatched",
            f"{field}.tool_call_id",
            f"No earlier call of this row has the id {quoted(identity)}.",
            "Set tool_call_id to the id of an earlier call, or drop the message.",
        )


def arguments_parse(arguments: str) -> bool:
    """Whether a call's arguments are JSON, as the API asks of this text."""
    try:
        msgspec.json.decode(arguments)
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
        return False
    return True
