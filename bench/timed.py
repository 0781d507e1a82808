"""A room for benches of pages: a real web process over a filled database, SQLite and PostgreSQL,
asked over loopback, one request at a time.
"""

import http.client
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import psycopg
from sqlalchemy import make_url

from bench.rescue import processor_seconds
from tests import broker, postgres
from tests.processes import Program, environment, free_port, launch
from tests.waiting import eventually

WARM = 5


@dataclass(frozen=True)
class Filled:
    """A database with something in it. `made` is what its maker says: a session, a token, ids."""

    name: str
    home: Path
    env: dict[str, str]
    made: dict[str, Any]

    def worst(
        self, claimed: Mapping[str, str], beside: Mapping[str, str], *, asks: int, within: float
    ) -> float:
        """Time every page and print it; the highest p95 of those the claim is about, in ms."""
        port = free_port()
        web = launch(self.home, "web", PORT=str(port), output="web", **self.env)
        web.address = f"http://127.0.0.1:{port}"
        highest = 0.0
        try:
            eventually(lambda: _is_up(web), within=within)
            for words, path in {**beside, **claimed}.items():
                before = processor_seconds([web.process.pid])
                times = self._ask(port, path, asks)
                used = (processor_seconds([web.process.pid]) - before) * 1000 / (asks + WARM)
                high = quantiles(times, n=20)[-1]
                print(
                    f"{self.name:>10}  {words:<34} median {median(times):6.1f} ms  "
                    f"p95 {high:6.1f} ms  processor {used:6.1f} ms"
                )
                if words in claimed:
                    highest = max(highest, high)
        finally:
            web.clear_away()
        return highest

    def _ask(self, port: int, path: str, times: int) -> list[float]:
        """Milliseconds of that many requests, one after the other on one connection."""
        headers = {
            "Cookie": f"luthier-{port}={self.made['session']}",
            "Authorization": f"Bearer {self.made['token']}",
        }
        link = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        taken = []
        for _ in range(times + WARM):
            begun = time.perf_counter()
            link.request("GET", path, headers=headers)
            answer = link.getresponse()
            body = answer.read()
            assert answer.status == 200, (path, answer.status, body[:300])
            taken.append((time.perf_counter() - begun) * 1000)
        link.close()
        return taken[WARM:]


def databases(*maker: str) -> Iterator[Filled]:
    """One of each kind, filled by a module with its words, which prints as JSON what it made."""
    with (
        tempfile.TemporaryDirectory(prefix="luthier-") as place,
        broker.running() as redis_url,
        postgres.running() as server,
    ):
        for name, url in (("SQLite", None), ("PostgreSQL", server.create())):
            env = {"REDIS_URL": redis_url} | ({"DATABASE_URL": url} if url else {})
            home = Path(place) / name
            home.mkdir()
            yield Filled(name, home, env, _fill(home, env, maker))


def _fill(home: Path, env: dict[str, str], maker: tuple[str, ...]) -> dict[str, Any]:
    assert launch(home, "migrate", output="migrate", **env).process.wait(60) == 0
    filled = subprocess.run(
        [sys.executable, "-m", *maker],
        env=environment(home, **env),
        check=True,
        stdout=subprocess.PIPE,
    )
    made: dict[str, Any] = json.loads(filled.stdout)
    if url := env.get("DATABASE_URL"):
        _settle(url)
    return made


def _settle(url: str) -> None:
    """What autovacuum does within a minute: it would otherwise begin while the pages are timed."""
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")


def _is_up(web: Program) -> bool:
    """Whether the process answers at all."""
    try:
        return bool(web.health()[0])
    except OSError:
        return False
