"""Job list and job page with 10,000 jobs and a million metric points: p95 < 50 ms, on both databases.

    python -m bench.pages [--jobs 10000] [--asks 300]

The pages come from a real `python -m app web` over loopback; the limit beside them is /livez, which
touches nothing. One job holds half of all points, the others share the rest.
"""

import argparse
import http.client
import math
import os
import random
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median, quantiles

from sqlalchemy import insert

from tests import broker, postgres
from tests.processes import free_port, launch

CLAIM_MS = 50.0
POINTS = 1_000_000
SERIES = ("train_loss", "train_mean_token_accuracy", "valid_loss", "valid_mean_token_accuracy")
BATCH = 500


def main() -> int:
    """Fill, ask, print for both databases; the exit status."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--jobs", type=int, default=10_000)
    words.add_argument("--asks", type=int, default=300)
    asked = words.parse_args()
    is_met = True
    with tempfile.TemporaryDirectory(prefix="luthier-") as place, broker.running() as redis_url:
        with postgres.running() as server:
            for name, url in (("SQLite", None), ("PostgreSQL", server.create())):
                home = Path(place) / name
                worst = measure(home, url, redis_url, name, jobs=asked.jobs, asks=asked.asks)
                is_met &= worst < CLAIM_MS
    return 0 if is_met else 1


def measure(
    home: Path, url: str | None, redis_url: str, name: str, *, jobs: int, asks: int
) -> float:
    """Fill one database and time its pages; the worst p95 in milliseconds."""
    env = {"REDIS_URL": redis_url} | ({"DATABASE_URL": url} if url else {})
    home.mkdir(parents=True)
    assert launch(home, "migrate", output="migrate", **env).process.wait(60) == 0
    with settings_of(home, env):
        begun = time.monotonic()
        cookie, project_id, job_id = fill(jobs)
        print(
            f"{name}: {jobs:,} jobs and {POINTS:,} points stored in {time.monotonic() - begun:.0f} s"
        )
    port = free_port()
    web = launch(home, "web", PORT=str(port), output="web", **env)
    web.address = f"http://127.0.0.1:{port}"
    pages = {
        "the limit: /livez": "/livez",
        "job list, first page": f"/projects/{project_id}/jobs",
        "job list, a page in the middle": f"/projects/{project_id}/jobs?after={job_id // 2}",
        "job list as JSON, 50": f"/api/v1/projects/{project_id}/jobs",
        "job page": f"/jobs/{job_id}",
        "its panel": f"/jobs/{job_id}/progress",
        "home": f"/projects/{project_id}",
    }
    extra = {
        "its chart, whole": f"/jobs/{job_id}/metrics",
        "its chart, new points": f"/jobs/{job_id}/metrics?after_step={POINTS // 2 // len(SERIES) - 20}",
    }
    worst = 0.0
    try:
        wait_for(port)
        for label, path in {**pages, **extra}.items():
            times = ask(port, path, cookie, asks)
            high = quantiles(times, n=20)[-1]
            is_claimed = label in pages and "limit" not in label
            worst = max(worst, high) if is_claimed else worst
            mark = "" if not is_claimed else "  ok" if high < CLAIM_MS else "  TOO SLOW"
            print(
                f"{name:>10}  {label:<32} median {median(times):6.1f} ms  p95 {high:6.1f} ms{mark}"
            )
    finally:
        web.clear_away()
    return worst


@contextmanager
def settings_of(home: Path, env: dict[str, str]) -> Iterator[None]:
    """This process as part of that instance, for as long as it fills the database."""
    from app.core import database, secrets
    from app.settings import settings

    kept = dict(os.environ)
    os.environ.update(env, LUTHIER_HOME=str(home))
    if "DATABASE_URL" not in env:
        os.environ.pop("DATABASE_URL", None)
    for cached in (settings, database.engine, secrets._root):
        cached.cache_clear()
    try:
        yield
    finally:
        database.engine().dispose()
        os.environ.clear()
        os.environ.update(kept)


def fill(jobs: int) -> tuple[str, int, int]:
    """A project with that many jobs and a million points; cookie, project, and the job with most points."""
    import app.tables  # noqa: F401 - resolves the foreign keys
    from app.auth import service as auth
    from app.auth.access import cookie_name
    from app.connections import service as connections
    from app.core import clock
    from app.core.database import unit_of_work
    from app.core.storage import Blob
    from app.datasets import service as datasets
    from app.datasets.models import VersionStatus
    from app.jobs import metrics
    from app.jobs.models import Job, JobEvent, MetricChunk
    from app.projects import service as projects

    rng = random.Random(7)
    with unit_of_work() as session:
        user = auth.create_user(session, email="bench@example.org", password_hash=None)
        project = projects.create_project(session, name="Bench", user=user)
        connection = connections.create_connection(
            session,
            project_id=project.id,
            actor_id=user.id,
            name="OpenAI",
            kind="openai",
            base_url="https://api.openai.com/v1",
            api_key="sk-none-of-anybody",
        )
        version = datasets.receive_upload(
            session,
            project_id=project.id,
            actor_id=user.id,
            blob=Blob("0" * 64, 1000),
            file_name="rows.jsonl",
            name="Rows",
        )
        version.status, version.rows, version.tokens, version.format = (
            VersionStatus.READY,
            10_003,
            527_826,
            "chat",
        )
        version.due_at = None
        moment = clock.now(session)
        spark = [[step, float(f"{3 / math.sqrt(step + 1):.4g}")] for step in range(60)]
        rows = [
            {
                "project_id": project.id,
                "created_by": user.id,
                "created_at": moment,
                "name": f"job-{number}",
                "status": "running" if number % 100 == 0 else "succeeded",
                "connection_id": connection.id,
                "base_model": "gpt-4.1-mini-2025-04-14",
                "method": "supervised",
                "training_version_id": version.id,
                "hyperparameters": {"n_epochs": 3},
                "estimate": {"per_million": 5.0, "total": 10.4, "billed_tokens": 2_080_624},
                "op_key": f"op-{number}",
                "request_key": f"key-{number}",
                "request_sha256": "0" * 64,
                "run_id": f"ftjob-{number}",
                "step": 100,
                "total_steps": 100,
                "train_loss": 0.1,
                "best_valid_loss": 0.3,
                "best_valid_step": 50,
                "spark": {"train": spark, "valid": spark, "is_full": False},
                "fence": 1,
                "attempts": 0,
                "misses": 0,
                "events_bytes": 0,
            }
            for number in range(jobs)
        ]
        for start in range(0, jobs, BATCH):
            session.execute(insert(Job), rows[start : start + BATCH])
        session.flush()
        ids = [row for (row,) in session.execute(Job.__table__.select().with_only_columns(Job.id))]
        each = POINTS // 2 // (len(SERIES) * jobs)
        noise = [rng.random() for _ in range(each)]
        packed_steps = metrics._packed("q", list(range(each)))
        packed = metrics._packed("d", noise)
        chunks = [
            {
                "job_id": job_id,
                "series": name,
                "level": 0,
                "first_step": 0,
                "last_step": each - 1,
                "n": each,
                "steps": packed_steps,
                "points": packed,
            }
            for job_id in ids[:-1]
            for name in SERIES
        ]
        for start in range(0, len(chunks), BATCH * 4):
            session.execute(insert(MetricChunk), chunks[start : start + BATCH * 4])
        events = [
            {
                "job_id": job_id,
                "event_id": f"e-{job_id}-{line}",
                "at": moment,
                "level": "info",
                "is_ours": False,
                "text": f"Line {line}",
            }
            for job_id in ids
            for line in range(8)
        ]
        for start in range(0, len(events), BATCH * 4):
            session.execute(insert(JobEvent), events[start : start + BATCH * 4])
        length = POINTS // 2 // len(SERIES)
        for start in range(0, length, 20_000):
            part = range(start, min(start + 20_000, length))
            metrics.append(
                session, ids[-1], {name: [(n, rng.random()) for n in part] for name in SERIES}
            )
            session.flush()
        token = auth.sign_in(session, user.id)
        key = auth.create_token(session, user, name="bench")
        return f"{cookie_name()}={token}|{key}", project.id, ids[-1]


def wait_for(port: int) -> None:
    """Until the web process answers."""
    deadline = time.monotonic() + 30
    while True:
        try:
            return void(port)
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def void(port: int) -> None:
    """One answer that nobody looks at."""
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    link.request("GET", "/livez")
    link.getresponse().read()
    link.close()


def ask(port: int, path: str, cookie: str, times: int) -> list[float]:
    """Milliseconds of that many requests, one after the other on one connection."""
    name, key = cookie.split("|")
    # The cookie's name carries the port of the instance that set it.
    headers = {
        "Cookie": f"luthier-{port}={name.partition('=')[2]}",
        "Authorization": f"Bearer {key}",
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
