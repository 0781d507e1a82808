"""What of a row becomes a case."""

import json

import pytest

from app.core.database import unit_of_work
from app.evaluations.models import Case, CaseTag, Evaluation
from app.evaluations.sources import (
    Unusable,
    draft_of,
    drawn,
    fields_that_sort,
    pasted_rows,
)
from tests import make
from tests.evaluations.steps import add_version, begin
from tests.stage import one_database, read

ASK = [{"role": "user", "content": "Label this: {{ item.text }}"}]


def drafted(format_, value, field="answer", prompt=None, tags=()):
    return draft_of(format_, value, field=field, prompt=prompt, tag_fields=frozenset(tags))


def test_a_conversation_is_asked_up_to_its_last_answer():
    row = {
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Hello?"},
            {"role": "assistant", "content": "Hi.", "weight": 0},
            {"role": "user", "content": "Where is it?"},
            {"role": "assistant", "content": "There."},
        ]
    }
    found = drafted("chat", row)
    assert [one["role"] for one in found.messages] == ["system", "user", "assistant", "user"]
    assert all("weight" not in one for one in found.messages)
    assert (found.reference, found.item["question"]) == ("There.", "Where is it?")
    assert found.tokens > found.answer_tokens > 0


def test_a_conversation_without_an_answer_is_a_case_without_a_reference():
    found = drafted("chat", {"messages": [{"role": "user", "content": "Where?"}]})
    assert (found.reference, len(found.messages)) == (None, 1)


def test_a_preference_gives_its_prompt_and_the_preferred_answer():
    row = {
        "input": {"messages": [{"role": "user", "content": "Where?"}], "tools": [{"type": "f"}]},
        "preferred_output": [{"role": "assistant", "content": "There."}],
        "non_preferred_output": [{"role": "assistant", "content": "Nowhere."}],
    }
    found = drafted("preference", row)
    assert (found.messages[-1]["content"], found.reference) == ("Where?", "There.")
    assert (found.tools, found.item["rejected"]) == ([{"type": "f"}], "Nowhere.")


def test_fields_are_asked_by_the_evaluations_prompt_and_the_chosen_field_is_right():
    found = drafted("evaluation", {"item": {"text": "late", "label": "delay"}}, "label", ASK)
    assert found.messages == [{"role": "user", "content": "Label this: late"}]
    assert found.reference == "delay"
    with pytest.raises(Unusable, match=r"item\.text"):
        drafted("evaluation", {"item": {"label": "delay"}}, "label", ASK)
    with pytest.raises(Unusable, match="no prompt"):
        drafted("evaluation", {"item": {"text": "late"}})


def test_reinforcement_and_completion_rows_are_cases_too():
    messages = [{"role": "user", "content": "2 + 2?"}]
    found = drafted("reinforcement", {"messages": messages, "answer": 4})
    assert (found.reference, found.messages) == ("4", messages)
    found = drafted("completion", {"prompt": "2 + 2?", "completion": " 4"})
    assert (found.reference, found.messages) == (" 4", messages)


def test_few_values_sort_and_unique_ones_do_not():
    items = [{"id": f"row {n}", "topic": ("cards", "cash")[n % 2]} for n in range(10)]
    answers = ["yes", "no"] * 5
    assert fields_that_sort(items, answers) == {"topic", "answer"}
    row = {"item": {"text": "x", "topic": "cards", "tags": ["a", "b"], "answer": "yes"}}
    found = drafted("evaluation", row, prompt=ASK, tags=("topic", "tags", "answer"))
    assert set(found.tags) == {("topic", "cards"), ("tags", "a"), ("tags", "b"), ("answer", "yes")}


def test_a_sample_is_the_same_for_the_same_seed():
    assert drawn(100, 10, 7) == drawn(100, 10, 7) != drawn(100, 10, 8)
    assert drawn(100, 100, 7) is None
    assert len(set(drawn(100, 10, 7))) == 10


def test_pasted_lines_are_rows_or_questions_with_answers():
    text = '{"item": {"q": "a"}}\n\nWhere?\tThere.\nWhy?\n{"q": "b"}\n{broken'
    found = dict(pasted_rows(text))
    assert found[1] == {"item": {"q": "a"}}
    assert found[3] == {"item": {"question": "Where?", "answer": "There."}}
    assert found[4] == {"item": {"question": "Why?"}}
    assert (found[5], found[6]) == ({"item": {"q": "b"}}, None)


def test_cases_are_read_with_their_places_and_tags_and_what_cannot_be_one_is_told(
    workshop, letters
):
    rows = [
        {"item": {"text": f"Question {n}", "topic": ("cards", "cash")[n % 2], "answer": "yes"}}
        for n in range(8)
    ]
    rows.append({"item": {"topic": "cards", "answer": "no"}})
    content = b"".join(json.dumps(one).encode() + b"\n" for one in rows)
    version_id = add_version(workshop, content)
    evaluation_id = begin(
        workshop, version_id=version_id, prompt=[{"role": "user", "content": "{{ item.text }}"}]
    )
    letters.deliver()
    kept = read(Evaluation, evaluation_id)
    assert (kept.status, kept.cases) == ("ready", 8)
    assert list(kept.source["skipped"].values()) == [1]
    with unit_of_work() as session:
        cases = session.query(Case).filter_by(evaluation_id=evaluation_id).order_by(Case.number)
        places = [(one.number, one.line, one.row_id is not None) for one in cases]
        assert places == [(n, n, True) for n in range(1, 9)]
        tags = session.query(CaseTag).filter_by(evaluation_id=evaluation_id, field="topic").all()
        assert sorted(one.value for one in tags) == ["cards"] * 4 + ["cash"] * 4
    assert kept.tokens > 0


@one_database
def test_pasted_rows_live_on_in_their_cases_alone(workshop, letters):
    pasted = "Where is it?\tThere.\nWhy?\tBecause.\n"
    prompt = [{"role": "user", "content": "{{ item.question }}"}]
    evaluation_id = begin(workshop, pasted=pasted, prompt=prompt)
    letters.deliver()
    kept = read(Evaluation, evaluation_id)
    assert (kept.status, kept.cases, "pasted" in kept.source) == ("ready", 2, False)


@one_database
def test_rows_of_which_none_can_be_a_case_are_refused_in_words(workshop, letters):
    evaluation_id = begin(workshop, pasted="Where is it?\tThere.\n")
    letters.deliver()
    kept = read(Evaluation, evaluation_id)
    assert (kept.status, kept.due_at) == ("refused", None)
    assert "no prompt that asks them" in kept.last_error


@one_database
def test_a_sample_of_a_version_is_read_slice_by_slice_each_row_once(workshop, letters, monkeypatch):
    from app.evaluations.work import cases
    from app.settings import settings

    monkeypatch.setenv("LUTHIER_SLICE_SECONDS", "0")
    monkeypatch.setattr(cases, "AT_ONCE", 7)
    settings.cache_clear()
    version_id = add_version(workshop, make.chat_file(60))
    evaluation_id = begin(workshop, version_id=version_id, rows=30, seed=3)
    letters.deliver()
    assert read(Evaluation, evaluation_id).cases == 30
    with unit_of_work() as session:
        lines = [
            one.line
            for one in session.query(Case)
            .filter_by(evaluation_id=evaluation_id)
            .order_by(Case.number)
        ]
    assert lines == drawn(60, 30, 3)
