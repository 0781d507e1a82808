"""A secret that went through everything is found nowhere."""

import json

from sqlalchemy import select

from app.connections.models import Connection
from app.core import logs
from app.core.database import read_only, unit_of_work
from app.core.orm import Base
from app.datasets.models import DatasetVersion
from app.jobs import tasks
from app.jobs.models import Job
from app.projects.models import Project
from tests import make
from tests.stage import make_team
from tests.witness.script import CHAT, CREATE_RUN, LIST_FILES, LIST_MODELS, Fault, refusal

CANARY = "sk-canary-5f2d8b71c0e94a63"


def test_a_key_is_not_told_by_a_provider_that_repeats_it(database, witness, script, browser, capfd):
    """The witness refuses the key and writes it into its answers, as some gateways do."""
    logs.configure()
    said = json.dumps(refusal(f"Incorrect API key provided: {CANARY}."))
    team = make_team(witness.url, CANARY)
    witness.script(
        Fault(LIST_FILES, status=503, body=said),
        Fault(CREATE_RUN, status=400, body=said),
        Fault(LIST_MODELS, status=500, body=said),
        Fault(LIST_MODELS, status=401, body=said),
        Fault(CHAT, status=500, body=said),
    )
    with unit_of_work() as session:
        job = make.make_job(
            session,
            session.get_one(Project, team.project_id),
            session.get_one(Connection, team.connection_id),
            session.get_one(DatasetVersion, team.version_id),
        )
    tasks.start(job.id)
    with unit_of_work() as session:
        session.get_one(Job, job.id).due_at = job.created_at
    tasks.start(job.id)
    sends, owner = script(team.users["owner"]), browser(team.users["owner"])

    path = f"/connections/{team.connection_id}"
    form = {"name": "OpenAI", "base_url": "https://api.elsewhere.example/v1", "api_key": CANARY}
    told = [
        sends.get(f"/connections/{team.connection_id}/base-models").text,
        owner.post(path, {**form, "base_url": "http://10.0.0.1"}).text,
        owner.post(path, {**form, "base_url": witness.url}).text,
        sends.send("PATCH", path, json={"api_key": CANARY, "base_url": "http://10.0.0.1"}).text,
        sends.send("PATCH", path, json={"api_key": CANARY}).text,
        owner.post(f"{path}/test").text,
        sends.post(f"{path}/test").text,
        owner.get(path).text,
        owner.get(f"/projects/{team.project_id}/activity").text,
        owner.get(f"/projects/{team.project_id}/jobs/new").text,
        sends.get(f"/connections/{team.connection_id}").text,
        sends.get(f"/jobs/{job.id}").text,
        sends.get(f"/jobs/{job.id}/events").text,
        owner.get(f"/projects/{team.project_id}/connections").text,
        owner.get(f"/jobs/{job.id}").text,
        owner.get(f"/projects/{team.project_id}").text,
        *capfd.readouterr(),
    ]

    assert not [text for text in told if CANARY in text]
    with read_only() as session:
        for table in Base.metadata.sorted_tables:
            for row in session.execute(select(table)):
                assert CANARY not in repr(tuple(row)), table.name
    assert any(CANARY in request.headers["authorization"] for request in witness.journal.read())


def test_words_that_sound_like_secrets_are_never_written(capfd):
    import structlog

    logs.configure()
    structlog.get_logger("x").warning("seen", api_key=CANARY, Authorization=CANARY, path="/ok")
    written = capfd.readouterr().err
    assert CANARY not in written
    assert "/ok" in written


def test_a_links_token_is_in_no_log_line(client, capfd):
    logs.configure()
    for place in ("welcome", "password", "invitations"):
        path = f"/{place}/{CANARY}"
        assert client.get(path, headers={"Host": "elsewhere.example"}).status_code == 400
    told = "".join(capfd.readouterr())
    assert told.count("request.refused") == 3
    assert "/invitations/…" in told
    assert CANARY not in told
