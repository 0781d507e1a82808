"""Each rule of the chat format: the field it names, and no other finding beside it."""

from typing import Any

import pytest

from app.formats import chat
from tests.formats.rows import ANSWER, CALL, TOOL, USER, make_line, make_row

CALLING = {"role": "assistant", "content": None, "tool_calls": [CALL]}
RESULT = {"role": "tool", "tool_call_id": "call_1", "content": "3"}
WITHOUT = object()


def changed(value: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A copy with these keys set, or left out."""
    return {key: item for key, item in {**value, **changes}.items() if item is not WITHOUT}


def called(**function: Any) -> dict[str, Any]:
    """A row whose only call has its function changed."""
    call = changed(CALL, function=changed(CALL["function"], **function))
    return make_row(USER, changed(CALLING, tool_calls=[call]), tools=[TOOL])


def defined(**function: Any) -> dict[str, Any]:
    """A row whose only tool has its function changed."""
    return make_row(tools=[changed(TOOL, function=changed(TOOL["function"], **function))])


def asked(**changes: Any) -> dict[str, Any]:
    return make_row(changed(USER, **changes), ANSWER)


def answered(**changes: Any) -> dict[str, Any]:
    return make_row(USER, changed(ANSWER, **changes))


IMAGE = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}
WRONG = [
    ({}, "messages.missing", "messages"),
    ({"messages": "hi"}, "messages.type", "messages"),
    ({"messages": []}, "messages.empty", "messages"),
    (make_row(USER, "hi", ANSWER), "message.type", "messages[1]"),
    (make_row(text="x"), "row.unknown_key", "text"),
    (make_row(parallel_tool_calls="yes"), "row.parallel_tool_calls", "parallel_tool_calls"),
    (asked(role="human"), "message.role", "messages[0].role"),
    (asked(role=""), "message.role", "messages[0].role"),
    (asked(role=3), "message.role", "messages[0].role"),
    (asked(role=WITHOUT), "message.role", "messages[0].role"),
    (asked(content=WITHOUT), "content.missing", "messages[0].content"),
    (asked(content=None), "content.missing", "messages[0].content"),
    (answered(content=None), "content.missing", "messages[1].content"),
    (answered(content=""), "content.empty", "messages[1].content"),
    (asked(content={"a": 1}), "content.type", "messages[0].content"),
    (asked(content=[]), "content.empty", "messages[0].content"),
    (asked(content=["hi"]), "content.part", "messages[0].content[0]"),
    (asked(content=[{"type": "text"}]), "content.part", "messages[0].content[0].text"),
    (
        asked(content=[{"type": "text", "text": "Hi", "mood": 1}]),
        "message.unknown_key",
        "messages[0].content[0].mood",
    ),
    (
        asked(content=[{"type": "input_audio", "input_audio": {}}]),
        "content.unsupported",
        "messages[0].content[0].type",
    ),
    (asked(content=[{"type": "poem"}]), "content.part_type", "messages[0].content[0].type"),
    (answered(content=[IMAGE]), "content.part_type", "messages[1].content[0].type"),
    (
        asked(content=[changed(IMAGE, image_url={"url": "file:///etc/passwd"})]),
        "image.url",
        "messages[0].content[0].image_url.url",
    ),
    (asked(weight=1), "message.weight", "messages[0].weight"),
    (answered(weight=2), "message.weight", "messages[1].weight"),
    (answered(weight=0.5), "message.weight", "messages[1].weight"),
    (answered(weight=True), "message.weight", "messages[1].weight"),
    (answered(weight="1"), "message.weight", "messages[1].weight"),
    (answered(weight=0), "messages.nothing_trained", "messages"),
    (asked(name="Ann Lee"), "message.name", "messages[0].name"),
    (asked(name="x" * 65), "message.name", "messages[0].name"),
    (asked(name=None), "message.null", "messages[0].name"),
    (asked(mood="bad"), "message.unknown_key", "messages[0].mood"),
    (asked(tool_call_id="call_1"), "message.tool_call_id", "messages[0].tool_call_id"),
    (answered(refusal=3), "message.refusal", "messages[1].refusal"),
    (make_row(USER), "messages.no_assistant", "messages"),
    (make_row(USER, ANSWER, USER), "messages.last_not_assistant", "messages[2]"),
    (called(name="find it"), "tool_calls.name", "messages[1].tool_calls[0].function.name"),
    (called(name="lose"), "tool_calls.undefined", "messages[1].tool_calls[0].function.name"),
    (called(arguments="{"), "tool_calls.arguments", "messages[1].tool_calls[0].function.arguments"),
    (called(arguments={}), "tool_calls.arguments", "messages[1].tool_calls[0].function.arguments"),
    (
        make_row(USER, changed(CALLING, tool_calls=[]), tools=[TOOL]),
        "tool_calls.type",
        "messages[1].tool_calls",
    ),
    (
        make_row(USER, changed(CALLING, tool_calls=[changed(CALL, id="")]), tools=[TOOL]),
        "tool_calls.id",
        "messages[1].tool_calls[0].id",
    ),
    (
        make_row(USER, changed(CALLING, tool_calls=[CALL, CALL]), tools=[TOOL]),
        "tool_calls.twice",
        "messages[1].tool_calls[1].id",
    ),
    (make_row(USER, RESULT, ANSWER), "tool.unmatched", "messages[1].tool_call_id"),
    (
        make_row(USER, CALLING, changed(RESULT, tool_call_id=WITHOUT), ANSWER, tools=[TOOL]),
        "tool.call_id",
        "messages[2].tool_call_id",
    ),
    (make_row(tools={}), "tools.type", "tools"),
    (make_row(tools=[]), "tools.empty", "tools"),
    (make_row(tools=[{"type": "function"}]), "tools.function", "tools[0]"),
    (make_row(tools=[TOOL, TOOL]), "tools.twice", "tools[1].function.name"),
    (defined(description=3), "tools.description", "tools[0].function.description"),
    (defined(strict="yes"), "tools.strict", "tools[0].function.strict"),
    (defined(parameters=[]), "tools.parameters", "tools[0].function.parameters"),
    (defined(mood=1), "message.unknown_key", "tools[0].function.mood"),
    (make_row(functions=[TOOL["function"]]), "row.functions", "functions"),
]
RIGHT = {
    "plain": make_row(),
    "developer": make_row({"role": "developer", "content": "Be brief."}, USER, ANSWER),
    "named": asked(name="Ann_Lee-1"),
    "weights": make_row(USER, {**ANSWER, "weight": 0}, USER, {**ANSWER, "weight": 1}),
    "call alone": make_row(USER, CALLING, tools=[TOOL]),
    "call without content": make_row(USER, changed(CALLING, content=WITHOUT), tools=[TOOL]),
    "call and result": make_row(USER, CALLING, RESULT, ANSWER, tools=[TOOL]),
    "parallel": make_row(tools=[TOOL], parallel_tool_calls=False),
    "parts": asked(content=[{"type": "text", "text": "What is this?"}, IMAGE]),
    "refusal": answered(content=None, refusal="I cannot."),
}


@pytest.mark.parametrize(("value", "rule", "field"), WRONG, ids=[f"{r}-{f}" for _, r, f in WRONG])
def test_a_broken_rule_is_named_with_its_field_and_nothing_else(value, rule, field):
    found = chat.findings(chat.from_value(value))
    assert [(finding.rule, finding.field) for finding in found] == [(rule, field)]
    assert found[0].reason.endswith(".")
    assert found[0].cure


@pytest.mark.parametrize("value", RIGHT.values(), ids=RIGHT)
def test_a_row_that_keeps_the_rules_has_no_finding(value):
    assert chat.findings(chat.from_value(value)) == []


def test_every_problem_of_a_row_is_named_not_only_the_first():
    row = make_row({"role": "human", "content": 3}, {"role": "assistant", "weight": 7}, extra=1)
    rules = {finding.rule for finding in chat.findings(chat.from_value(row))}
    assert rules == {"row.unknown_key", "message.role", "content.missing", "message.weight"}


def test_a_row_is_seen_as_people_and_the_trainer_need_it():
    row = chat.read(make_line(USER, {**ANSWER, "weight": 0}, USER, ANSWER))
    assert [message.role for message in row.messages] == ["user", "assistant"] * 2
    assert chat.trained_messages(row) == (row.messages[3],)
