"""An answer is saved as a row: to learn from, as the better of two, to measure with."""

import json

import pytest

from app.core.database import unit_of_work
from app.playground import service
from app.playground.forms import AskForm
from app.playground.models import Conversation
from tests import make
from tests.make import BASE_MODEL, problem_fields
from tests.stage import one_database

TUNED = "ft:gpt-4o-mini:acme::1"
SYSTEM = {"role": "system", "content": "Be brief."}
TOOLS = [{"type": "function", "function": {"name": "find", "parameters": {"type": "object"}}}]
CALLED = [{"name": "find", "arguments": '{"id": 7}'}]


@pytest.fixture
def conversation_id(team):
    """Two questions of the owner's to two models, shared; the tuned one calls a tool at last."""
    columns = [{"connection_id": team.connection_id, "model": name} for name in (TUNED, BASE_MODEL)]
    columns[1] |= {"examples_from": team.version_id, "examples": 2}
    settings = {"system": "Be brief.", "tools": TOOLS}
    owner = team.users["owner"]
    answers = {"Where is it?": ("On its way.", "Dunno."), "And now?": ("", "<b>Still</b> dunno.")}
    with unit_of_work() as session:
        conversation = None
        for text, (tuned, base) in answers.items():
            form = AskForm(text=text, columns=columns, settings=settings)
            if conversation is None:
                question = service.begin(
                    session, project_id=team.project_id, user_id=owner, form=form
                )
                conversation = session.get_one(Conversation, question.conversation_id)
            else:
                question = service.ask(session, conversation, form)
            for place, said in enumerate((tuned, base)):
                make.make_answer(session, question, place, text=said, calls=[] if said else CALLED)
        service.share(session, conversation, actor_id=owner)
        return conversation.id


@pytest.fixture
def editor(team, browser):
    return browser(team.users["editor"])


@pytest.fixture
def save(team, script, conversation_id):
    """Save an answer with a script of the editor's."""
    sends = script(team.users["editor"])

    def save(way="chat", number=1, place=0, **more):
        asked = {"number": number, "place": place, "as": way, "collection": "Kept", **more}
        return sends.post(f"/conversations/{conversation_id}/save", json=asked)

    return save


USER = {"role": "user", "content": "Where is it?"}
SAID = {"role": "assistant", "content": "On its way."}
CALLS = {
    "role": "assistant",
    "tool_calls": [{"id": "call_1", "type": "function", "function": CALLED[0]}],
}
THEN = {"role": "user", "content": "And now?"}


@pytest.mark.parametrize(
    ("asked", "row", "origin"),
    [
        (
            {},
            {"messages": [SYSTEM, USER, SAID], "tools": TOOLS},
            f"{TUNED}, question 1",
        ),
        (
            {"number": 2},
            {"messages": [SYSTEM, USER, SAID | {"weight": 0}, THEN, CALLS], "tools": TOOLS},
            f"{TUNED}, question 2",
        ),
        (
            {"way": "preference", "over": 1},
            {
                "input": {"messages": [SYSTEM, USER], "tools": TOOLS},
                "preferred_output": [SAID],
                "non_preferred_output": [{"role": "assistant", "content": "Dunno."}],
            },
            f"{TUNED}, question 1, over {BASE_MODEL} after 2 examples",
        ),
        (
            {"way": "evaluation", "place": 1},
            {"item": {"question": "Where is it?", "system": "Be brief.", "answer": "Dunno."}},
            f"{BASE_MODEL} after 2 examples, question 1",
        ),
        (
            {"way": "evaluation", "number": 2, "reference": "none"},
            {"item": {"question": "And now?", "system": "Be brief.", "history": [USER, SAID]}},
            f"{TUNED}, question 2",
        ),
    ],
)
@one_database
def test_what_was_asked_and_answered_becomes_the_row(team, save, asked, row, origin):
    saved = save(**asked)
    assert saved.status_code == 201, saved.text
    assert (saved.json()["row"], saved.json()["origin"]) == (row, origin)
    assert save(**asked).json()["id"] == saved.json()["id"]


@one_database
def test_the_row_is_the_teams_and_stays_when_the_conversation_goes(
    team, save, browser, script, conversation_id
):
    saved = save().json()
    link = f'href="/conversations/{conversation_id}"'
    at = f"/collections/{saved['collection_id']}"
    assert link in browser(team.users["editor"]).get(at).text
    assert link not in browser(team.users["viewer"]).get(at).text, "they may not come in"

    browser(team.users["owner"]).post(f"/conversations/{conversation_id}/delete")

    (row,) = script(team.users["viewer"]).get(f"{at}/rows").json()["data"]
    assert (row["row"], row["conversation_id"]) == (saved["row"], None)
    assert (row["created_by"], row["origin"]) == (team.users["editor"], f"{TUNED}, question 1")
    assert link not in browser(team.users["editor"]).get(at).text


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"number": 9}, None),
        ({"place": 5}, "place"),
        ({"way": "preference", "over": 4}, "over"),
        ({"way": "preference"}, "body"),
        ({"way": "preference", "over": 0}, "body"),
        ({"over": 1}, "body"),
        ({"collection": "\x07"}, "collection"),
    ],
)
@one_database
def test_what_cannot_be_saved_is_said_and_no_collection_is_made(team, save, script, asked, field):
    refused = save(**asked)
    assert refused.status_code == (404 if field is None else 422)
    if field is not None:
        assert field in problem_fields(refused)
    lists = script(team.users["viewer"]).get(f"/projects/{team.project_id}/collections")
    assert lists.json()["data"] == []


@one_database
def test_a_form_saves_and_undoes(team, editor, conversation_id):
    at = f"/conversations/{conversation_id}"
    page = editor.get(at).text
    assert f'href="{at}/save?number=1&amp;place=0"' in page
    here = f"{at}/save?number=1&place=1"
    form = editor.get(here, **{"HX-Request": "true"}).text
    assert "<html" not in form
    assert f'<option value="0">{TUNED}</option>' in form
    sent = {"number": 1, "place": 1, "as": "preference", "over": 0, "collection": "Better <i>"}

    wrong = editor.post(here, sent | {"collection": ""}, **{"HX-Request": "true"})
    assert wrong.status_code == 422
    assert "This is needed." in wrong.text
    saved = editor.post(here, sent, **{"HX-Request": "true"}).text
    assert "Better &lt;i&gt;" in saved
    undo = saved.split('hx-post="')[1].split('"')[0]
    assert "already" in editor.post(here, sent, **{"HX-Request": "true"}).text

    undone = editor.post(undo, **{"HX-Request": "true"})
    assert "taken out again" in undone.text
    plain = editor.post(here, sent)
    assert plain.headers["location"] == at
    assert editor.get(f"{at}/save?number=1&place=3").status_code == 404


@one_database
def test_nobody_saves_what_they_cannot_read_nor_undoes_what_is_saved_elsewhere(
    team, browser, save, editor, conversation_id
):
    at = f"/conversations/{conversation_id}"
    assert "data-answer-save" not in browser(team.users["viewer"]).get(at).text
    saved = save().json()
    with unit_of_work() as session:
        form = AskForm(
            text="x", columns=[{"connection_id": team.connection_id, "model": BASE_MODEL}]
        )
        question = service.begin(
            session, project_id=team.project_id, user_id=team.users["editor"], form=form
        )
        other = question.conversation_id
    undo = f"/conversations/{other}/saved/{saved['id']}/undo"
    assert editor.post(undo).status_code == 404
    browser(team.users["owner"]).post(f"{at}/unshare")
    assert save().status_code == 404
    assert editor.get(f"{at}/save?number=1&place=0").status_code == 404


@one_database
def test_a_long_hostile_answer_is_refused_in_words(team, save, conversation_id):
    with unit_of_work() as session:
        conversation = session.get_one(Conversation, conversation_id)
        form = AskForm(
            text="x" * 300_000,
            columns=[{"connection_id": team.connection_id, "model": TUNED}],
            settings={"system": "\x1b[31m" * 80_000},
        )
        question = service.ask(session, conversation, form)
        make.make_answer(session, question, state="cut", text="\x1b[2J" * 250_000)
    refused = save(number=3)
    assert refused.status_code == 422
    assert "longer than 2,000,000 bytes" in problem_fields(refused)["row"]
    kept = save("evaluation", number=1, place=1).json()
    assert json.dumps(kept["row"])
