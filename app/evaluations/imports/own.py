"""The grader of what only some tests of a suite assert: Python that reads each case's own list."""

import re
from typing import Any

from app.evaluations.imports.native import FILES, IN_A_FILE, Assertion, bounds, listed, text_of
from app.evaluations.imports.nunjucks import Names, Untranslatable, filled
from app.formats.base import JsonObject

TEXTS = frozenset({"equals", "contains", "icontains", "starts-with", "regex"})
LISTS = frozenset({"contains-any", "contains-all", "icontains-any", "icontains-all"})
OTHERS = frozenset({"is-json", "word-count"})
NOT = "not-"
NAME = "Each test's own asserts"
SOURCE = '''import json
import re


def _is_json(text):
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _holds(kind, value, text):
    low = text.lower()
    if kind == "equals":
        return text == value
    if kind == "contains":
        return value in text
    if kind == "icontains":
        return value.lower() in low
    if kind == "starts-with":
        return text.startswith(value)
    if kind == "regex":
        return re.search(value, text) is not None
    if kind == "contains-any":
        return any(one in text for one in value)
    if kind == "contains-all":
        return all(one in text for one in value)
    if kind == "icontains-any":
        return any(one.lower() in low for one in value)
    if kind == "icontains-all":
        return all(one.lower() in low for one in value)
    if kind == "is-json":
        return _is_json(text)
    if kind == "word-count":
        least, most = value
        count = len(text.split())
        return (least is None or count >= least) and (most is None or count <= most)
    raise ValueError("Unknown assertion: " + kind)


def grade(sample, item):
    """The share of what this test itself asserts that holds; 1 where it asserts nothing."""
    asserts = item.get("{name}", [])
    held = [
        _holds(one["type"], one.get("value"), sample["output_text"]) != one["not"]
        for one in asserts
    ]
    return sum(held) / len(held) if held else 1.0
'''


def knows(one: Assertion) -> bool:
    """Whether the grader can check such an assertion."""
    if one.is_transformed:
        return False
    kind = one.type.removeprefix(NOT)
    return kind in TEXTS | LISTS or (kind in OTHERS and not _is_schema(kind, one.value))


def _is_schema(kind: str, value: Any) -> bool:
    return kind == "is-json" and value is not None


def said(one: Assertion, item: JsonObject, names: Names) -> JsonObject:
    """The assertion as the case keeps it, its places filled. Raises Untranslatable in words."""
    kind = one.type.removeprefix(NOT)
    made: JsonObject = {"type": kind, "not": one.type.startswith(NOT)}
    if isinstance(one.value, str) and one.value.startswith(FILES):
        raise Untranslatable(IN_A_FILE)
    if kind in TEXTS:
        text = filled(text_of(one.value), item, names)
        if kind == "regex":
            _check_pattern(text)
        return {**made, "value": text}
    if kind in LISTS:
        values = [filled(text_of(each), item, names) for each in listed(one.value)]
        return {**made, "value": values}
    return {**made, "value": list(bounds(one.value))} if kind == "word-count" else made


def _check_pattern(text: str) -> None:
    try:
        re.compile(text)
    except (re.error, RecursionError, OverflowError) as error:
        raise Untranslatable(f"Its pattern cannot be read: {error}.") from error


def grader(field: str) -> JsonObject:
    """The grader that reads the assertions in this field of each case."""
    return {"type": "python", "name": NAME, "source": SOURCE.replace("{name}", field)}
