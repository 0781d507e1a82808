"""Uploads that stop early, over a raw socket to a real server."""

import socket
import threading
from contextlib import contextmanager

import pytest
import uvicorn

from app.auth import service as auth
from app.auth.models import User, UserSession
from app.core import heartbeat, secrets, storage
from app.core.database import read_only, unit_of_work
from app.datasets.models import DatasetVersion
from tests import make
from tests.processes import free_port
from tests.stage import make_team
from tests.waiting import eventually


@pytest.fixture
def team(real_database):
    return make_team(make.PUBLIC_URL, "sk-0123456789abcdef")


@pytest.fixture
def server(team, _app, monkeypatch):
    """The application under a real uvicorn, in a thread; its port."""
    monkeypatch.setattr(heartbeat, "keep_beating", lambda _kind: threading.Event())
    port = free_port()
    config = uvicorn.Config(_app, host="127.0.0.1", port=port, log_config=None, access_log=False)
    running = uvicorn.Server(config)
    thread = threading.Thread(target=running.run)
    thread.start()
    eventually(lambda: running.started, within=20)
    yield port
    running.should_exit = True
    thread.join(20)
    assert not thread.is_alive()


@contextmanager
def talking(port):
    with socket.create_connection(("127.0.0.1", port), timeout=20) as plug:
        yield plug


def answer(plug):
    """The status and the body of an answer; 0 when the server hung up without one."""
    with plug.makefile("rb") as file:
        first = file.readline()
        if not first:
            return 0, b""
        length = 0
        while (line := file.readline().strip().lower()) != b"":
            if line.startswith(b"content-length:"):
                length = int(line.partition(b":")[2])
        return int(first.split()[1]), file.read(length)


def kept():
    with read_only() as session:
        versions = session.query(DatasetVersion).count()
    files = [path for path in storage.folder("blobs").rglob("*") if path.is_file()]
    return versions, sorted(files)


def head(method, path, port, length, *more):
    lines = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", f"Content-Length: {length}"]
    return "\r\n".join([*lines, "Connection: close", *more, "", ""]).encode()


BOUNDARY = "a-boundary"


def form(content, *, closed=True):
    begin = (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="name"\r\n\r\nCut\r\n'
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="x.jsonl"\r\n'
        f"Content-Type: application/octet-stream\r\n\r\n"
    ).encode()
    return begin + content + (f"\r\n--{BOUNDARY}--\r\n".encode() if closed else b"")


def test_what_does_not_arrive_whole_is_not_kept(team, server):
    with unit_of_work() as session:
        token = auth.create_token(session, session.get_one(User, team.users["editor"]), name="raw")
        cookie = auth.sign_in(session, team.users["editor"])
        csrf = session.get_one(UserSession, secrets.fingerprint(cookie)).csrf
    port, before = server, kept()
    api = f"/api/v1/projects/{team.project_id}/datasets"
    kind = f"Content-Type: multipart/form-data; boundary={BOUNDARY}"
    bearer = f"Authorization: Bearer {token}"
    page = f"/projects/{team.project_id}/datasets/upload?name=x.jsonl"
    browser = (f"Cookie: luthier-8000={cookie}", f"X-CSRF-Token: {csrf}")
    content = make.chat_file(40)
    open_end, whole = form(content, closed=False), form(content)

    # The length is right and the last boundary is missing: Starlette's own parser says 200.
    with talking(port) as plug:
        plug.sendall(head("POST", api, port, len(open_end), kind, bearer) + open_end)
        status, body = answer(plug)
        assert status == 400
        assert b"stopped before its end" in body
    # The connection ends in the middle, in both ways of sending.
    for first in (
        head("POST", api, port, len(whole), kind, bearer) + whole[: len(whole) // 2],
        head("PUT", page, port, len(content), *browser) + content[: len(content) // 2],
        head("PUT", page, port, len(content), *browser) + content[:-1],
    ):
        with talking(port) as plug:
            plug.sendall(first)
            plug.shutdown(socket.SHUT_WR)
            status, _ = answer(plug)
            assert status in {0, 400}
    # Fewer bytes than the page said it would send.
    with talking(port) as plug:
        path = f"{page}&size={len(content) + 1}"
        plug.sendall(head("PUT", path, port, len(content), *browser) + content)
        status, body = answer(plug)
        assert status == 422
    eventually(lambda: kept() == before)

    with talking(port) as plug:
        plug.sendall(head("POST", api, port, len(whole), kind, bearer) + whole)
        assert answer(plug)[0] == 202
    assert kept()[0] == before[0] + 1


def test_a_body_of_chunks_is_taken_and_a_cut_one_is_not(team, server):
    with unit_of_work() as session:
        token = auth.create_token(session, session.get_one(User, team.users["editor"]), name="raw")
    port, before = server, kept()
    lines = [
        f"POST /api/v1/projects/{team.project_id}/datasets HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        "Transfer-Encoding: chunked",
        "Connection: close",
        f"Content-Type: multipart/form-data; boundary={BOUNDARY}",
        f"Authorization: Bearer {token}",
    ]
    start = ("\r\n".join(lines) + "\r\n\r\n").encode()
    body = form(make.chat_file(41))
    chunk = f"{len(body):x}\r\n".encode() + body + b"\r\n"
    with talking(port) as plug:
        plug.sendall(start + chunk)
        plug.shutdown(socket.SHUT_WR)
        assert answer(plug)[0] in {0, 400}
    eventually(lambda: kept() == before)
    with talking(port) as plug:
        plug.sendall(start + chunk + b"0\r\n\r\n")
        assert answer(plug)[0] == 202
