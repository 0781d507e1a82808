"""What takes space, what may go, and a disk without room."""

import os
import sqlite3
import threading
import time

import pytest
from sqlalchemy import event
from starlette.testclient import TestClient

from app.auth import passwords
from app.core import database, heartbeat, storage
from app.core.database import unit_of_work
from app.core.errors import DiskFull
from app.core.instance import ONLY
from app.datasets import tasks as datasets
from app.datasets.models import DatasetVersion
from app.jobs import tasks as jobs
from app.jobs.models import JobStatus
from app.projects.models import Project
from app.settings import settings
from app.upkeep import service, tasks
from app.upkeep.models import Housekeeping
from tests import make
from tests.jobs.steps import make_due, queue_job
from tests.stage import connection_of, job_of, one_database, read, run_together, version_of

LONG_AGO = time.time() - 40 * 86_400


def age(*paths):
    for path in paths:
        os.utime(path, (LONG_AGO, LONG_AGO))


def keep_house(*, prune):
    with unit_of_work() as session:
        row = service.begin(session)
        row.due_at = row.due_at and row.due_at.replace(year=2020)
        row.is_pruning = prune
    for _ in range(3):
        tasks.keep(ONLY)
    return read(Housekeeping, ONLY)


@pytest.fixture
def no_room(monkeypatch):
    """The reserve is larger than any disk; call it with False and there is room again."""

    def set_full(is_full):
        monkeypatch.setenv("LUTHIER_DISK_RESERVE", str(2**60 if is_full else 1))
        settings.cache_clear()

    set_full(True)
    return set_full


def test_what_takes_space_is_told_by_kind_project_and_size(team, browser):
    keep_house(prune=False)
    report = read(Housekeeping, ONLY).report
    size = version_of(team.version_id).size
    assert report["sizes"]["blobs"] >= size
    assert report["sizes"]["indexes"] > 0
    assert report["sizes"].get("database", 1) > 0
    (project,) = report["projects"]
    assert (project["id"], project["bytes"], project["files"]) == (team.project_id, size, 1)
    assert report["largest"][0]["bytes"] == size
    page = browser(team.users["owner"]).get("/storage").text
    for words in ("Uploaded files", "Support routing", "Tickets, version 1", "nothing to remove"):
        assert words in page
    assert browser(team.users["editor"]).get("/storage").status_code == 403


def test_what_no_row_names_goes_and_all_else_stays(team, browser):
    owner = browser(team.users["owner"])
    kept = storage.blob_path(version_of(team.version_id).sha256)
    index = storage.index_path(team.version_id)
    orphan = storage.blob_path(make.make_blob(b"nobody names me").sha256)
    young = storage.blob_path(make.make_blob(b"just arrived").sha256)
    stale_index, stale_log = storage.index_path(999_999), storage.folder("events") / "99999.jsonl"
    torn = storage.folder("blobs") / "x.part"
    set_aside = storage.folder("trainer-before-2026-01-01-000000") / "model.npz"
    waste = (orphan, stale_index, stale_log, torn, set_aside)
    for path in waste[1:]:
        path.write_bytes(b"xyz")
    age(*waste, kept, index)
    keep_house(prune=False)
    assert not torn.exists()  # daily, by itself
    assert all(path.exists() for path in waste if path != torn)
    page = owner.get("/storage").text
    assert "Remove 4 files" in page

    assert owner.post("/storage/prune").status_code == 303
    row = keep_house(prune=True)
    assert [path for path in waste if path.exists()] == []
    assert kept.exists()
    assert index.exists()
    assert young.exists()
    assert row.freed == len(b"nobody names me") + 9
    assert "nothing to remove" in owner.get("/storage").text


def test_bytes_that_are_uploaded_again_while_they_are_pruned_stay(database):
    """Hundreds of times at once: an upload adopts the hash that is just being removed."""
    content = b"the same bytes"
    path = storage.blob_path(make.make_blob(content).sha256)
    pruned, stop = [], threading.Event()

    def prune():
        while not stop.is_set():
            pruned.append(storage.remove_if_old(path, seconds=3600))

    thread = threading.Thread(target=prune)
    thread.start()
    try:
        for _ in range(300):
            age(path)
            make.make_blob(content)
            assert path.read_bytes() == content
    finally:
        stop.set()
        thread.join(30)
    assert len(content) in pruned or pruned.count(0) > 0


def test_nothing_is_removed_while_a_backup_is_taken(team):
    orphan = storage.blob_path(make.make_blob(b"nobody names me").sha256)
    age(orphan)
    with storage.kept():
        keep_house(prune=True)
        row = read(Housekeeping, ONLY)
        assert orphan.exists()
        assert row.is_pruning
        assert row.progress["waits"]
    keep_house(prune=True)
    assert not orphan.exists()


def test_two_webs_that_start_together_make_one_row(real_database):
    def start():
        with unit_of_work() as session:
            service.begin(session)

    run_together(start, 4)
    with unit_of_work() as session:
        assert session.query(Housekeeping).count() == 1


def test_a_full_disk_refuses_uploads_with_words_and_nothing_else(team, browser, script, no_room):
    queued = queue_job(team)
    owner, token = browser(team.users["owner"]), script(team.users["owner"])
    files = {"file": ("rows.jsonl", make.chat_file(3))}
    answer = token.post(f"/projects/{team.project_id}/datasets", files=files, data={"name": "x"})
    assert answer.status_code == 507
    assert "The disk is full" in answer.json()["detail"]
    assert not list(storage.folder("blobs").glob("*.part"))
    page = owner.get(f"/projects/{team.project_id}").text
    assert "The disk is full" in page
    assert "/storage" in page
    assert "The disk is full" not in browser(team.users["viewer"]).get("/projects").text
    health = owner.client.get("/healthz").json()
    assert "uploads are refused" in health["parts"]["disk"]
    assert owner.post(f"/jobs/{queued}/cancel").status_code == 303
    assert job_of(queued).status == JobStatus.CANCELLED


def test_a_disk_that_is_nearly_full_is_told_early(team, browser, monkeypatch):
    monkeypatch.setenv("LUTHIER_DISK_LOW", str(2**60))
    monkeypatch.setenv("LUTHIER_DISK_LOW_SHARE", "1")
    settings.cache_clear()
    owner = browser(team.users["owner"])
    assert "nearly full" in owner.get("/storage").text
    assert "nearly full" in owner.get("/projects").text
    health = owner.client.get("/healthz").json()
    assert "nearly full" in health["warnings"]["disk"]
    assert health["parts"]["disk"] == "ok"


def test_a_check_waits_for_room_and_goes_on_by_itself(team, browser, no_room, letters):
    no_room(False)
    with unit_of_work() as session:
        version = make.make_version(session, session.get_one(Project, team.project_id))
    no_room(True)
    for _ in range(5):  # more often than a check may die
        datasets.check(version.id)
        with unit_of_work() as session:
            row = session.get_one(DatasetVersion, version.id)
            assert row.attempts == 0
            row.due_at = row.created_at
    page = browser(team.users["owner"]).get(f"/dataset-versions/{version.id}").text
    assert "goes on when there is room" in page
    no_room(False)
    letters.tasks.append(("datasets.check", (version.id,)))
    letters.deliver()
    assert version_of(version.id).status == "ready"


def test_an_index_that_finds_no_room_midway_waits_too(team, monkeypatch):
    with unit_of_work() as session:
        version = make.make_version(session, session.get_one(Project, team.project_id))

    def full(*_, **__):
        with sqlite3.connect(":memory:") as small:
            small.execute("PRAGMA max_page_count = 2")
            small.execute("CREATE TABLE x(y)")
            small.execute("INSERT INTO x VALUES(zeroblob(100000))")

    monkeypatch.setattr(datasets, "check_slice", full)
    datasets.check(version.id)
    row = version_of(version.id)
    assert (row.attempts, row.lease_until) == (0, None)
    assert "is full" in row.last_error


@one_database
def test_a_split_and_what_runs_say_wait_for_room(workshop, witness, no_room, monkeypatch):
    no_room(False)
    queued = queue_job(workshop, validation_split=0.15)
    no_room(True)
    for _ in range(4):
        jobs.start(queued)
        make_due(queued)
    assert job_of(queued).attempts == 0
    assert "disk" in job_of(queued).last_error
    no_room(False)
    jobs.start(queued)
    assert job_of(queued).status == JobStatus.RUNNING

    def refuse(*_, **__):
        raise DiskFull(storage.NO_ROOM)

    monkeypatch.setattr(storage, "append_line_file", refuse)
    witness.change_run(job_of(queued).run_id, status="running")
    jobs.sweep(workshop.connection_id)
    held = connection_of(workshop.connection_id)
    assert "disk" in held.words
    monkeypatch.undo()


@pytest.fixture
def client_of_its_own(_app):
    """A browser without a screen on a database that commits."""
    return TestClient(_app, base_url="http://127.0.0.1:8000", follow_redirects=False)


@pytest.fixture
def full_database(home, empty_sqlite):
    """A SQLite database with people in it that may not grow by a page, and the ballast laid."""
    database.engine.cache_clear()
    with unit_of_work() as session:
        make.make_user(session, "anna", password_hash=passwords.hashed(make.PASSWORD))
    storage.lay_ballast()
    ballast = home / "run" / "ballast"
    path = home / "luthier.sqlite"

    def limit(connection, *_):
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages + (0 if ballast.exists() else 1000)}")

    database.engine().dispose()
    event.listen(database.engine(), "checkout", limit)
    with sqlite3.connect(path) as filling:  # no free page is left over
        filling.execute("VACUUM")
    yield ballast
    database.engine().dispose()
    database.engine.cache_clear()


def test_a_database_without_room_says_so_and_gives_its_ballast_for_signing_in(
    full_database,
    client_of_its_own,
    monkeypatch,
):
    monkeypatch.setattr(heartbeat, "keep_beating", lambda _kind: threading.Event())
    with client_of_its_own as client:
        full_database.touch()
        form = {"email": "anna@example.org", "password": make.PASSWORD}
        statuses = []
        for _ in range(60):  # until the last page is written full
            statuses.append(client.post("/login", data=form))
            if statuses[-1].status_code != 303:
                break
        assert statuses[-1].status_code == 507
        assert "this was not kept" in statuses[-1].text
        assert not full_database.exists()
        assert client.post("/login", data=form).status_code == 303


def test_the_ballast_is_there_until_it_is_needed(home):
    storage.lay_ballast()
    ballast = home / "run" / "ballast"
    assert ballast.stat().st_blocks * 512 >= storage.BALLAST_BYTES
    storage.drop_ballast()
    storage.drop_ballast()
    assert not ballast.exists()
