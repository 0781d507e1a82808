"""`python -m app run` with real processes: it starts all and leaves none behind."""

import os
import signal
import socket
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest

from app.core import migrate, owned
from app.core.child import LOG_LIMIT, Child
from app.core.home import SOCKET_PATH_LIMIT, socket_path
from tests.processes import (
    Program,
    command_line,
    free_port,
    launch,
    processes_of,
    start_luthier,
)
from tests.waiting import eventually

pytestmark = pytest.mark.processes


def test_it_starts_says_one_address_and_leaves_nothing_behind(tmp_path):
    with start_luthier(tmp_path / "a home with spaces") as luthier:
        assert luthier.output.count("http://") == 2
        assert f"Luthier is ready: {luthier.address}\n" in luthier.output
        assert f"{luthier.address}/welcome/" in luthier.output

        assert luthier.stop(signal.SIGTERM) == 0

    assert luthier.home.stat().st_mode & 0o777 == 0o700
    assert (luthier.home / "secret").stat().st_mode & 0o777 == 0o600


def test_what_dies_is_started_again_and_says_so(tmp_path):
    with start_luthier(tmp_path / "home") as luthier:
        pool = owned.descendants(luthier.child("worker"))
        assert len(pool) >= 2
        for name in ("worker", "beat", "trainer", "web"):
            os.kill(luthier.child(name), signal.SIGKILL)
        os.kill(_broker_of(luthier), signal.SIGKILL)

        for name in ("worker", "beat", "trainer", "web", "broker"):
            _wait_for_words(luthier, f"The {name} process ended by itself (SIGKILL)")
            _wait_for_words(luthier, f"The {name} process runs again.")
        luthier.wait_until_healthy()
        assert not [pid for pid in pool if Path(f"/proc/{pid}").exists()]


@pytest.mark.full
@pytest.mark.timeout(240)
def test_a_worker_that_hangs_is_ended_and_started_again(tmp_path):
    with start_luthier(tmp_path / "home", LUTHIER_WAIT_DIVISOR="30") as luthier:
        hung = luthier.child("worker")
        os.kill(hung, signal.SIGSTOP)

        words = "The worker process has been silent for too long and is ended."
        eventually(lambda: words in luthier.output, within=120)

        luthier.wait_until_healthy()
        assert luthier.child("worker") != hung


def test_a_killed_supervisor_takes_everything_with_it(tmp_path):
    with start_luthier(tmp_path / "home") as luthier:
        assert len(processes_of(luthier.home)) >= 7

        luthier.process.kill()

        eventually(lambda: not processes_of(luthier.home))
    with start_luthier(tmp_path / "home") as again:
        assert again.health()[0] == 200


@pytest.mark.full
def test_two_instances_live_side_by_side_and_one_home_takes_one(tmp_path):
    with start_luthier(tmp_path / "one") as one, start_luthier(tmp_path / "two") as two:
        assert one.address != two.address

        second = launch(tmp_path / "one", "run", output="second", PORT=str(free_port()))

        assert second.process.wait(20) == 1
        assert second.output == (
            f"Luthier already runs in {one.home} (process {one.process.pid}). "
            "Stop it first, or start this one with another LUTHIER_HOME and PORT.\n"
        )
        assert one.health()[0] == two.health()[0] == 200
        assert one.stop(signal.SIGINT) == two.stop(signal.SIGHUP) == 0


def test_a_port_in_use_is_told_in_one_sentence(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        luthier = launch(tmp_path / "home", "run", PORT=str(port))

        assert luthier.process.wait(20) == 1
        assert luthier.output == (
            f"Port {port} is already in use. "
            f"Choose another, for example: PORT={port + 1} make run\n"
        )
        assert not processes_of(luthier.home)


EARLY = [pytest.param(one, marks=pytest.mark.full) for one in ("lock", "run/valkey.sock")]


@pytest.mark.parametrize("moment", [*EARLY, "luthier.sqlite", "logs/web.log"])
def test_it_can_be_ended_while_it_starts(tmp_path, moment):
    luthier = launch(tmp_path / "home", "run", PORT=str(free_port()))
    try:
        eventually((luthier.home / moment).exists, within=30, every=0.005)

        assert luthier.stop() == 0
        assert "ready" not in luthier.output
    finally:
        luthier.clear_away()


def test_a_second_ctrl_c_does_not_wait_for_the_stuck(tmp_path):
    with start_luthier(tmp_path / "home") as luthier:
        os.kill(luthier.child("worker"), signal.SIGSTOP)
        luthier.process.send_signal(signal.SIGINT)
        eventually(lambda: "Stopping." in luthier.output)
        eventually(lambda: not _is_alive(luthier, "web"))
        assert luthier.process.poll() is None

        assert luthier.stop(signal.SIGINT) == 0


def test_a_process_that_cannot_start_ends_everything_and_shows_why(tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    (home / "luthier.sqlite").write_text("this is no database, and never was one")

    luthier = launch(home, "run", PORT=str(free_port()))

    assert luthier.process.wait(30) == 1
    assert "The database cannot be prepared" in luthier.output
    assert "file is not a database" in luthier.output
    assert not processes_of(home)


def test_a_path_too_long_for_a_socket_gets_a_private_folder(tmp_path):
    home = tmp_path / ("deep" * 30)
    (home / "run").mkdir(parents=True)

    found = socket_path(home, "valkey.sock")

    assert len(os.fsencode(found)) <= SOCKET_PATH_LIMIT
    assert found.parent.stat().st_mode & 0o777 == 0o700
    assert socket_path(home, "valkey.sock") == found
    found.parent.rmdir()


def test_a_log_keeps_its_end_and_stays_small(tmp_path):
    log = tmp_path / "child.log"
    log.write_bytes(b"old\n" * (LOG_LIMIT // 4) + b"the last line\n")
    child = Child("child", [sys.executable, "-c", "print('hello')"], env=dict(os.environ), log=log)

    child.start()

    eventually(lambda: not child.is_running)
    assert child.ended() == 0
    assert (tmp_path / "child.log.1").stat().st_size == LOG_LIMIT
    assert "hello" in child.last_words()
    assert log.stat().st_size < 200


def test_sqlite_is_copied_aside_before_it_changes(tmp_path, monkeypatch, home):
    home.mkdir()
    database = home / "luthier.sqlite"
    with closing(sqlite3.connect(database)) as old, old:
        old.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")

    copy = migrate.upgrade()

    assert copy is not None
    with closing(sqlite3.connect(copy)) as kept:
        assert kept.execute("SELECT count(*) FROM sqlite_master").fetchone() == (1,)
    assert migrate.upgrade() is None


def _wait_for_words(luthier: Program, words: str) -> None:
    eventually(lambda: words in luthier.output)


def _broker_of(luthier: Program) -> int:
    below = owned.descendants(luthier.process.pid)
    return next(pid for pid in below if "valkey-server" in command_line(pid))


def _is_alive(luthier: Program, name: str) -> bool:
    try:
        return luthier.child(name) > 0
    except AssertionError:
        return False
