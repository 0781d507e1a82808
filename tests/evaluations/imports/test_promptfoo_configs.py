"""A configuration of promptfoo as an evaluation: it grades alike, and what cannot is told."""

import json
from pathlib import Path

import pytest

from app.core import jail
from app.evaluations.imports.base import NotImportable
from app.evaluations.imports.reading import read
from app.graders.base import Answer
from app.graders.reading import read_grader

FILES = Path(__file__).with_name("files")
CONFIG = (FILES / "promptfooconfig.yaml").read_bytes()


def a_config(*asserts, tests=None, **more):
    usual = [{"vars": {"question": "What is it?", "answer": "a {cat}"}, "assert": list(asserts)}]
    return json.dumps({"prompts": ["{{ question }}"], "tests": tests or usual, **more}).encode()


def words(imported):
    return {one.place: one.words for one in imported.told}


def test_tests_become_cases_asked_by_the_prompt_and_lists_of_values_become_several():
    found = read(CONFIG)
    assert (found.name, found.what) == ("Support answers", "a promptfoo configuration")
    assert [one.messages[0]["content"] for one in found.cases] == [
        "Answer: Where is my refund?",
        "Answer: How do I change my PIN?",
        "Answer: Is it open?",
        "Answer: Is it shut?",
    ]
    assert found.prompt == ({"role": "user", "content": "Answer: {{ item.question }}"},)
    # YAML 1.2, as promptfoo reads it: yes is a word.
    assert found.cases[0].item["note"] == "yes"
    assert [one.reference for one in found.cases] == [
        "Answer: Where is my refund?",
        "Answer: How do I change my pin?",
        "Answer: Is it open?",
        "Answer: Is it open?",
    ]


def test_what_all_tests_assert_is_a_grader_each_and_what_some_assert_one_of_python():
    graders = {one["name"]: one for one in read(CONFIG).graders}
    assert list(graders) == [
        "icontains", "latency", "on topic", "not-icontains", "contains-any", "rouge-n", "equals",
        "Each test's own asserts",
    ]  # fmt: skip
    assert graders["icontains"]["reference"] == "{{ item.topic }}"
    assert graders["equals"]["reference"] == "{{ item.expected }}"
    assert graders["latency"]["most_seconds"] == 60
    assert graders["on topic"]["type"] == "python"
    assert all(read_grader(one) for one in graders.values())


def test_what_does_not_carry_over_is_told_by_name_and_place():
    told = words(read(CONFIG))
    assert told["test 3, assertion 10 and 1 more"].startswith("javascript: ")
    assert "Broken" not in told["providers"]
    assert "exec:false" in told["providers"]


@pytest.mark.parametrize(
    ("said", "right", "wrong"),
    [
        ({"type": "equals", "value": "{{answer}}"}, "a {cat}", "a {cat} "),
        ({"type": "not-equals", "value": "dog"}, "cat", "dog"),
        ({"type": "contains", "value": "{cat"}, "the {cat}", "the cat"),
        ({"type": "icontains", "value": "CAT"}, "a cat", "a dog"),
        ({"type": "not-contains", "value": "a.c"}, "abc", "xa.cx"),
        ({"type": "not-icontains", "value": "DOG"}, "cat", "a dog"),
        ({"type": "starts-with", "value": "a {"}, "a {cat}", "it is a {cat}"),
        ({"type": "not-starts-with", "value": "a"}, "the", "a"),
        ({"type": "contains-any", "value": ["x+", "cat"]}, "a cat", "xx"),
        ({"type": "contains-any", "value": "dog, cat"}, "a cat", "a cow"),
        ({"type": "not-icontains-any", "value": ["Dog", "Cow"]}, "cat", "my cow"),
        ({"type": "regex", "value": "^a \\w+$"}, "a cat", "a cat!"),
        ({"type": "not-regex", "value": "\\d"}, "cat", "4"),
        ({"type": "is-json"}, "[1]", "cat"),
        ({"type": "is-json", "value": {"required": ["a"]}}, '{"a": 1}', '{"b": 1}'),
        ({"type": "is-refusal"}, "I can't help with that.", "Gladly."),
        ({"type": "not-is-refusal"}, "Gladly.", "I can't help with that."),
        ({"type": "word-count", "value": {"min": 2, "max": 3}}, "two words", "one"),
        ({"type": "word-count", "value": 2}, "two words", "these three words"),
        ({"type": "rouge-n", "value": "a cat", "threshold": 0.9}, "a cat", "two dogs"),
    ],
)
def test_each_assertion_grades_as_it_does_there(said, right, wrong):
    imported = read(a_config(said))
    (grader,) = imported.graders
    read_ = read_grader(grader)
    item = imported.cases[0].item
    assert read_.passes(read_.grade(item, Answer(right)))
    assert not read_.passes(read_.grade(item, Answer(wrong)))


def test_a_judge_is_the_one_named_else_the_one_chosen_else_it_is_told():
    rubric = {"type": "llm-rubric", "value": "Is it {{answer}}?"}
    (named,) = read(a_config({**rubric, "provider": "openai:chat:gpt-5"})).graders
    assert (named["type"], named["model"]) == ("label_model", "gpt-5")
    assert "Is it {{ item.answer }}?" in named["input"][1]["content"]
    (scored,) = read(a_config({**rubric, "threshold": 0.7}), judge="o3").graders
    assert (scored["type"], scored["model"], scored["pass_threshold"]) == ("score_model", "o3", 0.7)
    assert "names no model that judges" in words(read(a_config(rubric)))["test 1, assertion 1"]


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"type": "javascript", "value": "output"}, "JavaScript is not run here"),
        ({"type": "python", "value": "file://check.py"}, "in a file of its own"),
        ({"type": "equals", "value": "x", "transform": "output.trim()"}, "a transform makes"),
        ({"type": "equals", "value": "{% if x %}y{% endif %}"}, "{% block %}"),
        ({"type": "equals", "value": "{{ answer | upper }}"}, "more than the name of a value"),
        ({"type": "contains", "value": "{{ env.SECRET }}"}, "settings of the machine"),
        ({"type": "similar", "value": "x"}, "nothing like it"),
        ({"type": "factuality", "value": "x"}, "nothing like it"),
        ({"type": "equals", "value": "x", "weight": 0}, "weighs nothing"),
        ({"type": "assert-set", "threshold": 0.5, "assert": []}, "nothing like it"),
        ({"type": "latency"}, "names no threshold"),
        ("no object", "unnamed"),
    ],
)
def test_an_assertion_that_has_no_counterpart_says_so(said, why):
    imported = read(a_config(said))
    assert imported.graders == ()
    assert why in words(imported)["test 1, assertion 1"]


def test_tests_and_prompts_outside_are_told_and_a_suite_without_any_of_its_own_is_refused():
    one = {"vars": {"question": "Why?"}}
    imported = read(a_config(tests=[one, "file://more.csv"], scenarios=[], extensions=["x"]))
    told = words(imported)
    assert "file of its own" in told["test 2"]
    assert {"scenarios", "extensions"} <= told.keys()
    for tests in ("file://tests.csv", ["file://a.yaml"], {"path": "file://made.py"}):
        with pytest.raises(NotImportable, match="no tests within itself"):
            read(a_config(tests=tests))
    with pytest.raises(NotImportable, match="in a file of its own"):
        read(json.dumps({"prompts": "file://p.txt", "tests": [one]}).encode())
    with pytest.raises(NotImportable, match="None of its tests fills the prompt"):
        read(json.dumps({"prompts": ["{{ missing }}"], "tests": [one]}).encode())


def test_a_conversation_is_asked_with_its_roles_and_other_prompts_are_told():
    turns = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "{{question}}"}]},
    ]
    raw = {"raw": json.dumps(turns), "label": "Chat"}
    imported = read(json.dumps({"prompts": [raw, "Q: {{question}}"],
                                "tests": [{"vars": {"question": "Why?"}}]}).encode())  # fmt: skip
    assert imported.cases[0].messages == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Why?"},
    ]
    assert "asks in one way" in words(imported)["prompt 2"]


def test_code_of_the_suite_grades_in_the_jail_by_promptfoos_own_names():
    code = (
        "if 'cat' in output:\n    return {'score': 0.5}\nreturn context['vars']['answer'] == output"
    )
    (grader,) = read(a_config({"type": "python", "value": code})).graders
    made = read_grader(grader)
    if lacks := jail.obstacle():
        assert lacks in (made.obstacle() or "")
        return
    item = {"answer": "dog"}
    scores = [made.grade(item, Answer(text)).value for text in ("a cat", "dog", "cow")]
    assert scores == [0.5, 1.0, 0.0]
