"""Asking several models the same, over a real provider's server."""

import json

import pytest

from app.core.database import read_only, unit_of_work
from app.playground.models import Answer
from tests import make
from tests.make import BASE_MODEL, problem_fields
from tests.playground.steps import QUESTION, TUNED, a_word, ask, leave_after, streaming
from tests.stage import one_database
from tests.witness.script import CHAT, Fault


def lines_of(answer):
    assert answer.headers["content-type"].startswith("text/event-stream")
    lines = [line.removeprefix("data: ") for line in answer.text.split("\n\n") if line]
    assert lines[-1] == "[DONE]"
    return [json.loads(line) for line in lines[:-1]]


def test_two_models_answer_one_request_and_the_answers_are_kept(workshop, sends, both, witness):
    asked = {"system": "Be brief.", "temperature": 0, "max_tokens": 20, "seed": 3}
    made = ask(sends, workshop.project_id, both, settings=asked)

    (question,) = made["questions"]
    assert made["title"] == question["text"] == QUESTION
    first, second = question["answers"]
    assert first["text"] == second["text"] == f"You said: {QUESTION}"
    assert {first["state"], second["state"]} == {"done"}
    assert (first["prompt_tokens"], first["completion_tokens"]) == (7, 3)
    assert first["price_usd"] == pytest.approx((7 * 0.3 + 3 * 1.2) / 1e6)
    assert second["price_usd"] is None, "what a base model's answers cost is in no book"
    assert 0 <= first["first_token_ms"] <= first["total_ms"]
    bodies = [request.body for request in witness.journal.read(CHAT)]
    assert {body["model"] for body in bodies} == {TUNED, BASE_MODEL}
    for body in bodies:
        assert [one["role"] for one in body["messages"]] == ["system", "user"]
        assert (body["temperature"], body["seed"]) == (0, 3)
        assert body["stream_options"] == {"include_usage": True}
    assert sends.get(f"/conversations/{made['id']}").json() == made


@one_database
def test_all_columns_come_on_one_stream_each_piece_with_its_column(workshop, editor, both):
    answer = editor.send(
        "POST",
        f"/projects/{workshop.project_id}/playground/ask",
        json={"text": QUESTION, "columns": both, "stream": True},
    )

    head, *rest = lines_of(answer)
    assert head["number"] == 1
    assert answer.headers["x-accel-buffering"] == "no"
    for place in (0, 1):
        mine = [one for one in rest if one["place"] == place]
        said = "".join(one["text"] for one in mine if "text" in one)
        assert said == mine[-1]["answer"]["text"] == f"You said: {QUESTION}"
        assert "3 tokens" in mine[-1]["answer"]["facts"]
    page = editor.get(head["url"])
    assert page.text.count(f"You said: {QUESTION}") == 2
    assert "price unknown" in page.text


@one_database
def test_a_providers_error_stands_in_its_own_column_and_that_one_is_asked_again(
    workshop, sends, both, witness
):
    columns = [both[0], {**both[1], "model": "gpt-nobody-has"}]
    made = ask(sends, workshop.project_id, columns)

    fine, failed = made["questions"][0]["answers"]
    assert fine["state"] == "done"
    assert failed["state"] == "failed"
    assert "The model `gpt-nobody-has` does not exist." in failed["error"]

    witness.set(models=[{"id": "gpt-nobody-has", "object": "model"}])
    before = len(witness.journal.read(CHAT))
    again = sends.post(f"/conversations/{made['id']}/again", json={"number": 1, "place": 1}).json()

    assert [one["state"] for one in again["questions"][0]["answers"]] == ["done", "done"]
    assert again["questions"][0]["answers"][0] == fine
    assert len(witness.journal.read(CHAT)) == before + 1
    wrong = sends.post(f"/conversations/{made['id']}/again", json={"number": 1, "place": 2})
    assert wrong.status_code == 404


@one_database
def test_each_column_remembers_its_own_answers_and_an_edited_question_drops_what_followed(
    workshop, sends, both, witness
):
    made = ask(sends, workshop.project_id, both)
    url = f"/conversations/{made['id']}/questions"
    sends.post(url, json={"text": "And now?", "columns": both})
    last = witness.journal.read(CHAT)[-1].body["messages"]
    assert [one["content"] for one in last] == [QUESTION, f"You said: {QUESTION}", "And now?"]

    edited = sends.post(url, json={"text": "Where is it?", "columns": both[:1], "number": 1})

    questions = edited.json()["questions"]
    assert [one["text"] for one in questions] == ["Where is it?"]
    assert edited.json()["title"] == "Where is it?"
    last = witness.journal.read(CHAT)[-1].body["messages"]
    assert [one["content"] for one in last] == ["Where is it?"]
    far = sends.post(url, json={"text": "x", "columns": both, "number": 9})
    assert problem_fields(far).keys() == {"number"}


@one_database
def test_examples_are_put_before_the_question(workshop, sends, witness):
    few_shot = {
        "connection_id": workshop.connection_id, "model": BASE_MODEL,
        "examples_from": workshop.version_id, "examples": 3,
    }  # fmt: skip
    ask(sends, workshop.project_id, [few_shot], settings={"system": "Say the intent."})

    (request,) = witness.journal.read(CHAT)
    roles = [one["role"] for one in request.body["messages"]]
    assert roles == ["system", *["user", "assistant"] * 3, "user"]
    assert request.body["messages"][1]["content"] == "Where is parcel 0?"
    assert all(one.keys() == {"role", "content"} for one in request.body["messages"])


@one_database
def test_tools_are_shown_as_they_are_called(workshop, sends, both, witness):
    delta = {"tool_calls": [{"index": 0, "id": "c", "type": "function",
                             "function": {"name": "find", "arguments": '{"n": '}}]}  # fmt: skip
    more = {"tool_calls": [{"index": 0, "function": {"arguments": "1}"}}]}
    witness.script(streaming(delta, more))
    tool = {"type": "function", "function": {"name": "find", "parameters": {"type": "object"}}}

    made = ask(sends, workshop.project_id, both[1:], settings={"tools": json.dumps([tool])})

    (answer,) = made["questions"][0]["answers"]
    assert answer["tool_calls"] == [{"name": "find", "arguments": '{"n": 1}'}]
    assert witness.journal.read(CHAT)[0].body["tools"] == [tool]


@one_database
def test_whoever_leaves_stops_the_provider_and_what_came_is_kept(
    workshop, client, editor, both, witness
):
    """The browser's connection ends while the model is in the middle of its answer."""
    witness.script(streaming({"content": "You "}, {"content": "said "}, end="hang", delay=60))

    path = f"/projects/{workshop.project_id}/playground/ask"
    body = {"text": QUESTION, "columns": both[:1], "stream": True}

    leave_after(a_word, client, editor, path, body)

    with read_only() as session:
        (answer,) = session.query(Answer).all()
    assert (answer.state, answer.text, answer.error) == ("cut", "You ", None)


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"text": ""}, "text", "At least 1"),
        ({"columns": []}, "columns", "At least 1."),
        ({"settings": {"temperature": 3}}, "settings.temperature", "At most 2"),
        ({"settings": {"tools": "[{"}}, "settings.tools", "This is not JSON. Line 1, column 3"),
        ({"settings": {"tools": "{}"}}, "settings.tools", "A list of tools is needed"),
        ({"settings": {"tools": [{}]}}, "settings.tools", "Tool 1 needs a type"),
        ({"settings": {"response_format": "[]"}}, "settings.response_format", "An object"),
        ({"settings": {"nobody": 1}}, "settings.nobody", "no such field"),
        ({"settings": {"system": "a\x00b"}}, "settings", "cannot be stored"),
    ],
)
@one_database
def test_a_wrong_question_is_422_and_says_where(workshop, sends, both, changes, field, words):
    body = {"text": QUESTION, "columns": both, **changes}
    refused = sends.post(f"/projects/{workshop.project_id}/conversations", json=body)
    assert refused.status_code == 422, refused.text
    assert problem_fields(refused).keys() == {field}
    assert words in refused.text


@one_database
def test_nobody_asks_over_another_teams_connection_or_with_its_rows(workshop, sends, both):
    with unit_of_work() as session:
        stranger = make.make_project(session, make.make_user(session, "stranger"), "Theirs")
        theirs = make.make_connection(session, stranger)
        rows = make.make_checked_version(session, stranger)
        wrong = [
            {"connection_id": theirs.id, "model": BASE_MODEL},
            {**both[0], "examples_from": rows.id, "examples": 2},
        ]
    url = f"/projects/{workshop.project_id}/conversations"
    for column, field in zip(wrong, ("connection_id", "examples_from"), strict=True):
        refused = sends.post(url, json={"text": QUESTION, "columns": [column]})
        assert refused.status_code == 422
        assert problem_fields(refused).keys() == {f"columns.0.{field}"}
        assert "has no such" in refused.text
    assert sends.get(url).json()["data"] == []


@one_database
def test_how_sure_the_model_was_of_each_token_is_kept_and_shown(
    workshop, editor, sends, both, witness
):
    told = [
        {"token": "card", "logprob": -0.25, "bytes": None, "top_logprobs": [
            {"token": "card", "logprob": -0.25}, {"token": "<b>", "logprob": -1.5}]},
        {"token": "s", "logprob": -0.001, "bytes": None, "top_logprobs": []},
        {"token": "?", "logprob": None}, {"logprob": -1}, 7,
    ]  # fmt: skip
    chunk = {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": BASE_MODEL}
    choice = {"index": 0, "delta": {"content": "cards"}, "logprobs": {"content": told}}
    body = f"data: {json.dumps({**chunk, 'choices': [choice]})}\n\ndata: [DONE]\n\n"
    witness.script(Fault(CHAT, body=body, headers={"content-type": "text/event-stream"}))

    made = ask(sends, workshop.project_id, both[1:], settings={"logprobs": True})

    asked = witness.journal.read(CHAT)[0].body
    assert (asked["logprobs"], asked["top_logprobs"]) == (True, 5)
    (answer,) = made["questions"][0]["answers"]
    assert answer["text"] == "cards"
    assert [(one["token"], one["logprob"]) for one in answer["logprobs"]] == [
        ("card", -0.25), ("s", -0.001),
    ]  # fmt: skip
    assert answer["logprobs"][0]["top_logprobs"][1] == {"token": "<b>", "logprob": -1.5}
    page = editor.get(f"/conversations/{made['id']}")
    assert page.status_code == 200
    assert "&lt;b&gt;" in page.text
    assert 'class="chance chance--2"' in page.text
    assert 'class="chance chance--4"' in page.text
