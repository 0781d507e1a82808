"""Each rule of preference rows: the field it names, and no other finding beside it."""

import json
from typing import Any

import pytest

from app.formats import preference
from app.formats.base import Unreadable
from tests.formats.rows import ANSWER, CALL, TOOL, USER

OTHER = {"role": "assistant", "content": "lost_card"}
IMAGE = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}
SHOWN = {"role": "user", "content": [IMAGE]}


def pair(**changes: Any) -> dict[str, Any]:
    row = {
        "input": {"messages": [USER]},
        "preferred_output": [ANSWER],
        "non_preferred_output": [OTHER],
        **changes,
    }
    return {key: value for key, value in row.items() if value is not ...}


WRONG = [
    (pair(extra=1), "row.unknown_key", "extra"),
    (pair(preferred_completion=[OTHER]), "row.unknown_key", "preferred_completion"),
    (pair(input=...), "preference.input", "input"),
    (pair(input=[USER]), "preference.input", "input"),
    (pair(input={"messages": [USER], "mood": 1}), "row.unknown_key", "input.mood"),
    (pair(input={}), "messages.missing", "input.messages"),
    (pair(input={"messages": []}), "messages.empty", "input.messages"),
    (pair(input={"messages": [{"role": "user"}]}), "content.missing", "input.messages[0].content"),
    (
        pair(input={"messages": [USER, ANSWER]}),
        "preference.input_answered",
        "input.messages[1]",
    ),
    (pair(preferred_output=...), "preference.output", "preferred_output"),
    (pair(preferred_output=[]), "preference.output", "preferred_output"),
    (pair(preferred_output="yes"), "preference.output", "preferred_output"),
    (pair(non_preferred_output=[OTHER, OTHER]), "preference.outputs", "non_preferred_output"),
    (pair(input={"messages": [USER, ANSWER, USER]}), "preference.turns", "input.messages"),
    (pair(input={"messages": [SHOWN]}), "preference.images", "input.messages"),
    (pair(input={"messages": [USER], "tools": [{}]}), "tools.function", "input.tools[0]"),
    (pair(preferred_output=[USER]), "preference.output_role", "preferred_output[0].role"),
    (
        pair(preferred_output=[{"role": "assistant", "content": ""}]),
        "content.empty",
        "preferred_output[0].content",
    ),
    (pair(non_preferred_output=[ANSWER]), "preference.equal", "non_preferred_output"),
]


@pytest.mark.parametrize(("value", "rule", "field"), WRONG, ids=[f"{r}-{f}" for _, r, f in WRONG])
def test_a_broken_rule_is_named_with_its_field_and_nothing_else(value, rule, field):
    found = preference.findings(preference.from_value(value))
    assert [(finding.rule, finding.field) for finding in found] == [(rule, field)]
    assert found[0].reason.endswith(".")
    assert found[0].cure


@pytest.mark.parametrize(
    "names", [("preferred_output", "non_preferred_output"), tuple(preference.OLDER)]
)
def test_today_s_and_the_older_names_are_read_alike(names):
    line = json.dumps({"input": {"messages": [USER]}, names[0]: [ANSWER], names[1]: [OTHER]})
    row = preference.read(line.encode())
    assert preference.findings(row) == []
    assert [message.text for message in row.prompt] == [USER["content"]]
    assert [message.text for message in (*row.preferred, *row.non_preferred)] == [
        "card_arrival",
        "lost_card",
    ]


def test_an_answer_may_call_a_tool_that_the_input_defines():
    asked = {"messages": [USER], "tools": [TOOL]}
    calling = {"role": "assistant", "tool_calls": [CALL]}
    row = preference.from_value(pair(input=asked, preferred_output=[calling]))
    assert preference.findings(row) == []


def test_what_cannot_be_read_safely_is_refused():
    with pytest.raises(Unreadable):
        preference.read(b'{"input": NaN}')
