"""From rows to cases: what of a row is the question, what its right answer, what sorts it; pure."""

import json
import random
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from app.core.tokens import PER_ROW, counter, definition_tokens, message_tokens
from app.formats.base import JsonObject
from app.formats.fields import tags_of
from app.formats.messages import objects_in
from app.formats.preference import in_openais_words
from app.formats.registry import format_of
from app.graders.base import Answer, Ungradable
from app.graders.template import filled
from app.grading.cases import case_of

LONGEST_TAG = 64
MOST_VALUES, MEAN_CASES = 200, 2
NO_QUESTION = "has no messages that could be asked"
ANSWERED = "ends with an answer that no question follows"
NO_PROMPT = "has fields and no messages, and the evaluation has no prompt that asks them"
ANSWER_TAG = "answer"
# What is usually asked, where rows are fields.


class Unusable(Exception):
    """A row that cannot be a case; its words say why."""


class Draft(NamedTuple):
    """A case to be."""

    messages: list[JsonObject]
    tools: list[JsonObject] | None
    item: JsonObject
    reference: str | None
    tags: tuple[tuple[str, str], ...]

    @property
    def tokens(self) -> int:
        """Of the question, by the cookbook's rule."""
        count = counter()
        asked = PER_ROW + sum(message_tokens(one, count) for one in self.messages)
        return asked + (definition_tokens(self.tools, count) if self.tools else 0)

    @property
    def answer_tokens(self) -> int:
        """Of the right answer."""
        return counter()(self.reference) if self.reference else 0


def draft_of(
    format_: str,
    value: JsonObject,
    *,
    field: str,
    prompt: Sequence[Mapping[str, Any]] | None,
    tag_fields: frozenset[str],
) -> Draft:
    """The case that a row of this format is. A row without an answer is one without a reference.
    Raises Unusable.
    """
    known = case_of(format_, value, field)
    item = {name: one for name, one in known.item.items() if name != "messages"}
    tools = objects_in(_asked(format_, value).get("tools")) or None
    reference = _reference(known.item, field) if format_ in _OF_FIELDS else _said(known.answer)
    messages = _messages(format_, value, known.item, prompt)
    return Draft(messages, tools, item, reference, tags_in(item, reference, tag_fields))


_OF_FIELDS = frozenset({"evaluation", "reinforcement"})


def _asked(format_: str, value: JsonObject) -> JsonObject:
    if format_ != "preference":
        return value
    asked = in_openais_words(value).get("input")
    return asked if isinstance(asked, dict) else {}


def _messages(
    format_: str,
    value: JsonObject,
    item: JsonObject,
    prompt: Sequence[Mapping[str, Any]] | None,
) -> list[JsonObject]:
    if format_ == "evaluation":
        return _prompted(item, prompt)
    if format_ == "completion":
        asked = value.get("prompt")
        found = [{"role": "user", "content": asked}] if isinstance(asked, str) and asked else []
    else:
        own = item.get("messages") if format_ != "reinforcement" else value.get("messages")
        found = [_as_asked(one) for one in objects_in(own)]
    if not found:
        raise Unusable(NO_QUESTION)
    if found[-1].get("role") == "assistant":
        raise Unusable(ANSWERED)
    return found


def _prompted(item: JsonObject, prompt: Sequence[Mapping[str, Any]] | None) -> list[JsonObject]:
    if not prompt:
        raise Unusable(NO_PROMPT)
    try:
        return [{**one, "content": filled(one["content"], item, Answer(""))} for one in prompt]
    except Ungradable as fault:
        raise Unusable(f"does not fill the prompt: {fault.reason}") from fault


def _as_asked(message: JsonObject) -> JsonObject:
    """Without what only training reads."""
    return {name: one for name, one in message.items() if name != "weight"}


def _reference(item: JsonObject, field: str) -> str | None:
    value = item.get(field)
    if value is None:
        return None
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _said(answer: Answer | None) -> str | None:
    """The words of the row's own answer, or its calls."""
    if answer is None:
        return None
    if answer.text or not answer.tool_calls:
        return answer.text or answer.refusal
    return json.dumps(list(answer.tool_calls), ensure_ascii=False)


def tags_in(
    item: JsonObject, reference: str | None, fields: frozenset[str]
) -> tuple[tuple[str, str], ...]:
    """What sorts a case, of these fields: each value that is short enough."""
    found = [one for one in tags_of(item) if one[0] in fields and one[0] != ANSWER_TAG]
    if ANSWER_TAG in fields and reference is not None:
        found.append((ANSWER_TAG, reference))
    fitting = (one for one in found if max(map(len, one)) <= LONGEST_TAG)
    return tuple(dict.fromkeys(fitting))


def fields_that_sort(items: Iterable[JsonObject], answers: Iterable[str | None]) -> frozenset[str]:
    """The fields with few values, each met twice on average; "answer" among them where the right
    answers are labels.
    """
    counts: dict[str, Counter[str]] = {}
    for item in items:
        for name, value in tags_of(item):
            counts.setdefault(name, Counter())[value] += 1
    counts.pop(ANSWER_TAG, None)
    labels = counts[ANSWER_TAG] = Counter()
    for answer in answers:
        if answer is not None and len(answer) <= LONGEST_TAG and "\n" not in answer:
            labels[answer] += 1
    return frozenset(name for name, values in counts.items() if _sorts(values))


def _sorts(values: Counter[str]) -> bool:
    return 1 < len(values) <= MOST_VALUES and values.total() >= MEAN_CASES * len(values)


def drawn(rows: int, wanted: int | None, seed: int) -> list[int] | None:
    """The numbers of the rows that a sample takes, ascending; None: all of them."""
    if wanted is None or wanted >= rows:
        return None
    return sorted(random.Random(seed).sample(range(1, rows + 1), wanted))  # noqa: S311 - a sample


def pasted_rows(text: str) -> Iterator[tuple[int, JsonObject | None]]:
    """The rows in pasted lines, each with its number: JSON objects, or a question, a tab and its
    answer; None for a line that is neither. Blank lines are passed over.
    """
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            yield number, _pasted(line)


def _pasted(line: str) -> JsonObject | None:
    if line.lstrip().startswith("{"):
        try:
            found = json.loads(line, parse_constant=_refuse)
        except (ValueError, RecursionError):
            return None
        return _as_row(found) if isinstance(found, dict) else None
    question, tab, answer = line.partition("\t")
    if not question.strip():
        return None
    item = {"question": question.strip()}
    return {"item": {**item, "answer": answer.strip()} if tab and answer.strip() else item}


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")


def _as_row(found: JsonObject) -> JsonObject:
    """Plain fields are the item's."""
    return found if format_of(found) else {"item": found}
