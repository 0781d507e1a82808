"""Prometheus: who may ask, what the instance says of itself, labels that nobody can multiply."""

import re
from datetime import timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families

from app.auth import service as auth
from app.auth.models import User
from app.connections.models import Connection
from app.core import clock, heartbeat, leases, measures
from app.core.database import unit_of_work
from app.datasets.models import DatasetVersion
from app.jobs.models import Job
from app.projects.models import Project
from app.settings import ROOT
from tests import make
from tests.stage import one_database


def read(text):
    """Every sample by its name and labels."""
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


@pytest.fixture
def scrape(team, client):
    """What the instance's owner sees, with one of their tokens."""
    with unit_of_work() as session:
        person = session.get_one(User, team.users["outsider"])
        person.is_instance_owner = True
        token = auth.create_token(session, person, name="prometheus")

    def ask():
        answer = client.get("/metrics", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"].startswith("text/plain; version=")
        return read(answer.text)

    return ask


@one_database
def test_only_a_token_of_the_instances_owner_opens_it(team, client, browser, script, scrape):
    assert client.get("/metrics").status_code == 401
    assert (
        client.get("/metrics", headers={"Authorization": "Bearer lut_guessed"}).status_code == 401
    )
    assert browser(team.users["outsider"]).get("/metrics").status_code == 401
    other = script(team.users["editor"])
    assert client.get("/metrics", headers=other.headers).status_code == 403
    with unit_of_work() as session:
        session.get_one(User, team.users["outsider"]).disabled_at = clock.now(session)
    with pytest.raises(AssertionError, match="401"):
        scrape()


@one_database
def test_it_is_asked_under_the_address_of_a_process(client, script, team, scrape):
    """The pages refuse a foreign host; Prometheus asks each process by its own name."""
    assert client.get("/metrics", headers={"Host": "web-2:8000"}).status_code == 401
    assert client.get("/livez", headers={"Host": "web-2:8000"}).status_code == 400


def test_the_state_of_the_instance_is_read_when_it_is_asked_for(team, scrape):
    with unit_of_work() as session:
        project = session.get_one(Project, team.project_id)
        connection = session.get_one(Connection, team.connection_id)
        version = session.get_one(DatasetVersion, team.version_id)
        size = version.size
        make.make_running_job(session, project, connection, version)
        waiting = make.make_job(session, project, connection, version, key="form:2").id
        make.make_version(session, project, name="Fresh")
        twin = make.make_version(session, project, name="The same bytes")
        refused = make.make_connection(session, project, name="Refused")
        refused.refused_at = clock.now(session)
        held = make.make_connection(session, project, name="Held")
        held.not_before = clock.now(session) + timedelta(minutes=1)
        heartbeat.beat(session, "worker")
        assert twin.size == size
    clock.shift(30)
    found = scrape()
    assert found["luthier_jobs", "running"] == found["luthier_jobs", "queued"] == 1
    assert found["luthier_jobs", "failed"] == 0
    assert found["luthier_dataset_versions", "ready"] == 1
    assert found["luthier_dataset_versions", "received"] == 2
    assert found["luthier_stored_bytes",] == size
    assert found["luthier_connections", "refused"] == found["luthier_connections", "held"] == 1
    assert found["luthier_connections", "ok"] == 1
    assert found["luthier_due", "version"] == 2
    assert found["luthier_due", "job"] == 1
    assert 30 <= found["luthier_due_oldest_seconds", "job"] < 60
    assert found["luthier_processes", "worker"] == found["luthier_processes", "beat"] == 0
    assert 30 <= found["luthier_heartbeat_age_seconds", "worker"] < 60
    assert found["luthier_broker_up",] == 0
    assert 0 < found["luthier_disk_free_bytes",] <= found["luthier_disk_bytes",]

    with unit_of_work() as session:
        leases.claim(session, Job, waiting, seconds=10)
    assert scrape()["luthier_due", "job"] == 0
    clock.shift(60)
    found = scrape()
    assert found["luthier_leases_expired", "job"] == found["luthier_due", "job"] == 1
    with unit_of_work() as session:
        session.get_one(Job, waiting).attempts = leases.POISON_AFTER
    found = scrape()
    assert found["luthier_poisoned", "job"] == 1
    assert found["luthier_due", "job"] == 0


@one_database
def test_requests_are_counted_by_the_template_of_their_route(team, client, browser, scrape):
    owner = browser(team.users["owner"])
    before = scrape()
    for _ in range(3):
        owner.get(f"/projects/{team.project_id}/jobs")
    for number in range(20):
        client.get(f"/no/such/page/{number}")
        client.get(f"/jobs/{number}/metrics")
        client.get(f"/static/{number}.css")
    client.request("BREW", "/livez")
    after = scrape()

    def more(*key):
        return after.get(key, 0) - before.get(key, 0)

    jobs = "/projects/{project_id}/jobs"
    assert more("luthier_http_requests_total", "GET", jobs, "2xx") == 3
    assert more("luthier_http_request_seconds_count", "GET", jobs) == 3
    assert more("luthier_http_requests_total", "GET", "none", "4xx") == 20
    assert more("luthier_http_requests_total", "GET", "/static", "4xx") == 20
    assert more("luthier_http_requests_total", "GET", "/jobs/{job_id}/metrics", "3xx") == 20
    assert [key for key in after if key[0] == "luthier_http_requests_total" and key[1] == "other"]
    labels = {label for key in after for label in key[1:]}
    assert not [label for label in labels if "BREW" in label or "such" in label]


@one_database
def test_the_guide_names_no_figure_that_is_not_there(scrape):
    with unit_of_work() as session:
        heartbeat.beat(session, "web")
    scrape()  # requests are counted once there were any
    guide = (ROOT / "docs" / "operations.md").read_text()
    named = set(re.findall(r"\bluthier_[a-z_]+", guide))
    assert len(named) > 10
    assert named <= {name for name, *_ in scrape()} | {"luthier_http_request_seconds"}


def test_an_open_stream_is_counted_while_it_is_open():
    import asyncio

    from app.core import events

    async def listen():
        hub = events.Hub()
        before = measures.STREAMS._value.get()
        async with hub.subscribed(["job:1"]), hub.subscribed(["job:1"]):
            meanwhile = measures.STREAMS._value.get() - before
        return meanwhile, measures.STREAMS._value.get() - before

    assert asyncio.run(listen()) == (2, 0)
