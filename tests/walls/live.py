"""The program's web process as it runs on a server, and a client that sends exactly the bytes it is
told to: libraries would tidy them.
"""

import http.client
import json
import os
import re
import socket
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from app.auth import passwords
from app.auth.access import cookie_name
from app.auth.models import User
from app.core import database, migrate
from app.core.database import unit_of_work
from app.projects.models import Project
from app.settings import settings
from tests import make
from tests.conftest import SECRET, forget
from tests.processes import Program, answer, free_port, launch
from tests.stage import Team, make_team
from tests.waiting import eventually
from tests.walls.world import MARK, Ids, Person, person, things_of

PASSWORD = make.PASSWORD
PATIENCE = 60


@dataclass(frozen=True)
class Reply:
    """An answer: `status` is 0 where the connection was closed without one."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes
    seconds: float

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Live:
    """A running web process with two teams in its database, everybody's keys, and their ids."""

    program: Program
    port: int
    database: str
    home: Path
    team: Team
    people: dict[str, Person]
    ours: Ids
    theirs: Ids
    sent: list[str] = field(default_factory=list)

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def cookie(self) -> str:
        """The name of the session's cookie."""
        return f"luthier-{self.port}"

    @property
    def cpu_seconds(self) -> float:
        """Processor time of the web process so far: what a request costs, however busy the machine
        is with other things.
        """
        path = Path(f"/proc/{self.program.process.pid}/stat")
        user, system = path.read_text().rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def raw(self, data: bytes, *, half_close: bool = False) -> Reply:
        """Send these bytes on a connection of their own; the first answer to them."""
        started = time.monotonic()
        with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE) as connection:
            with suppress(BrokenPipeError, ConnectionResetError):  # it may not listen to the end
                connection.sendall(data)
                if half_close:
                    connection.shutdown(socket.SHUT_WR)
            method = data.split(b" ", 1)[0].decode("latin-1")
            with closing(http.client.HTTPResponse(connection, method=method)) as response:
                try:
                    response.begin()
                    body = response.read()
                except (http.client.BadStatusLine, ConnectionResetError):
                    empty = http.client.HTTPMessage()
                    return Reply(0, empty, b"", time.monotonic() - started)
                return Reply(response.status, response.msg, body, time.monotonic() - started)

    def send(
        self,
        method: str,
        path: str,
        *,
        headers: dict[str, str] | None = None,
        body: bytes = b"",
        host: str | None = None,
    ) -> Reply:
        """One request with this path and these headers as they stand, byte by byte (latin-1)."""
        lines = {"Host": host or self.host, "Connection": "close", **(headers or {})}
        if body or method not in {"GET", "HEAD", "OPTIONS", "TRACE"}:
            lines.setdefault("Content-Length", str(len(body)))
        head = f"{method} {path} HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in lines.items())
        return self.raw(head.encode("latin-1") + b"\r\n" + body)

    def cookies_of(self, name: str) -> dict[str, str]:
        """What a person's browser sends."""
        who = self.people[name]
        return {"Cookie": f"{self.cookie}={who.cookie}", "X-CSRF-Token": who.csrf}

    def get(self, path: str, who: str = "owner", **headers: str) -> Reply:
        """A page, or under /api/ what a script reads."""
        return self.send("GET", path, headers={**self._keys(path, who), **headers})

    def form(self, path: str, fields: Any, who: str = "owner", **headers: str) -> Reply:
        """A form of a page; `fields` also as encoded text."""
        text = fields if isinstance(fields, str) else urlencode(fields, encoding="utf-8")
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        keys = self._keys(path, who)
        return self.send("POST", path, headers={**kind, **keys, **headers}, body=text.encode())

    def call(
        self, path: str, body: Any, who: str = "owner", method: str = "POST", **headers: str
    ) -> Reply:
        """A request of a script; `body` also as written JSON."""
        text = body if isinstance(body, str) else json.dumps(body)
        kind = {"Content-Type": "application/json", **self._keys(path, who)}
        data = text.encode("utf-8", "surrogatepass")
        return self.send(method, path, headers={**kind, **headers}, body=data)

    def _keys(self, path: str, who: str) -> dict[str, str]:
        if not who:
            return {}
        return self.people[who].by_token if path.startswith("/api/") else self.cookies_of(who)

    @contextmanager
    def inside(self) -> Iterator[None]:
        """In this process, stand where the instance's own processes stand: for a worker's part."""
        with pytest.MonkeyPatch.context() as patch:
            patch.delenv("DATABASE_URL", raising=False)
            for name, value in {**self.program.env, "LUTHIER_HOME": str(self.home)}.items():
                patch.setenv(name, value)
            forget()
            try:
                yield
            finally:
                forget()
        settings.cache_clear()

    def fill(self, text: str) -> str:
        """A path with our ids for `{project_id}` and theirs for `{their.project_id}`."""
        return re.sub(
            r"{(their\.)?(\w+)}",
            lambda m: str((self.theirs if m[1] else self.ours)[m[2]]),
            text,
        )


@contextmanager
def live_server(folder: Path, kind: str, *, url: str | None, **env: str) -> Iterator[Live]:
    """A migrated and seeded instance on `url`, without one on SQLite in its home, and its web
    process.
    """
    home, port = folder / "home", free_port()
    home.mkdir(mode=0o700)
    common = {"LUTHIER_SECRET": SECRET, **env}
    if url is not None:
        common["DATABASE_URL"] = url
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**common, "LUTHIER_HOME": str(home), "PORT": str(port)}.items():
            patch.setenv(name, value)
        if url is None:
            patch.delenv("DATABASE_URL", raising=False)
        _forget()
        if url is None:
            migrate.upgrade()
        seeded = _seed()
        database.engine().dispose()
    _forget()
    program = launch(home, "web", PORT=str(port), **common)
    program.address = f"http://127.0.0.1:{port}"
    try:
        eventually(lambda: answer(f"{program.address}/livez")[0] == 200, within=120)
        yield Live(program, port, kind, home, *seeded)
        assert program.process.poll() is None, f"it died:\n{program.output}"
    finally:
        program.clear_away()


def _forget() -> None:
    settings.cache_clear()
    database.engine.cache_clear()


def _seed() -> tuple[Team, dict[str, Person], Ids, Ids]:
    hashed = passwords.hashed(PASSWORD)
    with unit_of_work() as session:
        make.make_user(session, "keeper", password_hash=hashed)
        make.make_user(session, "guest", password_hash=hashed)
    team = make_team(make.PUBLIC_URL, "sk-0123456789abcdef")
    with unit_of_work() as session:
        names = {user.name.lower(): user for user in session.query(User)}
        for user in names.values():
            user.password_hash = hashed
        ours = things_of(session, session.get_one(Project, team.project_id), "helper")
        stranger = make.make_user(session, f"{MARK}-stranger")
        foreign = make.make_project(session, stranger, f"{MARK} routing")
        theirs = things_of(session, foreign, f"{MARK}-helper", name=f"{MARK} things")
        people = {name: person(session, user, None) for name, user in names.items()}
        ours |= people["owner"].ids or {}
        assert cookie_name() == f"luthier-{settings().port}"
    return team, people, ours, theirs
