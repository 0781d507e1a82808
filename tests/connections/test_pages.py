"""The page of a connection: its form, its test, what it shows and what it never shows."""

import json

import pytest

from app.connections.keys import opened_key
from app.connections.models import Connection
from app.connections.standing import record_failure
from app.core import clock
from app.core.database import read_only, unit_of_work
from app.jobs.models import Job
from app.providers.base import KeyRejected
from tests import make
from tests.stage import connection_of, one_database
from tests.witness.handle import KEY
from tests.witness.script import LIST_FILES, LIST_MODELS, LIST_RUNS, Fault, refusal

OTHER_KEY = "sk-another-key-wxyz"
ACME = {"openai-organization": "acme-inc", "openai-project": "proj_support"}


def models(*names):
    return json.dumps({"object": "list", "data": [{"id": name} for name in names]})


def path_of(team):
    return f"/connections/{team.connection_id}"


def test_a_test_tells_whose_key_it_is_what_it_may_do_and_which_models(workshop, browser, witness):
    witness.script(
        Fault(LIST_MODELS, headers=ACME, body=models("gpt-4o", "ft:mine")),
        Fault(LIST_FILES, status=403, body=json.dumps(refusal("Missing scopes: api.files.read."))),
    )
    owner = browser(workshop.users["owner"])

    done = owner.post(f"{path_of(workshop)}/test")

    assert done.status_code == 303
    shown = owner.get(path_of(workshop)).text
    assert "Organisation acme-inc, project proj_support" in shown
    assert "Missing scopes: api.files.read." in shown
    assert "No job can start: its rows cannot be sent." in shown
    assert "Jobs can be started and followed." in shown
    assert "2 models listed" in shown
    assert connection_of(workshop.connection_id).refused_at is None
    with read_only() as session:
        age = clock.now(session) - connection_of(workshop.connection_id).account_at
    assert age.total_seconds() < 60
    assert len(witness.journal.read(LIST_RUNS)) == 1


def test_a_test_of_a_refused_key_shows_the_providers_words(workshop, browser, witness):
    said = json.dumps(refusal("Incorrect API key provided."))
    witness.script(Fault(LIST_MODELS, status=401, body=said))
    owner = browser(workshop.users["owner"])
    owner.post(f"{path_of(workshop)}/test")
    shown = owner.get(path_of(workshop)).text
    assert "Incorrect API key provided." in shown
    assert "Key refused" in shown


@one_database
@pytest.mark.parametrize(
    "body",
    ["<html><b>root:x:0:0</b></html>", '{"secret": "root:x:0:0"}', '["root:x:0:0"]', "root:x:0:0"],
)
@pytest.mark.parametrize("status", [200, 400, 404, 500])
def test_what_a_stranger_answers_is_not_read_out(workshop, browser, witness, body, status):
    """Else a base URL would be a way to read what only this server can reach."""
    witness.script(Fault(LIST_MODELS, status=status, body=body))
    owner = browser(workshop.users["owner"])
    owner.post(f"{path_of(workshop)}/test")
    assert "root:x" not in owner.get(path_of(workshop)).text
    assert connection_of(workshop.connection_id).words


@one_database
def test_the_eleventh_test_within_a_minute_is_too_many(workshop, browser, script, witness):
    owner = browser(workshop.users["owner"])
    for _ in range(10):
        assert owner.post(f"{path_of(workshop)}/test").status_code == 303
    before = len(witness.journal.read())
    refused = owner.post(f"{path_of(workshop)}/test")
    by_script = script(workshop.users["owner"]).post(f"{path_of(workshop)}/test")
    assert (refused.status_code, by_script.status_code) == (429, 429)
    assert refused.headers["retry-after"] == "60"
    assert "10 tests within a minute" in refused.text
    assert len(witness.journal.read()) == before
    clock.shift(61)
    assert owner.post(f"{path_of(workshop)}/test").status_code == 303


@one_database
def test_a_test_needs_the_forms_token(workshop, browser):
    owner = browser(workshop.users["owner"])
    assert owner.client.post(f"{path_of(workshop)}/test", headers=owner.headers).status_code == 403
    assert owner.post(f"{path_of(workshop)}/test", {"csrf": "x"}).status_code == 403


def test_the_form_moves_a_connection_only_with_the_key_of_the_new_place(team, browser):
    owner = browser(team.users["owner"])
    form = {"name": "Main", "base_url": "https://api.elsewhere.example/v1"}

    refused = owner.post(path_of(team), form)

    assert refused.status_code == 422
    assert "never sent to another server" in refused.text
    assert "https://api.elsewhere.example/v1" in refused.text
    assert connection_of(team.connection_id).name == "OpenAI"
    assert owner.post(path_of(team), {**form, "api_key": f" {OTHER_KEY}\n"}).status_code == 303
    moved = connection_of(team.connection_id)
    assert (moved.name, opened_key(moved)) == ("Main", OTHER_KEY)
    assert OTHER_KEY not in owner.get(path_of(team)).text


@one_database
def test_a_key_that_no_key_looks_like_is_refused_where_it_is_typed(team, browser):
    owner = browser(team.users["owner"])
    form = {"name": "OpenAI", "base_url": make.PUBLIC_URL, "api_key": "sk ey"}
    refused = owner.post(path_of(team), form)
    assert refused.status_code == 422
    assert "characters that no key has" in refused.text
    assert "sk ey" not in refused.text


@one_database
def test_a_viewer_sees_how_it_stands_and_no_form(team, browser):
    shown = browser(team.users["viewer"]).get(path_of(team)).text
    assert "Owners change connections" in shown
    assert 'name="api_key"' not in shown


@one_database
def test_the_page_lists_the_jobs_over_it_and_only_an_unused_one_goes(team, browser, session_job):
    owner = browser(team.users["owner"])
    assert f"/jobs/{session_job}" in owner.get(f"{path_of(team)}/jobs").text
    refused = owner.post(f"{path_of(team)}/delete")
    assert refused.status_code == 409
    assert "OpenAI stays: 1 job came over it." in refused.text


@pytest.fixture
def session_job(team):
    from tests.jobs.steps import queue_job

    return queue_job(team)


def test_a_running_job_goes_on_with_the_new_key(workshop, browser, witness):
    from tests.jobs.steps import look, queue_job

    job_id = queue_job(workshop)
    _start(job_id)
    owner = browser(workshop.users["owner"])
    form = {"name": "OpenAI", "base_url": witness.url, "api_key": KEY}
    assert owner.post(path_of(workshop), form).status_code == 303
    before = len(witness.journal.read(LIST_RUNS))
    look(workshop)
    assert len(witness.journal.read(LIST_RUNS)) == before + 1
    with read_only() as session:
        assert session.get_one(Job, job_id).status == "running"


def _start(job_id):
    from app.jobs import tasks

    tasks.start(job_id)


@one_database
def test_two_projects_do_not_see_each_others_connections(team, browser):
    stranger = browser(team.users["outsider"])
    for answer in (
        stranger.get(path_of(team)),
        stranger.post(path_of(team), {"name": "x"}),
        stranger.post(f"{path_of(team)}/test"),
        stranger.post(f"{path_of(team)}/delete"),
    ):
        assert answer.status_code == 404


def test_the_page_to_talk_to_a_model_says_that_its_connection_is_stopped(furnished, browser):
    path = f"/models/{furnished.model_id}/try"
    viewer = browser(furnished.users["viewer"])
    assert "needs another key" not in viewer.get(path).text
    with unit_of_work() as session:
        connection = session.get_one(Connection, furnished.connection_id)
        record_failure(session, connection, KeyRejected("Refused.", said="Incorrect API key."))
    shown = viewer.get(path).text
    assert "OpenAI needs another key" in shown
    assert "Incorrect API key." in shown
    part = viewer.get(path, **{"HX-Request": "true"}).text
    assert part.lstrip().startswith('<div id="stop"')
    assert "OpenAI needs another key" in part
