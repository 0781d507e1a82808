"""F10: no room on the disk of a PostgreSQL server, or for the log. What happens without room for
files, for their index and for SQLite stands in tests/upkeep/test_storage.py.
"""

import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from app.settings import ROOT
from tests.faults.people import Person
from tests.faults.stage import on
from tests.processes import Program, environment, free_port
from tests.stage import job_of

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


def start_without_a_log(stage, *names):
    """Processes of the stage whose every line meets a full disk."""
    port = str(free_port())
    env = {**stage.env, "PORT": port, "LUTHIER_LOG_LEVEL": "DEBUG"}
    with Path("/dev/full").open("wb") as full:
        for name in names:
            process = subprocess.Popen(
                [sys.executable, "-m", "app", name],
                cwd=ROOT,
                env=environment(stage.home, **env),
                stdout=full,
                stderr=full,
            )
            program = Program(process, stage.home, Path(os.devnull), (name,), env)
            program.address = f"http://127.0.0.1:{port}"
            stage.programs[name] = program
    stage.programs["web"].wait_until_healthy()


@pytest.mark.full
@on("sqlite")
def test_F10_without_room_for_the_log_everything_works_and_nothing_is_written(stage):
    start_without_a_log(stage, "web", "beat", "worker")
    with Person(stage) as person:
        for _ in range(20):
            assert person.page("/nowhere").status_code == 404
        assert person.call("POST", "/projects", json={"name": "More"}).status_code == 201
    assert stage.assert_paid_once(stage.queue_job()).status == "running"
    assert [one.process.poll() for one in stage.programs.values()] == [None, None, None]
    stage.invariants_hold()
