"""The API's description as people read it: operations by kind, their fields, what comes back."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

Schema = Mapping[str, Any]

PLACEHOLDERS = {"integer": 1, "number": 0.1, "boolean": True, "object": {}, "array": []}
# A page of a list is what lists of this are called in the description.
LISTING = "Listing_"
FORMATS = {"date": "date", "date-time": "time, UTC", "binary": "file"}
BOUNDS = (
    ("minimum", "at least {}"),
    ("ge", "at least {}"),
    ("maximum", "at most {}"),
    ("le", "at most {}"),
    ("maxLength", "at most {} characters"),
    ("maxItems", "at most {} of them"),
)
# Written out it would say no more than that ids are whole numbers.
LARGEST_WHOLE = 2**53 - 1


@dataclass(frozen=True, slots=True)
class Field:
    """One thing that is sent or comes back. `kind` is what it is in words, `shape` the name of the
    shape those words speak of, or empty; `where` is path, query, header, or empty for a body.
    """

    name: str
    kind: str
    shape: str
    where: str
    is_required: bool
    note: str


@dataclass(frozen=True, slots=True)
class Shape:
    """An object that is sent or comes back, by its name in the description."""

    name: str
    text: str
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing that can be asked for. `answer` is what comes back in words, and the shape they
    name; `curl` a call with stand-ins for what is required.
    """

    anchor: str
    method: str
    path: str
    title: str
    text: str
    fields: tuple[Field, ...]
    status: str
    answer: tuple[str, str]
    curl: str


@dataclass(frozen=True, slots=True)
class Group:
    """Operations about one kind of thing."""

    name: str
    operations: tuple[Operation, ...]


@dataclass(frozen=True, slots=True)
class ReferenceView:
    """The whole description."""

    groups: tuple[Group, ...]
    shapes: tuple[Shape, ...]
    base_url: str


def reference(description: Schema, base_url: str) -> ReferenceView:
    """Read an OpenAPI 3.1 description; paths are shown below `base_url`."""
    description = _with_words_inlined(description)
    shapes: Mapping[str, Schema] = description["components"]["schemas"]
    found = [
        (_words(operation["tags"][0]), _operation(method, path, operation, shapes, base_url))
        for path, operations in description["paths"].items()
        for method, operation in operations.items()
    ]
    groups = tuple(
        Group(name, tuple(one for _, one in members))
        for name, members in groupby(found, key=lambda pair: pair[0])
    )
    objects = {
        name: schema
        for name, schema in shapes.items()
        if "properties" in schema and not name.startswith(LISTING)
    }
    listed = tuple(
        Shape(name, _sentence(schema.get("description", "")), _fields(schema))
        for name, schema in sorted(objects.items())
    )
    return ReferenceView(groups, listed, base_url)


def _with_words_inlined(description: Schema) -> Schema:
    """The same, with what is no object of its own (a list of words) where it is spoken of."""
    text = json.dumps(description)
    for name, schema in description["components"]["schemas"].items():
        if "properties" not in schema:
            spoken_of = json.dumps({"$ref": f"#/components/schemas/{name}"})
            # Without its braces: a default may stand beside it.
            text = text.replace(spoken_of[1:-1], json.dumps(schema)[1:-1])
    read: Schema = json.loads(text)
    return read


def _operation(
    method: str, path: str, operation: Schema, shapes: Mapping[str, Schema], base_url: str
) -> Operation:
    parameters = operation.get("parameters", [])
    media, body = _content(operation.get("requestBody", {}))
    body = shapes[_name(body)] if "$ref" in body else body
    status, answer = next(iter(operation["responses"].items()))
    title, _, rest = _sentence(operation["description"]).partition(". ")
    return Operation(
        anchor=f"{method}-{path.removeprefix('/api/v1/')}".replace("/", "-").translate(_BRACES),
        method=method.upper(),
        path=path,
        title=title.rstrip("."),
        text=rest,
        fields=(*(_parameter(one) for one in parameters), *_fields(body)),
        status=status,
        answer=_kind(_content(answer)[1]),
        curl=_curl(method, base_url + path, parameters, body, media),
    )


_BRACES = str.maketrans("", "", "{}")


def _parameter(given: Schema) -> Field:
    schema = given.get("schema", {})
    note = ". ".join(filter(None, (given.get("description", "").rstrip("."), _note(schema))))
    kind, shape = _kind(schema)
    return Field(given["name"], kind, shape, given["in"], bool(given.get("required")), note)


def _fields(schema: Schema) -> tuple[Field, ...]:
    required = schema.get("required", ())
    return tuple(
        Field(name, *_kind(one), "", name in required, _note(one))
        for name, one in schema.get("properties", {}).items()
    )


def _content(holder: Schema) -> tuple[str, Schema]:
    """The media type and the schema of what is sent or answered; empty where there is nothing."""
    for media, held in holder.get("content", {}).items():
        return media, held["schema"]
    return "", {}


def _name(schema: Schema) -> str:
    return str(schema["$ref"]).rpartition("/")[2]


def _kind(schema: Schema) -> tuple[str, str]:
    """What a value is in words, and the shape they name: ("list of JobResource", "JobResource")."""
    if "$ref" in schema:
        name = _name(schema)
        listed = name.removeprefix(LISTING).rstrip("_")
        return (name, name) if listed == name else (f"a page of {listed}", listed)
    if any_of := schema.get("anyOf"):
        kinds = [_kind(one) for one in any_of]
        named = next((shape for _, shape in kinds if shape), "")
        return " or ".join(words for words, _ in kinds), named
    if schema.get("type") == "array":
        words, shape = _kind(schema.get("items", {}))
        return f"list of {words}", shape
    return _plain_kind(schema), ""


def _plain_kind(schema: Schema) -> str:
    if "enum" in schema:
        return f"one of {', '.join(map(str, schema['enum']))}"
    if "const" in schema:
        return json.dumps(schema["const"])
    return FORMATS.get(schema.get("format", ""), str(schema.get("type", "anything")))


def _note(schema: Schema) -> str:
    """What else is to be known of a value: its default and its bounds."""
    options: Sequence[Schema] = schema.get("anyOf", (schema,))
    bounds = [
        words.format(f"{option[key]:,}")
        for option in options
        for key, words in BOUNDS
        if key in option and option[key] != LARGEST_WHOLE
    ]
    default = schema.get("default")
    said = [] if default is None else [f"{json.dumps(default)} unless given"]
    told = str(schema.get("description", "")).rstrip(".")
    return ". ".join(filter(None, (told, ", ".join([*said, *bounds]))))


def _sentence(text: str) -> str:
    return " ".join(text.split())


def _words(tag: str) -> str:
    return tag.capitalize()


def _curl(method: str, url: str, parameters: Sequence[Schema], body: Schema, media: str) -> str:
    """The call as one types it, ids and required fields filled with stand-ins."""
    for one in parameters:
        if one["in"] == "path":
            url = url.replace(f"{{{one['name']}}}", "1")
    lines = [f"curl {url}", '-H "Authorization: Bearer $LUTHIER_TOKEN"']
    required = {name: body["properties"][name] for name in body.get("required", ())}
    if media == "multipart/form-data":
        lines += [
            f"-F {name}={'@rows.jsonl' if _kind(one)[0] == 'file' else 'string'}"
            for name, one in required.items()
        ]
    elif media:
        sent = {name: _stand_in(one) for name, one in required.items()}
        lines += [f"--json '{json.dumps(sent)}'"]
    if method in {"patch", "delete"} or (method == "post" and not media):
        lines.insert(1, f"-X {method.upper()}")
    return " \\\n  ".join(lines)


def _stand_in(schema: Schema) -> object:
    if "enum" in schema:
        return schema["enum"][0]
    return PLACEHOLDERS.get(schema.get("type", "string"), "string")
