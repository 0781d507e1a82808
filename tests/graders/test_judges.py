"""Judges: what they ask, and what they make of a reply."""

import pytest

from app.graders.base import Answer, Ungradable
from app.graders.judge import unanswered
from app.graders.reading import read_grader
from tests.graders.making import label_model, multi, ours, score_model, string_check

CASE = {"question": "Where is my card?", "answer": "On its way."}
ANSWER = Answer("It was sent on Monday.")


def judge(body):
    grader = read_grader(body)
    return grader, grader.judges[""].ask(CASE, ANSWER)


def pairwise(**more):
    return ours("pairwise", model="m", rubric="Right and short.", **more)


def test_a_judge_is_told_its_messages_with_the_places_filled_and_how_to_reply():
    _, ask = judge(score_model(range=[1, 5]))

    system, user = ask.messages
    assert system == {"role": "system", "content": "Give a number from 0 to 1."}
    first, how = user["content"]
    assert first["text"] == "How near is It was sent on Monday. to On its way.?"
    assert "a number from 1 to 5" in how["text"]
    assert ask.sampling == {"temperature": 0, "max_tokens": 100}


def test_pictures_and_sounds_have_the_shape_of_chat_completions():
    content = [
        "See: ",
        {"type": "input_image", "image_url": "{{ item.answer }}", "detail": "low"},
        {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
    ]
    _, ask = judge(score_model(input=[{"role": "developer", "content": content}]))

    told, how = ask.messages
    assert told["role"] == "system"
    assert told["content"] == [
        {"type": "text", "text": "See: "},
        {"type": "image_url", "image_url": {"url": "On its way.", "detail": "low"}},
        {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
    ]
    assert how["role"] == "user"


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        (None, {"temperature": 0, "max_tokens": 1000}),
        ({"temperature": 1, "seed": 3}, {"temperature": 1, "seed": 3, "max_tokens": 1000}),
        ({"reasoning_effort": "low"}, {"reasoning_effort": "low", "max_tokens": 8000}),
        ({"max_completions_tokens": 7}, {"temperature": 0, "max_tokens": 7}),
    ],
)
def test_without_other_words_a_judge_is_asked_at_temperature_0(given, sent):
    assert judge(score_model(sampling_params=given))[1].sampling == sent


@pytest.mark.parametrize(
    ("reply", "value", "detail"),
    [
        ('{"reason": "Near.", "result": 0.7}', 0.7, {"reason": "Near."}),
        ('```json\n{"result": "0.5"}\n``` as asked', 0.5, {"reason": ""}),
        ('<think>{so} {"a": 1}</think>{"reason": "x", "result": 0}', 0, {"reason": "x"}),
        ('{"result": 7, "reason": "Too much."}', 1, {"given": 7, "reason": "Too much."}),
    ],
)
def test_a_number_is_read_with_its_reason_and_kept_within_the_range(reply, value, detail):
    grader, ask = judge(score_model())

    score = grader.read(reply, ask)

    assert (score.value, score.fault, score.detail) == (value, None, detail)


@pytest.mark.parametrize(
    "reply",
    [
        "I would say 4 of 5.",
        "",
        '{"result": "good"}',
        '{"result": true}',
        '{"result": NaN}',
        '{"result": 1e999}',
        '{"result": [1]}',
        '{"score": 1}',
        "{" * 10_000,
        '{"result": ' + "[" * 100_000,
    ],
)
def test_a_malformed_reply_is_a_fault_that_shows_its_beginning_never_a_silent_zero(reply):
    grader, ask = judge(score_model())

    score = grader.read(reply, ask)
    summary = grader.summary([score])

    assert score.fault.fault == "model_grader_parse_error"
    assert score.fault.reason.endswith(f"begins: {reply[:80]}" if reply else "is empty.")
    assert not grader.passes(score)
    assert summary.faults == {"model_grader_parse_error": 1}


def test_a_label_is_one_of_those_there_are_and_is_counted():
    grader, ask = judge(label_model())

    said = [grader.read(f'{{"result": "{one}"}}', ask) for one in ("kind", "Curt", "rude")]

    assert '"kind", "curt"' in ask.messages[0]["content"]
    assert [score.value for score in said] == [1, 0, 0]
    assert said[1].detail["label"] == "curt"
    assert "none of the labels: kind, curt." in said[2].fault.reason
    assert grader.summary(said).figures == {"labels": {"kind": 1, "curt": 1}}


def test_a_place_that_nothing_fills_is_told_before_anybody_is_asked():
    grader = read_grader(label_model(input=[{"role": "user", "content": "{{ item.nothing }}"}]))

    with pytest.raises(Ungradable, match=r"item\.nothing"):
        grader.ask(CASE, ANSWER)


def test_what_is_far_too_long_is_not_asked():
    with pytest.raises(Ungradable, match="400,000"):
        read_grader(label_model()).ask(CASE, Answer("x" * 400_001))


def test_of_two_answers_the_order_is_drawn_from_the_seed_and_kept_in_the_score():
    grader = pairwise()
    asks = [grader.ask(CASE, ANSWER, seed=seed) for seed in range(200)]
    first = [ask.detail["was_first"] for ask in asks]

    assert 70 < sum(first) < 130
    assert asks[3] == grader.ask(CASE, ANSWER, seed=3)
    for ask, was_first in zip(asks, first, strict=True):
        content = ask.messages[0]["content"]
        assert (content.index(ANSWER.text) < content.index(CASE["answer"])) == was_first
        better = grader.read(f'{{"reason": "so", "result": "{1 if was_first else 2}"}}', ask)
        assert better.detail == {"verdict": "better", "was_first": was_first, "reason": "so"}
        assert grader.read(f'{{"result": {2 if was_first else 1}}}', ask).value == 0
    tie = grader.read('{"result": "Tie"}', asks[0])
    assert (tie.value, tie.detail["verdict"]) == (0.5, "tie")
    assert grader.read('{"result": "3"}', asks[0]).fault


def test_two_contestants_are_set_side_by_side_in_either_order():
    grader = pairwise()
    calls = Answer("", [{"type": "function", "function": {"name": "pay", "arguments": "{}"}}])
    asked = [
        grader.between(CASE, ANSWER, calls, was_first=was_first) for was_first in (True, False)
    ]

    scores = [grader.read('{"result": "1"}', ask) for ask in asked]

    assert all('"pay"' in ask.messages[0]["content"] for ask in asked)
    assert [score.detail["verdict"] for score in scores] == ["better", "worse"]
    assert asked[0].key("m") != asked[1].key("m") != asked[1].key("n")
    assert grader.summary(scores).figures == {"wins": 1, "ties": 0, "losses": 1, "shown_first": 1}


def test_a_formula_takes_what_its_judges_said():
    grader = read_grader(multi("judge * same", judge=score_model(), same=string_check()))
    (name, inner), *others = grader.judges.items()
    said = inner.read('{"result": 0.5}', inner.ask(CASE, ANSWER))

    assert (name, others) == ("judge", [])
    assert grader.grade(CASE, Answer("On its way."), {"judge": said}).value == 0.5
    for score in (
        grader.grade(CASE, ANSWER),
        grader.grade(CASE, ANSWER, {"judge": unanswered("")}),
    ):
        assert [fault.fault for fault in score.faults()] == ["model_grader_server_error"]


def test_who_asks_nobody_is_told_that_a_model_is_needed():
    for body in (score_model(), multi("judge", judge=label_model())):
        grader = read_grader(body)
        assert grader.obstacle() is None
        assert "needs a model that judges" in grader.alone()
    assert read_grader(string_check()).alone() is None
    assert not read_grader(string_check()).judges
