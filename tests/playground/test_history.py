"""Conversations are their makers' own until they are shared."""

import re

import pytest

from app.catalog import service as catalog
from app.connections.models import Connection
from app.core import clock
from app.core.database import unit_of_work
from app.datasets.models import DatasetVersion
from app.jobs.models import Checkpoint
from app.projects.models import Project
from app.providers.base import BaseModelInfo
from tests import make
from tests.make import BASE_MODEL
from tests.stage import one_database


@pytest.fixture
def conversation_id(team):
    """The owner's, shared."""
    with unit_of_work() as session:
        project = session.get_one(Project, team.project_id)
        connection = session.get_one(Connection, team.connection_id)
        return make.make_conversation(session, project, connection, "Where is my 100% parcel?").id


@pytest.fixture
def people(team, browser):
    return {name: browser(team.users[name]) for name in ("owner", "editor", "viewer")}


def test_what_is_not_shared_does_not_exist_for_others(team, people, script, conversation_id):
    at = f"/conversations/{conversation_id}"
    sends = script(team.users["viewer"])
    lists = f"/projects/{team.project_id}/conversations"
    assert people["viewer"].get(at).status_code == 200
    assert [one["id"] for one in sends.get(lists).json()["data"]] == [conversation_id]

    assert people["owner"].post(f"{at}/unshare").status_code == 303

    for path in (at, f"/projects/{team.project_id}/playground/history"):
        assert "100% parcel" not in people["viewer"].get(path).text
    assert people["viewer"].get(at).status_code == sends.get(at).status_code == 404
    assert sends.get(lists).json()["data"] == []
    assert people["editor"].post(f"{at}/share").status_code == 404
    assert people["owner"].get(at).status_code == 200
    assert "only you can read this" in people["owner"].get(at).text


@one_database
def test_others_read_what_is_shared_and_only_its_maker_goes_on(team, people, conversation_id):
    page = people["editor"].get(f"/conversations/{conversation_id}").text
    assert "You said: Where is my 100% parcel?" in page
    assert "Only whoever began this conversation goes on with it." in page
    assert "data-playground" not in page
    assert "Your role is viewer" in people["viewer"].get(f"/conversations/{conversation_id}").text
    assert "data-playground" in people["owner"].get(f"/conversations/{conversation_id}").text


@pytest.mark.parametrize(
    ("words", "found"),
    [("PARCEL", True), ("100%", True), ("you said", True), ("1_0", False), ("refund", False)],
)
def test_conversations_are_found_by_what_was_asked_and_answered(
    team, people, conversation_id, words, found
):
    history = f"/projects/{team.project_id}/playground/history"
    page = people["viewer"].client.get(
        history, params={"q": words}, headers=people["viewer"].headers
    )
    assert (f"conversation-{conversation_id}" in page.text) == found


@one_database
def test_what_is_deleted_is_gone_for_everybody(team, people, conversation_id):
    gone = people["owner"].post(f"/conversations/{conversation_id}/delete")
    assert gone.headers["location"].endswith("/playground/history")
    for name in ("owner", "viewer"):
        assert people[name].get(f"/conversations/{conversation_id}").status_code == 404
    activity = people["viewer"].get(f"/projects/{team.project_id}/activity").text
    assert "shared the conversation" in activity
    assert "deleted" in activity


@one_database
def test_the_page_asks_the_models_its_address_names(team, people):
    page, place = f"/projects/{team.project_id}/playground", team.connection_id
    editor = people["editor"]
    added = editor.get(
        f"{page}?column={place}:gpt-a&connection={place}&name=gpt-b"
        f"&examples_from={team.version_id}&examples=4"
    ).text
    assert f'value="{place}:gpt-a"' in added
    assert f'value="{place}.{team.version_id}.4:gpt-b"' in added
    assert "4 examples of Tickets, version 1 before, OpenAI" in added
    assert "OpenAI bills the answers." in added
    assert "None yet." in editor.get(f"{page}?column=").text
    seven = "&".join(f"column={place}:m{n}" for n in range(7))
    assert editor.get(f"{page}?{seven}").status_code == 422
    for wrong in ("gpt", f"{place}:", "x:y", f"{place}.1.99:m", "9" * 20 + ":m", f"{place}:%00"):
        assert editor.get(f"{page}?column={wrong}").status_code == 422, wrong


@one_database
def test_whatever_can_be_talked_to_is_offered_under_what_it_is(team, people):
    with unit_of_work() as session:
        project = session.get_one(Project, team.project_id)
        connection = session.get_one(Connection, team.connection_id)
        version = session.get_one(DatasetVersion, team.version_id)
        model = make.make_model(session, project, connection, version, model_name="ft:tuned")
        moment = clock.now(session)
        for step, name in ((1200, "ft:tuned:ckpt-step-1200"), (2400, "ft:tuned")):
            saved = {"job_id": model.job_id, "step": step, "name": name, "metrics": {}}
            session.add(Checkpoint(**saved, created_at=moment))
        listed = [
            BaseModelInfo("gpt-tunable", None, ("supervised",), None, None, None),
            BaseModelInfo("gpt-other", None, (), None, None, None),
        ]
        catalog.record_base_models(session, connection.id, listed)

    asked = f"{team.connection_id}:gpt-tunable"  # with examples it may be asked again
    page = people["editor"].get(f"/projects/{team.project_id}/playground?column={asked}").text

    groups = {
        words: re.findall(r'<option value="([^"]+)">', options)
        for words, options in re.findall(
            r'<optgroup label="([^"]+)">(.*?)</optgroup>', page, re.DOTALL
        )
    }
    assert groups == {
        "Tuned models": [f"{team.connection_id}:ft:tuned"],
        "Checkpoints": [f"{team.connection_id}:ft:tuned:ckpt-step-1200"],
        "Base models": [f"{team.connection_id}:{name}" for name in (BASE_MODEL, "gpt-tunable")],
        "Whatever else is listed": [f"{team.connection_id}:gpt-other"],
    }
