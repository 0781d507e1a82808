"""Fill the database of LUTHIER_HOME with jobs and metric points, and say what was made as JSON.

    python -m bench.make_jobs JOBS POINTS

The last job gets half of the points, the others share the rest.
"""

import json
import math
import random
import sys
from itertools import islice
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from app import tables
from app.auth import service as auth
from app.auth.models import User
from app.connections import service as connections
from app.connections.models import Connection
from app.core import clock
from app.core.database import unit_of_work
from app.core.storage import Blob
from app.datasets import service as datasets
from app.datasets.models import DatasetVersion, VersionStatus
from app.jobs import metrics
from app.jobs.models import Job, JobEvent, MetricChunk
from app.projects import service as projects
from app.projects.models import Project

SERIES = ("train_loss", "train_mean_token_accuracy", "valid_loss", "valid_mean_token_accuracy")
EVENTS = 8
BATCH = 2_000
AT_ONCE = 20_000


def main() -> None:
    """Make a project with its account, rows, jobs, events and points."""
    jobs, points = int(sys.argv[1]), int(sys.argv[2])
    assert tables
    with unit_of_work() as session:
        user = auth.create_user(session, email="bench@example.org", password_hash=None)
        project = projects.create_project(session, name="Bench", user=user)
        ids = make_jobs(session, project, user, jobs)
        make_events(session, ids)
        per_series = points // 2 // len(SERIES)
        make_small_series(session, ids[:-1], per_series // jobs)
        make_long_series(session, ids[-1], per_series)
        made = {
            "project_id": project.id,
            "job_id": ids[-1],
            "last_step": per_series - 1,
            "session": auth.sign_in(session, user.id),
            "token": auth.create_token(session, user, name="bench"),
        }
    print(json.dumps(made))


def make_jobs(session: Session, project: Project, user: User, count: int) -> list[int]:
    """That many jobs, one in a hundred running; their ids in order."""
    connection, version = make_account(session, project, user), make_rows(session, project, user)
    spark = [[step, float(f"{3 / math.sqrt(step + 1):.4g}")] for step in range(60)]
    common = {
        "project_id": project.id,
        "created_by": user.id,
        "created_at": clock.now(session),
        "connection_id": connection.id,
        "base_model": "gpt-4.1-mini-2025-04-14",
        "method": "supervised",
        "training_version_id": version.id,
        "hyperparameters": {"n_epochs": 3},
        "estimate": {"per_million": 5.0, "total": 10.4, "billed_tokens": 2_080_624},
        "request_sha256": "0" * 64,
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
    rows = (
        {
            **common,
            "name": f"job-{number}",
            "status": "running" if number % 100 == 0 else "succeeded",
            "op_key": f"op-{number}",
            "request_key": f"key-{number}",
            "run_id": f"ftjob-{number}",
        }
        for number in range(count)
    )
    store(session, Job, rows)
    return list(session.scalars(select(Job.id).order_by(Job.id)))


def make_account(session: Session, project: Project, user: User) -> Connection:
    """An account nobody asks."""
    return connections.create_connection(
        session,
        project_id=project.id,
        actor_id=user.id,
        name="OpenAI",
        kind="openai",
        base_url="https://api.openai.com/v1",
        api_key="sk-of-nobody",
        is_tested=False,
    )


def make_rows(session: Session, project: Project, user: User) -> DatasetVersion:
    """A version that counts as checked."""
    version = datasets.receive_upload(
        session,
        project_id=project.id,
        actor_id=user.id,
        blob=Blob("0" * 64, 1000),
        file_name="rows.jsonl",
        name="Rows",
    )
    version.status, version.format = VersionStatus.READY, "chat"
    version.rows, version.tokens, version.due_at = 10_003, 527_826, None
    return version


def make_events(session: Session, ids: list[int]) -> None:
    """A few log lines a job."""
    moment = clock.now(session)
    rows = (
        {
            "job_id": job_id,
            "event_id": f"e-{job_id}-{line}",
            "at": moment,
            "level": "info",
            "is_ours": False,
            "text": f"Line {line}",
        }
        for job_id in ids
        for line in range(EVENTS)
    )
    store(session, JobEvent, rows)


def make_small_series(session: Session, ids: list[int], length: int) -> None:
    """One short chunk a series and job, the same numbers in all."""
    rng = random.Random(7)
    steps = metrics.packed("q", list(range(length)))
    values = metrics.packed("d", [rng.random() for _ in range(length)])
    rows = (
        {
            "job_id": job_id,
            "series": name,
            "level": 0,
            "first_step": 0,
            "last_step": length - 1,
            "n": length,
            "steps": steps,
            "points": values,
        }
        for job_id in ids
        for name in SERIES
    )
    store(session, MetricChunk, rows)


def make_long_series(session: Session, job_id: int, length: int) -> None:
    """Long series, the way a sweep would store them."""
    rng = random.Random(8)
    for start in range(0, length, AT_ONCE):
        part = range(start, min(start + AT_ONCE, length))
        points = {name: [(step, rng.random()) for step in part] for name in SERIES}
        metrics.append(session, job_id, points)
        session.flush()


def store(session: Session, model: Any, rows: Any) -> None:
    """Insert in batches, so that a million of something never lies in memory."""
    waiting = iter(rows)
    while batch := list(islice(waiting, BATCH)):
        session.execute(insert(model), batch)


if __name__ == "__main__":
    main()
