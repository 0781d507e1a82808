"""An assertion of promptfoo's as one of Luthier's graders."""

import json
import math
import re
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from app.evaluations.imports.base import figure, mapping
from app.evaluations.imports.nunjucks import Names, Untranslatable, has_places, unfilled
from app.formats.base import JsonObject

ANSWER = "{{ sample.output_text }}"
FILES = ("file://", "package:")
JUDGED = frozenset({"llm-rubric"})
# Those whose value is no template of ours: code, or a pattern.
CODE = frozenset({"python"})
# Those whose value may be another in each test: it becomes a field of the case.
FILLED = frozenset(
    {"equals", "not-equals", "contains", "icontains", "rouge-n", "bleu", "gleu", "meteor"} | JUDGED
)
SIMILAR = {"rouge-n": ("rouge_1", 0.75), "bleu": ("bleu", 0.5), "gleu": ("gleu", 0.5),
           "meteor": ("meteor", 0.5)}  # fmt: skip
COUNTED = "It is counted in Luthier's own way, which is OpenAI's: check the threshold."
NOTES = {
    **dict.fromkeys(SIMILAR, COUNTED),
    "llm-rubric": "The judge is asked in Luthier's words: validate it before it gates anything.",
}
BAD_VALUE = "Its value is not one that this assertion has."
IN_A_FILE = "It stands in a file of its own; write it into the configuration."
TRANSFORMED = "It looks at what a transform makes of the answer, which is JavaScript."
NOTHING = "Luthier has nothing like it."
NO_JUDGE = "It names no model that judges; name one when you import."
# What code scores passes there from anything above 0, unless a threshold says otherwise.
ABOVE_NOTHING = 1e-9
JAVASCRIPT = "JavaScript is not run here. Write it as a Python grader."
RUBRIC = "You grade the answer of a model by a rubric. Say pass or fail."
SCORED = "You grade the answer of a model by a rubric. Give a score from 0 to 1."
PYTHON = '''def _asserted(output, context):
{body}


def grade(sample, item):
    """promptfoo's Python assertion on the same names."""
    found = _asserted(sample["output_text"], {{"vars": {vars}}})
    if isinstance(found, dict):
        found = found.get("score", found.get("pass", False))
    return max(0.0, min(1.0, float(found)))
'''


class Unlike(Exception):
    """Luthier has nothing like this assertion; its words say so."""


@dataclass(frozen=True, slots=True)
class Assertion:
    """An assertion and where it stands. `settings` is all of it but its value, as text;
    `variables` is what Python finds its test's values in.
    """

    place: str
    type: str
    value: Any
    threshold: float | None
    weight: float | None
    metric: str
    judge: str | None
    is_transformed: bool
    settings: str
    variables: str


def assertion_of(given: JsonObject, place: str, judge: str | None, names: Names) -> Assertion:
    """The assertion in this JSON."""
    settings = {name: one for name, one in given.items() if name not in {"value", "type"}}
    metric = given.get("metric")
    return Assertion(
        place=place,
        type=str(given.get("type") or "unnamed")[:60],
        value=given.get("value"),
        threshold=figure(given.get("threshold")),
        weight=figure(given.get("weight")),
        metric=metric if isinstance(metric, str) else "",
        judge=_judge(given.get("provider")) or judge,
        is_transformed=bool(given.get("transform")),
        settings=json.dumps(settings, sort_keys=True, default=str),
        variables='{"item": item}' if names.is_wrapped else "item",
    )


def _judge(provider: Any) -> str | None:
    """The model's name in `openai:chat:NAME`, or in an object with such an id."""
    name = mapping(provider).get("id") if isinstance(provider, dict) else provider
    if not isinstance(name, str) or not name:
        return None
    return name.split(":")[-1] if not name.startswith("openai:chat:") else name[12:]


def text_of(value: Any) -> str:
    """A value as promptfoo compares it. Raises Untranslatable for one that is no plain value."""
    if isinstance(value, str):
        if value.startswith(FILES):
            raise Untranslatable(IN_A_FILE)
        return value
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    raise Untranslatable(BAD_VALUE)


def check_known(one: Assertion) -> None:
    """Raise Untranslatable for a type that no grader has."""
    if one.type not in MADE:
        raise Untranslatable(JAVASCRIPT if one.type.endswith("javascript") else NOTHING)


def grader_of(one: Assertion, value: Any) -> JsonObject:
    """The grader that grades every case like this assertion; `value` has our places. Raises
    Untranslatable where Python could, Unlike where nothing can.
    """
    if one.is_transformed:
        raise Unlike(TRANSFORMED)
    name = " ".join((one.metric or one.type).split())[:100] or one.type
    return {"name": name, **MADE[one.type](one, value)}


def _equals(_one: Assertion, value: Any) -> JsonObject:
    return {"type": "match", "reference": text_of(value)}


def _checked(operation: str) -> Callable[[Assertion, Any], JsonObject]:
    def made(_one: Assertion, value: Any) -> JsonObject:
        text = text_of(value)
        kept = {"type": "string_check", "input": ANSWER, "reference": text}
        return {**kept, "operation": operation}

    return made


def _found(pattern: Callable[[Any], str], matches: str) -> Callable[[Assertion, Any], JsonObject]:
    def made(_one: Assertion, value: Any) -> JsonObject:
        return {"type": "regex", "pattern": pattern(value), "matches": matches}

    return made


def _constant(value: Any) -> str:
    text = text_of(value)
    if has_places(text):
        raise Untranslatable(BAD_VALUE)
    return text


def _escaped(begin: str) -> Callable[[Any], str]:
    return lambda value: begin + re.escape(_constant(value))


def _any_of(begin: str) -> Callable[[Any], str]:
    def pattern(value: Any) -> str:
        return f"{begin}(?:{'|'.join(re.escape(_constant(one)) for one in listed(value))})"

    return pattern


def listed(value: Any) -> list[Any]:
    """The values of a list, or of a text with commas. Raises Untranslatable without any."""
    found = [one.strip() for one in value.split(",")] if isinstance(value, str) else value
    if not isinstance(found, list) or not found:
        raise Untranslatable(BAD_VALUE)
    return found


def _json(_one: Assertion, value: Any) -> JsonObject:
    if value is None:
        return {"type": "json_valid"}
    if not isinstance(value, dict):
        raise Unlike(IN_A_FILE if str(value).startswith(FILES) else BAD_VALUE)
    return {"type": "json_schema", "json_schema": value}


def _similar(one: Assertion, value: Any) -> JsonObject:
    metric, usual = SIMILAR[one.type]
    passes = usual if one.threshold is None else one.threshold
    return {
        "type": "text_similarity",
        "input": ANSWER,
        "reference": text_of(value),
        "evaluation_metric": metric,
        "pass_threshold": passes,
    }


def _latency(one: Assertion, _value: Any) -> JsonObject:
    if one.threshold is None:
        raise Unlike("It names no threshold.")
    return {"type": "latency", "most_seconds": one.threshold / 1000}


def _cost(one: Assertion, _value: Any) -> JsonObject:
    if one.threshold is None:
        raise Unlike("It names no threshold.")
    return {"type": "price", "most_dollars": one.threshold}


def _words(_one: Assertion, value: Any) -> JsonObject:
    low, high = bounds(value)
    least = {} if low is None else {"least": math.ceil(low)}
    most = {} if high is None else {"most": math.floor(high)}
    return {"type": "length", "unit": "words", **least, **most}


def bounds(value: Any) -> tuple[float | None, float | None]:
    """The bounds of a number of words. Raises Untranslatable."""
    exact = figure(value)
    told = mapping(value)
    low, high = (exact, exact) if exact is not None else (told.get("min"), told.get("max"))
    if figure(low) is None and figure(high) is None:
        raise Untranslatable(BAD_VALUE)
    return figure(low), figure(high)


def _rubric(one: Assertion, value: Any) -> JsonObject:
    if one.judge is None:
        raise Unlike(NO_JUDGE)
    asked = f"The rubric:\n{text_of(value)}\n\nThe answer:\n{ANSWER}"
    is_scored = one.threshold is not None
    told = [
        {"role": "developer", "content": SCORED if is_scored else RUBRIC},
        {"role": "user", "content": asked},
    ]
    made: JsonObject = {"model": one.judge, "input": told}
    if is_scored:
        return {"type": "score_model", **made, "pass_threshold": one.threshold}
    return {
        "type": "label_model",
        **made,
        "labels": ["pass", "fail"],
        "passing_labels": ["pass"],
    }


def _python(one: Assertion, value: Any) -> JsonObject:
    if not isinstance(value, str) or value.startswith(FILES):
        raise Unlike(IN_A_FILE)
    code = unfilled(value)
    body = code if "\n" in code.strip() else f"return ({code.strip()})"
    source = PYTHON.format(body=textwrap.indent(body, "    "), vars=one.variables)
    passes = ABOVE_NOTHING if one.threshold is None else one.threshold
    return {"type": "python", "source": source, "pass_threshold": passes}


MADE: dict[str, Callable[[Assertion, Any], JsonObject]] = {
    "equals": _equals,
    "not-equals": _checked("ne"),
    "contains": _checked("like"),
    "icontains": _checked("ilike"),
    "not-contains": _found(_escaped(""), "nowhere"),
    "not-icontains": _found(_escaped("(?i)"), "nowhere"),
    "starts-with": _found(_escaped("^"), "somewhere"),
    "not-starts-with": _found(_escaped("^"), "nowhere"),
    "contains-any": _found(_any_of(""), "somewhere"),
    "icontains-any": _found(_any_of("(?i)"), "somewhere"),
    "not-contains-any": _found(_any_of(""), "nowhere"),
    "not-icontains-any": _found(_any_of("(?i)"), "nowhere"),
    "regex": _found(_constant, "somewhere"),
    "not-regex": _found(_constant, "nowhere"),
    "is-json": _json,
    "is-refusal": lambda _one, _value: {"type": "refusal", "wanted": True},
    "not-is-refusal": lambda _one, _value: {"type": "refusal", "wanted": False},
    "latency": _latency,
    "cost": _cost,
    "word-count": _words,
    "llm-rubric": _rubric,
    "python": _python,
    **dict.fromkeys(SIMILAR, _similar),
}
