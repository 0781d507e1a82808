"""What OpenAI's documents ask of the rows of a training file, written from them and from nothing of
Luthier: schemas for the shapes, and below them what no schema can say.
"""

import base64
import json
import re
from typing import Any

import jsonschema_rs

NAME = {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$"}
FUNCTION = {
    "type": "object",
    "required": ["name"],
    "additionalProperties": False,
    "properties": {
        "name": NAME,
        "description": {"type": "string"},
        "parameters": {"type": "object"},
        "strict": {"type": ["boolean", "null"]},
    },
}
TOOLS = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["type", "function"],
        "additionalProperties": False,
        "properties": {"type": {"const": "function"}, "function": FUNCTION},
    },
}
FUNCTIONS = {"type": "array", "minItems": 1, "maxItems": 128, "items": FUNCTION}
CALLED = {
    "type": "object",
    "required": ["name", "arguments"],
    "additionalProperties": False,
    "properties": {"name": NAME, "arguments": {"type": "string"}},
}
CALLS = {
    "type": "array",
    "minItems": 1,
    "items": {
        "type": "object",
        "required": ["id", "type", "function"],
        "additionalProperties": False,
        "properties": {
            "id": {"type": "string", "minLength": 1},
            "type": {"const": "function"},
            "function": CALLED,
        },
    },
}


def part(kind: str, value: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["type", kind],
        "additionalProperties": False,
        "properties": {"type": {"const": kind}, kind: value},
    }


TEXT = part("text", {"type": "string"})
REFUSAL = part("refusal", {"type": "string"})
IMAGE = part(
    "image_url",
    {
        "type": "object",
        "required": ["url"],
        "additionalProperties": False,
        "properties": {
            "url": {"type": "string", "pattern": "^(https?://|data:image/[^,]*;base64,)"},
            "detail": {"enum": ["low", "high", "auto"]},
        },
    },
)


def said(*parts: Any) -> dict[str, Any]:
    """A text, or a list of at least one of these parts."""
    listed = {"type": "array", "minItems": 1, "items": {"anyOf": list(parts)}}
    return {"anyOf": [{"type": "string"}, listed]}


def message(role: str, required: list[str], **properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["role", *required],
        "additionalProperties": False,
        # What the SDK dumps of an optional key that was never set.
        "properties": {"role": {"const": role}, "name": {"anyOf": [NAME, {"type": "null"}]}}
        | properties,
    }


SYSTEM, DEVELOPER = (
    message(role, ["content"], content=said(TEXT)) for role in ("system", "developer")
)
USER = message("user", ["content"], content=said(TEXT, IMAGE))
TEXT_USER = message("user", ["content"], content=said(TEXT))
TOOL = message(
    "tool",
    ["content", "tool_call_id"],
    content=said(TEXT),
    tool_call_id={"type": "string", "minLength": 1},
)
FUNCTION_SAYS = message("function", ["content", "name"], content={"type": "string"}, name=NAME)
ASSISTANT = message(
    "assistant",
    [],
    content={"anyOf": [said(TEXT, REFUSAL), {"type": "null"}]},
    refusal={"type": ["string", "null"]},
    weight={"enum": [0, 1]},
    tool_calls={"anyOf": [CALLS, {"type": "null"}]},
    function_call={"anyOf": [CALLED, {"type": "null"}]},
)


def conversation(*messages: Any) -> dict[str, Any]:
    return {"type": "array", "minItems": 1, "items": {"anyOf": list(messages)}}


SHAPES = {
    "supervised": {
        "type": "object",
        "required": ["messages"],
        "additionalProperties": False,
        "properties": {
            "messages": conversation(SYSTEM, DEVELOPER, USER, ASSISTANT, TOOL, FUNCTION_SAYS),
            "tools": TOOLS,
            "parallel_tool_calls": {"type": "boolean"},
            "functions": FUNCTIONS,
        },
    },
    "dpo": {
        "type": "object",
        "required": ["input", "preferred_output", "non_preferred_output"],
        "additionalProperties": False,
        "properties": {
            "input": {
                "type": "object",
                "required": ["messages"],
                "additionalProperties": False,
                # One turn, and text alone.
                "properties": {
                    "messages": conversation(SYSTEM, DEVELOPER, TEXT_USER, TOOL, FUNCTION_SAYS),
                    "tools": TOOLS,
                    "parallel_tool_calls": {"type": "boolean"},
                },
            },
            "preferred_output": {"type": "array", "minItems": 1, "maxItems": 1, "items": ASSISTANT},
            "non_preferred_output": {
                "type": "array",
                "minItems": 1,
                "maxItems": 1,
                "items": ASSISTANT,
            },
        },
    },
    # Every other key is for the grader.
    "reinforcement": {
        "type": "object",
        "required": ["messages"],
        "properties": {
            "messages": conversation(DEVELOPER, USER, ASSISTANT, TOOL),
            "tools": TOOLS,
            "parallel_tool_calls": {"type": "boolean"},
        },
    },
}
SCHEMAS = {name: jsonschema_rs.validator_for(shape) for name, shape in SHAPES.items()}

FEWEST, LARGEST_FILE = 10, 512 * 2**20
IMAGES_A_ROW, IMAGE_ROWS, LARGEST_IMAGE = 10, 50_000, 10 * 2**20
MAGIC = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"RIFF")


def refusal_of_file(content: bytes, method: str) -> str | None:
    """Why a training file is not taken; None: it is."""
    if len(content) > LARGEST_FILE:
        return "The file is larger than 512 MB."
    lines = content.removeprefix(b"\xef\xbb\xbf").removesuffix(b"\n").split(b"\n")
    for number, line in enumerate(lines, 1):
        if (why := refusal_of_line(line, method)) is not None:
            return f"Line {number}: {why}"
    if len(lines) < FEWEST:
        return (
            f"Training file has {len(lines)} example(s), but must have at least {FEWEST} examples"
        )
    return None


def refusal_of_line(line: bytes, method: str) -> str | None:
    """Why one line is not taken."""
    try:
        value = json.loads(line.decode())
    except ValueError:
        return "This is not JSON in UTF-8."
    if not isinstance(value, dict):
        return "This is not an object."
    wrong = next(SCHEMAS[method].iter_errors(value), None)
    if wrong is not None:
        return wrong.message
    return _beyond_shapes(value, method)


def _beyond_shapes(row: dict[str, Any], method: str) -> str | None:
    outputs = [row["preferred_output"], row["non_preferred_output"]] if method == "dpo" else []
    asked = row["input"] if method == "dpo" else row
    messages = asked["messages"]
    defined = {tool["function"]["name"] for tool in asked.get("tools", [])}
    if method == "supervised":
        defined |= {function["name"] for function in asked.get("functions", [])}
    roles = [one["role"] for one in messages]
    if method == "supervised" and "assistant" not in roles:
        return "No message is from the assistant."
    if method == "reinforcement" and roles[-1] != "user":
        return "The last message must be the user's."
    for talk in (messages, *outputs):
        if (why := _of_talk(talk, defined)) is not None:
            return why
    return _of_images(messages)


def _of_talk(messages: list[dict[str, Any]], defined: set[str]) -> str | None:
    known: set[str] = set()
    for one in messages:
        calls = [call["function"] for call in one.get("tool_calls") or []]
        calls += [one["function_call"]] if one.get("function_call") else []
        is_silent = not calls and one.get("refusal") is None and not one.get("content")
        if one["role"] == "assistant" and is_silent:
            return "The assistant says nothing and calls nothing."
        for call in calls:
            if call["name"] not in defined:
                return f"{call['name']} is not defined."
            try:
                json.loads(call["arguments"])
            except ValueError:
                return "The arguments are not JSON."
        known |= {call["id"] for call in one.get("tool_calls") or []}
        if one["role"] == "tool" and one["tool_call_id"] not in known:
            return "No earlier call has this id."
    return None


def _of_images(messages: list[dict[str, Any]]) -> str | None:
    contents = [one["content"] for one in messages if isinstance(one.get("content"), list)]
    urls = [p["image_url"]["url"] for parts in contents for p in parts if p["type"] == "image_url"]
    if len(urls) > IMAGES_A_ROW:
        return "More than 10 images."
    for url in urls:
        if not url.startswith("data:"):
            continue
        text = url.partition(",")[2]
        if not re.fullmatch(r"([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?", text):
            return "Not base64."
        data = base64.b64decode(text)
        if len(data) > LARGEST_IMAGE:
            return "An image of more than 10 MB."
        if not data.startswith(MAGIC):
            return "Neither JPEG nor PNG nor WEBP."
        if data.startswith(MAGIC[0]) and data[25:26] not in {b"\x02", b"\x06"}:
            return "Neither RGB nor RGBA."
    return None
