"""Backups that are torn, rotten, or made to do harm: refused in words, and nothing is changed."""

import shutil
import sys
import zipfile
from pathlib import Path

import pytest

from app.core import database, storage
from app.core.errors import DiskFull
from app.settings import settings
from app.upkeep.archive import MANIFEST, Unreadable, opened
from app.upkeep.backup import backup
from app.upkeep.restore import restore
from tests.upkeep.test_backup import contents, fill


@pytest.fixture(scope="module")
def _made(tmp_path_factory):
    return tmp_path_factory.mktemp("made") / "b.zip"


@pytest.fixture
def good(_made, tmp_path, request, home, letters):
    """A backup of an instance that is no more; the tests of a worker share one."""
    if not _made.exists():
        request.getfixturevalue("empty_sqlite")
        database.engine.cache_clear()
        fill()
        backup(_made)
        database.engine().dispose()
        database.engine.cache_clear()
        shutil.rmtree(home)
    return Path(shutil.copy(_made, tmp_path))


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
    monkeypatch, postgres, good, change, target, home
):
    bad = rewritten(good, change)
    if target == "postgresql":
        monkeypatch.setenv("DATABASE_URL", postgres.create())
    settings.cache_clear()
    database.engine.cache_clear()
    with pytest.raises(Unreadable, match=WRONG[change]):
        restore(bad, replace=False)
    assert not (home / "restoring").exists()
    assert not (home / "luthier.sqlite").exists() or target == "postgresql"
    restore(good, replace=False)
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
def test_bytes_that_lie_are_told_as_damage(good, elsewhere, change):
    broken = broken_in(good, "database/users.jsonl", change)
    elsewhere("sqlite")
    with pytest.raises(Unreadable, match="damaged"):
        restore(broken, replace=False)
    assert not storage.sqlite_path().exists()


def test_what_unfolds_to_more_than_there_is_room_for_is_refused_before_anything_is_written(
    good, elsewhere, tmp_path, monkeypatch
):
    """A few kilobytes that claim, and hold, gigabytes."""
    with zipfile.ZipFile(good, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("trainer/bomb", bytes(2**20))
    bomb = broken_in(good, "trainer/bomb", _claims_the_disk)
    free = shutil.disk_usage(tmp_path).free
    monkeypatch.setenv("LUTHIER_DISK_RESERVE", str(max(0, free - 2**30)))
    elsewhere("sqlite")
    with pytest.raises(DiskFull, match="Nothing was changed"):
        restore(bomb, replace=False)
    assert {path.name for path in settings().home.rglob("*") if path.is_file()} <= {"lock"}


def _claims_the_disk(content, _head, _begin, _size):
    at = content.rindex(b"PK\x01\x02", 0, content.rindex(b"trainer/bomb"))
    content[at + 24 : at + 28] = (2**32 - 2).to_bytes(4, "little")


def test_half_a_file_is_no_backup(tmp_path):
    path = tmp_path / "b.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x", "y" * 1000)
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(Unreadable, match="not a whole backup"):
        opened(path)


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
