"""Whatever a model says and a row holds: a score within its range, or a told fault, never more."""

import contextlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.graders.base import Answer
from app.graders.reading import InvalidGrader, read_grader
from tests.graders.making import compared, multi, ours, similarity, string_check

GRADERS = [
    read_grader(string_check("ilike")),
    *(read_grader(similarity(metric)) for metric in ("fuzzy_match", "bleu", "gleu", "meteor")),
    *(read_grader(similarity(metric)) for metric in ("rouge_1", "rouge_3", "rouge_l")),
    compared("match", ignore=["case", "accents", "punctuation", "articles", "space"]),
    ours("regex", pattern=r"(?i)(\pL+\s?)+[.!]$"),
    compared("number", tolerance=1),
    compared("label"),
    compared("label", labels=["a", "yes", "no"], find="within"),
    ours("json_valid", kind="object"),
    ours("json_schema", json_schema={"type": "object", "additionalProperties": {"type": "null"}}),
    compared("field_f1", ignore=["case", "accents"]),
    compared("tool_call", arguments="include"),
    ours("length", unit="tokens", most=3),
    ours("length", unit="lines", least=1),
    ours("refusal", phrases=["(no", "é"]),
    ours("latency", most_seconds=1),
    ours("price", most_dollars=1),
    read_grader(multi("0.5 * same + 0.5 * near")),
]

TEXTS = (
    st.text(max_size=40)
    | st.text("\ud800\udfff a\x00\n", max_size=5)
    | st.text("0123456789.,-+eE ", max_size=20)
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
ANSWERS = st.builds(
    Answer,
    TEXTS | VALUES.map(json.dumps),
    tool_calls=st.lists(st.fixed_dictionaries({"function": VALUES}), max_size=2),
    refusal=st.none() | TEXTS,
    seconds=st.none() | st.floats(0, 100),
    cost=st.none() | st.integers(0, 10**7),
)


@pytest.mark.parametrize("grader", GRADERS, ids=lambda grader: grader.type)
@settings(max_examples=15, deadline=None)
@given(st.dictionaries(st.just("answer"), VALUES), ANSWERS)
def test_any_answer_has_a_score_or_a_told_fault(grader, case, answer):
    score = grader.grade(case, answer)

    assert 0 <= score.value <= 1
    assert all(fault.reason for fault in score.faults())
    assert score.fault is None or score.value == 0
    json.dumps([score.detail, grader.summary([score, score]).figures], allow_nan=False)


@pytest.mark.parametrize("grader", GRADERS, ids=lambda grader: grader.type)
def test_deep_json_is_told_or_graded(grader):
    deep = "[" * 900 + "]" * 900

    assert 0 <= grader.grade({"answer": deep}, Answer(deep)).value <= 1


NAMES = st.from_regex(r"[a-z_][a-z0-9_-]{0,5}", fullmatch=True)
ITEMS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text("ab {}é", max_size=6),
    lambda inner: (
        st.lists(inner, min_size=1, max_size=3)
        | st.dictionaries(NAMES, inner, min_size=1, max_size=3)
    ),
    max_leaves=8,
)


@settings(max_examples=50, deadline=None)
@given(st.dictionaries(NAMES, ITEMS, min_size=1, max_size=3), st.data())
def test_any_place_of_an_item_is_found(item, data):
    place, value = "item", item
    while isinstance(value, dict | list) and (value is item or data.draw(st.booleans())):
        steps = sorted(value) if isinstance(value, dict) else range(len(value))
        step = data.draw(st.sampled_from(steps))
        place += f".{step}" if isinstance(value, dict) else f"[{step}]"
        value = value[step]
    shown = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    grader = ours("match", input="{{" + place + " }}", reference="{{ sample.output_text }}")

    assert grader.grade(item, Answer(shown)).value == 1


@settings(max_examples=50, deadline=None)
@given(st.text("ab()[]{}*+?|\\^$.,-=!<pd019", max_size=15), TEXTS)
def test_any_text_is_a_pattern_or_refused(pattern, text):
    with contextlib.suppress(InvalidGrader):
        assert ours("regex", pattern=pattern).grade({}, Answer(text)).value in (0, 1)


@settings(max_examples=50, deadline=None)
@given(st.text("{} itemsample.[]0x|%#", max_size=30))
def test_any_text_is_a_template_or_refused(text):
    with contextlib.suppress(InvalidGrader):
        assert ours("match", input=text, reference="x").grade({}, Answer("x")).value in (0, 1)
