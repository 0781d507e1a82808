"""Blobs: whole or not at all, under their hash, and nothing left behind."""

import hashlib
from collections import namedtuple

import pytest

from app.core import storage
from app.core.errors import DiskFull, TooLarge, WrongInput


def files():
    """What lies there beside the lock of backups and pruning."""
    found = storage.folder("blobs").rglob("*")
    return [path for path in found if path.is_file() and path.name != "lock"]


def keep(content, **declared):
    with storage.Incoming() as incoming:
        for start in range(0, len(content), 70_000):
            incoming.write(content[start : start + 70_000])
        return incoming.keep(**declared)


def test_bytes_lie_under_their_hash():
    content = bytes(range(256)) * 10_000
    blob = keep(content, size=len(content))
    assert blob == (hashlib.sha256(content).hexdigest(), len(content))
    assert storage.blob_path(blob.sha256).read_bytes() == content
    assert b"".join(storage.read_blob(blob.sha256)) == content
    assert files() == [storage.blob_path(blob.sha256)]


def test_the_same_bytes_twice_are_one_blob():
    assert keep(b"same") == keep(b"same")
    assert len(files()) == 1


def test_nothing_stays_of_what_was_not_kept():
    with storage.Incoming() as incoming:
        incoming.write(b"x" * 3_000_000)
    with pytest.raises(ZeroDivisionError), storage.Incoming() as incoming:
        incoming.write(b"x")
        raise ZeroDivisionError
    for declared in ({"size": 3}, {"sha256": "0" * 64}):
        with pytest.raises(WrongInput):
            keep(b"four", **declared)
    assert files() == []


def test_a_hash_in_capitals_is_the_same_hash():
    assert keep(b"x", sha256=hashlib.sha256(b"x").hexdigest().upper()).size == 1


def test_too_much_is_refused_while_it_comes():
    with pytest.raises(TooLarge), storage.Incoming(limit=10) as incoming:
        incoming.write(b"x" * 10)
        incoming.write(b"x")
    assert files() == []


def test_a_full_disk_is_told_before_anything_is_written(monkeypatch):
    usage = namedtuple("usage", "total used free")(10, 9, 1)  # noqa: PYI024
    monkeypatch.setattr(storage.shutil, "disk_usage", lambda _: usage)
    with pytest.raises(DiskFull), storage.Incoming():
        pass
    assert files() == []


@pytest.mark.parametrize("name", ["", "../" * 22, "a" * 63, "a" * 65, "é" * 64, "a" * 63 + "/"])
def test_only_a_hash_can_be_asked_for(name):
    with pytest.raises(ValueError, match="SHA-256"):
        storage.blob_path(name)


def test_a_log_is_appended_to_once_however_often_it_is_told():
    first = storage.append_line_file("1", keep=0, lines=[b"a", b"b\n"])
    for _ in range(3):
        second = storage.append_line_file("1", keep=first, lines=[b"c"])
    path = storage.folder("events") / "1.jsonl"
    assert (first, second) == (4, 6)
    assert path.read_bytes() == b"a\nb\nc\n"


def test_folders_are_closed_to_others():
    keep(b"x")
    assert storage.folder("blobs").stat().st_mode & 0o077 == 0
    with storage.draft() as draft:
        assert draft.stat().st_mode & 0o077 == 0
    assert not draft.exists()


def test_a_file_is_copied_in(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(b"y" * 3_000_000)
    assert storage.save_file(path).size == 3_000_000
