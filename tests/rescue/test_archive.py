"""Download everything: one ZIP that is made while it is sent."""

import csv
import hashlib
import io
import json
import os
import shutil
import subprocess
import tracemalloc
import zipfile
from pathlib import Path, PurePosixPath

import anyio
import pytest
import yaml

from app.connections.models import Connection
from app.core import clock, storage
from app.core.database import read_only, unit_of_work
from app.projects.models import Project
from app.rescue import archive as archives
from app.rescue.models import Kind, Outcome
from app.rescue.naming import safe_name
from tests import make
from tests.rescue.history import EVAL, bring_home
from tests.stage import one_database

NAMES = [
    "../../etc/passwd", "C:\\Windows\\system32", "CON", "aux.txt", ".hidden", "a/b\\c\x00d", "",
    "x" * 255, "ü" * 200, "résumé 2026.jsonl", "same.jsonl", "same.jsonl", "SAME.jsonl", "=1+1",
    "\u202egnp.exe", "...", "~", "-rf", "a\nb",
]  # fmt: skip


@pytest.fixture
def rescue(team):
    """A rescue's id, and `bring(kind, object_id, content, **fields)` for what came home with it."""

    class Brought:
        def __init__(self):
            with unit_of_work() as session:
                connection = session.get_one(Connection, team.connection_id)
                self.id = make.make_rescue(session, connection).id

        def bring(self, kind, object_id, content=None, **fields):
            with unit_of_work() as session:
                connection = session.get_one(Connection, team.connection_id)
                made = make.make_rescued_object(
                    session, connection, kind, object_id, content, **fields
                )
                return made.id

    return Brought()


def manifest_of(opened):
    return [json.loads(line) for line in opened.read("manifest.jsonl").splitlines()]


def opened(answer):
    assert answer.status_code == 200
    return zipfile.ZipFile(io.BytesIO(answer.content))


def test_the_archive_holds_every_byte_under_a_name_that_leads_nowhere_else(
    team, browser, script, rescue, tmp_path
):
    for number, name in enumerate(name.replace("\0", "") for name in NAMES):
        rescue.bring(Kind.FILE, f"file-{number}", f"content {number}".encode(), name=name)
    rescue.bring(Kind.FILE, "file-A", b"upper")
    rescue.bring(Kind.FILE, "file-a", b"lower")
    rescue.bring(Kind.JOB, "ftjob-../../x", b"{}", name="ftjob-../../x")
    rescue.bring(Kind.FILE, "file-no", outcome=Outcome.REFUSED, error="=cmd|' /C calc'!A0")
    rescue.bring(Kind.COMPLETION, "chatcmpl-1")
    answer = browser(team.users["viewer"]).get(f"/rescues/{rescue.id}/archive")
    assert answer.headers["content-type"] == "application/zip"
    with opened(answer) as made:
        names = made.namelist()
        assert made.testzip() is None
        assert len({name.casefold() for name in names}) == len(names)
        for name in names:
            path = PurePosixPath(name)
            assert not path.is_absolute()
            assert ".." not in path.parts
            assert name.isprintable()
            assert "\\" not in name
            assert ":" not in name
            assert all(0 < len(part.encode()) < 200 for part in path.parts)
            assert not any(part.startswith(".") or part.endswith(".") for part in path.parts)
        manifest = manifest_of(made)
        assert len(manifest) == len(NAMES) + 5
        made.extractall(tmp_path)
        for line in manifest:
            if line["path"]:
                content = (tmp_path / line["path"]).read_bytes()
                assert line["sha256"] == hashlib.sha256(content).hexdigest()
                assert line["bytes"] == len(content)
        assert {line["object_id"] for line in manifest if not line["path"]} == {
            "file-no",
            "chatcmpl-1",
        }
        rows = list(csv.DictReader(io.StringIO(made.read("manifest.csv").decode())))
        assert [row["object_id"] for row in rows] == [line["object_id"] for line in manifest]
        (refused,) = [row for row in rows if row["outcome"] == "refused"]
        assert refused["error"].startswith("'=cmd")
        assert "sha256sum" in made.read("README.txt").decode()
    same = opened(script(team.users["viewer"]).get(f"/rescues/{rescue.id}/archive"))
    assert same.namelist() == names


def test_any_unzip_reads_it(team, browser, rescue, tmp_path):
    if shutil.which("unzip") is None:
        return
    rescue.bring(Kind.FILE, "file-1", b"x" * 3_000_000, name="größer.jsonl")
    rescue.bring(Kind.MODEL, "ft:gpt-4o:acme::1", b'{"id":1}')
    path = tmp_path / "all.zip"
    path.write_bytes(browser(team.users["viewer"]).get(f"/rescues/{rescue.id}/archive").content)
    done = subprocess.run(["unzip", "-t", path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "No errors detected" in done.stdout


def test_evals_lie_in_it_as_promptfoo_reads_them(team, browser, rescue):
    with unit_of_work() as session:
        bring_home(session, session.get_one(Connection, team.connection_id))
    with opened(browser(team.users["viewer"]).get(f"/rescues/{rescue.id}/archive")) as made:
        (config,) = [name for name in made.namelist() if name.endswith("promptfooconfig.yaml")]
        assert len(yaml.safe_load(made.read(config))["tests"]) == 3
        rows = made.read(str(PurePosixPath(config).with_name(f"eval_items_{EVAL}.jsonl")))
        assert rows.count(b"\n") == 6


def test_what_is_damaged_or_missing_is_told(team, browser, rescue):
    rescue.bring(Kind.FILE, "file-damaged", b"as it came")
    rescue.bring(Kind.FILE, "file-missing", b"soon gone")
    rescue.bring(Kind.FILE, "file-whole", b"whole")
    damaged, missing = (
        storage.blob_path(hashlib.sha256(content).hexdigest())
        for content in (b"as it came", b"soon gone")
    )
    damaged.chmod(0o600)
    damaged.write_bytes(b"as it is now")
    missing.unlink()
    with opened(browser(team.users["viewer"]).get(f"/rescues/{rescue.id}/archive")) as made:
        lines = {line["object_id"]: line for line in manifest_of(made)}
        assert lines["file-missing"]["path"] == ""
        assert "do not lie here" in lines["file-missing"]["error"]
        told = lines["file-damaged"]
        assert "no longer what came" in told["error"]
        assert told["sha256"] == hashlib.sha256(made.read(told["path"])).hexdigest()
        assert lines["file-whole"]["error"] is None


def test_only_what_is_behind_its_own_connections_is_in_it(team, browser, rescue):
    rescue.bring(Kind.FILE, "file-ours", b"ours")
    with unit_of_work() as session:
        project = session.get_one(Project, team.project_id)
        other = make.make_connection(session, project, name="Another")
        make.make_rescued_object(session, other, Kind.FILE, "file-theirs", b"theirs")
        both = make.make_rescue(session, session.get_one(Connection, team.connection_id), other).id
    viewer = browser(team.users["viewer"])
    found = {
        rescue_id: {
            line["object_id"]
            for line in manifest_of(opened(viewer.get(f"/rescues/{rescue_id}/archive")))
        }
        for rescue_id in (rescue.id, both)
    }
    assert found == {rescue.id: {"file-ours"}, both: {"file-ours", "file-theirs"}}


def contents(connection_id, name="OpenAI"):
    with read_only() as session:
        return archives.Contents({connection_id: name}, 2**40, clock.now(session))


@one_database
def test_memory_stays_flat_whatever_the_bytes(team, rescue):
    """A piece at a time, whether one object is large or there are many of them."""
    zeros = hashlib.sha256()
    path = storage.folder("blobs") / "large"
    with path.open("wb") as file:
        for _ in range(60):
            piece = bytes(2**20)
            file.write(piece)
            zeros.update(piece)
    place = storage.blob_path(zeros.hexdigest())
    place.parent.mkdir(parents=True, exist_ok=True)
    path.rename(place)
    rescue.bring(
        Kind.FILE,
        "file-large",
        None,
        outcome=Outcome.HOME,
        sha256=zeros.hexdigest(),
        size=60 * 2**20,
    )
    stream = archives.archive(contents(team.connection_id))
    tracemalloc.start()
    total = sum(map(len, stream))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert total < 60 * 2**20
    assert peak < 8 * 2**20


@one_database
def test_a_reader_who_leaves_in_the_middle_leaves_nothing_behind(team, rescue):
    rescue.bring(Kind.FILE, "file-1", os.urandom(2_000_000))
    before = sorted(path for path in storage.folder("blobs").rglob("*"))
    stream = archives.archive(contents(team.connection_id))
    next(stream)
    assert held_open(), "a file is being read"
    stream.close()
    assert not held_open()
    assert sorted(path for path in storage.folder("blobs").rglob("*")) == before


def held_open():
    """The stored files that this process has open."""
    blobs = str(storage.folder("blobs"))
    links = []
    for link in Path("/proc/self/fd").iterdir():
        try:
            links.append(str(link.readlink()))
        except FileNotFoundError:
            continue
    return [one for one in links if one.startswith(blobs) and not one.endswith("lock")]


@one_database
def test_a_person_has_one_archive_at_a_time_and_a_lost_line_gives_it_back(
    team, browser, client, rescue
):
    viewer = browser(team.users["viewer"])
    app = client.app
    app.state.packing.add(team.users["viewer"])
    refused = viewer.get(f"/rescues/{rescue.id}/archive")
    assert refused.status_code == 429
    assert browser(team.users["owner"]).get(f"/rescues/{rescue.id}/archive").status_code == 200
    app.state.packing.clear()
    rescue.bring(Kind.FILE, "file-1", os.urandom(2_000_000))
    anyio.run(leave_in_the_middle, app, f"/rescues/{rescue.id}/archive", viewer.headers)
    assert app.state.packing == set()
    assert not held_open()
    assert viewer.get(f"/rescues/{rescue.id}/archive").status_code == 200


async def leave_in_the_middle(app, path, headers):
    """Ask, take the first bytes, and hang up."""
    has_bytes = anyio.Event()
    scope = {
        "type": "http", "http_version": "1.1", "method": "GET", "path": path, "raw_path": b"",
        "root_path": "", "scheme": "http", "query_string": b"", "server": ("127.0.0.1", 8000),
        "client": ("127.0.0.1", 1), "asgi": {"version": "3.0", "spec_version": "2.3"},
        "headers": [(b"host", b"127.0.0.1:8000")]
        + [(name.lower().encode(), value.encode()) for name, value in headers.items()],
    }  # fmt: skip
    sent = []

    async def receive():
        if not sent:
            sent.append(b"")
            return {"type": "http.request", "body": b"", "more_body": False}
        await has_bytes.wait()
        return {"type": "http.disconnect"}

    async def send(message):
        if message["type"] == "http.response.body" and message["body"]:
            has_bytes.set()

    await app(scope, receive, send)


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_safe(name):
    safe = safe_name(name)
    assert safe
    assert len(safe.encode()) <= 80
    assert not set(safe) & set('/\\:*?"<>|\x00\n\t ')
    assert safe[0] not in ".-"
    assert safe.isprintable()
