"""Job list and job page with 10,000 jobs and a million points: p95 < 50 ms on both databases.

    python -m bench.pages [--jobs 10000] [--asks 300]

The pages come from a real `python -m app web` over loopback, one request at a time; the limit
beside them is /livez, which touches nothing. One job holds half of all points.
"""

import argparse
import http.client
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import psycopg
from sqlalchemy import make_url

from tests import broker, postgres
from tests.processes import Program, environment, free_port, launch
from tests.waiting import eventually

CLAIM_MS = 50.0
POINTS = 1_000_000


def main() -> int:
    """Fill, ask, print for both databases; the exit status."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--jobs", type=int, default=10_000)
    words.add_argument("--asks", type=int, default=300)
    asked = words.parse_args()
    worst = 0.0
    with (
        tempfile.TemporaryDirectory(prefix="luthier-") as place,
        broker.running() as redis_url,
        postgres.running() as server,
    ):
        for name, url in (("SQLite", None), ("PostgreSQL", server.create())):
            env = {"REDIS_URL": redis_url} | ({"DATABASE_URL": url} if url else {})
            home = Path(place) / name
            home.mkdir()
            made = fill(home, env, asked.jobs)
            worst = max(worst, measure(home, env, name, made, asked.asks))
    print(f"worst p95 {worst:.1f} ms; the claim is < {CLAIM_MS:.0f} ms")
    return 0 if worst < CLAIM_MS else 1


def fill(home: Path, env: dict[str, str], jobs: int) -> dict[str, Any]:
    """Migrate a database and fill it; what bench.make_jobs says it made."""
    assert launch(home, "migrate", output="migrate", **env).process.wait(60) == 0
    filled = subprocess.run(
        [sys.executable, "-m", "bench.make_jobs", str(jobs), str(POINTS)],
        env=environment(home, **env),
        check=True,
        stdout=subprocess.PIPE,
    )
    made: dict[str, Any] = json.loads(filled.stdout)
    if url := env.get("DATABASE_URL"):
        settle(url)
    return made


def settle(url: str) -> None:
    """What autovacuum does within a minute: it would otherwise begin while the pages are timed."""
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")


def measure(home: Path, env: dict[str, str], name: str, made: dict[str, Any], asks: int) -> float:
    """Time every page of one database; the worst p95 of those the claim is about, in ms."""
    project, job, step = made["project_id"], made["job_id"], made["last_step"]
    claimed = {
        "job list, first page": f"/projects/{project}/jobs",
        "job list, in the middle": f"/projects/{project}/jobs?after={job // 2}",
        "job page": f"/jobs/{job}",
        "its panel": f"/jobs/{job}/progress",
    }
    beside = {
        "limit: /livez": "/livez",
        "job list as JSON, 50": f"/api/v1/projects/{project}/jobs",
        "home": f"/projects/{project}",
        "its chart, whole": f"/jobs/{job}/metrics",
        "its chart, new points": f"/jobs/{job}/metrics?after_step={step - 20}",
    }
    port = free_port()
    web = launch(home, "web", PORT=str(port), output="web", **env)
    web.address = f"http://127.0.0.1:{port}"
    worst = 0.0
    try:
        eventually(lambda: is_up(web), within=30)
        for label, path in {**beside, **claimed}.items():
            times = ask(port, path, made, asks)
            high = quantiles(times, n=20)[-1]
            print(f"{name:>10}  {label:<24} median {median(times):6.1f} ms  p95 {high:6.1f} ms")
            if label in claimed:
                worst = max(worst, high)
    finally:
        web.clear_away()
    return worst


def is_up(web: Program) -> bool:
    """Whether the process answers at all."""
    try:
        return bool(web.health()[0])
    except OSError:
        return False


def ask(port: int, path: str, made: dict[str, Any], times: int) -> list[float]:
    """Milliseconds of that many requests, one after the other on one connection."""
    headers = {
        "Cookie": f"luthier-{port}={made['session']}",
        "Authorization": f"Bearer {made['token']}",
    }
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    taken = []
    for _ in range(times + 5):
        begun = time.perf_counter()
        link.request("GET", path, headers=headers)
        answer = link.getresponse()
        body = answer.read()
        assert answer.status == 200, (path, answer.status, body[:300])
        taken.append((time.perf_counter() - begun) * 1000)
    link.close()
    return taken[5:]


if __name__ == "__main__":
    raise SystemExit(main())
