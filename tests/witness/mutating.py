"""Valid rows of each method, and every way to spoil one of their places."""

import base64
import random
from collections.abc import Iterator
from typing import Any

ASKED = {"role": "user", "content": "Where is my card?"}
TOLD = {"role": "assistant", "content": "card_arrival"}
BRIEF = {"role": "system", "content": "Name the intent."}
FIND = {
    "type": "function",
    "function": {
        "name": "find",
        "description": "Find a card.",
        "parameters": {"type": "object", "properties": {"id": {"type": "string"}}},
    },
}
CALL = {"id": "call_1", "type": "function", "function": {"name": "find", "arguments": '{"id":"1"}'}}
CALLS = {"role": "assistant", "content": None, "tool_calls": [CALL]}
RESULT = {"role": "tool", "tool_call_id": "call_1", "content": "On its way."}
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(16) + b"\x08\x02" + bytes(20)).decode()
GREY = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(16) + b"\x08\x00" + bytes(20)).decode()
GIF = base64.b64encode(b"GIF89a" + bytes(20)).decode()


def image(url: str, **more: Any) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url, **more}}


LOOKED_AT = {
    "role": "user",
    "content": [
        {"type": "text", "text": "What is this?"},
        image("https://example.com/card.png", detail="low"),
        image(f"data:image/png;base64,{PNG}"),
    ],
}
VALID: dict[str, list[dict[str, Any]]] = {
    "supervised": [
        {"messages": [BRIEF, ASKED, TOLD]},
        {"messages": [{**BRIEF, "role": "developer"}, ASKED, {**TOLD, "weight": 0}, ASKED, TOLD]},
        {"messages": [ASKED, CALLS, RESULT, TOLD], "tools": [FIND], "parallel_tool_calls": False},
        {"messages": [{**ASKED, "name": "Ann"}, {"role": "assistant", "refusal": "No."}]},
        {"messages": [LOOKED_AT, TOLD]},
        {
            "messages": [
                ASKED,
                {"role": "assistant", "function_call": CALL["function"]},
                {"role": "function", "name": "find", "content": "On its way."},
                TOLD,
            ],
            "functions": [FIND["function"]],
        },
    ],
    "dpo": [
        {
            "input": {"messages": [BRIEF, ASKED], "tools": [], "parallel_tool_calls": True},
            "preferred_output": [TOLD],
            "non_preferred_output": [{"role": "assistant", "content": "lost_card"}],
        },
        {
            "input": {"messages": [ASKED], "tools": [FIND]},
            "preferred_output": [CALLS],
            "non_preferred_output": [TOLD],
        },
    ],
    "reinforcement": [
        {"messages": [{**BRIEF, "role": "developer"}, ASKED], "target": "card_arrival"},
        {"messages": [ASKED, CALLS, RESULT, ASKED], "tools": [FIND], "nums": [1, 2]},
        {"messages": [LOOKED_AT], "target": None},
    ],
}
IN_PLACE: list[Any] = [
    None,
    True,
    False,
    0,
    1,
    2,
    -1,
    0.5,
    "",
    " ",
    "x",
    "user",
    "assistant",
    "system",
    "function",
    "Ann Lee",
    "x" * 65,
    "{}",
    "file:///etc/passwd",
    f"data:image/png;base64,{GREY}",
    f"data:image/gif;base64,{GIF}",
    "data:image/png;base64,x",
    [],
    {},
    ["x"],
    [[]],
    {"a": 1},
    [TOLD],
    [ASKED, TOLD],
    LOOKED_AT["content"],
    LOOKED_AT["content"] * 6,
    [{"type": "input_audio", "input_audio": {"data": "", "format": "wav"}}],
]
BESIDE: dict[str, Any] = {
    "mood": 1,
    "name": "Ann_Lee-1",
    "weight": 1,
    "refusal": "No.",
    "tool_calls": [CALL],
    "function_call": {"name": "find", "arguments": "{"},
    "tool_call_id": "call_1",
    "functions": [FIND["function"]],
    "tools": [FIND, FIND],
    "strict": "yes",
    "content": None,
}


def mutants(row: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every row that one change makes of this one."""
    for path in _paths(row):
        for change in _changes(_at(row, path)):
            yield _changed(row, path, change)


def mutant(row: dict[str, Any], dice: random.Random, changes: int) -> dict[str, Any]:
    """A row that so many changes make of this one, drawn by lot."""
    for _ in range(changes):
        path = dice.choice(list(_paths(row)))
        row = _changed(row, path, dice.choice(list(_changes(_at(row, path)))))
    return row


def _copy(value: Any) -> Any:
    """A copy that shares nothing, faster than copy.deepcopy by far."""
    if isinstance(value, dict):
        return {key: _copy(inner) for key, inner in value.items()}
    return [_copy(inner) for inner in value] if isinstance(value, list) else value


Path = tuple[str | int, ...]
Change = tuple[str, Any]


def _paths(value: Any, above: Path = ()) -> Iterator[Path]:
    yield above
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _paths(inner, (*above, key))


def _changes(value: Any) -> Iterator[Change]:
    yield "drop", None
    yield from (("put", one) for one in IN_PLACE)
    if isinstance(value, dict):
        yield from (("add", pair) for pair in BESIDE.items())
    if isinstance(value, list):
        yield from (("twice", None), ("turn", None), ("append", {}), ("append", ASKED))


def _at(value: Any, path: Path) -> Any:
    for key in path:
        value = value[key]
    return value


def _changed(row: dict[str, Any], path: Path, change: Change) -> dict[str, Any]:
    row, (how, what) = _copy(row), change
    if not path:
        return {**row, what[0]: what[1]} if how == "add" else row
    parent, here = _at(row, path[:-1]), _at(row, path)
    if how == "drop":
        del parent[path[-1]]
    elif how == "put":
        parent[path[-1]] = _copy(what)
    elif how == "add":
        here[what[0]] = _copy(what[1])
    elif how == "twice":
        here.extend(_copy(here[-1:]))
    elif how == "turn":
        here.reverse()
    else:
        here.append(_copy(what))
    return row
