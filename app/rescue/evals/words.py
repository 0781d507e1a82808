"""What a provider wrote of an eval, in words: criteria, sources, messages, moments."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from app.formats.drawn import Turn
from app.rescue.evals.bodies import figure, mapping, objects

TEXT_LENGTH, JSON_LENGTH = 20_000, 200_000
LATEST = 2**33  # seconds; what is later is no date
KINDS = {
    "string_check": "compares texts",
    "text_similarity": "measures likeness",
    "label_model": "a model labels it",
    "score_model": "a model scores it",
    "python": "Python code",
}
CHECKS = {
    "eq": "is exactly",
    "ne": "is anything but",
    "like": "contains",
    "ilike": "contains, whatever the capitals,",
}
SOURCES = {
    "custom": "rows of your own, by a schema",
    "logs": "logged answers",
    "stored_completions": "stored completions",
    "jsonl": "rows",
    "completions": "answers of a model to rows",
    "responses": "answers of a model to rows, by the Responses API",
}


@dataclass(frozen=True, slots=True)
class CriterionView:
    """A criterion: `kind` in two words, `text` the whole rule with its names in backticks, `code`
    what it runs, `json` as OpenAI wrote it.
    """

    name: str
    kind: str
    text: str
    code: str
    json: str


def criterion_view(criterion: dict[str, Any]) -> CriterionView:
    """A testing criterion in words."""
    kind = str(criterion.get("type") or "")
    say = WORDS.get(kind)
    code = criterion.get("source")
    return CriterionView(
        name=str(criterion.get("name") or kind or "unnamed"),
        kind=KINDS.get(kind, kind or "unknown"),
        text=say(criterion) if say else "A kind Luthier does not know. It is here as it came.",
        code=code if kind == "python" and isinstance(code, str) else "",
        json=laid_out(criterion),
    )


def _string_check(criterion: dict[str, Any]) -> str:
    operation = str(criterion.get("operation"))
    check = CHECKS.get(operation, _name(operation))
    return (
        f"Passes when {_name(criterion.get('input'))} {check} {_name(criterion.get('reference'))}."
    )


def _text_similarity(criterion: dict[str, Any]) -> str:
    return (
        f"Passes when {_name(criterion.get('input'))} is like "
        f"{_name(criterion.get('reference'))}{_from(criterion)}, "
        f"measured by {_name(criterion.get('evaluation_metric'))}."
    )


def _label_model(criterion: dict[str, Any]) -> str:
    return (
        f"{_name(criterion.get('model'))} chooses one of {_names(criterion.get('labels'))}; "
        f"passes with {_names(criterion.get('passing_labels'))}."
    )


def _score_model(criterion: dict[str, Any]) -> str:
    ends = criterion.get("range")
    scale = f"{ends[0]} to {ends[1]}" if isinstance(ends, list) and len(ends) == 2 else "0 to 1"  # noqa: PLR2004
    passes = _from(criterion)
    return f"{_name(criterion.get('model'))} scores it from {scale}" + (
        f"; passes{passes}." if passes else "."
    )


def _python(criterion: dict[str, Any]) -> str:
    passes = _from(criterion)
    return "Its function grade gives a number" + (f"; passes{passes}." if passes else ".")


def _from(criterion: dict[str, Any]) -> str:
    threshold = figure(criterion.get("pass_threshold"))
    return "" if threshold is None else f" from {threshold:g} on"


def _name(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return f"`{text.replace('`', chr(39))[:500]}`"


def _names(values: Any) -> str:
    return ", ".join(map(_name, values)) if isinstance(values, list) and values else "none"


WORDS = {
    "string_check": _string_check,
    "text_similarity": _text_similarity,
    "label_model": _label_model,
    "score_model": _score_model,
    "python": _python,
}


def source_words(kind: Any) -> str:
    """Where rows come from, in words."""
    kind = str(kind or "")
    return SOURCES.get(kind, kind or "unknown")


def turns(messages: Any) -> tuple[Turn, ...]:
    """Messages as the provider wrote them, drawn as a conversation."""
    return tuple(
        Turn(str(one.get("role") or "unknown"), cut(_text_of(one.get("content"))))
        for one in objects(messages)
    )


def _text_of(content: Any) -> str:
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "\n".join(map(_text_of, content))
    if isinstance(content, dict) and isinstance(content.get("text"), str):
        return str(content["text"])
    return "" if content is None else json.dumps(content, ensure_ascii=False)


def pairs(value: Any) -> tuple[tuple[str, str], ...]:
    """The fields of an object in words."""
    return tuple(
        (str(name), cut(one if isinstance(one, str) else json.dumps(one, ensure_ascii=False)))
        for name, one in mapping(value).items()
    )


def cut(text: str, length: int = TEXT_LENGTH) -> str:
    """A text that does not end never ends a page."""
    return text if len(text) <= length else text[:length] + "…"


def laid_out(value: Any) -> str:
    """JSON for a person."""
    return cut(json.dumps(value, ensure_ascii=False, indent=2), JSON_LENGTH)


def moment_of(value: Any) -> datetime | None:
    """A moment of the provider's, which are seconds."""
    seconds = figure(value)
    if seconds is None or not 0 < seconds < LATEST:
        return None
    return datetime.fromtimestamp(seconds, UTC)
