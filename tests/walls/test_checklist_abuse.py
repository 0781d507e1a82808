"""Too much, too slow, too often, by the numbers of the security checklist (see
`test_checklist.py`).
"""

import ast
import asyncio
import re
import tomllib
from contextlib import ExitStack

import pytest
from sqlalchemy import text
from starlette.requests import Request

from app.core import clock, receiving
from app.core.api import MOST
from app.core.database import engine, unit_of_work
from app.core.errors import TooMany, TooSlow
from app.jobs.models import Job
from app.projects import queries as projects
from app.projects.models import Project
from app.settings import ROOT, settings
from tests import make
from tests.architecture.routes import every_route
from tests.architecture.test_modules import calls, trees
from tests.stage import one_database
from tests.walls.furnished import address

ROUTES = every_route()
MATCHES = {"like", "ilike", "contains", "icontains", "startswith", "istartswith", "endswith"}


def body(*pieces, then=None):
    """A request whose body arrives in these pieces, and stands still where `then` never ends."""
    waiting = list(pieces)

    async def receive():
        if waiting:
            return {"type": "http.request", "body": waiting.pop(0), "more_body": True}
        if then is not None:
            await then.wait()
        return {"type": "http.request", "body": b"", "more_body": False}

    scope = {"type": "http", "method": "PUT", "path": "/", "headers": []}
    return Request(scope, receive)


def test_27_a_person_uploads_three_files_at_once_and_no_more(home):
    async def scenario():
        gate = asyncio.Event()
        held = [
            asyncio.create_task(receiving.receive_raw(body(b"x", then=gate), sender=1, size=1))
            for _ in range(3)
        ]
        await asyncio.sleep(0)
        with pytest.raises(TooMany, match="3 uploads of yours"):
            await receiving.receive_raw(body(b"x"), sender=1, size=1)
        assert (await receiving.receive_raw(body(b"y"), sender=2, size=1)).size == 1
        held.pop().cancel()
        gate.set()
        for one in held:
            assert (await one).size == 1
        assert (await receiving.receive_raw(body(b"x"), sender=1, size=1)).size == 1

    asyncio.run(scenario())
    assert not receiving._under_way


@pytest.mark.parametrize("pieces", [[], [b"x" * 1000] * 3], ids=["silent", "a drop at a time"])
def test_27_a_sender_that_stands_still_is_let_go_and_nothing_stays(home, monkeypatch, pieces):
    monkeypatch.setattr(receiving, "PACE_SECONDS", 0.1)

    async def scenario():
        with pytest.raises(TooSlow):
            await receiving.receive_raw(body(*pieces, then=asyncio.Event()), sender=1, size=None)

    asyncio.run(scenario())
    assert not [path for path in (home / "blobs").rglob("*") if path.is_file()]


def test_27_a_sender_that_drips_is_let_go(home, monkeypatch):
    """Each drop comes in time, and all of them together are too little."""
    monkeypatch.setattr(receiving, "PACE_SECONDS", 0.2)

    async def drips():
        while True:
            await asyncio.sleep(0.05)
            yield b"x"

    async def scenario():
        with pytest.raises(TooSlow, match="too slow"):
            async for _ in receiving._paced(drips(), 10, "nothing was kept"):
                pass

    asyncio.run(asyncio.wait_for(scenario(), 30))


def test_43_a_search_takes_its_words_as_they_are():
    """A `%` or `_` that somebody types is no pattern, and no SQL is written as text."""
    loose = [
        f"{where}:{call.lineno}"
        for where, tree in trees()
        if where.endswith("/queries.py")
        for call in calls(tree)
        if isinstance(call.func, ast.Attribute) and call.func.attr in MATCHES
        if not {"autoescape", "escape"} & {word.arg for word in call.keywords}
    ]
    assert loose == []
    put_together = {
        where
        for where, tree in trees()
        if not where.startswith("app/trainer/")  # its `text` reads a field of a request
        for call in calls(tree)
        if ast.unparse(call.func) in {"text", "sa.text", "literal_column", "sa.literal_column"}
        if not all(isinstance(argument, ast.Constant) for argument in call.args)
    }
    assert put_together <= {"app/core/portable.py"}, "SQL of our own is a constant"


def test_43_a_project_called_percent_is_one_of_its_kind(database):
    with unit_of_work() as session:
        anna = make.make_user(session)
        make.make_project(session, anna, "Support")
        assert projects.slugs_like(session, "%") == set()
        assert projects.slugs_like(session, "s_pport") == set()
        assert projects.slugs_like(session, "sup") == {"support"}


def test_44_no_statement_runs_for_ever(real_database):
    with engine().connect() as connection:
        if real_database == "postgresql":
            assert connection.execute(text("show statement_timeout")).scalar() == "15s"
        else:
            assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() == 15_000


@one_database
def test_44_no_list_is_longer_than_two_hundred(rescued, script):
    assert MOST == 200
    sends = script(rescued.users["owner"])
    for route in ROUTES:
        if route.path.startswith("/api/v1") and "GET" in route.methods:
            path = address(route, rescued).removeprefix("/api/v1")
            answer = sends.get(path, params={"limit": 201})
            if "limit" in route.endpoint.__annotations__:
                assert answer.status_code == 422, str(route)
                assert sends.get(path, params={"limit": 0}).status_code == 422, str(route)


def test_45_starts_are_counted_by_person_and_hour(furnished, browser, monkeypatch):
    monkeypatch.setenv("LUTHIER_STARTS_PER_HOUR", "3")
    settings.cache_clear()
    with unit_of_work() as session:
        project = session.get_one(Project, furnished.project_id)
        connection = session.get_one(make.Connection, furnished.connection_id)
        version = session.get_one(make.DatasetVersion, furnished.version_id)
        for n in (1, 2):
            make.make_job(session, project, connection, version, key=f"form:more-{n}")
        with pytest.raises(TooMany, match="3 jobs within an hour"):
            make.make_job(session, project, connection, version, key="form:too-many")
        make.make_job(session, project, connection, version, key="form:more-1")
        assert session.query(Job).count() == 3
    owner = browser(furnished.users["owner"])
    form = {
        "nonce": "another", "connection_id": str(furnished.connection_id), "suffix": "kept",
        "training_version_id": str(furnished.version_id), "base_model": make.BASE_MODEL,
        "method": "supervised",
    }  # fmt: skip
    refused = owner.post(f"/projects/{furnished.project_id}/jobs", form)
    assert refused.status_code == 429
    assert "within an hour" in refused.text
    assert 'value="kept"' in refused.text
    editor = browser(furnished.users["editor"])
    assert editor.post(f"/projects/{furnished.project_id}/jobs", form).status_code == 303


def test_45_invitations_are_counted_by_person_and_day(team, browser, monkeypatch):
    monkeypatch.setenv("LUTHIER_INVITATIONS_PER_DAY", "2")
    settings.cache_clear()
    owner = browser(team.users["owner"])
    path = f"/projects/{team.project_id}/invitations"
    answers = [owner.post(path, {"role": "viewer"}) for _ in range(3)]
    assert [one.status_code for one in answers] == [200, 200, 429]
    assert "2 invitations within a day" in answers[-1].text
    clock.shift(86_401)
    assert owner.post(path, {"role": "viewer"}).status_code in {200, 303}


@one_database
def test_45_the_pages_that_listen_are_counted_by_person(team, browser, client, monkeypatch):
    monkeypatch.setenv("LUTHIER_STREAMS_PER_PERSON", "3")
    settings.cache_clear()
    hub, user_id = client.app.state.hub, team.users["owner"]
    with ExitStack() as open_pages:
        for _ in range(3):
            listening = hub.subscribed([f"rights:{user_id}"])
            open_pages.enter_context(client.portal.wrap_async_context_manager(listening))
        answer = browser(user_id).get(f"/live?topic=project:{team.project_id}")
        assert answer.status_code == 429
        assert answer.headers["retry-after"]
    assert hub.listeners(f"rights:{user_id}") == 0


def test_48_the_rules_of_bandit_are_on_and_the_container_is_nobody():
    lint = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["ruff"]["lint"]
    assert lint["select"] == ["ALL"]
    spared = lint["ignore"] + [
        rule
        for where, rules in lint["per-file-ignores"].items()
        if where.startswith("app/")
        for rule in rules
    ]
    assert {rule for rule in spared if re.fullmatch(r"S\d*", rule)} == {"S603"}
    image = (ROOT / "Dockerfile").read_text()
    last_stage = image.rpartition("FROM ")[2]
    user = re.search(r"^USER (\S+)$", last_stage, re.MULTILINE)
    assert user[1] not in {"0", "root"}
    assert user.start() < last_stage.index("CMD")
    assert "privileged" not in (ROOT / "docker-compose.yml").read_text()
