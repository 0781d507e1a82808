"""Health, the API's description, and who may hear of what."""

import asyncio

import pytest
from sqlalchemy.exc import OperationalError

from app.auth import service as auth
from app.auth.models import User
from app.connections.models import Connection
from app.core import events, heartbeat
from app.core.database import unit_of_work
from app.core.errors import NotFound
from app.dashboard import health, live
from app.datasets.models import DatasetVersion
from app.projects.models import Project
from app.settings import settings
from tests import make

PARTS = {"disk", "web", "database", "broker", "worker", "beat"}


def test_livez_asks_nobody(client):
    assert client.get("/livez").json() == {"status": "ok"}


def test_health_names_the_part_that_is_missing(client):
    answer = client.get("/healthz")
    assert answer.status_code == 503
    found = answer.json()
    assert found["status"] == "degraded"
    assert found["parts"].keys() == PARTS
    assert found["parts"]["web"] == found["parts"]["database"] == "ok"
    assert found["parts"]["broker"] != "ok"
    assert found["parts"]["worker"] == "no sign of life"


def test_health_is_200_when_every_configured_part_lives(client, monkeypatch, broker_url):
    monkeypatch.setenv("REDIS_URL", broker_url)
    settings.cache_clear()
    events._client.cache_clear()
    with unit_of_work() as session:
        heartbeat.beat(session, "worker")
        session.flush()
        session.query(heartbeat.Heartbeat).update({"process": "another"})
        session.expunge_all()
        heartbeat.beat(session, "beat")
    answer = client.get("/healthz")
    assert answer.json() == {
        "status": "ok",
        "parts": dict.fromkeys(sorted(PARTS), "ok"),
        "warnings": health.warnings(),
    }
    assert answer.status_code == 200


def test_a_trainer_that_is_configured_and_silent_is_named(client, monkeypatch):
    monkeypatch.setenv("LUTHIER_TRAINER_URL", "http://127.0.0.1:9/v1")
    settings.cache_clear()
    assert health.parts()["trainer"] != "ok"


def test_an_old_heartbeat_is_no_sign_of_life(session):
    from app.core import clock

    heartbeat.beat(session, "worker")
    session.flush()
    assert heartbeat.living_kinds(session) == {"worker"}
    clock.shift(heartbeat.FRESH_SECONDS + 1)
    assert heartbeat.living_kinds(session) == set()


def test_the_api_describes_itself(client):
    described = client.get("/api/openapi.json").json()
    paths = described["paths"]
    assert set(paths["/api/v1/projects/{project_id}/jobs"]) == {"get", "post"}
    assert "/api/v1/models/{model_id}/chat" in paths
    assert not [path for path in paths if not path.startswith("/api/v1/")]
    assert described["components"]["securitySchemes"]["token"]["scheme"] == "bearer"
    assert client.get("/api/docs").status_code == 200


class Asked:
    """As much of a request as the stream's access check reads."""

    def __init__(self, token, *topics):
        from starlette.datastructures import QueryParams, State

        self.cookies = {"luthier-8000": token}
        self.scope = {"path": "/live"}
        self.state = State()
        self.query_params = QueryParams([("topic", topic) for topic in topics])


def test_a_stream_tells_members_alone(team):
    with unit_of_work() as session:
        member = auth.sign_in(session, team.users["viewer"])
        outsider = auth.sign_in(session, team.users["outsider"])
        job = make.make_running_job(
            session,
            session.get_one(Project, team.project_id),
            session.get_one(Connection, team.connection_id),
            session.get_one(DatasetVersion, team.version_id),
        )
        rescue = make.make_rescue(session, session.get_one(Connection, team.connection_id))
        topics = [f"job:{job.id}", f"project:{team.project_id}", f"version:{team.version_id}"]
        topics.append(f"rescue:{rescue.id}")
    assert live.visible_topics(Asked(member, *topics)) == topics
    assert live.visible_topics(Asked(member, "job:999999", *topics)) == topics
    assert live.visible_topics(Asked(outsider, *topics)) == []
    mine = [f"account:{team.users['viewer']}"]
    assert live.visible_topics(Asked(member, "people", *mine)) == mine
    assert live.visible_topics(Asked(outsider, "people", *mine, "account:x")) == []
    with unit_of_work() as session:
        ruler = auth.sign_in(session, team.users["owner"])
    assert live.visible_topics(Asked(ruler, "people", *mine)) == ["people"]
    for odd in ("user:1", "job:x", "job:१", "job:", "job:" + "9" * 30, "", "__class__:1"):
        with pytest.raises(NotFound):
            live.visible_topics(Asked(member, odd))


def test_a_stream_begins_with_one_nudge_a_topic_and_passes_changes_on():
    async def listen():
        hub, request = events.Hub(), Asked("")
        request.state.user = User(id=1)
        stream = live.nudges(request, hub, ["job:1", "job:2"])
        told = [await anext(stream) for _ in range(3)]
        hub.deliver("job:2")
        hub.deliver("job:3")
        told.append(await anext(stream))
        await stream.aclose()
        assert hub._waiting == {}
        return told

    told = asyncio.run(listen())
    assert told[0] == b"retry: 1000\n\n"
    assert told[1:] == [
        b"event: nudge\ndata: job:1\n\n",
        b"event: nudge\ndata: job:2\n\n",
        b"event: nudge\ndata: job:2\n\n",
    ]


def test_a_stream_ends_while_nobody_can_say_who_may_hear_it(monkeypatch):
    def away(*_):
        raise OperationalError("SELECT 1", {}, Exception("the server closed the connection"))

    monkeypatch.setattr(live, "visible_topics", away)
    monkeypatch.setattr(live, "RECHECK_SECONDS", -1)

    async def listen():
        hub, request = events.Hub(), Asked("")
        request.state.user = User(id=1)
        told = []
        async for line in live.nudges(request, hub, ["job:1"]):
            told.append(line)
            hub.deliver("job:1")
        assert hub._waiting == {}
        return told

    assert asyncio.run(listen()) == [b"retry: 1000\n\n", b"event: nudge\ndata: job:1\n\n"]


def test_a_stream_is_for_people_who_are_signed_in(client):
    assert client.get("/live?topic=job:1").status_code == 303
