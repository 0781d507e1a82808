"""Tool calls whose arguments break the schema that their row gives for the tool."""

import json
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

import jsonschema_rs
import msgspec

from app.datasets.checks.base import Located
from app.datasets.checks.deep.base import DeepCheck, Said
from app.datasets.derived.base import Part
from app.formats.base import Finding, JsonObject
from app.formats.words import quoted, short
from app.graders.json_schema import why_not

_BACKTRACK_LIMIT = 10_000  # a schema's patterns come with the file
_CALLS_A_ROW = 200
_KEYS = frozenset({"tools", "functions", "input"})  # a row without these defines no tool
_CONVERSATIONS = ("messages", "preferred_output", "non_preferred_output")


class BadSchema(Exception):
    """The parameters of a tool are no JSON Schema."""


class ToolArguments(DeepCheck):
    """Each call of a row against the parameters of the tool it names, by JSON Schema."""

    name = "arguments"

    def look(self, rows: Sequence[Said], part: Part) -> Iterator[Located]:
        """One warning for each call that breaks its schema, and for each schema that is none."""
        for row in rows:
            if not _KEYS.isdisjoint(row.value):
                for finding in argument_findings(row.value):
                    yield row.line, finding


def argument_findings(row: JsonObject) -> Iterator[Finding]:
    """What a row's schemas say of its calls. Calls the format's own rules refuse are passed over:
    unknown tools, and arguments that are not JSON.
    """
    schemas = {}
    for name, field, parameters in _definitions(row):
        try:
            schemas[name] = _validator(json.dumps(parameters))
        except BadSchema as error:
            yield _bad_schema(field, name, str(error))
    for at, (field, name, written) in enumerate(_calls(row)):
        if at == _CALLS_A_ROW:
            return
        if name in schemas:
            yield from _broken(schemas[name], field, name, written)


@lru_cache(256)
def _validator(schema: str) -> Any:
    """The schema made ready; nothing outside it is fetched. Raises BadSchema."""
    try:
        return jsonschema_rs.validator_for(
            json.loads(schema),
            offline=True,
            pattern_options=jsonschema_rs.FancyRegexOptions(backtrack_limit=_BACKTRACK_LIMIT),
        )
    except jsonschema_rs.ValidationError as error:
        raise BadSchema(error.message) from None


def _broken(validator: Any, field: str, name: str, written: str) -> Iterator[Finding]:
    try:
        arguments = msgspec.json.decode(written)
        reason = why_not(validator, arguments)
    except (ValueError, RecursionError):  # no JSON, half a character, or too deep for a schema
        return
    if reason is not None:
        said = f"The call of {quoted(name)} breaks the tool's own schema. {short(reason)}."
        cure = "Correct the arguments, or the parameters in tools."
        yield Finding("tool_calls.schema", field, "warning", said, cure)


def _bad_schema(field: str, name: str, why: str) -> Finding:
    reason = f"The parameters of {quoted(name)} are no JSON Schema: {short(why)}."
    cure = "Correct the schema: the model is told it as it stands."
    return Finding("tools.schema", field, "warning", reason, cure)


def _inner(row: JsonObject) -> JsonObject:
    asked = row.get("input")
    return asked if isinstance(asked, dict) else {}


def _definitions(row: JsonObject) -> Iterator[tuple[str, str, JsonObject]]:
    for prefix, owner in (("", row), ("input.", _inner(row))):
        for at, tool in enumerate(_objects(owner.get("tools"))):
            yield from _definition(tool.get("function"), f"{prefix}tools[{at}].function")
        for at, function in enumerate(_objects(owner.get("functions"))):
            yield from _definition(function, f"{prefix}functions[{at}]")


def _definition(function: object, field: str) -> Iterator[tuple[str, str, JsonObject]]:
    if isinstance(function, dict):
        name, parameters = function.get("name"), function.get("parameters")
        if isinstance(name, str) and isinstance(parameters, dict):
            yield name, f"{field}.parameters", parameters


def _calls(row: JsonObject) -> Iterator[tuple[str, str, str]]:
    for prefix, owner in (("", row), ("input.", _inner(row))):
        for key in _CONVERSATIONS:
            for at, message in enumerate(_objects(owner.get(key))):
                field = f"{prefix}{key}[{at}]"
                yield from _called(message.get("function_call"), f"{field}.function_call")
                for nth, call in enumerate(_objects(message.get("tool_calls"))):
                    yield from _called(call.get("function"), f"{field}.tool_calls[{nth}].function")


def _called(function: object, field: str) -> Iterator[tuple[str, str, str]]:
    if isinstance(function, dict):
        name, arguments = function.get("name"), function.get("arguments")
        if isinstance(name, str) and isinstance(arguments, str):
            yield f"{field}.arguments", name, arguments


def _objects(value: object) -> list[JsonObject]:
    """The objects of a list; others keep their place as empty ones."""
    if not isinstance(value, list):
        return []
    return [item if isinstance(item, dict) else {} for item in value]
