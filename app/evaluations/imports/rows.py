"""Rows of OpenAI's Evals: `{"item": …, "sample": …}` as its dashboard exported them and promptfoo
imports them, or output items as its API gave them. An item is a case; a sample is the answer that a
run's model gave then.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from app.evaluations.imports.base import (
    MOST_ANSWERS,
    MOST_CASES,
    AnswerToBe,
    CaseToBe,
    ContestantToBe,
    GradeToBe,
    Imported,
    NotImportable,
    Telling,
    figure,
    mapping,
    named_once,
    objects,
    whole,
)
from app.evaluations.imports.nunjucks import Untranslatable
from app.evaluations.imports.prompts import Prompt, asked, text_of
from app.formats.base import JsonObject

WHAT = "rows of OpenAI's Evals"
# OpenAI writes a few letters behind a criterion's name where results name it.
SUFFIX = re.compile(r"-[0-9a-f]{4}[0-9a-f-]*$")
UNASKED = "Nothing says how it was asked: give a prompt when you import. It is left out."
NO_GRADER = "No grader here has its name; what it said counts within each answer's own verdict."
REFERENCES = (
    "answer",
    "reference",
    "reference_answer",
    "expected",
    "ideal",
    "label",
    "ground_truth",
)


def read(
    rows: Sequence[JsonObject],
    graders: Sequence[JsonObject],
    prompt: Prompt | None,
    name: str = "",
    telling: Telling | None = None,
) -> Imported:
    """The cases of these rows and the answers in them. `graders` are read by their names in the
    rows' grades; `prompt` asks rows that bring no messages. Raises NotImportable in words.
    """
    telling = telling or Telling()
    if len(rows) > MOST_ANSWERS:
        raise NotImportable(f"At most {MOST_ANSWERS:,} rows.")
    places = {str(one.get("name")): place for place, one in enumerate(graders)}
    cases: list[CaseToBe] = []
    known: dict[str, int | None] = {}
    runs: dict[str, list[AnswerToBe]] = {}
    models: dict[str, str] = {}
    for number, row in enumerate(rows, start=1):
        key = json.dumps(_item(row), sort_keys=True)
        if key not in known:
            made = _case(row, prompt, f"row {number}", telling)
            known[key] = None if made is None else len(cases)
            cases += [] if made is None else [made]
        at = known[key]
        sample = row.get("sample")
        if at is None or not isinstance(sample, dict):
            continue
        run = str(row.get("run_id") or "")
        runs.setdefault(run, []).append(_answer(row, sample, at, places, telling))
        if isinstance(model := sample.get("model"), str) and model:
            models.setdefault(run, model[:200])
    if not cases:
        raise NotImportable(f"None of its rows can be a case. {UNASKED}")
    if len(cases) > MOST_CASES:
        raise NotImportable(f"At most {MOST_CASES:,} cases.")
    called = named_once(models.get(run) or run[:200] or "The answers in the rows" for run in runs)
    return Imported(
        what=WHAT,
        name=name,
        cases=tuple(cases),
        graders=tuple(graders),
        prompt=prompt.messages if prompt else (),
        contestants=tuple(
            ContestantToBe(said, answers)
            for said, answers in zip(called, runs.values(), strict=True)
        ),
        told=telling.all(),
    )


def are_rows(value: Any) -> bool:
    """Whether these are rows of items."""
    return isinstance(value, list) and any(_item(row) for row in objects(value))


def _item(row: Mapping[str, Any]) -> JsonObject:
    return mapping(row.get("item")) or mapping(row.get("datasource_item"))


def _case(row: JsonObject, prompt: Prompt | None, place: str, telling: Telling) -> CaseToBe | None:
    item = _item(row)
    messages = _messages(mapping(row.get("sample")).get("input"))
    if not messages and prompt is not None:
        try:
            messages = asked(prompt, item)
        except Untranslatable as error:
            telling(place, f"It does not fill the prompt, and is left out: {error}")
            return None
    if not item or not messages:
        telling(place, UNASKED if item else "It has no item.")
        return None
    wanted = next((item[name] for name in REFERENCES if isinstance(item.get(name), str)), None)
    return CaseToBe(messages, item, wanted)


def _messages(value: Any) -> list[JsonObject]:
    """What was asked, as texts; nothing where there is more than texts."""
    try:
        return [
            {"role": str(one.get("role") or "user"), "content": text_of(one.get("content"))}
            for one in objects(value)
        ]
    except Untranslatable:
        return []


def _answer(
    row: JsonObject, sample: JsonObject, case: int, places: Mapping[str, int], telling: Telling
) -> AnswerToBe:
    said = _graded(row)
    verdicts = [passed for _, passed in said.values() if passed is not None]
    scores = [score for score, _ in said.values() if score is not None]
    found = []
    for name, (score, passed) in said.items():
        place = places.get(name, places.get(SUFFIX.sub("", name)))
        if place is None:
            telling(f"grader {name[:80]}", NO_GRADER)
            continue
        found.append(GradeToBe(place, score, passed))
    if error := _error(sample.get("error")):
        return AnswerToBe(case, error=error)
    last = _spoken(sample)
    usage = mapping(sample.get("token_usage")) or mapping(sample.get("usage"))
    refusal, reason = last.get("refusal"), sample.get("finish_reason")
    return AnswerToBe(
        case,
        text=_text(last.get("content")),
        calls=tuple(objects(last.get("tool_calls"))),
        refusal=refusal if isinstance(refusal, str) else None,
        finish_reason=reason[:64] if isinstance(reason, str) else None,
        prompt_tokens=whole(usage.get("prompt_tokens")),
        completion_tokens=whole(usage.get("completion_tokens")),
        passed=all(verdicts) if verdicts else None,
        score=sum(scores) / len(scores) if scores else None,
        grades=tuple(found),
    )


def _spoken(sample: JsonObject) -> JsonObject:
    """The answer's own message, however the row has it."""
    turns = objects(sample.get("outputs")) or objects(sample.get("output"))
    if turns:
        return turns[-1]
    calls = objects(sample.get("output_tools"))
    return {"content": sample.get("output_text"), "tool_calls": calls}


def _text(content: Any) -> str:
    try:
        return text_of(content)
    except Untranslatable:
        return "" if content is None else json.dumps(content, ensure_ascii=False)


def _error(value: Any) -> str | None:
    """What went wrong; OpenAI also writes an error without code and words."""
    words = mapping(value).get("message") or mapping(value).get("code")
    if isinstance(value, str):
        words = value
    return str(words)[:2000] if words else None


def _graded(row: JsonObject) -> dict[str, tuple[float | None, bool | None]]:
    """Score and verdict by grader's name, from `grades` and `passes` or from `results`."""
    grades, passes = mapping(row.get("grades")), mapping(row.get("passes"))
    found = {
        name: (figure(grades.get(name)), _verdict(passes.get(name)))
        for name in [*grades, *(one for one in passes if one not in grades)]
    }
    for one in objects(row.get("results")):
        name = str(one.get("name") or one.get("type") or "grader")
        found.setdefault(name, (figure(one.get("score")), _verdict(one.get("passed"))))
    return found


def _verdict(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None
