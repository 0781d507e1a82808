"""F6, F7 and F8 where they begin: at the lines to the broker and the database, in this process."""

import asyncio
import threading
from contextlib import ExitStack, suppress
from types import SimpleNamespace
from urllib.parse import unquote, urlsplit

import psycopg
import pytest
import redis
import structlog
from starlette.testclient import TestClient

from app.auth.models import Activity
from app.core import events, heartbeat, postgres, queue, storage
from app.core.database import read_only
from app.jobs.models import Job
from app.projects.models import Project
from app.settings import settings
from tests import make, proxy
from tests.conftest import forget
from tests.stage import Browser, Script, make_team
from tests.waiting import eventually

AT_MOST = 10


@pytest.fixture
def web(postgres, postgres_template, monkeypatch, _app, letters):
    """The application on a PostgreSQL at the other end of a line that a test may cut."""
    url = postgres.create(template=postgres_template)
    with proxy.before(postgres.socket) as line:
        monkeypatch.setenv("DATABASE_URL", line.database_url(url))
        forget()
        monkeypatch.setattr(heartbeat, "keep_beating", lambda _kind: threading.Event())
        with TestClient(_app, base_url="http://127.0.0.1:8000", follow_redirects=False) as client:
            storage.drop_ballast()
            team = make_team(make.PUBLIC_URL, "sk-0123456789abcdef")
            yield SimpleNamespace(
                client=client,
                line=line,
                direct_url=url,
                owner=Browser(client, team.users["owner"]),
                script=Script(client, team.users["owner"]),
                **vars(team),
            )
    forget()
    postgres.drop(url)


def assert_told(answer, *, as_page):
    """That the database is away, and when to come back."""
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    if as_page:
        assert answer.headers["content-type"].startswith("text/html")
        assert "The database does not answer just now" in answer.text
    else:
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["status"] == 503


def test_F7_a_database_that_is_away_is_told_to_people_and_scripts_and_found_again(web):
    place = f"/projects/{web.project_id}"
    assert web.owner.get(place).status_code == 200

    web.line.refuse()
    assert_told(web.owner.get(place), as_page=True)
    assert_told(web.script.get(place), as_page=False)
    assert_told(web.owner.post("/projects", {"name": "Never made"}), as_page=True)
    assert_told(web.script.post("/projects", json={"name": "Never made"}), as_page=False)
    assert web.client.get("/livez").status_code == 200
    health = web.client.get("/healthz")
    assert health.status_code == 503
    assert health.json()["parts"]["database"] != "ok"

    web.line.mend()
    eventually(lambda: web.owner.get(place).status_code == 200)
    with read_only() as session:
        assert session.query(Project).filter_by(name="Never made").count() == 0


def test_F7_a_database_that_says_nothing_at_all_is_not_waited_for_for_ever(web, monkeypatch):
    monkeypatch.setattr(postgres, "ANSWER_SECONDS", 0.3)
    monkeypatch.setattr(postgres, "CONNECT_SECONDS", 2)  # less is not taken
    place = f"/projects/{web.project_id}"
    assert web.owner.get(place).status_code == 200
    web.line.freeze()
    assert_told(web.owner.get(place), as_page=True)
    assert_told(web.script.post("/projects", json={"name": "Never made"}), as_page=False)
    web.line.mend()
    eventually(lambda: web.owner.get(place).status_code == 200)


def test_F7_connections_that_the_server_ended_are_not_noticed_by_anybody(web):
    place = f"/projects/{web.project_id}"
    for _ in range(3):
        assert web.owner.get(place).status_code == 200
        with psycopg.connect(web.direct_url, autocommit=True) as root:
            ended = root.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            assert ended.rowcount > 0


def test_F7_a_server_that_takes_no_more_connections_is_one_that_is_away(web):
    place = f"/projects/{web.project_id}"
    web.line.cut()
    with ExitStack() as stack:
        with suppress(psycopg.OperationalError):
            while True:
                stack.enter_context(psycopg.connect(web.direct_url))
        assert_told(web.owner.get(place), as_page=True)
        assert_told(web.script.get(place), as_page=False)
    eventually(lambda: web.owner.get(place).status_code == 200)


def test_F8_a_job_whose_commit_got_no_answer_is_found_by_the_next_click(web):
    body = {
        "connection_id": web.connection_id,
        "base_model": make.BASE_MODEL,
        "method": "supervised",
        "training_version_id": web.version_id,
    }

    def click():
        return web.script.post(
            f"/projects/{web.project_id}/jobs", json=body, headers={"Idempotency-Key": "a click"}
        )

    web.line.swallow(b"INSERT INTO jobs", b"COMMIT")
    assert_told(click(), as_page=False)
    assert web.line.swallowed.is_set()
    again = click()
    assert again.status_code == 201, again.text
    with read_only() as session:
        assert [job.id for job in session.query(Job)] == [again.json()["id"]]
        assert session.query(Activity).filter_by(verb="job.created").count() == 1


@pytest.fixture
def bell(broker_url, monkeypatch):
    """A line to a broker, which a test may cut, and the broker itself."""
    path = unquote(urlsplit(broker_url).path)
    with proxy.before(path) as line, redis.Redis(unix_socket_path=path) as broker:
        monkeypatch.setenv("REDIS_URL", f"redis://127.0.0.1:{line.port}/0")
        settings.cache_clear()
        events._client.cache_clear()
        queue.connect.cache_clear()
        queue.celery.amqp._producer_pool = None
        broker.flushall()
        yield SimpleNamespace(line=line, broker=broker)
        broker.config_set("maxmemory", 0)
        broker.flushall()
    queue.celery.amqp._producer_pool = None


def in_time(call):
    """What it wrote into the log; it must not wait for the broker."""
    with structlog.testing.capture_logs() as written:
        thread = threading.Thread(target=call)
        thread.start()
        thread.join(AT_MOST)
        assert not thread.is_alive()
    return {line["event"] for line in written}


def send():
    """What one click sends."""
    queue.post("jobs.start", 1)
    for topic in ("job:1", "project:1", "people"):
        events.nudge(topic)


@pytest.mark.parametrize("how", ["refuse", "freeze"])
def test_F6_who_sends_to_a_broker_that_is_away_loses_a_moment_and_no_more(bell, how):
    send()
    assert bell.broker.llen("provider") == 1
    getattr(bell.line, how)()
    assert in_time(send) == {"broker.unreachable", "nudge.failed"}
    bell.line.mend()
    bell.broker.delete("provider")

    def arrives():
        send()
        return bell.broker.llen("provider") > 0

    eventually(arrives)
    assert in_time(send) == set()


def test_F6_a_broker_that_was_emptied_or_is_full_takes_no_request_down(bell):
    send()
    bell.broker.flushall()
    assert in_time(send) == set()
    assert bell.broker.llen("provider") == 1
    bell.broker.config_set("maxmemory", 1)
    assert in_time(send) == {"broker.unreachable"}
    bell.broker.config_set("maxmemory", 0)
    assert in_time(send) == set()
    assert bell.broker.llen("provider") == 2


@pytest.mark.parametrize("how", ["cut", "freeze"])
def test_F6_open_pages_hear_again_once_the_broker_can_be_reached(bell, how, monkeypatch):
    for name in ("QUIET_SECONDS", "REPLY_SECONDS", "RETRY_SECONDS"):
        monkeypatch.setattr(events, name, 0.2)

    async def told(waiting):
        return await asyncio.wait_for(waiting.get(), AT_MOST)

    async def listen():
        async with events.Hub().running() as hub, hub.subscribed(["job:1"]) as waiting:
            assert await told(waiting) == "job:1", "who begins to listen looks once"
            await asyncio.sleep(1)  # a quiet line is no dead one
            assert waiting.empty()
            with structlog.testing.capture_logs() as written:
                getattr(bell.line, how)()
                await asyncio.to_thread(eventually, lambda: written)
            assert {line["event"] for line in written} == {"nudges.lost"}
            assert how == "cut" or waiting.empty(), "nobody looks again and again meanwhile"
            bell.line.mend()
            assert await told(waiting) == "job:1", "what was missed is looked at"
            await asyncio.to_thread(events.nudge, "job:1")
            assert await told(waiting) == "job:1"

    asyncio.run(asyncio.wait_for(listen(), 30))
