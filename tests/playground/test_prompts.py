"""A system prompt beside the one a model was trained with."""

from app.connections.models import Connection
from app.core.database import unit_of_work
from app.core.word_diff import MOST_WORDS
from app.datasets.models import DatasetVersion
from app.playground.prompts import Trained, differences
from app.projects.models import Project
from tests import make
from tests.stage import one_database

TUNED = "ft:gpt-4o-mini-2024-07-18:acme::abcd1234"


def pieces(trained, given):
    found = differences([Trained("intents", trained, 9, 12)], given)
    return [(one.kind, one.text.strip()) for one in found[0].pieces] if found else None


def test_every_word_that_differs_is_shown():
    assert pieces("Name the intent alone.", "Name one intent.") == [
        ("same", "Name"), ("gone", "the intent alone."), ("new", "one intent."),
    ]  # fmt: skip
    assert pieces("Name the intent", "Name one intent")[1:] == [
        ("gone", "the"), ("new", "one"), ("same", "intent"),
    ]  # fmt: skip
    assert pieces("Name it.", "") == [("gone", "Name it.")]


def test_blanks_are_no_difference_and_what_is_too_long_is_not_compared():
    assert pieces("Name\n the  intent. ", "Name the intent.") is None
    assert pieces("a " * MOST_WORDS, "b " * (MOST_WORDS + 1)) == []


@one_database
def test_the_page_begins_with_the_trained_prompt_and_warns_of_another(team, browser):
    with unit_of_work() as session:
        project = session.get_one(Project, team.project_id)
        connection = session.get_one(Connection, team.connection_id)
        version = session.get_one(DatasetVersion, team.version_id)
        make.make_model(session, project, connection, version, model_name=TUNED)
    editor = browser(team.users["editor"])
    page = f"/projects/{team.project_id}/playground"

    fresh = editor.get(page).text
    assert make.SYSTEM in fresh
    assert "was trained with another system prompt" not in fresh

    code = f"{team.connection_id}:{TUNED}"
    url = f"{page}/prompt?column={code}"
    warned = editor.post(url, {"system": "Say the mood of the question."}).text
    assert "was trained with another system prompt" in warned
    assert "<del>intent </del>" in warned
    assert "<ins>mood </ins>" in warned
    assert "12 of its 12 rows had that one." in warned
    assert "another system prompt" not in editor.post(url, {"system": make.SYSTEM}).text
