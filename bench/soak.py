"""A long afternoon: 50 people, 10 requests a second together, 20 open job pages, on both databases.

    python -m bench.soak [--minutes 10] [--users 50] [--pages 20] [--database sqlite|postgresql]

Real processes: the shape of `make run` on SQLite, that of a server on PostgreSQL. Everybody signs
in, looks at pages, fragments and the API, uploads now and then, signs out and in again; a job
trains once a minute, and every open page follows it by its stream and fetches what changed.
Claimed: no error, p95 under 300 ms, and memory (PSS of the processes that last; a training child
comes and goes with its job), database connections and file handles that no longer grow once it has
warmed up.
"""

import argparse
import asyncio
import json
import random
import re
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import httpx2
import psycopg

from bench.make_people import PASSWORD
from tests import broker, postgres
from tests.journeys.api import OWNER, TRAINING, Script
from tests.processes import (
    Program,
    command_line,
    environment,
    processes_of,
    proportional_bytes,
    start_luthier,
    start_server_shape,
)

CLAIM_MS = 300.0
A_SECOND = 10.0
JOB_EVERY_SECONDS = 60.0
SAMPLES = 120
NUDGE_GAP_SECONDS = 0.2
VISIT_SECONDS = 180.0
MB = 1_000_000
ROWS = 400
TRAINING_CHILD = "app.trainer.child"
CSRF = re.compile(r'name="csrf" value="([^"]+)"')


def main() -> int:
    """Soak each database; the exit status."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--minutes", type=float, default=10)
    words.add_argument("--users", type=int, default=50)
    words.add_argument("--pages", type=int, default=20)
    words.add_argument("--database", choices=("sqlite", "postgresql"))
    asked = words.parse_args()
    is_well = True
    for kind in (asked.database,) if asked.database else ("sqlite", "postgresql"):
        with tempfile.TemporaryDirectory(prefix="luthier-") as place, SHAPES[kind](place) as stage:
            print(f"{kind}: {asked.users} people, {asked.pages} open pages, {asked.minutes:g} min")
            soak = Soak(stage, seconds=asked.minutes * 60)
            asyncio.run(soak.run(asked.users, asked.pages))
            is_well = soak.tell() and is_well
    return 0 if is_well else 1


@dataclass
class Stage:
    """A running instance, its project, and how many connections its database has."""

    web: Program
    env: dict[str, str]
    database_url: str | None = None

    def connections(self) -> int:
        """Connections of the whole instance to its database."""
        if self.database_url is not None:
            with psycopg.connect(self.database_url) as asking:
                found = asking.execute(
                    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                ).fetchone()
                return int(found[0]) - 1
        file = self.web.home / "luthier.sqlite"
        return sum(path == file for pid in processes_of(self.web.home) for path in handles(pid))


@contextmanager
def embedded(place: str) -> Iterator[Stage]:
    """`make run`: SQLite and everything under one supervisor."""
    with start_luthier(Path(place) / "home", **OWNER) as luthier:
        yield Stage(luthier, {})


@contextmanager
def server(place: str) -> Iterator[Stage]:
    """PostgreSQL, a broker of its own, one web, two workers."""
    with broker.running() as redis_url, postgres.running() as running:
        url = running.create("soak")
        home = Path(place) / "home"
        with start_server_shape(home, database_url=url, redis_url=redis_url, **OWNER) as programs:
            yield Stage(programs["web"], {"DATABASE_URL": url, "REDIS_URL": redis_url}, url)


SHAPES = {"sqlite": embedded, "postgresql": server}


def handles(pid: int) -> list[Path]:
    """What a process holds open."""
    found = []
    with suppress(OSError):  # it may end meanwhile
        found.extend(link.readlink() for link in Path(f"/proc/{pid}/fd").iterdir())
    return found


def lasts(pid: int) -> bool:
    """Whether a process stays when the job at hand has ended."""
    try:
        return TRAINING_CHILD not in command_line(pid)
    except OSError:  # it ended meanwhile
        return False


@dataclass
class Soak:
    """One run: who asks for what, what was measured, and the verdict."""

    stage: Stage
    seconds: float
    times: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    errors: list[str] = field(default_factory=list)
    samples: list[dict[str, float]] = field(default_factory=list)
    streams: int = 0
    nudges: int = 0

    async def run(self, users: int, pages: int) -> None:
        """Prepare, then let everybody in until the time is over."""
        await asyncio.to_thread(self._prepare, users)
        self.ends_at = time.monotonic() + self.seconds
        self.pace = users / A_SECOND
        async with asyncio.TaskGroup() as group:
            group.create_task(self._train())
            group.create_task(self._sample())
            for email, token in self.people:
                group.create_task(self._person(email, token))
            for number in range(pages):
                after = number / pages * self.arriving
                group.create_task(self._open_page(self.people[number % users][0], after))

    def _prepare(self, users: int) -> None:
        self.script = Script(self.stage.web, **self.stage.env)
        self.project = self.script.post("/projects", json={"name": "Soak"})["id"]
        self.rows = self.stage.web.home.with_name("rows.jsonl")
        lines = TRAINING.read_text().splitlines(keepends=True)[:ROWS]
        self.rows.write_text("".join(lines))
        self.few = "".join(lines[:20]).encode()
        made = self.script.upload(self.project, self.rows, "Banking77")
        self.dataset, self.version = made["id"], made["version"]["id"]
        self.job = self._start_job(0)
        filled = subprocess.run(
            [sys.executable, "-m", "bench.make_people", str(self.project), str(users)],
            env=environment(self.stage.web.home, **self.stage.env),
            check=True,
            stdout=subprocess.PIPE,
        )
        self.people: list[list[str]] = json.loads(filled.stdout)

    def _start_job(self, number: int) -> int:
        job = self.script.start_job(
            self.project, suffix=f"n{number}", n_epochs=3, training_version_id=self.version
        )
        return int(job["id"])

    @property
    def arriving(self) -> float:
        """Nobody's team signs in within one second: the first minute is for coming in."""
        return min(60.0, self.seconds / 3)

    @property
    def is_over(self) -> bool:
        return time.monotonic() > self.ends_at

    async def _train(self) -> None:
        number = 0
        while not self.is_over:
            await asyncio.sleep(min(JOB_EVERY_SECONDS, self.seconds / 4))
            number += 1
            self.job = await asyncio.to_thread(self._start_job, number)

    async def _sample(self) -> None:
        while not self.is_over:
            self.samples.append(await asyncio.to_thread(self._look))
            await asyncio.sleep(self.seconds / SAMPLES)

    def _look(self) -> dict[str, float]:
        pids = processes_of(self.stage.web.home)
        lasting = [pid for pid in pids if lasts(pid)]
        return {
            "at": time.monotonic(),
            "memory": proportional_bytes(lasting) / MB,
            "handles": sum(len(handles(pid)) for pid in lasting),
            "connections": self.stage.connections(),
        }

    # What people do

    def _client(self) -> httpx2.AsyncClient:
        return httpx2.AsyncClient(base_url=self.stage.web.address, timeout=30, trust_env=False)

    async def _ask(
        self, client: httpx2.AsyncClient, kind: str, path: str, method: str = "GET", **words: Any
    ) -> httpx2.Response | None:
        """One request, timed to its last byte; anything unexpected is an error."""
        begun = time.perf_counter()
        try:
            answer = await client.request(method, path, **words)
        except httpx2.HTTPError as error:
            self.errors.append(f"{kind} {path}: {error!r}")
            return None
        self.times[kind].append((time.perf_counter() - begun) * 1000)
        is_sent_away = answer.headers.get("location", "").startswith("/login?")
        if answer.status_code >= 400 or is_sent_away:
            self.errors.append(f"{kind} {method} {path}: {answer.status_code} {answer.text[:120]}")
        return answer

    async def _sign_in(self, client: httpx2.AsyncClient, email: str) -> None:
        form = {"email": email, "password": PASSWORD, "next": "/projects"}
        await self._ask(client, "sign-in", "/login", "POST", data=form)

    async def _person(self, email: str, token: str) -> None:
        chance = random.Random(email)
        await asyncio.sleep(chance.uniform(0, self.arriving))
        while not self.is_over:
            async with self._client() as client:
                await self._visit(client, email, token, chance)

    async def _visit(
        self, client: httpx2.AsyncClient, email: str, token: str, chance: random.Random
    ) -> None:
        """Sign in, look around for a while, sign out."""
        await self._sign_in(client, email)
        leaves_at = time.monotonic() + chance.uniform(0.5, 1.5) * VISIT_SECONDS
        bearer = {"Authorization": f"Bearer {token}"}
        while not self.is_over and time.monotonic() < leaves_at:
            await asyncio.sleep(chance.expovariate(1 / self.pace))
            kind = chance.choices(("page", "fragment", "API", "upload"), (50, 30, 19, 1))[0]
            if kind == "upload" and int(email[4:].partition("@")[0]) % 2:
                file = {"file": ("few.jsonl", self.few)}
                path = f"/api/v1/datasets/{self.dataset}/versions"
                await self._ask(client, kind, path, "POST", files=file, headers=bearer)
            elif kind == "API":
                await self._ask(client, kind, chance.choice(self._api()), headers=bearer)
            elif kind == "fragment":
                htmx = {"HX-Request": "true"}
                await self._ask(client, kind, chance.choice(self._fragments()), headers=htmx)
            else:
                await self._ask(client, "page", chance.choice(self._pages()))
        page = await self._ask(client, "page", "/projects")
        if page is not None and (found := CSRF.search(page.text)):
            await self._ask(client, "sign-out", "/logout", "POST", data={"csrf": found[1]})

    def _pages(self) -> list[str]:
        project = f"/projects/{self.project}"
        version = f"/dataset-versions/{self.version}"
        inside = ("", "/datasets", "/jobs", "/models", "/connections", "/members", "/activity")
        return [
            *(f"{project}{place}" for place in inside),
            *("/projects", "/account", version, f"{version}/rows", f"/jobs/{self.job}"),
        ]

    def _fragments(self) -> list[str]:
        project, job = f"/projects/{self.project}", f"/jobs/{self.job}"
        return [f"{job}/progress", f"{job}/log", f"{job}/metrics", f"{project}/side", project]

    def _api(self) -> list[str]:
        project, job = f"/api/v1/projects/{self.project}", f"/api/v1/jobs/{self.job}"
        return [
            "/api/v1/projects",
            *(f"{project}/{place}" for place in ("jobs", "datasets", "models", "connections")),
            *(job, f"{job}/events", f"{job}/metrics"),
        ]

    # Open pages

    async def _open_page(self, email: str, after: float) -> None:
        """A job's page that is left open, and goes to the next job when one starts."""
        await asyncio.sleep(after)
        async with self._client() as client:
            await self._sign_in(client, email)
            while not self.is_over:
                job = self.job
                await self._ask(client, "page", f"/jobs/{job}")
                await self._follow(client, job)

    async def _follow(self, client: httpx2.AsyncClient, job: int) -> None:
        topics = {"topic": [f"job:{job}", f"project:{self.project}"]}
        try:
            async with client.stream("GET", "/live", params=topics, timeout=60) as stream:
                self.streams += 1
                async for line in stream.aiter_lines():
                    if line.startswith("data: "):
                        self.nudges += 1
                        await self._refetch(client, job, line.removeprefix("data: "))
                    # A quiet stream says something every 15 seconds.
                    if self.job != job or self.is_over:
                        return
            self.errors.append(f"live: the stream of job {job} ended")
        except httpx2.HTTPError as error:
            self.errors.append(f"live: {error!r}")

    async def _refetch(self, client: httpx2.AsyncClient, job: int, topic: str) -> None:
        htmx = {"HX-Request": "true"}
        if topic.startswith("project:"):
            await self._ask(client, "live", f"/projects/{self.project}/side", headers=htmx)
        else:
            for part in ("progress", "metrics?after_step=0", "log"):
                await self._ask(client, "live", f"/jobs/{job}/{part}", headers=htmx)
        await asyncio.sleep(NUDGE_GAP_SECONDS)

    # The verdict

    def tell(self) -> bool:
        """Print what was measured; True when every claim holds."""
        every = [one for kind in self.times.values() for one in kind]
        for kind, times in [*sorted(self.times.items()), ("all", every)]:
            cuts = quantiles(times, n=100) if len(times) > 1 else times * 99
            print(
                f"  {kind:<9} {len(times):6,}  p50 {cuts[49]:6.1f} ms  p95 {cuts[94]:6.1f} ms  "
                f"p99 {cuts[98]:6.1f} ms  worst {max(times):7.1f} ms"
            )
        print(f"  {self.streams:,} streams, {self.nudges:,} nudges")
        high = quantiles(every, n=20)[-1]
        verdicts = [
            (not self.errors, f"errors: {len(self.errors)} of {len(every):,} requests"),
            (high < CLAIM_MS, f"p95 {high:.1f} ms (claim < {CLAIM_MS:.0f} ms)"),
            self._flat("memory", "MB", room=10),
            self._flat("connections", "to the database", room=2),
            self._flat("handles", "open", room=10),
        ]
        for is_well, words in verdicts:
            print(f"  {'ok    ' if is_well else 'MISSED'} {words}")
        for error in sorted(set(self.errors))[:10]:
            print(f"         {error}")
        return all(is_well for is_well, _ in verdicts)

    def _flat(self, name: str, unit: str, *, room: float) -> tuple[bool, str]:
        """Whether the median of the last third is no more than that of the middle one, but for 5 %
        or `room`.
        """
        values = [sample[name] for sample in self.samples]
        third = len(values) // 3
        first, middle, last = (median(values[n * third : (n + 1) * third]) for n in range(3))
        later = self.samples[third:]
        minutes = (later[-1]["at"] - later[0]["at"]) / 60
        slope = (last - middle) / (minutes / 2)
        words = (
            f"{name}: first third {first:.0f}, middle {middle:.0f}, last {last:.0f} {unit}, "
            f"at most {max(values):.0f}; {slope:+.2f} a minute from the middle to the end"
        )
        return last <= max(middle * 1.05, middle + room), words


if __name__ == "__main__":
    raise SystemExit(main())
