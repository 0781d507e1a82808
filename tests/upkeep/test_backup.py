"""Backups: whole, taken while people work, and restored into either kind of database."""

import errno
import json
import resource
import shutil
import sys
import zipfile

import pytest

from app.connections import service as connections
from app.connections.models import Connection
from app.core import database, secrets, storage
from app.core.database import read_only, unit_of_work
from app.core.errors import Conflict, DiskFull, ProductError
from app.core.instance import ONLY, Instance
from app.core.orm import Base, blob_columns
from app.datasets.models import DatasetVersion
from app.jobs.models import Job
from app.projects import service as projects
from app.projects.models import Invitation, Project, Role
from app.settings import settings
from app.upkeep.archive import LEFT_OUT, MANIFEST, Unreadable, manifest_of, opened
from app.upkeep.backup import backup
from app.upkeep.restore import restore
from tests import make
from tests.stage import make_team, read

KEY = "sk-0123456789abcdef"


@pytest.fixture
def elsewhere(request, monkeypatch, tmp_path, postgres):
    """Go to another, empty instance with the same secret: `elsewhere("sqlite")`."""
    made = []

    def go(kind):
        monkeypatch.setenv("LUTHIER_HOME", str(tmp_path / f"other-{len(made)}"))
        if kind == "postgresql":
            made.append(postgres.create())
            monkeypatch.setenv("DATABASE_URL", made[-1])
        else:
            made.append(None)
            monkeypatch.delenv("DATABASE_URL", raising=False)
        database.engine().dispose()
        settings.cache_clear()
        database.engine.cache_clear()

    yield go
    database.engine().dispose()
    for url in filter(None, made):
        postgres.drop(url)


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


def rewritten(path, change):
    """The same archive with other members: `change(name, content)` answers new content or None."""
    fresh = path.with_name("changed.zip")
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(fresh, "w") as new:
        for name in old.namelist():
            content = change(name, old.read(name))
            if content is not None:
                new.writestr(name, content)
    return fresh


def newer(name, content):
    return content.replace(b'"revision":"', b'"revision":"f') if name == MANIFEST else content


def next_format(name, content):
    return content.replace(b'"format":1', b'"format":2') if name == MANIFEST else content


def other_bytes(name, content):
    return content + b"x" if name.startswith("blobs/") else content


def no_blobs(name, content):
    return None if name.startswith("blobs/") else content


def fewer_rows(name, content):
    return b"" if name == "database/users.jsonl" else content


def unfinished(name, content):
    return None if name == MANIFEST else content


def no_manifest(name, content):
    return b'{"format":1,"tables":[]}' if name == MANIFEST else content


def endless_manifest(name, content):
    return (
        content.replace(b'"missing":[', b'"missing":[' + b" " * 2**26)
        if name == MANIFEST
        else content
    )


def no_rows(name, content):
    return None if name == "database/users.jsonl" else content


def other_rows(name, content):
    return content.replace(b'"owner@', b'1234,"') if name == "database/users.jsonl" else content


def rows_that_are_none(name, content):
    return b"{}\n" if name == "database/users.jsonl" else content


def an_endless_row(name, content):
    return b"[" + b" " * 2**26 if name == "database/users.jsonl" else content


def twins(name, content):
    return content.replace(b"editor@", b"owner@") if name == "database/users.jsonl" else content


def unknown_columns(name, content):
    return content.replace(b'"email"', b'"e_mail"') if name == MANIFEST else content


def unknown_kinds(name, content):
    return content.replace(b'"email":"text"', b'"email":"pickle"') if name == MANIFEST else content


def unknown_tables(name, content):
    return content.replace(b'"users":{', b'"sqlite_master":{') if name == MANIFEST else content


WRONG = {
    newer: "newer Luthier",
    next_format: "newer Luthier",
    other_bytes: "damaged",
    no_blobs: "damaged",
    fewer_rows: "damaged",
    unfinished: "never finished",
    no_manifest: "never finished",
    endless_manifest: "has no end",
    no_rows: "damaged",
    other_rows: "damaged",
    rows_that_are_none: "damaged",
    an_endless_row: "damaged",
    twins: "damaged",
    unknown_columns: "damaged",
    unknown_kinds: "damaged",
    unknown_tables: "damaged",
}


@pytest.mark.parametrize(
    ("change", "target"),
    [
        *((change, "sqlite") for change in WRONG),
        *((change, "postgresql") for change in (fewer_rows, other_rows, twins, unknown_tables)),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_a_backup_that_is_not_right_changes_nothing(
    monkeypatch, postgres, tmp_path, letters, change, target, home
):
    from app.core import migrate

    migrate.upgrade()
    database.engine.cache_clear()
    fill()
    backup(tmp_path / "b.zip")
    bad = rewritten(tmp_path / "b.zip", change)
    database.engine().dispose()
    shutil.rmtree(home)
    if target == "postgresql":
        monkeypatch.setenv("DATABASE_URL", postgres.create())
    settings.cache_clear()
    database.engine.cache_clear()
    with pytest.raises(Unreadable, match=WRONG[change]):
        restore(bad, replace=False)
    assert not (home / "restoring").exists()
    assert not (home / "luthier.sqlite").exists() or target == "postgresql"
    restore(tmp_path / "b.zip", replace=False)
    assert contents()["users"]
    database.engine().dispose()


def broken_in(path, name, change):
    """The same file with the stored bytes of one member changed where they lie."""
    content = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        info = archive.getinfo(name)
    head = info.header_offset
    begin = (
        head
        + 30
        + sum(int.from_bytes(content[head + at : head + at + 2], "little") for at in (26, 28))
    )
    change(content, head, begin, info.compress_size)
    broken = path.with_name("broken.zip")
    broken.write_bytes(content)
    return broken


def scrambled(content, _head, begin, size):
    content[begin : begin + size] = bytes(255 - byte for byte in content[begin : begin + size])


def encrypted(content, head, _begin, _size):
    """As the entry's own head says, and the table of contents too."""
    content[head + 6] |= 1
    at = content.rindex(b"PK\x01\x02", 0, content.rindex(b"database/users.jsonl"))
    content[at + 8] |= 1


def otherwise_compressed(content, head, _begin, _size):
    content[head + 8] = 97
    at = content.rindex(b"PK\x01\x02", 0, content.rindex(b"database/users.jsonl"))
    content[at + 10] = 97


def larger_than_said(content, _head, _begin, _size):
    """The table of contents tells of fewer bytes than there are."""
    at = content.rindex(b"PK\x01\x02", 0, content.rindex(b"database/users.jsonl"))
    content[at + 24 : at + 28] = (10).to_bytes(4, "little")


@pytest.mark.parametrize("change", [scrambled, encrypted, otherwise_compressed, larger_than_said])
def test_bytes_that_lie_are_told_as_damage(elsewhere, tmp_path, letters, change):
    from app.core import migrate

    migrate.upgrade()
    database.engine.cache_clear()
    fill()
    backup(tmp_path / "b.zip")
    broken = broken_in(tmp_path / "b.zip", "database/users.jsonl", change)
    elsewhere("sqlite")
    with pytest.raises(Unreadable, match="damaged"):
        restore(broken, replace=False)
    assert not storage.sqlite_path().exists()


def test_what_unfolds_to_more_than_there_is_room_for_is_refused_before_anything_is_written(
    elsewhere, tmp_path, letters, monkeypatch
):
    """A few kilobytes that claim, and hold, gigabytes."""
    from app.core import migrate

    migrate.upgrade()
    database.engine.cache_clear()
    fill()
    backup(tmp_path / "b.zip")
    with zipfile.ZipFile(tmp_path / "b.zip", "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("trainer/bomb", bytes(2**20))
    bomb = broken_in(tmp_path / "b.zip", "trainer/bomb", _claims_the_disk)
    free = shutil.disk_usage(tmp_path).free
    monkeypatch.setenv("LUTHIER_DISK_RESERVE", str(max(0, free - 2**30)))
    elsewhere("sqlite")
    with pytest.raises(DiskFull, match="Nothing was changed"):
        restore(bomb, replace=False)
    assert {path.name for path in settings().home.rglob("*") if path.is_file()} <= {"lock"}


def _claims_the_disk(content, _head, _begin, _size):
    at = content.rindex(b"PK\x01\x02", 0, content.rindex(b"trainer/bomb"))
    content[at + 24 : at + 28] = (2**32 - 2).to_bytes(4, "little")


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


def test_half_a_file_is_no_backup(tmp_path):
    path = tmp_path / "b.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x", "y" * 1000)
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(Unreadable, match="not a whole backup"):
        opened(path)


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


def test_a_path_that_leads_out_of_the_archive_is_refused(real_database, tmp_path, elsewhere):
    fill()
    (settings().home / "trainer").mkdir(parents=True)
    (settings().home / "trainer" / "x").write_text("x")
    backup(tmp_path / "b.zip")
    with zipfile.ZipFile(tmp_path / "b.zip", "a") as archive:
        archive.writestr("trainer/../../evil", "x")
    elsewhere("sqlite")
    with pytest.raises(Unreadable, match="leads out"):
        restore(tmp_path / "b.zip", replace=False)
    assert not list(tmp_path.rglob("evil"))


def test_what_a_hostile_backup_is_called_obeys_no_terminal(
    real_database, tmp_path, elsewhere, monkeypatch
):
    """The command prints the words of the file; a terminal would clear the screen, or type."""
    from app import __main__ as program

    monkeypatch.setattr(program.owned, "end_with_parent", lambda: None)
    monkeypatch.setattr(program.os, "umask", lambda _mode: 0)
    fill()
    backup(tmp_path / "b.zip")
    with zipfile.ZipFile(tmp_path / "b.zip", "a") as archive:
        archive.writestr("trainer/../\x1b[2J\x1b]0;owned\x07\u202e\r\n", "x")
    elsewhere("sqlite")
    monkeypatch.setattr(sys, "argv", ["app", "restore", str(tmp_path / "b.zip")])
    with pytest.raises(SystemExit) as ended:
        program.main()
    assert "leads out" in str(ended.value)
    assert str(ended.value).isprintable()


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
    fingerprints = {"jobs.request_sha256"}  # of forms, not of files
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
