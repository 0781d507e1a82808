"""promptfoo's prompts as messages with places: a text, or turns written as JSON or YAML."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from app.evaluations.imports.base import NotImportable, Telling, mapping, objects
from app.evaluations.imports.documents import read_document
from app.evaluations.imports.native import FILES
from app.evaluations.imports.nunjucks import Names, Untranslatable, translated
from app.formats.base import JsonObject
from app.graders.base import Answer, Ungradable
from app.graders.template import filled

ENDINGS = (
    ".txt",
    ".json",
    ".yaml",
    ".yml",
    ".md",
    ".js",
    ".cjs",
    ".mjs",
    ".ts",
    ".py",
    ".csv",
    ".j2",
)
OUTSIDE = "The prompt stands in a file of its own; write it into the configuration."
ONE = "An evaluation asks in one way; this prompt is left out. Import again with it alone."
ROLES = frozenset({"system", "developer", "user", "assistant"})


class Prompt(NamedTuple):
    """Messages with our places."""

    messages: tuple[JsonObject, ...]


def prompts_of(value: Any, names: Names, telling: Telling) -> Prompt:
    """The first prompt that can be read here; the others are told. Raises NotImportable without."""
    found: Prompt | None = None
    for place, text in _texts(value):
        if found is not None:
            telling(place, ONE)
            continue
        try:
            found = prompt_of(text, names)
        except Untranslatable as error:
            telling(place, f"The prompt cannot be read here: {error}")
    if found is None:
        why = telling.all()
        words = f" {why[-1].words}" if why else ""
        raise NotImportable(f"None of its prompts can be asked here.{words}")
    return found


def _texts(value: Any) -> Iterator[tuple[str, Any]]:
    listed = value if isinstance(value, list) else [value]
    for number, one in enumerate(listed, start=1):
        label = mapping(one).get("label")
        place = f"prompt {number}" + (f" ({label[:60]})" if isinstance(label, str) else "")
        yield (
            place,
            one if isinstance(one, str) else mapping(one).get("raw", mapping(one).get("id")),
        )


def prompt_of(text: Any, names: Names) -> Prompt:
    """The messages of a prompt. Raises Untranslatable in words."""
    if not isinstance(text, str) or not text.strip():
        raise Untranslatable("it is not a text")
    if text.startswith(FILES) or ("\n" not in text and text.strip().endswith(ENDINGS)):
        raise Untranslatable(OUTSIDE)
    if turns := read_turns(text):
        return prompt_of_turns(turns, names)
    return Prompt(({"role": "user", "content": translated(text, names)},))


def prompt_of_turns(turns: Sequence[JsonObject], names: Names) -> Prompt:
    """A conversation as a prompt. Raises Untranslatable, also where it is empty."""
    if not turns:
        raise Untranslatable("it has no messages")
    return Prompt(tuple(_message(one, names) for one in turns))


def read_turns(text: str) -> list[JsonObject]:
    """The messages in a text that holds a conversation; nothing where it holds none."""
    if not text.lstrip().startswith(("[", "- role:")):
        return []
    try:
        turns = objects(read_document(text.encode()))
    except NotImportable:
        return []
    return turns if all(one.get("role") in ROLES for one in turns) else []


def _message(one: JsonObject, names: Names) -> JsonObject:
    return {
        "role": str(one.get("role") or "user"),
        "content": translated(text_of(one.get("content")), names),
    }


def text_of(content: Any) -> str:
    """A content's text. Raises Untranslatable where there is more than texts."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else [content]
    texts = [mapping(part).get("text") for part in parts]
    if not texts or not all(isinstance(text, str) for text in texts):
        raise Untranslatable("a message has something else than text in it")
    return "\n".join(str(text) for text in texts)


def asked(prompt: Prompt, item: JsonObject) -> list[JsonObject]:
    """The messages with an item's values. Raises Untranslatable where one is missing."""
    try:
        return [
            {**one, "content": filled(one["content"], item, Answer(""))} for one in prompt.messages
        ]
    except Ungradable as fault:
        raise Untranslatable(fault.reason) from fault
