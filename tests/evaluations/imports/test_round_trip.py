"""An eval that came home goes to promptfoo and comes back: its graders grade alike."""

import json

import msgspec
import pytest

from app.core import jail
from app.evaluations.imports.reading import read
from app.graders.base import Answer
from app.graders.reading import read_grader
from app.rescue.evals.bodies import Run
from app.rescue.evals.promptfoo import RescuedEval, RescuedRun, configuration
from tests.rescue.history import EVAL, RUN, a_run, an_eval, an_item, lines

CRITERIA = [
    {"type": "string_check", "name": kind, "input": "{{ sample.output_text }}",
     "reference": reference, "operation": kind}
    for kind, reference in (
        ("eq", "{{ item.intent }}"), ("ne", "{{ item.question }} {x}"),
        ("like", "{{ item.intent }}"), ("ilike", "REF{{ item.nothing.or[0] }}"),
    )
]  # fmt: skip
PYTHON = {
    "type": "python",
    "name": "code",
    "pass_threshold": 0.5,
    "source": "def grade(sample, item):\n    wanted = {'a': item['intent']}\n"
    "    return 1.0 if sample['output_text'] == wanted['a'] else 0.25\n",
}
ANSWERS = ("refund", "Refund", "the refund, please", "delivery", "{x}")


@pytest.fixture
def there_and_back(tmp_path):
    def go(*criteria):
        path = tmp_path / "items.jsonl"
        items = [an_item(0), an_item(1)]
        for one in items:
            one["datasource_item"]["nothing"] = {"or": ["und"]}
        path.write_bytes(b"".join(map(lines, items)))
        run = msgspec.json.decode(json.dumps(a_run()), type=Run)
        eval_ = an_eval(testing_criteria=list(criteria))
        rescued = RescuedEval(EVAL, eval_, [RescuedRun(RUN, run, path)], lambda _: None)
        return items, read(b"".join(configuration(rescued)))

    return go


def test_cases_prompt_and_comparisons_come_back_as_they_were(there_and_back):
    items, back = there_and_back(*CRITERIA)
    assert back.name == "Ticket intents (rescued from OpenAI Evals)"
    assert [one.item for one in back.cases] == [one["datasource_item"] for one in items]
    assert back.cases[0].messages == [
        {"role": "developer", "content": "Say the intent."},
        {"role": "user", "content": "Where is my money 0?"},
    ]
    assert [one["name"] for one in back.graders] == ["eq", "ne", "like", "ilike"]
    for was, now in zip(CRITERIA, back.graders, strict=True):
        before, after = read_grader(was), read_grader(now)
        for case in back.cases:
            for text in ANSWERS:
                given = Answer(text)
                assert before.grade(case.item, given).value == after.grade(case.item, given).value


def test_judges_come_back_with_their_model(there_and_back):
    _, back = there_and_back(
        {"type": "label_model", "name": "Friendly", "model": "gpt-5", "labels": ["yes", "no"],
         "passing_labels": ["yes"],
         "input": [{"role": "user", "content": "Is {{ sample.output_text }} kind?"}]}
    )  # fmt: skip
    (judge,) = back.graders
    assert (judge["name"], judge["type"], judge["model"]) == ("Friendly", "label_model", "gpt-5")


def test_code_comes_back_and_says_the_same(there_and_back):
    _, back = there_and_back(PYTHON)
    before, after = read_grader(PYTHON), read_grader(back.graders[0])
    if jail.obstacle():
        assert after.obstacle() == before.obstacle()
        return
    for text in ANSWERS:
        was, now = (one.grade(back.cases[0].item, Answer(text)) for one in (before, after))
        assert (was.value, before.passes(was)) == (now.value, after.passes(now))
