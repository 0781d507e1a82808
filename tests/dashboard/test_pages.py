"""The pages of a project, whole and in parts, with real rows behind them."""

import html
import json
import re

import pytest

from app.connections.models import Connection
from app.core.database import unit_of_work
from app.datasets.models import DatasetVersion
from app.jobs import metrics, service, sweeps
from app.jobs.models import Job, JobStatus
from app.projects.models import Project
from app.providers.base import RunEvent
from tests import make
from tests.make import BASE_MODEL
from tests.stage import job_of, one_database
from tests.witness.script import CHAT, Fault

HOSTILE = '<img src=x onerror=alert(1)>{{7*7}}<div hx-get="/logout" hx-trigger="load">'


def load(session, team):
    return (
        session.get_one(Project, team.project_id),
        session.get_one(Connection, team.connection_id),
        session.get_one(DatasetVersion, team.version_id),
    )


@pytest.fixture
def job(team):
    with unit_of_work() as session:
        made = make.make_running_job(session, *load(session, team), suffix="june")
        numbers = {"train_loss": [(1, 3.0), (2, 2.0)], "full_valid_loss": [(2, 2.5)]}
        metrics.append(session, made.id, numbers)
        service.log(session, made, "Order sent once.")
        return made.id


@pytest.fixture
def owner(team, browser):
    return browser(team.users["owner"])


def test_every_state_of_a_job_has_a_page_and_a_panel(team, owner, job):
    for status in JobStatus:
        with unit_of_work() as session:
            found = session.get_one(Job, job)
            found.status = status
            found.error = "It broke." if status == JobStatus.FAILED else None
            found.last_error = "No answer."
        whole, part = owner.get(f"/jobs/{job}"), owner.get(f"/jobs/{job}/progress")
        assert whole.status_code == part.status_code == 200, status
        assert "<html" in whole.text
        assert "<html" not in part.text
        assert ("hx-trigger" in part.text) == (not found.has_ended), status


def test_a_panel_is_the_same_lines_as_in_its_page(team, owner, job):
    whole = owner.get(f"/jobs/{job}").text
    for part in ("progress", "log"):
        names = re.findall(r'<section[^>]*\bid="([^"]+)"', owner.get(f"/jobs/{job}/{part}").text)
        assert all(f'id="{name}"' in whole for name in names)


def test_a_job_page_says_what_is_frozen(team, owner, job):
    text = owner.get(f"/jobs/{job}").text.replace("<wbr>", "")
    for word in ("june", BASE_MODEL, "n_epochs", "batch_size", "ftjob-1", "Order sent once."):
        assert word in text, word


def test_an_ended_job_opens_the_form_for_another_like_it(team, owner, browser, job):
    assert 'id="duplicate-job"' not in owner.get(f"/jobs/{job}").text
    dials = {"n_epochs": 3, "batch_size": "auto"}
    with unit_of_work() as session:
        found = session.get_one(Job, job)
        found.status, found.error, found.seed = JobStatus.FAILED, "No.", 11
        found.hyperparameters, found.validation_split = dials, 0.2
    page = owner.get(f"/jobs/{job}").text
    (link,) = re.findall(r'href="([^"]+)" id="duplicate-job"', page)
    form = owner.get(html.unescape(link)).text
    for field, value in (
        ("suffix", "june"),
        ("seed", "11"),
        ("validation_split", "0.2"),
        ("n_epochs", "3"),
    ):
        assert re.search(rf'<input[^>]*name="{field}"[^>]*value="{value}"', form), field
    assert re.search(r'name="n_epochs_mode"[^>]*value="number" checked', form)
    assert re.search(r'name="batch_size_mode"[^>]*value="auto" checked', form)
    assert re.search(r'value="split" checked', form)
    viewer = browser(team.users["viewer"])
    assert 'id="duplicate-job"' not in viewer.get(f"/jobs/{job}").text


def test_the_chart_reads_series_and_the_table_a_csv(owner, job):
    found = owner.get(f"/jobs/{job}/metrics").json()
    assert found["step"] == [1, 2]
    assert found["train_loss"] == [3.0, 2.0]
    assert found["full_valid_loss"] == [None, 2.5]
    assert found["is_final"] is False
    assert found["last_step"] == 2
    table = owner.get(f"/jobs/{job}/metrics.csv")
    assert table.headers["content-disposition"].startswith("attachment")
    lines = table.text.splitlines()
    assert lines[0].startswith("step,train_loss,valid_loss,full_valid_loss")
    assert lines[1].startswith("1,3.0,,")
    assert len(lines) == 3


def test_the_whole_log_is_shown_when_asked_for(team, owner, job):
    with unit_of_work() as session:
        for n in range(20):
            service.log(session, session.get_one(Job, job), f"Line number {n}.")
    short = owner.get(f"/jobs/{job}").text
    assert "Line number 19." in short
    assert "Line number 0." not in short
    assert "events=all" in short
    assert "Line number 0." in owner.get(f"/jobs/{job}?events=all").text
    assert "Line number 0." in owner.get(f"/jobs/{job}/log?events=all").text


def test_the_form_for_a_job_draws_what_the_provider_describes(workshop, browser):
    owner = browser(workshop.users["owner"])
    answer = owner.get(f"/projects/{workshop.project_id}/jobs/new")
    assert answer.status_code == 200
    for word in (BASE_MODEL, "n_epochs", "learning_rate_multiplier", "batch_size", "nonce"):
        assert word in answer.text, word
    part = owner.get(f"/projects/{workshop.project_id}/jobs/new", **{"HX-Request": "true"})
    assert "<html" not in part.text
    receipt = owner.client.get(
        f"/projects/{workshop.project_id}/jobs/receipt",
        params={"n_epochs_mode": "number", "n_epochs": "3", "base_model": BASE_MODEL},
        headers=owner.headers,
    )
    assert receipt.status_code == 200
    assert "<html" not in receipt.text
    assert "939" in receipt.text  # 348 tokens, a tenth split off, three times


def test_a_form_whose_provider_is_away_still_opens(workshop, browser, witness):
    witness.script(Fault("GET /v1/models", status=500, times=5))
    owner = browser(workshop.users["owner"])
    assert owner.get(f"/projects/{workshop.project_id}/jobs/new").status_code == 200


def form_of(team, **changes):
    usual = {
        "nonce": "a-nonce",
        "connection_id": str(team.connection_id),
        "base_model": BASE_MODEL,
        "method": "supervised",
        "training_version_id": str(team.version_id),
        "validation": "none",
        "validation_version_id": "",
        "validation_split": "0.1",
        "suffix": "",
        "seed": "",
        "n_epochs_mode": "auto",
        "n_epochs": "",
        "batch_size_mode": "number",
        "batch_size": "4",
        "learning_rate_multiplier_mode": "auto",
        "learning_rate_multiplier": "",
    }
    return {**usual, **changes}


def test_a_second_click_finds_the_first_ones_job(team, owner):
    path = f"/projects/{team.project_id}/jobs"
    first = owner.post(path, form_of(team))
    again = owner.post(path, form_of(team))
    assert first.status_code == again.status_code == 303
    assert first.headers["location"] == again.headers["location"]
    job = job_of(int(first.headers["location"].rpartition("/")[2]))
    assert job.hyperparameters["batch_size"] == 4
    assert job.hyperparameters["n_epochs"] == "auto"
    assert (job.suffix, job.seed, job.validation_split) == (None, None, None)
    other = owner.post(path, form_of(team, suffix="changed"))
    assert other.status_code == 409


@one_database
@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"n_epochs_mode": "number", "n_epochs": "0"}, "n_epochs"),
        ({"n_epochs_mode": "number", "n_epochs": "१२"}, "n_epochs"),
        ({"seed": "-1"}, "seed"),
        ({"validation": "split", "validation_split": "0.9"}, "validation_split"),
        ({"training_version_id": "999999"}, "training_version_id"),
        ({"role": "admin"}, "role"),
    ],
)
def test_a_wrong_form_comes_back_as_it_was_typed(team, owner, changes, field):
    answer = owner.post(
        f"/projects/{team.project_id}/jobs", form_of(team, suffix="kept", **changes)
    )
    assert answer.status_code == 422
    assert "kept" in answer.text
    with unit_of_work() as session:
        assert session.query(Job).count() == 0


def test_a_field_that_stands_twice_is_refused(team, owner):
    body = f"csrf={owner.csrf}&name=One&name=Two"
    headers = {**owner.headers, "Content-Type": "application/x-www-form-urlencoded"}
    assert owner.client.post("/projects", content=body, headers=headers).status_code == 400


def test_a_job_is_cancelled_from_its_page(team, owner, job, letters):
    answer = owner.post(f"/jobs/{job}/cancel")
    assert answer.status_code == 303
    assert ("jobs.sweep", (team.connection_id,)) in letters.tasks
    assert "Cancelling" in owner.get(f"/jobs/{job}").text


def test_the_side_says_how_many_jobs_run(team, owner, job):
    side = owner.get(f"/projects/{team.project_id}/side")
    assert side.status_code == 200
    assert "1" in side.text


def test_home_says_what_needs_a_person(team, owner, job):
    with unit_of_work() as session:
        found = session.get_one(Job, job)
        found.status, found.last_error = JobStatus.IN_DOUBT, "No answer."
        session.get_one(Connection, team.connection_id).refused_at = found.created_at
        session.get_one(Connection, team.connection_id).words = "Key refused."
        rejected = make.make_version(session, session.get_one(Project, team.project_id), b"x\n")
        rejected.status, rejected.reason = "rejected", "Not one row can be read."
    text = owner.get(f"/projects/{team.project_id}").text
    for words in ("may or may not be running", "needs another key", "Not one row can be read."):
        assert words in text, words


def test_a_job_in_doubt_is_not_hidden_by_younger_ones(team, owner, job):
    with unit_of_work() as session:
        session.get_one(Job, job).status = JobStatus.IN_DOUBT
        for number in range(2, 14):
            make.make_running_job(session, *load(session, team), key=f"form:{number}")
    assert "june may or may not be running" in owner.get(f"/projects/{team.project_id}").text


def test_user_text_is_never_html(team, owner):
    with unit_of_work() as session:
        project, connection, _ = load(session, team)
        project.name = HOSTILE[:100]
        rows = make.chat_file(10) + make.chat_row(HOSTILE, HOSTILE)
        hostile = make.make_checked_version(session, project, rows, name=HOSTILE[:100])
        job = make.make_running_job(session, project, connection, hostile, suffix=HOSTILE[:64])
        event = RunEvent("e1", None, "info", "message", HOSTILE, {})
        sighting = sweeps.Sighting(
            make.make_report("ftjob-1", provider_status=HOSTILE[:100]), [event]
        )
        sweeps.record_progress(session, job, sighting)
        ids = team.project_id, hostile.id, job.id
    project_id, version_id, job_id = ids
    for path in (
        "/projects",
        f"/projects/{project_id}",
        f"/projects/{project_id}/datasets",
        f"/projects/{project_id}/jobs",
        f"/dataset-versions/{version_id}",
        f"/dataset-versions/{version_id}/rows?row=11",
        f"/jobs/{job_id}",
    ):
        text = owner.get(path).text
        assert "<img" not in text, path
        assert '<div hx-get="/logout"' not in text, path
        assert "{{7*7}}" in text or "&lt;img" in text, path


def test_a_model_is_shown_tried_and_talked_to(workshop, browser, witness):
    owner = browser(workshop.users["owner"])
    with unit_of_work() as session:
        model_id = make.make_model(session, *load(session, workshop)).id
    assert "ft:gpt-4o-mini" in owner.get(f"/projects/{workshop.project_id}/models").text
    shown = owner.get(f"/models/{model_id}").text
    for words in ("from openai import OpenAI", "curl", "ftjob-1", "12 training rows"):
        assert words in shown, words
    tried = owner.get(f"/models/{model_id}/try").text
    assert make.SYSTEM in tried
    assert "Where is parcel" in tried
    question = {"messages": [{"role": "user", "content": "Hello"}], "stream": True}
    tuned = owner.send("POST", f"/models/{model_id}/chat", json=question)
    base = owner.send("POST", f"/models/{model_id}/base-chat", json=question)
    assert tuned.headers["content-type"].startswith("text/event-stream")
    assert "Hello" in tuned.text
    assert base.text.rstrip().endswith("[DONE]")
    asked = [request.body["model"] for request in witness.journal.read(CHAT)]
    assert asked == ["ft:gpt-4o-mini-2024-07-18:acme::abcd1234", BASE_MODEL]


def test_a_missing_page_says_so_in_the_readers_language(owner):
    for path in ("/nowhere", "/jobs/999999", "/projects/999999/jobs"):
        answer = owner.get(path)
        assert answer.status_code == 404
        assert "<html" in answer.text
    as_json = owner.get("/jobs/999999", Accept="application/json")
    assert as_json.headers["content-type"] == "application/problem+json"
    assert json.loads(as_json.text)["status"] == 404


def test_a_surprise_is_a_page_with_a_number_and_no_details(team, client, monkeypatch):
    from starlette.testclient import TestClient

    from app.projects import queries
    from tests.stage import Browser

    with TestClient(
        client.app, base_url=client.base_url, follow_redirects=False, raise_server_exceptions=False
    ) as patient:
        browser = Browser(patient, team.users["owner"])

        def break_down(*_args):
            raise ZeroDivisionError("a secret detail")

        monkeypatch.setattr(queries, "memberships_of", break_down)
        answer = browser.get("/projects")
    assert answer.status_code == 500
    assert "a secret detail" not in answer.text
    assert "Traceback" not in answer.text
