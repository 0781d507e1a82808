"""Backups: whole, taken while people work, and restored into either kind of database."""

import errno
import json
import resource
import zipfile

import pytest

from app.connections import service as connections
from app.connections.models import Connection
from app.core import database, secrets, storage
from app.core.database import read_only, unit_of_work
from app.core.errors import Conflict, ProductError
from app.core.instance import ONLY, Instance
from app.core.orm import Base, blob_columns
from app.datasets.models import DatasetVersion
from app.jobs.models import Job
from app.projects import service as projects
from app.projects.models import Invitation, Project, Role
from app.settings import settings
from app.upkeep.archive import LEFT_OUT, MANIFEST, manifest_of, opened
from app.upkeep.backup import backup
from app.upkeep.restore import restore
from tests import make
from tests.stage import make_team, read

KEY = "sk-0123456789abcdef"


def contents():
    """Every row of every table that a backup keeps, as Python values."""
    with read_only() as session:
        return {
            table.name: sorted(map(_plain, session.execute(table.select()).all()))
            for table in Base.metadata.sorted_tables
            if table.name not in LEFT_OUT | {"instance", "activity"}
        }


def _plain(row):
    """A row as text; PostgreSQL's JSON does not keep the order of keys."""
    return json.dumps(list(row), sort_keys=True, default=repr)


def fill():
    """A team with a connection, checked rows, a model, chunks and a log."""
    team = make_team(make.PUBLIC_URL, KEY)
    with unit_of_work() as session:
        project = session.get_one(Project, team.project_id)
        connection = session.get_one(Connection, team.connection_id)
        version = session.get_one(DatasetVersion, team.version_id)
        model = make.make_model(session, project, connection, version)
        job = session.get_one(Job, model.job_id)
        job.events_bytes = storage.append_line_file(str(job.id), keep=0, lines=[b"{}"])
        held_out = make.make_checked_version(session, project, make.chat_file(3), name="Held out")
        version.dataset.held_out_id = held_out.dataset_id
    # What the database does not know of yet must not come back.
    storage.append_line_file(str(job.id), keep=job.events_bytes, lines=[b"later"])
    return team


@pytest.mark.parametrize("target", ["sqlite", "postgresql"])
def test_an_instance_comes_back_whole_on_either_database(
    real_database, elsewhere, tmp_path, target
):
    team = fill()
    before, old_home = contents(), settings().home
    made = backup(tmp_path / "b.zip")
    assert made.missing == []
    elsewhere(target)
    done = restore(tmp_path / "b.zip", replace=False)

    assert contents() == before
    assert done.opens_keys is True
    with read_only() as session:
        version = session.get_one(DatasetVersion, team.version_id)
        connection = session.get_one(Connection, team.connection_id)
        assert b"".join(storage.read_blob(version.sha256)) == make.chat_file()
        assert connections.open_connection(connection)
        job = session.query(Job).one()
    assert (settings().home / "events" / f"{job.id}.jsonl").read_bytes() == b"{}\n"
    index = storage.index_path(team.version_id)
    assert index.read_bytes() == (old_home / "index" / index.name).read_bytes()
    with unit_of_work() as session:  # numbers are counted on, not given twice
        project = session.get_one(Project, team.project_id)
        assert make.make_version(session, project).id > max(team.version_id, 2)


def test_the_secret_and_whoever_is_signed_in_stay_out(real_database, tmp_path, browser):
    team = fill()
    (settings().home / "secret").write_text("a-secret-nobody-may-find")
    token = browser(team.users["owner"]).token
    backup(tmp_path / "b.zip")
    with zipfile.ZipFile(tmp_path / "b.zip") as archive:
        whole = b"".join(archive.read(name) for name in archive.namelist())
        names = archive.namelist()
    for hidden in (KEY, "a-secret-nobody", secrets.fingerprint(token), secrets._ring()[0].hex()):
        assert hidden.encode() not in whole
    assert not [name for name in names if "secret" in name or "sessions" in name]


def test_a_file_that_rotted_is_named_and_left_out(real_database, tmp_path, elsewhere):
    team = fill()
    sha256 = read(DatasetVersion, team.version_id).sha256
    storage.blob_path(sha256).write_bytes(b"rotten")
    made = backup(tmp_path / "b.zip")
    assert made.missing == [sha256]
    elsewhere("sqlite")
    assert restore(tmp_path / "b.zip", replace=False).manifest.missing == [sha256]
    assert not storage.blob_path(sha256).exists()


def test_an_invitation_does_not_come_back(real_database, elsewhere, tmp_path):
    """It may have been used, or taken back, since."""
    team = fill()
    with unit_of_work() as session:
        project = session.get_one(Project, team.project_id)
        projects.invite(session, project=project, role=Role.OWNER, actor_id=team.users["owner"])
    backup(tmp_path / "b.zip")
    elsewhere("sqlite")
    restore(tmp_path / "b.zip", replace=False)
    with read_only() as session:
        assert session.query(Invitation).count() == 0


def test_a_living_instance_is_not_overwritten_unless_told(real_database, tmp_path):
    fill()
    backup(tmp_path / "b.zip")
    with pytest.raises(Conflict, match="accounts"):
        restore(tmp_path / "b.zip", replace=False)
    with unit_of_work() as session:
        make.make_user(session, "later")
    people = contents()["users"]
    database.engine().dispose()
    done = restore(tmp_path / "b.zip", replace=True)
    assert len(contents()["users"]) == len(people) - 1
    kept = {path.name.partition("-")[0] for path in done.aside}
    assert kept >= {"events", "index"}
    assert ("luthier" in kept) == (real_database == "sqlite")
    with pytest.raises(Conflict, match="exists already"):
        backup(tmp_path / "b.zip")


def test_processes_that_live_are_not_restored_under(real_database, tmp_path):
    from app.core import heartbeat

    fill()
    backup(tmp_path / "b.zip")
    with unit_of_work() as session:
        heartbeat.beat(session, "worker")
    with pytest.raises(Conflict, match="worker"):
        restore(tmp_path / "b.zip", replace=True)


@pytest.mark.parametrize("target", ["sqlite", "postgresql"])
def test_an_older_backup_is_brought_to_this_version(elsewhere, tmp_path, target):
    old = tmp_path / "old.zip"
    users = {
        "id": "int", "email": "text", "name": "text", "password_hash": "text",
        "is_instance_owner": "bool", "disabled_at": "instant", "created_at": "instant",
    }  # fmt: skip
    row = [7, "anna@example.org", "Anna", None, True, None, "2026-11-22T10:00:00Z"]
    manifest = {
        "format": 1,
        "revision": "5cc310ca8ae6",
        "made_at": "2026-11-22T11:00:00Z",
        "instance": "0" * 16,
        "tables": {"users": {"columns": users, "count": 1}},
        "files": {},
        "bytes": 0,
        "missing": [],
    }
    with zipfile.ZipFile(old, "w") as archive:
        archive.writestr("database/users.jsonl", json.dumps(row) + "\n")
        archive.writestr(MANIFEST, json.dumps(manifest))
    elsewhere(target)
    done = restore(old, replace=False)
    assert done.opens_keys is False
    with read_only() as session:
        row = session.get_one(Instance, ONLY)
    assert (row.backed_up_at.isoformat(), row.allowed_at) == ("2026-11-22T11:00:00+00:00", None)
    with unit_of_work() as session:
        assert make.make_user(session, "bert").id == 8


def test_a_backup_needs_room_and_leaves_nothing_behind_without(
    real_database, tmp_path, monkeypatch
):
    fill()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    monkeypatch.setattr(storage, "is_full", lambda error: error.errno == errno.EFBIG)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(ProductError, match="No room"):
            backup(tmp_path / "b.zip")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not list(tmp_path.glob("b.zip*"))


def test_every_hash_of_stored_bytes_is_known_to_be_one():
    """A column that is forgotten here would be left out of backups, and its files be pruned."""
    hashes = {
        f"{table.name}.{column.name}"
        for table in Base.metadata.sorted_tables
        for column in table.columns
        if "sha256" in column.name
    }
    # Of forms, of what graders mean, and of files as their senders say.
    fingerprints = {
        *("jobs.request_sha256", "evaluation_runs.request_sha256", "uploads.sha256"),
        *("grader_versions.sha256", "calibrations.sha256"),
    }
    assert {f"{one.table.name}.{one.name}" for one in blob_columns()} == hashes - fingerprints


def test_what_is_left_out_exists():
    assert Base.metadata.tables.keys() >= LEFT_OUT


def test_the_manifest_says_what_is_there(real_database, tmp_path):
    fill()
    backup(tmp_path / "b.zip")
    with opened(tmp_path / "b.zip") as archive:
        found = manifest_of(archive)
        assert found.tables["users"].count == 4
        assert found.files == {"blobs": 2, "events": 1, "index": 2}
        assert archive.testzip() is None
