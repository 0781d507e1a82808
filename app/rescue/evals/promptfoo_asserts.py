"""A criterion of a rescued eval as what promptfoo asserts, and what of it is not quite the same.

The names of promptfoo's assertions: its configuration reference and config-schema.json.
"""

import textwrap
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from app.rescue.evals import promptfoo_text as texts

JsonObject = Mapping[str, Any]

CHECKS = {"eq": "equals", "ne": "not-equals", "like": "contains", "ilike": "icontains"}
CHECKS_IN_JAVASCRIPT = {
    "eq": "{0} === {1}",
    "ne": "{0} !== {1}",
    "like": "({0}).includes({1})",
    "ilike": "({0}).toLowerCase().includes(({1}).toLowerCase())",
}
# OpenAI's metric: promptfoo's assertion, and what differs.
SIMILARITIES = {
    "bleu": ("bleu", "promptfoo smooths BLEU in its own way."),
    "gleu": ("gleu", "promptfoo splits words in its own way."),
    "meteor": ("meteor", "promptfoo needs the npm package natural for METEOR."),
    "cosine": ("similar", "promptfoo asks an embedding model of its own choice; that costs money."),
    "rouge_1": ("rouge-n", ""),
    "rouge_2": ("rouge-n", "promptfoo's rouge-n counts single words, this was rouge_2."),
    "rouge_3": ("rouge-n", "promptfoo's rouge-n counts single words, this was rouge_3."),
    "rouge_4": ("rouge-n", "promptfoo's rouge-n counts single words, this was rouge_4."),
    "rouge_5": ("rouge-n", "promptfoo's rouge-n counts single words, this was rouge_5."),
    "rouge_l": ("rouge-n", "promptfoo's rouge-n counts single words, this was rouge_l."),
}
NOT_THE_SAME = "Its scores are near OpenAI's and not the same numbers: check the threshold."
JUDGED = "A judge rebuilt by hand: validate it against old results before it gates anything."
FUZZY = """\
import json
from rapidfuzz import fuzz, utils
def _as_text(value):
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
_item = context["vars"]["item"]
_text = _as_text(output)
return fuzz.WRatio({given}, {wanted}, processor=utils.default_process) / 100"""
GRADED = """
import json as _json
_text = output if isinstance(output, str) else _json.dumps(output, ensure_ascii=False)
try:
    _parsed = _json.loads(_text)
except ValueError:
    _parsed = None
_choice = {"index": 0, "message": {"role": "assistant", "content": _text}}
_sample = {"output_text": _text, "output_json": _parsed, "choices": [_choice]}
return grade(_sample, context["vars"]["item"])
"""


@dataclass(frozen=True, slots=True)
class Mapped:
    """One assertion, what to know about it, and the model that judges, where one does."""

    assertion: dict[str, Any]
    notes: tuple[str, ...] = ()
    judge: str | None = None


def mapped(criterion: JsonObject, structured: Collection[str]) -> Mapped:
    """A testing criterion for promptfoo. `structured` are the fields of an item that hold no text.
    Raises ValueError in words for one that promptfoo has nothing for.
    """
    kind = criterion.get("type")
    if kind == "string_check":
        return _string_check(criterion, structured)
    if kind == "text_similarity":
        return _text_similarity(criterion, structured)
    if kind in {"label_model", "score_model"}:
        return _judged(criterion, structured)
    if kind == "python":
        return _python(criterion)
    raise ValueError(f"promptfoo has nothing like a {texts.said(kind, 40)}.")


def _assertion(
    criterion: JsonObject, kind: str, value: str, threshold: Any = None, **more: str
) -> dict[str, Any]:
    found: dict[str, Any] = {"type": kind, "value": value}
    if isinstance(threshold, int | float):
        found["threshold"] = threshold
    if name := criterion.get("name"):
        found["metric"] = texts.literal(texts.said(name))
    return {**found, **more}


def _compared(criterion: JsonObject) -> tuple[texts.Pieces, texts.Pieces]:
    return texts.pieces_of(criterion.get("input")), texts.pieces_of(criterion.get("reference"))


def _looked_at(pieces: texts.Pieces) -> dict[str, str]:
    """What the assertion looks at, where that is not simply what the model said."""
    return {} if texts.is_answer(pieces) else {"transform": texts.javascript(pieces)}


def _string_check(criterion: JsonObject, structured: Collection[str]) -> Mapped:
    given, wanted = _compared(criterion)
    operation = str(criterion.get("operation"))
    if operation not in CHECKS:
        raise ValueError(f"promptfoo has nothing like the operation {texts.said(operation, 40)}.")
    if texts.holds(wanted, texts.OUTPUT) and operation in {"eq", "ne"}:
        given, wanted = wanted, given
    if texts.holds(wanted, texts.OUTPUT):
        sides = texts.javascript(given), texts.javascript(wanted)
        code = texts.literal(CHECKS_IN_JAVASCRIPT[operation].format(*sides))
        return Mapped(_assertion(criterion, "javascript", code))
    value = texts.template(wanted, structured=structured)
    return Mapped(_assertion(criterion, CHECKS[operation], value, **_looked_at(given)))


def _text_similarity(criterion: JsonObject, structured: Collection[str]) -> Mapped:
    given, wanted = _compared(criterion)
    metric, threshold = str(criterion.get("evaluation_metric")), criterion.get("pass_threshold")
    notes = [] if threshold is not None else ["It names no threshold; promptfoo's own holds."]
    if metric == "fuzzy_match":
        code = FUZZY.format(given=texts.python(given), wanted=texts.python(wanted))
        notes.append("promptfoo has no such measure: Python with the package rapidfuzz counts it.")
        return Mapped(_assertion(criterion, "python", texts.literal(code), threshold), tuple(notes))
    if metric not in SIMILARITIES:
        raise ValueError(f"promptfoo has nothing like the metric {texts.said(metric, 40)}.")
    if texts.holds(wanted, texts.OUTPUT):
        given, wanted = wanted, given
    kind, difference = SIMILARITIES[metric]
    value = texts.template(wanted, structured=structured)
    notes += [difference] if difference else []
    return Mapped(
        _assertion(criterion, kind, value, threshold, **_looked_at(given)),
        (*notes, NOT_THE_SAME),
    )


def _judged(criterion: JsonObject, structured: Collection[str]) -> Mapped:
    rubric = [*_told(criterion.get("input"), structured)]
    threshold: float | None = None
    if criterion.get("type") == "label_model":
        labels, passing = _names(criterion.get("labels")), _names(criterion.get("passing_labels"))
        rubric.append(
            texts.literal(
                f"Choose one of these labels for the output: {labels}. "
                f"Pass with score 1 for {passing or 'none of them'}, else fail with score 0."
            )
        )
    else:
        rubric.append(_scaled(criterion))
        threshold = _threshold(criterion)
    judge = str(criterion.get("model") or "")
    more = {"provider": f"openai:chat:{judge}"} if judge else {}
    value = "\n\n".join(rubric)
    return Mapped(
        _assertion(criterion, "llm-rubric", value, threshold, **more), (JUDGED,), judge or None
    )


def _told(messages: Any, structured: Collection[str]) -> list[str]:
    """What the judge was told, message by message; promptfoo shows it the output beside that."""
    told = []
    for message in messages if isinstance(messages, list) else ():
        if not isinstance(message, dict):
            raise ValueError("What its judge is told cannot be read.")  # noqa: TRY004
        role, content = message.get("role"), message.get("content")
        parts = content if isinstance(content, list) else [content]
        for part in parts:
            text = part.get("text") if isinstance(part, dict) else part
            if not isinstance(text, str):
                raise ValueError("Its judge is shown a picture or a sound.")  # noqa: TRY004
            filled = texts.template(
                texts.pieces_of(text), structured=structured, answer="(the output)"
            )
            told.append(f"{texts.literal(str(role))}: {filled}")
    return told


def _names(labels: Any) -> str:
    return ", ".join(map(str, labels)) if isinstance(labels, list) else ""


def _ends(criterion: JsonObject) -> tuple[float, float]:
    ends = criterion.get("range")
    is_pair = isinstance(ends, list) and len(ends) == 2  # noqa: PLR2004
    low, high = ends if isinstance(ends, list) and is_pair else (0, 1)
    if not all(isinstance(end, int | float) for end in (low, high)) or low >= high:
        raise ValueError("Its range is not two numbers, the lower first.")
    return low, high


def _scaled(criterion: JsonObject) -> str:
    low, high = _ends(criterion)
    if (low, high) == (0, 1):
        return "Give a score from 0 to 1."
    return (
        f"The scale was {low:g} to {high:g}: give (its number - {low:g}) / {high - low:g}, "
        "a score from 0 to 1."
    )


def _threshold(criterion: JsonObject) -> float | None:
    passes, (low, high) = criterion.get("pass_threshold"), _ends(criterion)
    return (passes - low) / (high - low) if isinstance(passes, int | float) else None


def _python(criterion: JsonObject) -> Mapped:
    source = criterion.get("source")
    if not isinstance(source, str):
        raise ValueError("It has no source.")  # noqa: TRY004 - the provider's value, not a bug
    code = textwrap.dedent(source).rstrip() + "\n" + GRADED.strip() + "\n"
    notes = ["It runs on your machine, inside a function: read it first."]
    if image := criterion.get("image_tag"):
        notes.append(f"It was written for OpenAI's image {texts.said(image, 40)}.")
    return Mapped(
        _assertion(criterion, "python", texts.literal(code), criterion.get("pass_threshold")),
        tuple(notes),
    )
