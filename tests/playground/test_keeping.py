"""What comes of an answer is kept while it comes, and one column is stopped without the others."""

import json

import pytest

from app.core import clock, storage
from app.core.database import read_only
from app.core.queue import TASKS
from app.playground import relay, service, tasks
from app.playground.models import Answer, Conversation, Question
from tests.playground.steps import QUESTION, a_word, ask, hanging, leave_after
from tests.stage import one_database
from tests.waiting import eventually
from tests.witness.script import CHAT

pytestmark = [one_database]


@pytest.fixture(autouse=True)
def _kept_often(monkeypatch):
    monkeypatch.setattr(relay, "KEPT_EVERY_SECONDS", 0.05)


def kept():
    """State and text of every answer, by its column."""
    with relay.unit_of_work() as session:
        found = session.query(Answer).order_by(Answer.place)
        return [(one.state, one.text) for one in found]


def work():
    """What the worker finds to do, until there is nothing left."""
    while found := tasks.waiting():
        for name, row_id in found:
            TASKS[name](row_id)


def test_one_column_is_stopped_and_the_others_go_on(workshop, client, editor, both, witness):
    witness.script(hanging("one "), hanging("two "))
    words = []

    def stop_the_first(heard):
        a_word(heard)
        eventually(lambda: [state for state, text in kept() if text] == ["arriving"] * 2)
        words.append(kept()[0][1])
        with relay.unit_of_work() as session:
            conversation = session.query(Conversation).one()
            service.stop(session, conversation, number=1, place=0)
        eventually(lambda: any('"place":0,"answer"' in line for line in heard))
        assert kept()[1][0] == "arriving"

    body = {"text": QUESTION, "columns": both, "stream": True}
    path = f"/projects/{workshop.project_id}/playground/ask"
    heard = leave_after(stop_the_first, client, editor, path, body)

    ended = [json.loads(line[6:]) for line in heard if '"place":0,"answer"' in line]
    assert (ended[0]["answer"]["state"], ended[0]["answer"]["text"]) == ("cut", words[0])
    assert [state for state, _ in kept()] == ["cut", "cut"]
    assert {text for _, text in kept()} == {"one ", "two "}


def test_stopping_what_has_ended_changes_nothing_and_what_is_not_there_is_404(
    workshop, editor, sends, both
):
    made = ask(sends, workshop.project_id, both)
    at = f"/conversations/{made['id']}/stop"
    assert sends.post(at, json={"number": 1, "place": 0}).json() == made
    assert editor.send("POST", at, json={"number": 1, "place": 1}).status_code == 204
    assert sends.post(at, json={"number": 1, "place": 2}).status_code == 404
    assert sends.post(at, json={"number": 2, "place": 0}).status_code == 404


def test_a_script_that_hangs_up_stops_the_provider_also_without_a_stream(
    workshop, client, sends, both, witness
):
    witness.script(hanging("You said "))
    path = f"/api/v1/projects/{workshop.project_id}/conversations"

    def once_something_came(_heard):
        eventually(lambda: witness.journal.read(CHAT))
        eventually(lambda: kept() == [("arriving", "You said ")])

    leave_after(once_something_came, client, sends, path, {"text": QUESTION, "columns": both[:1]})

    assert kept() == [("cut", "You said ")]


def test_what_a_killed_process_had_heard_stays_and_is_asked_again(workshop, editor, sends, both):
    made = ask(sends, workshop.project_id, both)
    with relay.unit_of_work() as session:
        question = session.query(Question).one()
        tickets = service.open_answers(session, question, [0, 1])
        came = {tickets[0]: {"text": "You sa"}, tickets[1]: {}}
        assert service.keep_arriving(session, came) == set(tickets.values())
    assert tasks.waiting() == []
    assert "still being answered" in editor.get(f"/conversations/{made['id']}").text

    clock.shift(60)
    work()

    assert kept() == [("cut", "You sa"), ("cut", "")]
    page = editor.get(f"/conversations/{made['id']}").text
    assert page.count("What came until then is kept.") == 2
    again = sends.post(f"/conversations/{made['id']}/again", json={"number": 1, "place": 0}).json()
    assert again["questions"][0]["answers"][0]["text"] == f"You said: {QUESTION}"


def test_a_column_that_is_asked_again_meanwhile_is_no_longer_listened_to(workshop, sends, both):
    ask(sends, workshop.project_id, both)
    with relay.unit_of_work() as session:
        question = session.query(Question).one()
        (first,) = service.open_answers(session, question, [0]).values()
        (second,) = service.open_answers(session, question, [0]).values()
        assert service.keep_arriving(session, {first: {"text": "a"}, second: {}}) == {second}
        assert service.keep_answer(session, first, {"state": "done"}) is None


def test_nothing_is_written_of_a_question_whose_examples_are_gone(workshop, sends, witness, both):
    few_shot = {**both[1], "examples_from": workshop.version_id, "examples": 3}
    storage.index_path(workshop.version_id).unlink()
    body = {"text": QUESTION, "columns": [few_shot]}

    refused = sends.post(f"/projects/{workshop.project_id}/conversations", json=body)

    assert refused.status_code == 409
    assert "The index of this version was missing" in refused.text
    with read_only() as session:
        assert session.query(Conversation).count() == 0
    assert witness.journal.read(CHAT) == []
