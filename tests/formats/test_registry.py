"""Each format: which rows are its own, every text of a row, and the row as a person reads it."""

from typing import Any

import pytest

from app.core.tokens import counter
from app.formats.drawn import Attachment, Call, Field
from app.formats.registry import FORMATS, first_rows, format_of, recognise
from tests.formats.rows import ANSWER, CALL, TOOL, USER

SYSTEM = {"role": "system", "content": "Be short."}
OTHER = {"role": "assistant", "content": "I am not sure."}
PAIR = {
    "input": {"messages": [SYSTEM, USER], "tools": [TOOL]},
    "preferred_output": [ANSWER],
    "non_preferred_output": [OTHER],
}
OLDER = {
    "input": PAIR["input"],
    "preferred_completion": [ANSWER],
    "non_preferred_completion": [OTHER],
}
GRADED = {"messages": [USER], "target": "89", "nums": [68, "96"]}
HUMAN = f"\n\nHuman: {USER['content']}\n\nAssistant: "
TRL: list[dict[str, Any]] = [
    {"prompt": [USER], "chosen": [ANSWER], "rejected": [OTHER]},
    {"prompt": USER["content"], "chosen": ANSWER["content"], "rejected": OTHER["content"]},
    {"prompt": USER["content"], "chosen": [USER, ANSWER], "rejected": [USER, OTHER]},
    {"chosen": [USER, ANSWER], "rejected": [USER, OTHER]},
    {"question": USER["content"], "chosen": ANSWER["content"], "rejected": OTHER["content"]},
    {"chosen": HUMAN + ANSWER["content"], "rejected": HUMAN + OTHER["content"], "id": 7},
]


@pytest.mark.parametrize(
    ("row", "name"),
    [
        ({"messages": [USER, ANSWER]}, "chat"),
        ({"messages": []}, "chat"),
        ({"messages": [USER, ANSWER, USER]}, "chat"),
        ({"messages": [USER]}, "reinforcement"),
        (GRADED, "reinforcement"),
        ({"messages": [USER, ANSWER, USER], "target": 1}, "reinforcement"),
        ({"messages": [USER], "tools": [TOOL]}, "reinforcement"),
        (PAIR, "preference"),
        (OLDER, "preference"),
        *((row, "preference") for row in TRL),
        ({"prompt": "1+1", "completion": " 2"}, "completion"),
        ({"item": {"q": "1+1"}}, "evaluation"),
        ({"item": "1+1"}, None),
        ({"question": "1+1", "answer": "2"}, None),
        ({"__class__": "chat"}, None),
    ],
)
def test_a_row_is_of_the_format_that_its_keys_name(row, name):
    assert format_of(row) == name


def test_a_file_is_in_the_format_of_most_of_its_first_rows():
    chat, unanswered = {"messages": [USER, ANSWER]}, {"messages": [USER]}
    assert recognise([unanswered, chat, chat]) == "chat"
    assert recognise([GRADED, GRADED, chat]) == "reinforcement"
    assert recognise([{"a": 1}]) is None


def test_of_the_head_of_a_file_only_whole_rows_are_looked_at():
    head = b'\xef\xbb\xbf{"a": 1}\r\n\nbroken\n{"b": 2}\n{"c": "cut o'
    assert first_rows(head) == [{"a": 1}, {"b": 2}]
    assert first_rows(b'{"a": 1}\n' * 50, most=3) == [{"a": 1}] * 3


@pytest.mark.parametrize(
    "row", TRL, ids=["lists", "texts", "mixed", "implicit", "question", "transcripts"]
)
def test_pairs_written_for_others_are_the_same_pair(row):
    preference = FORMATS["preference"]
    drawn = preference.draw(row)
    assert [turn.text for turn in drawn.turns] == [USER["content"]]
    assert [[turn.text for turn in answer.turns] for answer in drawn.answers] == [
        [ANSWER["content"]],
        [OTHER["content"]],
    ]
    assert [finding.rule for finding in preference.findings(row)] == ["preference.dialect"]


def test_a_system_prompt_beside_a_pair_stands_before_its_question():
    drawn = FORMATS["preference"].draw({"system": "Be short.", **TRL[4]})
    assert [turn.role for turn in drawn.turns] == ["system", "user"]


def test_a_pair_without_a_prompt_says_so():
    row = {"chosen": "Yes.", "rejected": "No."}
    rules = [finding.rule for finding in FORMATS["preference"].findings(row)]
    assert rules == ["preference.dialect", "messages.empty"]


def test_two_answers_stand_side_by_side_and_only_the_preferred_is_learned():
    drawn = FORMATS["preference"].draw(PAIR)
    assert [answer.title for answer in drawn.answers] == ["Preferred", "Not preferred"]
    assert [answer.turns[0].is_trained for answer in drawn.answers] == [True, False]
    assert drawn.tools == (TOOL["function"]["name"],)


CALLING = {"role": "assistant", "content": None, "tool_calls": [CALL]}
PARTS = [
    {"type": "text", "text": "Look:"},
    {"type": "image_url", "image_url": {"url": "https://a.example/b.png?key=1", "detail": "low"}},
    {"type": "image_url", "image_url": {"url": "data:image/png;base64,QUJDRA=="}},
    {"type": "image_url", "image_url": {"url": "https://[broken"}},
    {"type": "input_audio", "input_audio": {}},
]


def test_every_text_of_a_row_is_told_with_its_path_and_role():
    row = {"messages": [SYSTEM, "odd", {"role": "user", "content": PARTS}, CALLING]}
    told = FORMATS["chat"].texts(row)
    assert [(text.field, text.role, text.text) for text in told] == [
        ("messages[0].content", "system", "Be short."),
        ("messages[2].content[0].text", "user", "Look:"),
        ("messages[3].tool_calls[0].function.arguments", "call", CALL["function"]["arguments"]),
    ]
    assert [(text.field, text.role) for text in FORMATS["preference"].texts(OLDER)] == [
        ("input.messages[0].content", "system"),
        ("input.messages[1].content", "user"),
        ("preferred_output[0].content", "assistant"),
        ("non_preferred_output[0].content", "rejected"),
    ]
    assert [(text.field, text.role) for text in FORMATS["reinforcement"].texts(GRADED)] == [
        ("messages[0].content", "user"),
        ("target", "field"),
        ("nums[1]", "field"),
    ]
    item = {"item": {"q": "1+1", "tags": {"level": "easy"}}}
    assert [(text.field, text.text) for text in FORMATS["evaluation"].texts(item)] == [
        ("item.q", "1+1"),
        ("item.tags.level", "easy"),
    ]
    pair = {"prompt": "1+1", "completion": " 2"}
    assert [(text.field, text.role) for text in FORMATS["completion"].texts(pair)] == [
        ("prompt", "user"),
        ("completion", "assistant"),
    ]


def test_calls_pictures_and_fields_are_drawn_and_no_address_is_more_than_its_host():
    question, call = (
        FORMATS["chat"].draw({"messages": [{"role": "user", "content": PARTS}, CALLING]}).turns
    )
    assert question.attachments == (
        Attachment("image", host="a.example", detail="low"),
        Attachment("image", size=4, media_type="image/png"),
        Attachment("image"),
        Attachment("audio"),
    )
    function = CALL["function"]
    assert call.calls == (Call(function["name"], function["arguments"]),)
    assert FORMATS["reinforcement"].draw(GRADED).fields == (
        Field("target", "89"),
        Field("nums", '[68, "96"]'),
    )
    assert FORMATS["evaluation"].draw({"item": {"q": "1+1"}}).fields == (Field("q", "1+1"),)


KEYS = (
    *("messages", "tools", "input", "preferred_output", "chosen", "rejected", "prompt"),
    *("completion", "item"),
)
ODD = ["hi", None, 3, [], {}, [None, 1, "a", {"role": 1, "content": {"a": []}, "tool_calls": [1]}]]


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("odd", ODD, ids=str)
def test_no_value_whatever_its_type_surprises_a_format(name, odd):
    alone: list[dict[str, Any]] = [{key: odd} for key in KEYS]
    part = {"role": "user", "content": [{"type": odd, "text": odd, "image_url": odd}]}
    for row in (
        dict.fromkeys(KEYS, odd),
        {"input": {"messages": odd, "tools": odd}},
        {"messages": [part]},
        *alone,
    ):
        format_ = FORMATS[name]
        assert format_.findings(row)
        assert isinstance(format_.texts(row), list)
        assert format_.draw(row) is not None
        assert len(format_.measure(row, counter()).role_tokens) >= 0


@pytest.mark.parametrize(
    ("row", "rule"),
    [
        ({"prompt": 1, "completion": "a"}, "completion.prompt"),
        ({"prompt": "a"}, "completion.completion"),
        ({"prompt": "a", "completion": ""}, "completion.empty"),
        ({"prompt": "a", "completion": "b", "id": 1}, "row.unknown_key"),
    ],
)
def test_what_is_wrong_with_a_completion_row_is_said(row, rule):
    assert [finding.rule for finding in FORMATS["completion"].findings(row)] == [rule]


@pytest.mark.parametrize(
    ("row", "rule"),
    [
        ({"item": "a"}, "evaluation.item"),
        ({}, "evaluation.item"),
        ({"item": {}}, "evaluation.empty"),
        ({"item": {"a": 1}, "id": 1}, "row.unknown_key"),
    ],
)
def test_what_is_wrong_with_an_evaluation_row_is_said(row, rule):
    assert [finding.rule for finding in FORMATS["evaluation"].findings(row)] == [rule]


def test_each_format_measures_what_it_sends_to_a_model():
    count = counter()
    pair = FORMATS["preference"].measure(PAIR, count)
    assert pair.roles == ("system", "user", "assistant", "rejected")
    assert (pair.system, pair.answer, pair.trained) == ("Be short.", ANSWER["content"], 1)
    graded = FORMATS["reinforcement"].measure(GRADED, count)
    chat = FORMATS["chat"].measure({"messages": [USER]}, count)
    assert (graded.tokens, graded.prompt) == (chat.tokens, chat.prompt)
    plain = FORMATS["completion"].measure({"prompt": "1+1", "completion": " 2"}, count)
    assert (plain.tokens, plain.answer) == (count("1+1") + count(" 2"), "2")
    assert FORMATS["evaluation"].measure({"item": {"q": "1+1"}}, count).tokens == count("1+1")
