"""The words of findings: how a value of the row is named, and the findings many rules share."""

import re
from collections.abc import Container

from app.formats.base import Finding, JsonObject

NAME = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")
_SHOWN_LENGTH = 80
_KINDS = {dict: "an object", list: "a list", str: "a text", bool: "true or false"}


def kind_of(value: object) -> str:
    """The JSON type of a value with its article, as a sentence wants it."""
    return "null" if value is None else _KINDS.get(type(value), "a number")


def shown(value: object) -> str:
    """The value itself where it is short by nature, else its kind."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return kind_of(value)
    return quoted(value) if isinstance(value, str) else short(str(value))


def quoted(text: str) -> str:
    """The text between quotes, cut short."""
    return f'"{short(text)}"'


def short(text: str) -> str:
    """At most 80 characters of a text."""
    return text if len(text) <= _SHOWN_LENGTH else f"{text[: _SHOWN_LENGTH - 1]}…"


def error(rule: str, field: str, reason: str, cure: str) -> Finding:
    """A finding for which OpenAI refuses the file."""
    return Finding(rule, field, "error", reason, cure)


def null(field: str) -> Finding:
    """A key that is there without a value."""
    reason = "null stands where a value is expected."
    return Finding("message.null", field, "warning", reason, "Leave the key out.")


def unknown_key(key: str, field: str, owner: str) -> Finding:
    """A key that `owner`, such as "a tool call", does not have."""
    return error(
        "message.unknown_key",
        f"{field}.{short(key)}",
        f"{quoted(key)} is not a key of {owner}; OpenAI refuses keys it does not know.",
        f"Remove {quoted(key)}.",
    )


def others(value: JsonObject, known: Container[str]) -> list[str]:
    """The keys that are not among the known ones, in the order of the row."""
    return [key for key in value if key not in known]
