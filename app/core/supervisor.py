"""`python -m app run`: the processes of an instance start, live and end together."""

import functools
import http.client
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from app.core import broker, home, owned, prepared, secrets
from app.core.child import Child, describe
from app.core.foreground import CannotStart, Signals, listening, say, signals
from app.settings import Settings, settings

START_SECONDS = 120.0
STARTS_BEFORE_GIVING_UP = 3
TICK_SECONDS = 0.5
START_TICK_SECONDS = 0.05
# Celery and the trainer finish the step at hand; after this their leases bring the work back.
GRACE_SECONDS = 12.0
SWEEP_SECONDS = 5.0
WATCH_SECONDS = 5.0
SILENCE_SECONDS = 90.0
BOOT_SECONDS = 30.0
# Pages stay quick while workers count tokens and the trainer trains.
BACKGROUND = 5
OWNERS_WORDS = ("LUTHIER_OWNER_EMAIL", "LUTHIER_OWNER_PASSWORD")


class StopAsked(Exception):
    """Somebody wants everything to end."""


def run() -> int:
    """Run an instance until SIGINT, SIGTERM or SIGHUP; the exit status of the command."""
    config = settings()
    try:
        with (
            signals() as asked,
            home.held(config.home),
            listening(config.host, config.port) as server,
        ):
            return Supervisor(config, server, asked).run()
    except (home.HomeTaken, CannotStart) as error:
        say(str(error))
        return 1


def app(*words: str) -> list[str]:
    """A command of this program, in this interpreter."""
    return [sys.executable, "-m", "app", *words]


class Supervisor:
    """The processes of one instance.

    One thread only: the kernel ties a child's end to the thread that started it.
    """

    def __init__(self, config: Settings, server: socket.socket, asked: Signals) -> None:
        self._config = config
        self._home = config.home
        self._server = server
        self._asked = asked
        self._children: dict[str, Child] = {}
        self._is_starting = True
        self._heard: dict[str, float] = {}
        self._next_watch = 0.0
        host, port = server.getsockname()[:2]
        self._reach = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared
        self._port = int(port)
        self._env = {
            **os.environ,
            owned.OWNED: "1",
            "LUTHIER_HOME": str(self._home),
            "PORT": str(self._port),
            "PYTHONUNBUFFERED": "1",
        }

    def run(self) -> int:
        """Start, look after the children, and end them all however this ends."""
        owned.inherit_orphans()
        try:
            self._start()
            while True:
                self._turn(TICK_SECONDS)
                self._watch()
        except StopAsked:
            say("Stopping.")
            return 0
        finally:
            self._stop()

    # Starting

    def _start(self) -> None:
        path = self._add_broker() if self._config.redis_url_set is None else None
        if self._config.trainer_url is None:
            self._add_trainer()
        owner_link = self._prepare_database()
        if path is not None:
            self._wait("The broker", functools.partial(broker.answers, path))
        self._add("web", app("web", "--fd", str(self._server.fileno())), self._server.fileno())
        self._add("worker", app("worker"), nice=BACKGROUND)
        self._add("beat", app("beat"), nice=BACKGROUND)
        self._wait("The web process", lambda: self._ask("/livez") is not None)
        self._is_starting = False
        (self._home / "run" / "port").write_text(f"{self._port}\n")
        say(f"Luthier is ready: {self._address}")
        if owner_link:
            say(f"Make the first account with this link, it works once: {owner_link}")

    @property
    def _address(self) -> str:
        host = f"[{self._reach}]" if ":" in self._reach else self._reach
        return f"http://{host}:{self._port}"

    def _add(
        self,
        name: str,
        command: Sequence[str],
        *fds: int,
        env: dict[str, str] | None = None,
        nice: int = 0,
    ) -> Child:
        quiet = {word: value for word, value in self._env.items() if word not in OWNERS_WORDS}
        child = Child(
            name,
            command,
            env={**quiet, **(env or {})},
            log=self._home / "logs" / f"{name}.log",
            pass_fds=fds,
            nice=nice,
        )
        self._children[name] = child
        child.start()
        return child

    def _add_broker(self) -> Path:
        path = home.socket_path(self._home, "valkey.sock")
        self._env["REDIS_URL"] = broker.url(path)
        self._add("broker", broker.command(self._home, path))
        return path

    def _add_trainer(self) -> None:
        port = home.trainer_port(self._home)
        key = secrets.derive("trainer").hex()
        words = ("--port", str(port), "--home", str(self._home / "trainer"))
        # It may call this instance: that a run has ended.
        allowed = (*self._config.allow_hosts, f"127.0.0.1:{self._port}")
        env = {"LUTHIER_TRAINER_KEYS": key, "LUTHIER_ALLOW_HOSTS": ",".join(allowed)}
        self._add("trainer", app("trainer", *words), env=env, nice=BACKGROUND)
        self._env["LUTHIER_TRAINER_URL"] = f"http://127.0.0.1:{port}/v1"
        self._env["LUTHIER_TRAINER_KEY"] = key

    def _prepare_database(self) -> str | None:
        """Bring the database up to date; the first owner's link if nobody has an account."""
        if prepared.is_prepared(self._config):
            return None
        answer, report = os.pipe()
        words = {word: os.environ[word] for word in OWNERS_WORDS if word in os.environ}
        child = self._add("migrate", app("migrate", "--report-fd", str(report)), report, env=words)
        os.close(report)
        with open(answer, encoding="utf-8") as told:  # noqa: PTH123 - a pipe
            self._wait("The database", lambda: not child.is_running)
            del self._children["migrate"]
            if child.ended() != 0:
                raise CannotStart(f"The database cannot be prepared:\n{child.last_words()}")
            link: str | None = json.load(told)["owner_link"]
        prepared.remember(self._config, has_owner=link is None)
        return link

    def _wait(self, what: str, is_there: Callable[[], bool]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while True:
            is_ready = is_there()
            self._turn(0 if is_ready else START_TICK_SECONDS)
            if is_ready:
                return
            if time.monotonic() > deadline:
                logs = self._home / "logs"
                raise CannotStart(f"{what} took longer than {START_SECONDS:.0f} s; see {logs}.")

    # Looking after

    def _turn(self, seconds: float) -> None:
        """Wait a little, then do what has become necessary. Raises StopAsked."""
        if not self._asked.stops:
            self._asked.pause(seconds)
        if self._asked.stops:
            raise StopAsked
        for child in self._children.values():
            if child.name != "migrate" and (status := child.ended()) is not None:
                self._plan_restart(child, describe(status))
            if child.restart_at is not None and time.monotonic() >= child.restart_at:
                child.start()
                say(f"The {child.name} process runs again.")
        self._reap()

    def _plan_restart(self, child: Child, how: str) -> None:
        wait = child.plan_restart()
        if self._is_starting and child.failures >= STARTS_BEFORE_GIVING_UP:
            words = child.last_words()
            raise CannotStart(f"The {child.name} process does not start ({how}):\n{words}")
        say(
            f"The {child.name} process ended by itself ({how}); "
            f"it is started again in {wait:g} s. Its log: {child.log}"
        )

    def _watch(self) -> None:
        """Every few seconds ask who gave a sign of life; restart who gave none for too long."""
        moment = time.monotonic()
        if moment < self._next_watch:
            return
        self._next_watch = moment + WATCH_SECONDS
        health = self._ask("/healthz")
        alive = {"web"} if health is not None else set()
        alive |= {part for part, state in (health or {}).get("parts", {}).items() if state == "ok"}
        for child in self._children.values():
            child.trim_log()
            # Without a web process nobody can be asked about the others.
            unknown = child.name == "broker" or (health is None and child.name != "web")
            if child.name in alive or unknown or not child.is_running:
                self._heard[child.name] = moment
            since = max(self._heard.get(child.name, 0.0), child.started_at + BOOT_SECONDS)
            if moment - since > self._config.wait(SILENCE_SECONDS):
                say(f"The {child.name} process has been silent for too long and is ended.")
                child.kill_session()

    def _ask(self, path: str) -> dict[str, Any] | None:
        """The JSON answer of our own web process, whatever its status; None when there is none."""
        connection = http.client.HTTPConnection(self._reach, self._port, timeout=1)
        try:
            connection.request("GET", path)
            answer = json.loads(connection.getresponse().read())
        except (OSError, http.client.HTTPException, ValueError):
            return None
        finally:
            connection.close()
        return answer if isinstance(answer, dict) else None

    # Ending

    def _stop(self) -> None:
        """End those who use the broker, then it, then whatever still hides below us."""
        impatience = self._asked.stops
        children = self._children.values()
        self._end([child for child in children if child.name != "broker"], impatience)
        self._end([child for child in children if child.name == "broker"], impatience)
        deadline = time.monotonic() + SWEEP_SECONDS
        while (left := owned.descendants(os.getpid())) and time.monotonic() < deadline:
            for pid in left:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self._reap()
            self._asked.pause(START_TICK_SECONDS)
        (self._home / "run" / "port").unlink(missing_ok=True)
        home.forget_sockets(self._home)

    def _end(self, children: Sequence[Child], impatience: int) -> None:
        for child in children:
            child.send(signal.SIGTERM)
        deadline = time.monotonic() + GRACE_SECONDS
        while any(child.is_running for child in children):
            if time.monotonic() > deadline or self._asked.stops > impatience:
                break
            self._asked.pause(START_TICK_SECONDS)
        for child in children:
            child.kill_session()

    def _reap(self) -> None:
        owned.reap_orphans([child.pid for child in self._children.values() if child.is_running])
