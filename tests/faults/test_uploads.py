"""F21 and F22: the web process dies in the middle of an upload in one piece, or whoever sends it
vanishes. Those that go on where they broke stand in test_resumed_uploads.py.
"""

import hashlib
import socket
import struct
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest

from app.core import storage
from app.core.database import read_only
from app.datasets.models import DatasetVersion
from tests import make
from tests.faults.people import Person
from tests.faults.stage import on
from tests.waiting import eventually

ROWS = make.chat_file(40_000)


@contextmanager
def sending(person, stage):
    """A browser that has said what it will send, and has sent nothing of it."""
    at = urlsplit(person.address)
    path = f"/projects/{stage.team.project_id}/datasets/upload?name=rows.jsonl&size={len(ROWS)}"
    lines = (
        f"PUT {path} HTTP/1.1",
        f"Host: {at.netloc}",
        f"Cookie: {person.cookie}",
        f"X-CSRF-Token: {person.csrf}",
        f"Content-Length: {len(ROWS)}",
    )
    with socket.create_connection((at.hostname, at.port), timeout=30) as plug:
        plug.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        yield plug


def vanish(plug):
    """As a machine whose power goes: no goodbye."""
    plug.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def kept(stage):
    """The versions beyond the team's own, and what lies among the blobs."""
    with read_only() as session:
        found = session.query(DatasetVersion).filter(DatasetVersion.id != stage.team.version_id)
        versions = [version.sha256 for version in found]
    files = [path for path in storage.folder("blobs").rglob("*") if path.is_file()]
    return versions, [path for path in files if path.suffix == ".part"]


def whole(person, stage):
    """The upload once more, to its end."""
    with sending(person, stage) as plug:
        plug.sendall(ROWS)
        assert plug.recv(100).startswith(b"HTTP/1.1 202")


@pytest.mark.full
@on("sqlite", "postgresql")
def test_F21_a_web_process_that_dies_mid_upload_keeps_nothing_and_the_next_takes_it_whole(stage):
    stage.start("web")
    with Person(stage) as person, sending(person, stage) as plug:
        plug.sendall(ROWS[: len(ROWS) // 2])
        eventually(lambda: kept(stage)[1])
        stage.kill("web")
        with pytest.raises(ConnectionError):
            while True:
                plug.sendall(ROWS[:100_000])
    versions, (part,) = kept(stage)
    assert versions == []
    stage.start("web")
    with Person(stage) as person:
        whole(person, stage)
    assert len(kept(stage)[0]) == 1
    assert kept(stage)[1] == [part], "the next looks at what is a day old"
    stage.invariants_hold()


@pytest.mark.full
@on("sqlite", "postgresql")
def test_F22_whoever_vanishes_while_sending_leaves_nothing_behind(stage):
    stage.start("web")
    with Person(stage) as person:
        for share in (0.01, 0.5, 0.999):
            for goodbye in (vanish, lambda plug: plug.shutdown(socket.SHUT_WR)):
                with sending(person, stage) as plug:
                    plug.sendall(ROWS[: int(len(ROWS) * share)])
                    eventually(lambda: kept(stage)[1])
                    goodbye(plug)
                eventually(lambda: kept(stage) == ([], []))
        with sending(person, stage) as plug:
            plug.sendall(ROWS)
            vanish(plug)
        eventually(lambda: not kept(stage)[1])
        whole(person, stage)
        assert set(kept(stage)[0]) == {hashlib.sha256(ROWS).hexdigest()}
    stage.invariants_hold()
