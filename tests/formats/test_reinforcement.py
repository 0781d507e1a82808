"""Each rule of reinforcement rows, and what of a row the grader may know."""

import json

import pytest

from app.formats import reinforcement
from tests.formats.rows import ANSWER, TOOL, USER

WRONG = [
    ({}, "messages.missing", "messages"),
    ({"messages": []}, "messages.empty", "messages"),
    ({"messages": [{"role": "user", "content": 3}]}, "content.type", "messages[0].content"),
    (
        {"messages": [{"role": "system", "content": "Be brief."}, USER]},
        "reinforcement.role",
        "messages[0].role",
    ),
    ({"messages": [USER, ANSWER]}, "reinforcement.last_not_user", "messages[1].role"),
]


@pytest.mark.parametrize(("value", "rule", "field"), WRONG, ids=[r for _, r, _ in WRONG])
def test_a_broken_rule_is_named_with_its_field_and_nothing_else(value, rule, field):
    found = reinforcement.findings(reinforcement.from_value(value))
    assert [(finding.rule, finding.field) for finding in found] == [(rule, field)]
    assert found[0].reason.endswith(".")
    assert found[0].cure


def test_every_other_key_is_the_grader_s():
    value = {"messages": [USER], "tools": [TOOL], "target": "77", "nums": [67, 79]}
    row = reinforcement.read(json.dumps(value).encode())
    assert row.item == {"target": "77", "nums": [67, 79]}
    assert [message.text for message in row.messages] == [USER["content"]]
