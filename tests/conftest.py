"""What every test stands on: an instance of its own, one transaction, no way off the machine."""

import base64
import gc
import ipaddress
import os
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event
from sqlalchemy.orm import ORMExecuteState, Session

from app.core import database as databases
from app.core import events, heartbeat, migrate, queue, storage
from app.datasets import parts
from app.settings import settings
from tests import broker as brokers
from tests import postgres as servers
from tests.forgetting import forget

pytest_plugins = ["tests.measured", "tests.skips", "tests.stage", "tests.fresh"]

SECRET = base64.urlsafe_b64encode(bytes(range(7, 39))).decode()


# What is imported and collected is never garbage, and looking for some took half the time of it.
gc.disable()


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whole programs and browsers first, in whatever order they came: short tests fill the gaps
    beside them, and no worker waits in the end for one of the others.
    """
    items.sort(key=lambda item: not item.get_closest_marker("processes"))


@pytest.fixture(scope="session", autouse=True)
def _stay_here():
    """A connection to anything but this machine is a bug, in the test or in the program."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("connect", "connect_ex"):
            patch.setattr(socket.socket, name, _near_only(getattr(socket.socket, name)))
        yield


@pytest.fixture(scope="session", autouse=True)
def _nothing_waits_for_the_disk():
    """No test pulls the plug: the system writes when it likes. Every check of a version would wait
    for the disk a dozen times.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _file: None)
        patch.setattr(parts, "SYNCHRONOUS", "OFF")
        yield


def _near_only(connect: Callable[[socket.socket, Any], Any]) -> Callable[[socket.socket, Any], Any]:
    def checked(self: socket.socket, address: Any) -> Any:
        if isinstance(address, tuple) and not _is_near(str(address[0])):
            raise AssertionError(f"A test tried to reach {address}.")
        return connect(self, address)

    return checked


def _is_near(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty home and settings of this test alone; waits are a sixtieth."""
    folder = tmp_path / "home"
    for name in os.environ:
        if name.startswith("LUTHIER_") and name != "LUTHIER_REQUIRE_BROWSER":
            monkeypatch.delenv(name)
    for name in ("PORT", "DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("REDIS_URL", f"unix://{tmp_path}/there-is-no-broker")
    monkeypatch.setenv("LUTHIER_HOME", str(folder))
    monkeypatch.setenv("LUTHIER_SECRET", SECRET)
    monkeypatch.setenv("LUTHIER_WAIT_DIVISOR", "60")
    monkeypatch.setenv("LUTHIER_STARTS_PER_HOUR", "1000")  # full pages of jobs are made in one go
    forget()
    yield folder
    forget()


@pytest.fixture(scope="session")
def postgres() -> Iterator[servers.Postgres]:
    """A real PostgreSQL for this worker."""
    with servers.running() as server:
        yield server


@pytest.fixture(scope="session")
def postgres_template(postgres: servers.Postgres) -> str:
    """The name of a database with every table and no rows."""
    _migrate(postgres.create("luthier_template"))
    return "luthier_template"


@pytest.fixture
def postgres_url(postgres: servers.Postgres, postgres_template: str) -> Iterator[str]:
    """A database of this test alone, migrated, for real processes."""
    url = postgres.create(template=postgres_template)
    yield url
    postgres.drop(url)


@pytest.fixture(scope="session")
def broker_url() -> Iterator[str]:
    """A real broker for this worker."""
    with brokers.running() as url:
        yield url


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file with every table and no rows."""
    path = tmp_path_factory.mktemp("template") / "luthier.sqlite"
    _migrate(f"sqlite:///{path}")
    return path


@pytest.fixture
def empty_sqlite(home: Path, sqlite_template: Path) -> Path:
    """The home's own database, migrated, that really commits."""
    home.mkdir(mode=0o700)
    return shutil.copy(sqlite_template, home / "luthier.sqlite")


@pytest.fixture(scope="session")
def _engines(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], Engine]]:
    made: dict[str, Engine] = {}

    def engine(kind: str) -> Engine:
        if kind not in made:
            if kind == "postgresql":
                template = request.getfixturevalue("postgres_template")
                url = request.getfixturevalue("postgres").create("worker", template=template)
            else:
                path = tmp_path_factory.mktemp("database") / "luthier.sqlite"
                shutil.copy(request.getfixturevalue("sqlite_template"), path)
                url = f"sqlite:///{path}"
            made[kind] = _with_url(url, databases.engine.__wrapped__)
        return made[kind]

    yield engine
    for used in made.values():
        used.dispose()


def _migrate(url: str) -> None:
    _with_url(url, migrate.upgrade)


def _with_url(url: str, do: Callable[[], Any]) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATABASE_URL", url)
        settings.cache_clear()
        done = do()
    settings.cache_clear()
    return done


@dataclass
class Letters:
    """What was sent to workers and open pages, kept here instead."""

    tasks: list[tuple[str, tuple[int, ...]]] = field(default_factory=list)
    nudges: list[str] = field(default_factory=list)

    def post(self, name: str, *args: int) -> None:
        self.tasks.append((name, args))

    def ring(self, find: Callable[[], list[queue.Work]]) -> None:
        """Ask for what is due, as the clock does every second."""
        self.tasks += [(name, (row_id,)) for name, row_id in find()]

    def deliver(self) -> None:
        """Run what was asked for, and what that asks for, until nothing is left."""
        from app import worker

        worker.load()
        while self.tasks:
            name, args = self.tasks.pop(0)
            queue.TASKS[name](*args)


@pytest.fixture
def letters(monkeypatch: pytest.MonkeyPatch) -> Letters:
    """Tasks and nudges of this test; a task runs when the test delivers it."""
    kept = Letters()
    domains = ("datasets", "datasets.moderation", "jobs", "evaluations")
    for place in ("app.core.queue", *(f"app.{domain}.tasks" for domain in domains)):
        monkeypatch.setattr(f"{place}.post", kept.post)
    monkeypatch.setattr(events, "nudge", kept.nudges.append)
    return kept


@pytest.fixture(params=["sqlite", "postgresql"])
def database(
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    letters: Letters,
    _engines: Callable[[str], Engine],
) -> Iterator[str]:
    """Every table, and one transaction that web, task and test share and nobody ever commits.

    The name of the kind of database. Open sessions with `unit_of_work()` as the program does.
    """
    engine = _engines(request.param)
    monkeypatch.setenv("DATABASE_URL", engine.url.render_as_string(hide_password=False))
    settings.cache_clear()
    monkeypatch.setattr(databases, "_look_only", _look_only)
    with engine.connect() as connection:
        transaction = connection.begin()
        databases.SessionFactory.configure(
            bind=connection, join_transaction_mode="create_savepoint"
        )
        try:
            yield request.param
        finally:
            databases.SessionFactory.configure(bind=None)
            databases.SessionFactory.kw.pop("join_transaction_mode")
            transaction.rollback()


def _look_only(session: Session) -> None:
    """The shared transaction may write, so the session itself refuses."""

    def refuse(*_: object) -> None:
        raise AssertionError("A read-only session tried to write.")

    def refuse_writing(state: ORMExecuteState) -> None:
        if state.is_insert or state.is_update or state.is_delete:
            refuse()

    event.listen(session, "before_flush", refuse)
    event.listen(session, "do_orm_execute", refuse_writing)
    session.info["read_only"] = True


@pytest.fixture
def session(database: str) -> Iterator[Session]:
    """A unit of work for tests of services; tests that also use `client` open their own."""
    with databases.unit_of_work() as opened:
        yield opened


@pytest.fixture(scope="session")
def _app():
    from app.main import create_app

    return create_app()


@pytest.fixture
def client(database: str, _app, monkeypatch: pytest.MonkeyPatch):
    """A browser without a screen, signed out, on this test's transaction."""
    from tests.browserless import Browserless

    # Its thread would write into the shared transaction between two statements of the test.
    monkeypatch.setattr(heartbeat, "keep_beating", lambda _kind: threading.Event())
    with Browserless(_app) as opened:
        storage.drop_ballast()  # 32 MB a test are 50 GB a run
        yield opened
