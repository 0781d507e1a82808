"""F10: no room on the disk of a PostgreSQL server, or for the log. What happens without room for
files, for their index and for SQLite stands in tests/upkeep/test_storage.py.
"""

import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import psycopg
import pytest

from app.core import owned
from app.settings import ROOT
from tests.faults.people import Person
from tests.faults.stage import on
from tests.processes import answer, environment, free_port
from tests.stage import job_of
from tests.waiting import eventually

# What PostgreSQL says when it cannot extend a file; here it says so of every row of this table.
FULL = """
CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  RAISE EXCEPTION 'could not extend file "base/1": No space left on device' USING ERRCODE = '53100';
END $$;
CREATE TRIGGER full_disk BEFORE INSERT ON projects EXECUTE FUNCTION no_room();
"""


@pytest.mark.full
@on("postgresql")
def test_F10_a_database_server_without_room_is_told_and_what_needs_none_still_works(stage):
    stage.start("web")
    job_id = stage.queue_job()
    with Person(stage) as person, psycopg.connect(stage.database_url, autocommit=True) as root:
        root.execute(FULL)
        told = person.call("POST", "/projects", json={"name": "More"})
        assert told.status_code == 507
        assert told.headers["content-type"] == "application/problem+json"
        page = person.send("/projects", name="More")
        assert page.status_code == 507
        assert "The disk is full" in page.text
        assert person.page("/projects").status_code == 200
        assert person.send(f"/jobs/{job_id}/cancel").status_code == 303
        assert job_of(job_id).status == "cancelled"
        root.execute("DROP TRIGGER full_disk ON projects")
        assert person.call("POST", "/projects", json={"name": "More"}).status_code == 201
    stage.invariants_hold()


@contextmanager
def without_a_log(stage, *names):
    """Processes whose every line meets a full disk; the address of the web among them."""
    port = str(free_port())
    env = environment(stage.home, **stage.env, PORT=port, LUTHIER_LOG_LEVEL="DEBUG")
    with Path("/dev/full").open("wb") as full:
        started = [
            subprocess.Popen(
                [sys.executable, "-m", "app", name], cwd=ROOT, env=env, stdout=full, stderr=full
            )
            for name in names
        ]
        try:
            yield SimpleNamespace(address=f"http://127.0.0.1:{port}", processes=started)
        finally:
            for one in started:
                for pid in (one.pid, *owned.descendants(one.pid)):
                    os.kill(pid, signal.SIGKILL)
                one.wait(10)


@pytest.mark.full
@on("sqlite")
def test_F10_without_room_for_the_log_everything_works_and_nothing_is_written(stage):
    with without_a_log(stage, "web", "beat", "worker") as running:
        eventually(lambda: answer(f"{running.address}/livez")[0] == 200, within=60)
        with Person(stage, address=running.address) as person:
            for _ in range(20):
                assert person.page("/nowhere").status_code == 404
            assert person.call("POST", "/projects", json={"name": "More"}).status_code == 201
        assert stage.assert_paid_once(stage.queue_job()).status == "running"
        assert [one.poll() for one in running.processes] == [None, None, None]
    stage.invariants_hold()
