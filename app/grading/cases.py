"""From a row of a dataset to what graders know of it, and to the answer that stands in it; pure."""

import json
from collections.abc import Callable, Sequence
from typing import NamedTuple

from app.formats import preference, reinforcement
from app.formats.base import JsonObject
from app.formats.messages import Message, messages_in, objects_in
from app.graders.base import Answer

KNOWN = {
    "chat": "item.question, item.answer, item.tool_calls and item.messages",
    "completion": "item.question and item.answer",
    "preference": "item.question, item.answer, item.rejected and item.messages",
    "evaluation": "the fields of its item",
    "reinforcement": "what stands beside its messages",
}
"""What the rows of each format are for a grader, in words."""


class GradedCase(NamedTuple):
    """A row as templates know it, and its own answer, where it has one."""

    item: JsonObject
    answer: Answer | None


def case_of(format_: str, value: JsonObject, field: str = "answer") -> GradedCase:
    """The row of this format. Conversations have `question`, `answer`, `messages` before the answer
    and `tool_calls`; rows of fields are their fields, of which `field` is the answer. What the row
    itself calls so wins.
    """
    return _READERS[format_](value, field)


def _chat(value: JsonObject, _field: str) -> GradedCase:
    turns = objects_in(value.get("messages"))
    said = messages_in(turns)
    at = max((n for n, one in enumerate(said) if one.role == "assistant"), default=None)
    own = {key: inner for key, inner in value.items() if key not in {"messages", "tools"}}
    item: JsonObject = {"messages": turns[:at], "question": _asked(said[:at])}
    if at is None:
        return GradedCase(item | own, None)
    answer = _spoken(said[at : at + 1])
    item |= {"answer": answer.text, "tool_calls": list(answer.tool_calls)}
    return GradedCase(item | own, answer)


def _preference(value: JsonObject, _field: str) -> GradedCase:
    row = preference.from_value(value)
    answer, other = _spoken(row.preferred), _spoken(row.non_preferred)
    asked = row.value.get("input")
    item = {
        "messages": objects_in(asked.get("messages")) if isinstance(asked, dict) else [],
        "question": _asked(row.prompt),
        "answer": answer.text,
        "tool_calls": list(answer.tool_calls),
        "rejected": other.text,
    }
    return GradedCase(item, answer)


def _completion(value: JsonObject, _field: str) -> GradedCase:
    asked, said = value.get("prompt"), value.get("completion")
    answer = Answer(said) if isinstance(said, str) else None
    return GradedCase({"question": asked, "answer": said, **value}, answer)


def _evaluation(value: JsonObject, field: str) -> GradedCase:
    given = value.get("item")
    item = given if isinstance(given, dict) else {}
    sample = value.get("sample")
    if isinstance(sample, dict) and isinstance(sample.get("output_text"), str):
        return GradedCase(
            item, Answer(sample["output_text"], tuple(objects_in(sample.get("output_tools"))))
        )
    return GradedCase(item, _field_of(item, field))


def _reinforcement(value: JsonObject, field: str) -> GradedCase:
    item = reinforcement.item_of(value)
    return GradedCase(item, _field_of(item, field))


def _field_of(item: JsonObject, field: str) -> Answer | None:
    """A text as it stands, anything else as JSON: so templates write it too."""
    if field not in item:
        return None
    value = item[field]
    return Answer(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def _asked(turns: Sequence[Message]) -> str:
    return next((one.text for one in reversed(turns) if one.role == "user"), "")


def _spoken(turns: Sequence[Message]) -> Answer:
    last = next((one for one in reversed(turns) if one.role == "assistant"), None)
    if last is None:
        return Answer("")
    return Answer(last.text, tuple(objects_in(last.tool_calls)), refusal=last.refusal)


_READERS: dict[str, Callable[[JsonObject, str], GradedCase]] = {
    "chat": _chat,
    "completion": _completion,
    "preference": _preference,
    "evaluation": _evaluation,
    "reinforcement": _reinforcement,
}
