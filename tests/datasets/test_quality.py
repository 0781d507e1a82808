"""What is said of answers, tool calls and system prompts: whom it is for, and whom it is not."""

import json

import pytest

from app.datasets.checks.deep.arguments import ToolArguments, argument_findings
from app.datasets.checks.deep.endings import CutAnswers, EmptyAnswers, Loops, rounds_at_end
from app.datasets.checks.deep.instructions import apart
from app.datasets.checks.deep.languages import language_of
from app.datasets.checks.deep.lengths import fences
from app.datasets.checks.deep.phrases import Openings, Refusals
from tests.datasets.saying import answers, look, rules, said

SENTENCE = "The card arrives within five working days, and you can follow it in the app. "


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("I'm sorry, but I can't help with that.", "answer.refusal"),
        ("I’m unable to provide medical advice.", "answer.refusal"),
        ("Unfortunately, I cannot answer this question.", "answer.refusal"),
        ("As an AI language model, I think so.", "answer.set_phrase"),
        ("Press the button twice. I hope this helps!", "answer.set_phrase"),
    ],
)
def test_refusals_and_set_phrases_are_named_in_their_own_words(text, rule):
    [(line, finding)] = look(Refusals, answers("Fine.", text))
    assert (line, finding.rule) == (2, rule)
    assert any(word in finding.reason for word in ("I ", "I’m", "As an AI"))


@pytest.mark.parametrize(
    "text",
    [
        "I can't help but smile.",
        "You cannot answer it that way.",
        SENTENCE * 4 + "If so, I cannot answer it.",
        "I am sorry to hear that. Here is how to block the card.",
    ],
)
def test_an_answer_that_only_speaks_of_what_cannot_be_done_refuses_nothing(text):
    assert look(Refusals, answers(text)) == []


def test_a_user_who_asks_about_refusals_is_not_an_answer():
    assert look(Refusals, [said(("user", "I'm sorry, but I can't help with that."))]) == []


def test_the_same_opening_of_a_fifth_of_long_answers_is_told_once():
    usual = [f"Thank you for your message about order {n}. {SENTENCE * 2}" for n in range(20)]
    others = [f"Number{n} of many{n}, each its own{n}. {SENTENCE * 2}" for n in range(60)]
    found = look(Openings, answers(*usual, *others))
    assert rules(found) == [(None, "answer.same_opening")]
    assert "20 of 80" in found[0][1].reason
    assert look(Openings, answers(*usual[:10], *others)) == []


def test_an_answer_that_ends_where_others_do_not_looks_cut():
    whole = [SENTENCE * 4] * 30
    found = look(CutAnswers, answers(*whole, (SENTENCE * 4)[:-20], "Use this:\n```py\nx = 1"))
    assert sorted(rules(found)) == [(31, "answer.cut"), (32, "answer.cut")]


def test_where_many_answers_end_openly_none_looks_cut():
    poems = [SENTENCE * 4 + "and so on"] * 10
    assert look(CutAnswers, answers(*poems, *[SENTENCE * 4] * 30, "```py\nx = 1\n```")) == []


@pytest.mark.parametrize(
    ("text", "is_stuck"),
    [
        ("Yes. " + "I think so. " * 12, True),
        ("no " * 30, True),
        (SENTENCE * 4, False),
        (SENTENCE * 4 + "-" * 400, False),
        ("1. one\n2. two\n3. three\n4. four\n5. five\n", False),
    ],
)
def test_an_answer_that_goes_round_in_circles_is_stuck(text, is_stuck):
    assert (rounds_at_end(text) >= 5) is is_stuck
    assert bool(look(Loops, answers(text))) is is_stuck


def test_an_answer_without_a_word_says_nothing():
    assert rules(look(EmptyAnswers, answers(" ...", "\n", "No", "👍", "?"))) == [
        (1, "answer.blank"),
        (2, "answer.blank"),
    ]


def tool(**parameters):
    return {"type": "function", "function": {"name": "weather", "parameters": parameters}}


def calling(arguments, *tools, name="weather"):
    call = {"id": "1", "type": "function", "function": {"name": name, "arguments": arguments}}
    return {"tools": list(tools), "messages": [{"role": "assistant", "tool_calls": [call]}]}


CITY = tool(type="object", properties={"city": {"type": "string"}}, required=["city"])


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (calling('{"city": "Graz"}', CITY), None),
        (calling('{"city": 3}', CITY), 'At $.city: 3 is not of type "string"'),
        (calling("{}", CITY), '"city" is a required property'),
        (calling("{", CITY), None),  # the format's own rule says it
        (calling("{}", CITY, name="other"), None),
        (calling("{}", tool(type="objekt")), '"weather" are no JSON Schema'),
        (calling("{}", tool(**{"$ref": "http://127.0.0.1:9/x"})), "are no JSON Schema"),
        ({"tools": 3, "messages": [3, {"tool_calls": [{"function": 4}]}]}, None),
    ],
)
def test_a_call_is_held_against_the_schema_of_its_own_row(row, reason):
    found = list(argument_findings(row))
    assert (found == []) is (reason is None)
    assert all(reason in finding.reason for finding in found)
    assert look(ToolArguments, [said(value=row)]) == [(1, finding) for finding in found]


def test_a_pattern_that_would_never_end_ends():
    row = calling(json.dumps({"a": "a" * 50}), tool(properties={"a": {"pattern": "(a+)+$(?!b)c"}}))
    assert len(list(argument_findings(row))) <= 1


def test_a_schema_that_branches_and_holds_itself_is_answered_at_once():
    inner = {"properties": {"a": {"$ref": "#/$defs/a"}}}
    branches = [{"minProperties": 1, **inner}, {"maxProperties": 9, **inner}]
    schema = {"$defs": {"a": {"type": "object", "anyOf": branches}}, "$ref": "#/$defs/a"}
    (found,) = argument_findings(calling('{"a":' * 60 + "1" + "}" * 60, tool(**schema)))
    assert "too deep to say where" in found.reason


def test_calls_of_preference_rows_are_found_in_both_answers():
    row = calling('{"city": 3}', CITY)
    asked = {"tools": row["tools"], "messages": []}
    found = argument_findings({"input": asked, "non_preferred_output": row["messages"]})
    field = "non_preferred_output[0].tool_calls[0].function.arguments"
    assert [finding.field for finding in found] == [field]


def test_prompts_a_few_characters_apart_are_slips_and_others_are_not():
    prompt = "You are a helpful assistant of the bank. Answer in one sentence."
    assert apart(prompt, prompt[:-1]) == 1
    assert apart(prompt, prompt.replace("bank", "shop")) is None
    assert apart("yes", "no") is None


def test_lengths_far_from_the_others_are_beyond_the_fences():
    alike = [(tokens, 10) for tokens in range(90, 110)]
    low, high, usual = fences([(3, 1), *alike, (5_000, 1)])
    assert 3 < low < 90
    assert 110 < high < 5_000
    assert usual in range(90, 110)
    assert fences([(1, 2), (500, 3)])[1] == float("inf")  # too few to say
    assert fences([(10, 100), (5_000, 30)])[1] == float("inf")  # two kinds of answers


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("The card arrives within five working days, and you can follow it.", "en"),
        ("Die Karte kommt innerhalb von fünf Werktagen, und Sie können ihr folgen.", "de"),
        ("La tarjeta llega en cinco días hábiles y puede seguirla en la aplicación.", "es"),
        ("Yes, of course.", None),
        ("x = 3; y = x * 2; print(x, y)  # 1234567890", None),
    ],
)
def test_a_language_is_told_where_it_is_sure(text, language):
    assert language_of(text) == language
