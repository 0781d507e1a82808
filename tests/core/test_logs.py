"""What is logged: one line an event, with ids, without secrets, and nothing hidden in it."""

import json
import logging

import pytest
import structlog
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from app.connections.models import Connection
from app.core import database, logs, queue
from app.core.database import unit_of_work
from app.datasets.models import DatasetVersion
from app.projects.models import Project
from app.settings import settings
from tests import make
from tests.stage import one_database

HOSTILE = 'a\n{"level": "error", "event": "forged"}\r\x1b[2J\x9b31m\u2028\u202eb\x00'
CANARY = "sk-canary-5f2d8b71c0e94a63"


@pytest.fixture
def written(capfd, monkeypatch):
    """The lines logged since the last call; `text=True` asks for those for eyes."""
    logs.configure("test")

    def read(*, as_text=False):
        found = capfd.readouterr().err
        lines = found.splitlines()
        assert "\n".join([*lines, ""]) == found, "something else than LF ends a line"
        return lines if as_text else [json.loads(line) for line in lines]

    yield read
    logging.getLogger().handlers = [
        one for one in logging.getLogger().handlers if not isinstance(one, logs._Stderr)
    ]


def test_hostile_words_cannot_forge_a_line_or_drive_a_terminal(written):
    structlog.get_logger().warning("seen", words=HOSTILE, path=HOSTILE)
    (line,) = written()
    assert (line["event"], line["level"], line["words"]) == ("seen", "warning", HOSTILE)
    assert line["process"].startswith("test:")


def test_lines_for_eyes_cannot_be_forged_either(written, monkeypatch):
    monkeypatch.setenv("LUTHIER_LOG_FORMAT", "text")
    settings.cache_clear()
    structlog.get_logger().error("seen", words=HOSTILE, exc_info=ValueError(HOSTILE))
    first, *rest = written(as_text=True)
    assert " error seen " in first
    assert r"\x1b[2J\x9b31m\u2028\u202eb\x00" in first
    assert rest
    assert all(line.startswith("    ") and line.isprintable() for line in rest)


def test_libraries_write_the_same_lines(written):
    logging.getLogger("uvicorn.error").warning("Invalid %s", HOSTILE)
    (line,) = written()
    assert line["event"] == f"Invalid {HOSTILE}"
    assert (line["logger"], line["level"]) == ("uvicorn.error", "warning")


def test_what_looks_like_a_key_is_blotted_out_wherever_it_stands(written):
    address = "postgresql://luthier:p4ssw0rd@db.example/luthier"
    surprise = RuntimeError(f"Incorrect key {CANARY}, Bearer {CANARY}, {address}")
    structlog.get_logger().error("seen", error=f"lut_{CANARY}", url=address, exc_info=surprise)
    (line,) = written()
    told = json.dumps(line)
    assert "canary" not in told
    assert "p4ssw0rd" not in told
    assert "luthier:…@db.example" in line["url"]
    assert "RuntimeError: Incorrect key sk-…" in line["exception"]


def test_a_failed_statement_does_not_tell_what_it_was_writing(tmp_path, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/one.sqlite")
    settings.cache_clear()
    database.engine.cache_clear()
    with database.engine().begin() as connection:
        connection.execute(text("CREATE TABLE t (a TEXT UNIQUE)"))
        connection.execute(text("INSERT INTO t VALUES (:a)"), {"a": CANARY})
    with pytest.raises(IntegrityError) as told, database.engine().begin() as connection:
        connection.execute(text("INSERT INTO t VALUES (:a)"), {"a": CANARY})
    assert CANARY not in str(told.value)
    database.engine().dispose()


@one_database
def test_a_requests_line_names_the_person_and_the_things(team, browser, written, monkeypatch):
    with unit_of_work() as session:
        job = make.make_job(
            session,
            session.get_one(Project, team.project_id),
            session.get_one(Connection, team.connection_id),
            session.get_one(DatasetVersion, team.version_id),
        )
    monkeypatch.setenv("LUTHIER_SLOW_REQUEST_SECONDS", "0")
    settings.cache_clear()
    owner = browser(team.users["owner"])
    written()
    answer = owner.get(f"/jobs/{job.id}")
    (line,) = [one for one in written() if one["event"] == "request.slow"]
    assert line["request"] == answer.headers["x-request-id"]
    assert (line["user"], line["project"]) == (team.users["owner"], team.project_id)
    assert (line["job"], line["status"], line["method"]) == (str(job.id), 200, "GET")
    assert line["seconds"] >= 0


@one_database
def test_a_quick_request_is_not_called_slow(team, browser, written):
    browser(team.users["owner"]).get("/projects")
    assert not [one for one in written() if one["event"].startswith("request.")]


@one_database
def test_a_surprise_is_written_with_its_request(client, written, monkeypatch):
    from app.dashboard import health

    def broken():
        raise RuntimeError("surprise")

    monkeypatch.setattr(health, "parts", broken)
    answer = client.get("/healthz", headers={"Accept": "text/html"})
    assert answer.status_code == 500
    (line,) = [one for one in written() if one["event"] == "request.failed"]
    assert "RuntimeError: surprise" in line["exception"]
    assert line["request"] == answer.headers["x-request-id"]
    assert line["request"] in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_a_task_says_what_it_worked_on_and_how_it_ended(written):
    def sweep(connection_id: int) -> None:
        structlog.get_logger().warning("inside")
        if connection_id == 2:
            raise RuntimeError("no")

    queue.TASKS["tests.sweep"] = sweep
    try:
        with queue.working("tests.sweep", 1):
            sweep(1)
        with pytest.raises(RuntimeError), queue.working("tests.sweep", 2):
            sweep(2)
    finally:
        del queue.TASKS["tests.sweep"]
    lines = written()
    assert [(line["event"], line["task"], line["connection"]) for line in lines] == [
        ("inside", "tests.sweep", 1),
        ("task.done", "tests.sweep", 1),
        ("inside", "tests.sweep", 2),
        ("task.failed", "tests.sweep", 2),
    ]
    assert "RuntimeError: no" in lines[-1]["exception"]
