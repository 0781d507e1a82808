"""`/api/v1/projects/{id}/models` and talking to them, over a real provider's server."""

import json

import pytest

from app.connections.models import Connection
from app.core.database import unit_of_work
from app.datasets.models import DatasetVersion
from app.projects.models import Project
from tests import make
from tests.make import BASE_MODEL, problem_fields
from tests.stage import one_database
from tests.witness.script import CHAT, Fault

TUNED = "ft:gpt-4o-mini-2024-07-18:acme::abcd1234"
HELLO = [{"role": "user", "content": "Where is my parcel?"}]


def make_model(team, *, name=TUNED, key="form:1"):
    with unit_of_work() as session:
        project = session.get_one(Project, team.project_id)
        connection = session.get_one(Connection, team.connection_id)
        version = session.get_one(DatasetVersion, team.version_id)
        model = make.make_model(session, project, connection, version, model_name=name, key=key)
        return model.id


@pytest.fixture
def sends(workshop, script):
    return script(workshop.users["editor"])


def test_models_are_listed_with_what_they_came_from(workshop, sends):
    model_id = make_model(workshop)

    found = sends.get(f"/projects/{workshop.project_id}/models").json()

    (model,) = found["data"]
    assert found["next"] is None
    assert model.keys() >= {
        "id", "name", "job_id", "base_model", "connection_id", "dataset_version_id", "created_at",
    }  # fmt: skip
    assert model["id"] == model_id
    assert model["name"] == TUNED
    assert model["base_model"] == BASE_MODEL
    assert model["connection_id"] == workshop.connection_id
    assert model["dataset_version_id"] == workshop.version_id
    assert sends.get(f"/models/{model_id}").json() == model
    assert sends.get(f"/jobs/{model['job_id']}").json()["model_id"] == model_id


def test_an_answer_has_the_shape_of_a_chat_completion(workshop, sends, witness):
    model_id = make_model(workshop)
    settings = {"temperature": 0, "max_tokens": 20, "seed": 3}

    answer = sends.post(f"/models/{model_id}/chat", json={"messages": HELLO, **settings})

    assert answer.status_code == 200
    body = answer.json()
    assert body["object"] == "chat.completion"
    assert body["choices"][0]["message"]["content"] == "You said: Where is my parcel?"
    assert body["usage"]["total_tokens"] == 10
    (asked,) = witness.journal.read(CHAT)
    assert asked.body["model"] == TUNED
    assert asked.body["temperature"] == 0
    assert asked.body["seed"] == 3
    assert 20 in {asked.body.get("max_tokens"), asked.body.get("max_completion_tokens")}


def test_a_stream_comes_as_data_lines(workshop, sends):
    model_id = make_model(workshop)

    answer = sends.post(f"/models/{model_id}/chat", json={"messages": HELLO, "stream": True})

    assert answer.headers["content-type"].startswith("text/event-stream")
    lines = [line.removeprefix("data: ") for line in answer.text.split("\n\n") if line]
    assert lines[-1] == "[DONE]"
    chunks = [json.loads(line) for line in lines[:-1]]
    assert {chunk["object"] for chunk in chunks} == {"chat.completion.chunk"}
    said = "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks)
    assert said == "You said: Where is my parcel?"


@pytest.mark.parametrize("stream", [False, True])
def test_a_provider_that_does_not_answer_is_502_with_its_words(workshop, sends, witness, stream):
    model_id = make_model(workshop)
    words = '{"error": {"message": "Too hot in here."}}'
    witness.script(Fault(CHAT, status=503, body=words))

    refused = sends.post(f"/models/{model_id}/chat", json={"messages": HELLO, "stream": stream})

    assert refused.status_code == 502
    assert refused.headers["content-type"] == "application/problem+json"
    assert "Too hot in here." in refused.json()["detail"]


def test_a_model_the_provider_deleted_is_502_too(workshop, sends):
    model_id = make_model(workshop, name="ft:gone")
    refused = sends.post(f"/models/{model_id}/chat", json={"messages": HELLO})
    assert refused.status_code == 502
    assert "ft:gone" in refused.json()["detail"]


@one_database
@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"messages": []}, "messages"),
        ({"messages": "hello"}, "messages"),
        ({"messages": [{"content": "x"}]}, "messages"),
        ({"temperature": 2.1}, "temperature"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"model": "gpt-4o"}, "model"),
    ],
)
def test_a_wrong_question_is_422_and_named(workshop, sends, changes, field):
    model_id = make_model(workshop)
    refused = sends.post(f"/models/{model_id}/chat", json={"messages": HELLO, **changes})
    assert refused.status_code == 422
    assert {name.partition(".")[0] for name in problem_fields(refused)} == {field}


def test_viewers_read_models_and_do_not_spend_on_them(workshop, script):
    model_id = make_model(workshop)
    viewer = script(workshop.users["viewer"])
    assert viewer.get(f"/models/{model_id}").status_code == 200
    refused = viewer.post(f"/models/{model_id}/chat", json={"messages": HELLO})
    assert refused.status_code == 403
