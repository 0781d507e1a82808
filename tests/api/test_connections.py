"""`/api/v1/projects/{id}/connections` and base models, field by field."""

import pytest

from app.settings import settings
from tests.catalog.rows import day_of
from tests.make import BASE_MODEL, problem_fields
from tests.stage import connection_of, one_database
from tests.witness.handle import KEY
from tests.witness.script import LIST_MODELS, Fault
from tests.witness.state import STOPS

ACCOUNT = {
    "name": "Elsewhere",
    "kind": "openai",
    "base_url": "https://api.openai.com/v1",
    "api_key": "sk-abcdefghijklmnop",
}


def test_a_connection_is_made_with_201_and_its_key_never_comes_back(team, script):
    sends = script(team.users["owner"])

    answer = sends.post(f"/projects/{team.project_id}/connections", json=ACCOUNT)

    assert answer.status_code == 201
    made = answer.json()
    assert made["name"] == "Elsewhere"
    assert made["kind"] == "openai"
    assert made["base_url"] == ACCOUNT["base_url"]
    assert made["key_hint"] == "mnop"
    for text in (answer.text, sends.get(f"/connections/{made['id']}").text):
        assert ACCOUNT["api_key"] not in text
    assert ACCOUNT["api_key"].encode() not in connection_of(made["id"]).sealed_key
    listed = sends.get(f"/projects/{team.project_id}/connections").json()
    assert [one["name"] for one in listed["data"]] == ["OpenAI", "Elsewhere"]
    assert listed["next"] is None


def test_the_first_connection_of_a_project_is_called_practice(team, script, monkeypatch):
    monkeypatch.setenv("LUTHIER_TRAINER_URL", "http://127.0.0.1:8001/v1")
    monkeypatch.setenv("LUTHIER_TRAINER_KEY", "a-trainer-key-for-tests")
    settings.cache_clear()
    sends = script(team.users["owner"])

    made = sends.post("/projects", json={"name": "Fresh"}).json()

    (first,) = sends.get(f"/projects/{made['id']}/connections").json()["data"]
    assert first["name"] == "Practice"
    assert first["profile"] == "luthier"


@one_database
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("base_url", "http://169.254.169.254/v1"),
        ("base_url", "http://127.0.0.1:6379/v1"),
        ("base_url", "http://api.openai.com/v1"),
        ("base_url", "https://a@api.openai.com/v1"),
        ("base_url", "https://api.openai.com/v1?x=1"),
        ("base_url", "file:///etc/passwd"),
        ("base_url", "https://[::ffff:169.254.169.254]/v1"),
        ("base_url", "https://" + "a" * 3000),
        ("kind", "sagemaker"),
        ("api_key", ""),
        ("name", ""),
    ],
)
def test_what_cannot_be_connected_is_told_by_field(team, script, field, value):
    sends = script(team.users["owner"])
    body = {**ACCOUNT, field: value}

    refused = sends.post(f"/projects/{team.project_id}/connections", json=body)

    assert refused.status_code == 422
    assert set(problem_fields(refused)) == {field}
    assert ACCOUNT["api_key"] not in refused.text


def test_a_name_is_taken_once_in_a_project(team, script):
    sends = script(team.users["owner"])
    again = {**ACCOUNT, "name": "OpenAI"}
    refused = sends.post(f"/projects/{team.project_id}/connections", json=again)
    assert refused.status_code == 422
    assert set(problem_fields(refused)) == {"name"}


def test_a_private_address_is_taken_where_the_allow_list_names_it(workshop, script, witness):
    sends = script(workshop.users["owner"])
    body = {"name": "Near", "kind": "openai", "base_url": witness.url, "api_key": KEY}

    made = sends.post(f"/projects/{workshop.project_id}/connections", json=body)

    assert made.status_code == 201
    names = sends.get(f"/connections/{made.json()['id']}/base-models").json()["data"]
    assert BASE_MODEL in {one["name"] for one in names}


def test_base_models_come_with_their_shutdown_dates(workshop, script):
    sends = script(workshop.users["viewer"])

    found = sends.get(f"/connections/{workshop.connection_id}/base-models").json()

    assert found["next"] is None
    by_name = {one["name"]: one for one in found["data"]}
    assert by_name[BASE_MODEL]["shutdown_date"] == STOPS
    assert "OpenAI's list of models" in by_name[BASE_MODEL]["shutdown_source"]
    # Where the provider says nothing, the catalogue does.
    other = by_name["gpt-4.1-mini-2025-04-14"]
    assert other["shutdown_date"] == day_of("openai-gpt-4").isoformat()
    assert "deprecations page" in other["shutdown_source"]
    assert not any(name.startswith(("ft:", "text-")) for name in by_name)


def test_base_models_are_asked_for_once_in_a_while(workshop, script, witness):
    sends = script(workshop.users["viewer"])
    for _ in range(3):
        sends.get(f"/connections/{workshop.connection_id}/base-models")
    assert len(witness.journal.read(LIST_MODELS)) == 1


def test_a_provider_that_does_not_answer_is_502_with_its_words(workshop, script, witness):
    body = '{"error": {"message": "The workshop is closed today."}}'
    witness.script(Fault(LIST_MODELS, status=500, body=body))
    sends = script(workshop.users["viewer"])

    refused = sends.get(f"/connections/{workshop.connection_id}/base-models")

    assert refused.status_code == 502
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["status"] == 502
    assert "closed today" in refused.json()["detail"]


def test_a_refused_key_is_shown_on_the_connection(workshop, script, witness):
    with_wrong_key = {
        "name": "Wrong key",
        "base_url": witness.url,
        "api_key": "sk-this-is-not-the-key",
    }
    sends = script(workshop.users["owner"])
    made = sends.post(f"/projects/{workshop.project_id}/connections", json=with_wrong_key).json()

    refused = sends.get(f"/connections/{made['id']}/base-models")

    assert refused.status_code == 502
    assert with_wrong_key["api_key"] not in refused.text
    shown = sends.get(f"/connections/{made['id']}").json()
    assert shown["status"] == "refused"
    assert with_wrong_key["api_key"] not in shown["words"]


def test_a_connection_is_changed_by_what_is_sent_alone(team, script):
    sends, path = script(team.users["owner"]), f"/connections/{team.connection_id}"

    renamed = sends.send("PATCH", path, json={"name": "Main"})
    moved = sends.send("PATCH", path, json={"base_url": "https://api.elsewhere.example/v1"})
    rekeyed = sends.send("PATCH", path, json={"api_key": "sk-another-key-wxyz"})

    assert renamed.json()["name"] == "Main"
    assert moved.status_code == 422
    assert set(problem_fields(moved)) == {"api_key"}
    assert rekeyed.json()["key_hint"] == "wxyz"
    assert rekeyed.json()["base_url"] == ACCOUNT["base_url"]
    assert "sk-another" not in rekeyed.text


def test_only_owners_change_test_or_remove_a_connection(team, script):
    sends, path = script(team.users["editor"]), f"/connections/{team.connection_id}"
    for answer in (
        sends.send("PATCH", path, json={"name": "Mine"}),
        sends.send("DELETE", path),
        sends.post(f"{path}/test"),
    ):
        assert answer.status_code == 403


def test_a_test_comes_back_with_what_was_found(workshop, script):
    sends = script(workshop.users["owner"])

    tested = sends.post(f"/connections/{workshop.connection_id}/test").json()

    assert tested["status"] == "ready"
    assert BASE_MODEL in tested["account"]["models"]
    assert {one["name"]: one["is_allowed"] for one in tested["account"]["permissions"]} == {
        "models": True,
        "files": True,
        "fine-tuning": True,
    }
    assert tested["account"]["tested_at"]


def test_an_unused_connection_is_removed_with_204(team, script):
    sends = script(team.users["owner"])
    made = sends.post(f"/projects/{team.project_id}/connections", json=ACCOUNT).json()
    assert sends.send("DELETE", f"/connections/{made['id']}").status_code == 204
    assert sends.get(f"/connections/{made['id']}").status_code == 404
