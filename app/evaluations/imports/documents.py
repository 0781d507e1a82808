"""The JSON in a text that may be JSON, JSON Lines or YAML, whoever wrote it; within bounds.

YAML is read by its version 1.2, as promptfoo reads it: `yes` is a word, `12:30` no number and a day
a text. An alias costs nothing to write and may stand for anything, so what they come to is counted.
"""

import re
from typing import Any

import msgspec
import yaml

from app.evaluations.imports.base import NotImportable

MOST_YAML = 1_000_000
MOST_VALUES, DEEPEST = 1_000_000, 64
TOO_MUCH = f"At most {MOST_VALUES:,} values, {DEEPEST} levels deep, aliases written out."
CORE = {
    "null": re.compile(r"~|null|Null|NULL|"),
    "bool": re.compile(r"true|True|TRUE|false|False|FALSE"),
    "int": re.compile(r"[-+]?(0|[1-9][0-9]*)"),
    "float": re.compile(
        r"[-+]?(\.[0-9]+|[0-9]+\.[0-9]*)([eE][-+]?[0-9]+)?|[-+]?[0-9]+[eE][-+]?[0-9]+"
    ),
}
FIRST = {"null": "~nN\0", "bool": "tTfF", "int": "-+0123456789", "float": "-+.0123456789"}


class _Loader(yaml.CSafeLoader):  # type: ignore[misc]
    """YAML's core schema of version 1.2, and merge keys."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - PyYAML's own way


for _tag, _pattern in CORE.items():
    _wanted = re.compile(rf"^(?:{_pattern.pattern})$")
    _begins = [*FIRST[_tag].replace("\0", "")] + ([""] if _tag == "null" else [])
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", _wanted, _begins)
_Loader.add_implicit_resolver("tag:yaml.org,2002:merge", re.compile(r"^<<$"), ["<"])


def read_document(content: bytes) -> Any:
    """The value of one JSON or YAML text; JSON Lines are the list of their values. Raises
    NotImportable in words.
    """
    text = content.removeprefix(b"\xef\xbb\xbf").strip()
    if not text:
        raise NotImportable("There is nothing in it.")
    if text[:1] in {b"{", b"["}:
        found = _json(text)
        if found is not None:
            return _checked(found)
    return _checked(_yaml(text))


def _json(text: bytes) -> Any:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        lines = [line for line in text.splitlines() if line.strip()]
        try:
            return [msgspec.json.decode(line) for line in lines] if len(lines) > 1 else None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            if len(text) > MOST_YAML:
                raise NotImportable(f"This is not JSON: {error}.") from error
            return None  # YAML may begin so too


def _yaml(text: bytes) -> Any:
    if len(text) > MOST_YAML:
        raise NotImportable(f"YAML may have {MOST_YAML:,} bytes. Write more as JSON.")
    try:
        _check_depth(text)
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - a safe loader of our own
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "it cannot be read"
        raise NotImportable(f"This is neither JSON nor YAML{where}: {problem}.") from error
    except (ValueError, RecursionError) as error:
        raise NotImportable("This is neither JSON nor YAML that can be read.") from error


def _check_depth(text: bytes) -> None:
    """Refuse what is nested so deeply that libyaml's loader would end the process."""
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > DEEPEST:
                raise NotImportable(TOO_MUCH)
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _checked(value: Any) -> Any:
    """The value with texts for keys. What aliases make of it counts as often as it stands there.
    Raises NotImportable.
    """
    left = MOST_VALUES

    def copied(one: Any, depth: int) -> Any:
        nonlocal left
        left -= 1
        if left < 0 or depth > DEEPEST:
            raise NotImportable(TOO_MUCH)
        if isinstance(one, dict):
            return {_key(key): copied(inner, depth + 1) for key, inner in one.items()}
        if isinstance(one, list):
            return [copied(inner, depth + 1) for inner in one]
        if isinstance(one, str):
            return _storable(one)
        if one is None or isinstance(one, bool | int):
            return one
        if isinstance(one, float) and one - one == 0:
            return one
        raise NotImportable(f"It holds a value that JSON has not: {type(one).__name__}.")

    return copied(value, 0)


def _key(key: Any) -> str:
    if isinstance(key, bool):
        return str(key).lower()
    return _storable(str(key))


def _storable(text: str) -> str:
    if "\0" in text:
        raise NotImportable("It holds the character NUL, which cannot be stored.")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise NotImportable("It holds half a character (a lone surrogate).") from error
    return text
