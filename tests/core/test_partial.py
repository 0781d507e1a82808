"""Files that come over several requests: what a part says of itself, and who may add to it."""

import errno
import hashlib
import os
import time

import pytest

from app.core import partial, storage
from app.core.errors import Conflict, DiskFull, Locked, NotFound, TooLarge
from app.core.partial import Partial

CONTENT = bytes(range(256)) * 40_000


@pytest.fixture
def name():
    return partial.begin(len(CONTENT))


def part_of(name):
    return Partial(name, size=len(CONTENT))


def files():
    return [path for path in storage.folder("blobs").rglob("*") if path.suffix == ".part"]


def test_what_came_in_pieces_is_one_blob(name):
    for place in range(0, len(CONTENT), 3_000_000):
        with part_of(name) as part:
            assert part.length == place
            part.write(CONTENT[place : place + 3_000_000])
    with part_of(name) as part:
        found = part.sha256()
        part.become_blob(found)
    assert found == hashlib.sha256(CONTENT).hexdigest()
    assert storage.blob_path(found).read_bytes() == CONTENT
    assert files() == []
    assert partial.arrived(name) is None


@pytest.mark.parametrize("seen", [0, 1, 2])
def test_another_process_reads_what_it_did_not_see_come(name, seen):
    """A process dies before, between or after the pieces: its hash dies with it."""
    for number, piece in enumerate((CONTENT[:5_000_000], CONTENT[5_000_000:])):
        if number == seen:
            partial._hashes.clear()
        with part_of(name) as part:
            part.write(piece)
    if seen == 2:
        partial._hashes.clear()
    with part_of(name) as part:
        assert part.sha256() == hashlib.sha256(CONTENT).hexdigest()


def test_two_have_it_never_at_once(name):
    with part_of(name) as part:
        with pytest.raises(Locked):
            part_of(name).__enter__()
        part.write(b"x")
    with part_of(name) as part:
        assert part.length == 1


def test_a_part_that_was_finished_or_removed_is_gone(name):
    with part_of(name) as part:
        part.write(CONTENT)
        part.become_blob(part.sha256())
    with pytest.raises(NotFound):
        part_of(name).__enter__()
    other = partial.begin(1)
    partial.remove(other)
    partial.remove(other)
    with pytest.raises(NotFound):
        part_of(other).__enter__()


def test_it_holds_no_more_than_was_declared_and_is_finished_with_no_less(name):
    with part_of(name) as part:
        part.write(CONTENT[:-1])
        with pytest.raises(Conflict):
            part.sha256()
        with pytest.raises(TooLarge):
            part.write(b"xy")
        assert part.length == len(CONTENT) - 1


def test_a_full_disk_keeps_what_is_there_and_the_rest_comes_later(name, monkeypatch):
    real = os.pwrite

    def full(number, data, place):
        if place + len(data) > 4_000_000:
            if place < 4_000_000:
                return real(number, data[: 4_000_000 - place], place)
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(number, data, place)

    monkeypatch.setattr(os, "pwrite", full)
    with part_of(name) as part, pytest.raises(DiskFull) as told:
        part.write(CONTENT)
    assert "is kept" in told.value.message
    assert partial.arrived(name).length == 4_000_000
    monkeypatch.setattr(os, "pwrite", real)
    with part_of(name) as part:
        part.write(CONTENT[4_000_000:])
        assert part.sha256() == hashlib.sha256(CONTENT).hexdigest()


def test_bytes_that_a_disk_lost_are_not_hashed(name):
    with part_of(name) as part:
        part.write(CONTENT)
    os.truncate(partial._path(name), 1_000_000)
    with part_of(name) as part:
        assert part.length == 1_000_000
        part.write(CONTENT[1_000_000:])
        assert part.sha256() == hashlib.sha256(CONTENT).hexdigest()


def test_what_was_taken_back_leaves_no_trace_in_the_hash(name):
    with part_of(name) as part:
        part.write(b"wrong" * 100)
        part.cut_back(0)
        part.write(CONTENT)
        assert part.sha256() == hashlib.sha256(CONTENT).hexdigest()


def test_only_names_of_ours_reach_the_disk():
    for odd in ("", "../../etc/passwd", "x" * 32, "/etc/passwd", "a/b"):
        with pytest.raises(ValueError, match=r"badly formed|invalid literal"):
            partial.arrived(odd)


def test_a_file_that_cannot_fit_is_refused_before_a_byte_comes(monkeypatch):
    with pytest.raises(DiskFull):
        partial.begin(10**18)
    assert files() == []


def test_few_states_of_hashes_are_remembered(monkeypatch):
    monkeypatch.setattr(partial, "MOST_HASHES", 2)
    partial._hashes.clear()
    for _ in range(5):
        with part_of(partial.begin(9)) as part:
            part.write(b"x")
    assert len(partial._hashes) == 2


def test_the_age_of_a_part_is_that_of_its_last_byte(name):
    os.utime(partial._path(name), (0, 0))
    with part_of(name) as part:
        part.write(b"x")
    assert time.time() - partial.arrived(name).at < 60
