"""What promptfoo's `eval -o results.json` holds: its tests as cases, and each prompt of each
provider as a contestant whose answers were given and graded then.

Its shape: promptfoo's src/types, EvaluateSummaryV3 and EvaluateResult.
"""

import json
from collections.abc import Sequence
from typing import Any

from app.evaluations.imports.asserts import Checks, checks_of
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
from app.evaluations.imports.config import test_of, unwrapped
from app.evaluations.imports.prompts import read_turns
from app.formats.base import JsonObject

WHAT = "results of promptfoo"
MILLION = 1_000_000
ERROR = 2  # promptfoo's failureReason where no answer came
NO_RESULTS = "It holds no results of tests."


def rows_in(value: JsonObject) -> list[JsonObject]:
    """The results in what promptfoo wrote, of its version 2 or 3."""
    inner = value.get("results")
    return objects(inner.get("results") if isinstance(inner, dict) else inner)


def read(value: JsonObject, judge: str | None) -> Imported:
    """The evaluation and the answers in promptfoo's results. Raises NotImportable in words."""
    telling = Telling()
    rows = rows_in(value)
    if not rows:
        raise NotImportable(NO_RESULTS)
    if len(rows) > MOST_ANSWERS:
        raise NotImportable(f"At most {MOST_ANSWERS:,} answers.")
    known: dict[str, int] = {}
    firsts: list[JsonObject] = []
    at: list[int] = []
    for row in rows:
        test = mapping(row.get("testCase"))
        key = json.dumps([test.get("vars"), test.get("assert")], sort_keys=True)
        if key not in known:
            known[key] = len(firsts)
            firsts.append(row)
        at.append(known[key])
    if len(firsts) > MOST_CASES:
        raise NotImportable(f"At most {MOST_CASES:,} cases.")
    tests = [test_of(mapping(row.get("testCase")), _place(row)) for row in firsts]
    names, tests = unwrapped(tests)
    checks = checks_of(tests, names, judge, telling)
    cases = [
        CaseToBe(_asked(row), {**test.item, **fields}, reference)
        for row, test, fields, reference in zip(
            firsts, tests, checks.fields, checks.references, strict=True
        )
    ]
    _tell_of_prompts(rows, telling)
    config = mapping(value.get("config"))
    title = config.get("description")
    return Imported(
        what=WHAT,
        name=title if isinstance(title, str) else "",
        cases=tuple(cases),
        graders=tuple(checks.graders),
        contestants=_contestants(rows, at, checks),
        told=telling.all(),
    )


def _place(row: JsonObject) -> str:
    number = whole(row.get("testIdx"))
    return f"test {number + 1}" if number is not None else "a test"


def _asked(row: JsonObject) -> list[JsonObject]:
    """The messages that a result's answer was given to."""
    raw = mapping(row.get("prompt")).get("raw")
    text = raw if isinstance(raw, str) else ""
    return read_turns(text) or [{"role": "user", "content": text}]


def _tell_of_prompts(rows: Sequence[JsonObject], telling: Telling) -> None:
    labels = {_label(row) for row in rows}
    if len(labels) > 1:
        telling(
            f"{len(labels)} prompts",
            "Each is a contestant of its own, with the answers it got. Further runs ask as the "
            "first prompt did.",
        )


def _label(row: JsonObject) -> str:
    prompt = mapping(row.get("prompt"))
    label = prompt.get("label") or prompt.get("raw")
    return " ".join(str(label).split())[:120] if label else "a prompt"


def _contestants(
    rows: Sequence[JsonObject], at: Sequence[int], checks: Checks
) -> tuple[ContestantToBe, ...]:
    is_one_prompt = len({_label(row) for row in rows}) == 1
    found: dict[tuple[Any, str], list[AnswerToBe]] = {}
    names: dict[tuple[Any, str], str] = {}
    for row, case in zip(rows, at, strict=True):
        provider = mapping(row.get("provider"))
        named = str(provider.get("label") or provider.get("id") or "a provider")[:120]
        key = (whole(row.get("promptIdx")), named)
        names[key] = named if is_one_prompt else f"{named}, {_label(row)}"
        found.setdefault(key, []).append(_answer(row, case, checks.places[case]))
    called = named_once(names[key][:240] for key in found)
    return tuple(
        ContestantToBe(name, answers) for name, answers in zip(called, found.values(), strict=True)
    )


def _answer(row: JsonObject, case: int, places: list[int | None]) -> AnswerToBe:
    response = mapping(row.get("response"))
    usage = mapping(response.get("tokenUsage")) or mapping(row.get("tokenUsage"))
    error = row.get("error")
    if row.get("failureReason") == ERROR or ("output" not in response and error):
        return AnswerToBe(case, error=str(error or "promptfoo had no answer.")[:2000])
    output = response.get("output")
    cost = figure(row.get("cost"))
    passed = row.get("success")
    return AnswerToBe(
        case,
        text=output if isinstance(output, str) else json.dumps(output, ensure_ascii=False),
        finish_reason=_text(response.get("finishReason")),
        prompt_tokens=whole(usage.get("prompt")) or None,
        completion_tokens=whole(usage.get("completion")) or None,
        total_ms=whole(row.get("latencyMs")),
        cost=None if not cost else round(cost * MILLION),
        passed=passed if isinstance(passed, bool) else None,
        score=figure(row.get("score")),
        grades=_grades(row, places),
    )


def _text(value: Any) -> str | None:
    return value[:64] if isinstance(value, str) else None


def _grades(row: JsonObject, places: list[int | None]) -> tuple[GradeToBe, ...]:
    """What each assertion said, where they stand in the order in which the test has them."""
    results = objects(mapping(row.get("gradingResult")).get("componentResults"))
    if len(results) != len(places):
        return ()
    by_place: dict[int, list[JsonObject]] = {}
    for place, result in zip(places, results, strict=True):
        if place is not None:
            by_place.setdefault(place, []).append(result)
    return tuple(_grade(place, several) for place, several in sorted(by_place.items()))


def _grade(place: int, results: list[JsonObject]) -> GradeToBe:
    scores = [score for one in results if (score := figure(one.get("score"))) is not None]
    passed = all(one.get("pass") is True for one in results)
    missed = next((one for one in results if one.get("pass") is not True), results[0])
    reason = missed.get("reason")
    return GradeToBe(
        place,
        sum(scores) / len(scores) if scores else None,
        passed,
        reason[:2000] if isinstance(reason, str) else None,
    )
