"""Ten thousand active jobs over twenty connections, followed by one provider worker.

    python -m bench.following [--jobs 10000] [--connections 20] [--minutes 4] [--latency 0.1]
        [--concurrency 3] [--database postgresql|sqlite]

The other side is the tests' witness: a project and a key for each connection, every answer a tenth
of a second late, 5 % of them 429 with a Retry-After of up to ten seconds, 1 % of them 500. One job
in a hundred changes each minute. Claimed: every change of state in the database within 120 s (p99),
read off lists alone; the logs read with what is left of 120 requests a minute and connection, which
no sliding minute of the witness's journal passes; less than one core for the worker and its
children together, and memory that does not grow. What 100,000 jobs over 200 connections would cost
is computed from it. `--jobs 500 --minutes 1` is a small try.
"""

import argparse
import json
import os
import random
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.auth.models import User
from app.connections import service as connections
from app.connections.models import Connection
from app.core import clock, owned
from app.core.database import read_only, unit_of_work
from app.jobs.models import FOLLOWED, Job
from app.projects import service as projects
from app.projects.models import Project
from bench.claims import USUAL
from bench.make_jobs import make_rows, store
from bench.rescue import processor_seconds
from tests import broker, make, postgres
from tests.conftest import SECRET, forget
from tests.processes import Program, launch, proportional_bytes
from tests.waiting import eventually
from tests.witness import handle
from tests.witness.handle import Witness
from tests.witness.script import EVERYTHING, Fault, by_chance, refusal

CLAIM_SECONDS, CLAIM_CORES, CLAIM_GROWTH = 120.0, 1.0, 1.05
A_MINUTE = 120  # requests a connection may send, as OpenAI's profile has it
CHANGING = 0.01  # of the jobs, a minute
BUSY, WAITS_ASKED = 0.05, (1, 3, 5, 8, 10)
BROKEN = 0.01
IDLE_SECONDS, WARM_SECONDS, TAIL_SECONDS = 15.0, 30.0, 130.0
MEMORY_EVERY_SECONDS = 5
MANY = 100_000
MB = 1_000_000
NEXT = {"queued": ["running"], "running": ["paused"] * 7 + ["succeeded"] * 2 + ["failed"]}
LISTS, LOGS = "GET /v1/fine_tuning/jobs", "GET /v1/fine_tuning/jobs/*/events"


@dataclass
class Run:
    """A run at the provider, and the job that follows it."""

    job_id: int
    owner: Witness
    run_id: str
    status: str


@dataclass
class Change:
    """What a run came to, and when the database had it."""

    job_id: int
    status: str
    at: float
    recorded_at: float | None = None


@dataclass
class Followed:
    """The runs that have not moved yet, what moved, and what the worker takes for it."""

    worker: Program
    runs: list[Run]
    changes: list[Change] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)
    is_over: threading.Event = field(default_factory=threading.Event)

    @property
    def pids(self) -> list[int]:
        """The worker and its children."""
        return [self.worker.process.pid, *owned.descendants(self.worker.process.pid)]

    def change(self, chance: random.Random) -> None:
        """Let one run move on, with what it writes about that."""
        run = self.runs.pop(chance.randrange(len(self.runs)))
        then = chance.choice(NEXT[run.status])
        for step in range(5):
            data = {"step": step, "train_loss": 1 / (step + 1)}
            run.owner.add_event(run.run_id, type="metrics", message=f"Step {step}", data=data)
        ended = {"finished_at": int(time.time())} if then in {"succeeded", "failed"} else {}
        if then == "succeeded":
            ended["fine_tuned_model"] = f"ft:{make.BASE_MODEL}:bench::{run.job_id}"
        run.owner.change_run(run.run_id, status=then, **ended)
        self.changes.append(Change(run.job_id, then, time.time()))

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Look every second at what the database has, and now and then at the memory."""
        thread = threading.Thread(target=self._watch)
        thread.start()
        try:
            yield
        finally:
            self.is_over.set()
            thread.join()

    def _watch(self) -> None:
        seconds = 0
        while not self.is_over.wait(1):
            self._note()
            seconds += 1
            if seconds % MEMORY_EVERY_SECONDS == 0:
                self.memory.append(proportional_bytes(self.pids) / MB)

    def _note(self) -> None:
        waiting = {one.job_id: one for one in list(self.changes) if one.recorded_at is None}
        if not waiting:
            return
        with read_only() as session:
            query = select(Job.id, Job.provider_status).where(Job.id.in_(waiting))
            rows = session.execute(query).all()
        for job_id, status in rows:
            if status == waiting[job_id].status:
                waiting[job_id].recorded_at = time.time()

    def are_recorded(self) -> bool:
        """Whether the database has every change."""
        return all(one.recorded_at for one in self.changes)

    def growth(self) -> float:
        """The memory of the last quarter beside that of the second, when everything was loaded."""
        quarter = max(1, len(self.memory) // 4)
        return median(self.memory[-quarter:]) / median(self.memory[quarter : 2 * quarter])


def cores(pids: list[int], seconds: float) -> float:
    """How many cores these processes use together in the coming seconds."""
    before, begun = processor_seconds(pids), time.monotonic()
    time.sleep(seconds)
    return (processor_seconds(pids) - before) / (time.monotonic() - begun)


def fill(owners: list[Witness], jobs: int) -> list[Run]:
    """Every run there and its job here, as they are when nothing is new: one in five waits in the
    provider's queue, the others run; no connection is due.
    """
    with unit_of_work() as session:
        user = make.make_user(session, "owner")
        project = projects.create_project(session, name="Bench", user=user)
        version = make_rows(session, project, user)
        found = []
        for number, owner in enumerate(owners):
            account = make_account(session, project, user, owner, number)
            found += make_runs(session, account, owner, jobs // len(owners), version.id)
        return found


def make_account(
    session: Session, project: Project, user: User, owner: Witness, number: int
) -> Connection:
    """A connection with OpenAI's profile that leads to one project of the witness."""
    made = connections.create_connection(
        session,
        project_id=project.id,
        actor_id=user.id,
        name=f"OpenAI {number}",
        kind="openai",
        base_url=owner.url,
        api_key=owner.key,
        is_tested=False,
    )
    made.profile, made.models_due_at = "openai", made.created_at + timedelta(days=1)
    session.flush()
    return made


def make_runs(
    session: Session, account: Connection, owner: Witness, count: int, version_id: int
) -> list[Run]:
    """So many runs at the witness, each with its job, whose log was read some time ago."""
    file_id = owner.add_file("rows.jsonl", b"{}\n", "fine-tune")["id"]
    body = {"model": make.BASE_MODEL, "training_file": file_id}
    states = {"queued": count // 5, "running": count - count // 5}
    runs = [
        Run(0, owner, run_id, status)
        for status, many in states.items()
        for run_id in owner.add_crowd(body, many, status=status)
    ]
    moment, chance = clock.now(session), random.Random(account.id)
    rows = (job_row(account, run, version_id, moment, chance) for run in runs)
    store(session, Job, rows)
    ids = session.scalars(select(Job.id).where(Job.connection_id == account.id).order_by(Job.id))
    for run, job_id in zip(runs, ids, strict=True):
        run.job_id = job_id
    return runs


def job_row(
    account: Connection, run: Run, version_id: int, moment: datetime, chance: random.Random
) -> dict[str, Any]:
    """A job that runs, its log read at some time of the last ten minutes."""
    key = f"{account.id}-{run.run_id}"
    return {
        "project_id": account.project_id,
        "created_at": moment,
        "name": key,
        "status": "running",
        "connection_id": account.id,
        "base_model": make.BASE_MODEL,
        "method": "supervised",
        "training_version_id": version_id,
        "hyperparameters": {"n_epochs": 3},
        "estimate": {"per_million": 5.0, "total": 10.4},
        "op_key": key,
        "request_key": key,
        "request_sha256": "0" * 64,
        "run_id": run.run_id,
        "provider_status": run.status,
        "run_status": run.status,
        "started_at": moment,
        "changed_at": moment,
        "events_at": moment - timedelta(seconds=chance.uniform(0, 600)),
        "fence": 1,
        "attempts": 0,
        "misses": 0,
        "events_bytes": 0,
    }


def wrong() -> list[Fault]:
    """What goes wrong with every kind of request."""
    busy = [
        Fault(
            EVERYTHING,
            status=429,
            body=json.dumps(refusal("Rate limit reached.", "rate_limit_exceeded")),
            headers={"retry-after": str(seconds)},
        )
        for seconds in WAITS_ASKED
    ]
    broken = Fault(EVERYTHING, status=500, body=json.dumps(refusal("The server had an error.")))
    return by_chance(*((BUSY / len(busy), one) for one in busy), (BROKEN, broken))


def most_in_a_minute(moments: list[float]) -> int:
    """The most requests of any sixty seconds."""
    most, first = 0, 0
    for last, at in enumerate(moments):
        while at - moments[first] >= 60:
            first += 1
        most = max(most, last - first + 1)
    return most


@contextmanager
def instance(asked: argparse.Namespace, place: Path) -> Iterator[tuple[Followed, Program, Witness]]:
    """A database with everything in it, one worker, one clock, and the witness."""
    with broker.running() as redis_url, handle.running(place) as witness:
        env = {
            "LUTHIER_SECRET": SECRET,
            "LUTHIER_ALLOW_HOSTS": witness.host,
            "REDIS_URL": redis_url,
        }
        with database_of(asked.database) as url:
            env |= {"DATABASE_URL": url} if url else {}
            home = place / "home"
            os.environ |= {**env, "LUTHIER_HOME": str(home)}
            forget()
            migrated = launch(home, "migrate", output="migrate", **env)
            assert migrated.process.wait(60) == 0, migrated.output
            keys = [f"sk-bench-{number:04}" for number in range(asked.connections)]
            owners = [witness.add_project(key) for key in keys]
            runs = fill(owners, asked.jobs)
            words = ("worker", "--queues", "provider", "--concurrency", str(asked.concurrency))
            worker = launch(home, *words, output="worker", **env)
            beat = launch(home, "beat", output="beat", **env)
            try:
                yield Followed(worker, runs), beat, witness
            finally:
                for program in (beat, worker):
                    program.clear_away()
                forget()


@contextmanager
def database_of(kind: str) -> Iterator[str | None]:
    """The address of an empty database; None for the instance's own file."""
    if kind == "sqlite":
        yield None
        return
    with postgres.running(USUAL) as server:
        yield server.create("following")


def set_all_due() -> None:
    """From now on the connections are looked at, the first one at once."""
    with unit_of_work() as session:
        moment = clock.now(session)
        for number, connection in enumerate(session.scalars(select(Connection))):
            connection.due_at = moment + timedelta(seconds=0.7 * number)


def follow(followed: Followed, witness: Witness, asked: argparse.Namespace) -> tuple[float, float]:
    """Let runs change for the minutes asked for; the cores of the idle worker, and of the busy."""
    eventually(lambda: len(followed.pids) > asked.concurrency, within=60)
    time.sleep(5)
    idle = cores(followed.pids, IDLE_SECONDS)
    witness.set(latency=asked.latency)
    witness.script(*wrong())
    set_all_due()
    chance, pace = random.Random(11), 60 / (CHANGING * asked.jobs)
    with followed.watched():
        time.sleep(WARM_SECONDS)
        pids = followed.pids
        before, begun = processor_seconds(pids), time.monotonic()
        next_at = begun
        while time.monotonic() < begun + asked.minutes * 60:
            followed.change(chance)
            next_at += pace
            time.sleep(max(0.0, next_at - time.monotonic()))
        used = (processor_seconds(pids) - before) / (time.monotonic() - begun)
        deadline = time.monotonic() + TAIL_SECONDS
        while not followed.are_recorded() and time.monotonic() < deadline:
            time.sleep(0.5)
    return idle, used


def tell_changes(followed: Followed) -> bool:
    """Print how late the changes were recorded."""
    late = [one.recorded_at - one.at for one in followed.changes if one.recorded_at is not None]
    lost = len(followed.changes) - len(late)
    cuts = quantiles(late, n=100)
    print(
        f"{len(late):,} changes recorded after {cuts[49]:.0f} s (median), p95 {cuts[94]:.0f} s, "
        f"p99 {cuts[98]:.0f} s, worst {max(late):.0f} s (claim p99 < {CLAIM_SECONDS:.0f} s); "
        f"{lost} not recorded"
    )
    for one in (one for one in followed.changes if one.recorded_at is None):
        with read_only() as session:
            job = session.get_one(Job, one.job_id)
        print(f"  not recorded: {one}, here {job.provider_status}, changed {job.changed_at}")
    return not lost and cuts[98] < CLAIM_SECONDS


def tell_requests(witness: Witness) -> tuple[bool, float]:
    """Print what was asked for, by the witness's journal; whether all is well, and the lists a
    second.
    """
    moments = defaultdict(list)
    kinds: Counter[str] = Counter()
    for at, request in witness.journal.moments():
        moments[request.key].append(at)
        kinds[request.kind_of_route] += 1
    most = max(most_in_a_minute(ats) for ats in moments.values())
    first, last = witness.journal.span()
    refused = witness.journal.counts(429, 500)
    print(
        f"{sum(kinds.values()):,} requests in {last - first:.0f} s: {kinds[LISTS]:,} pages of lists"
        f", {kinds[LOGS]:,} of logs, {sum(refused.values()):,} refused with 429 or 500"
    )
    others = {kind: count for kind, count in kinds.items() if kind not in {LISTS, LOGS}}
    singly = sum(count for kind, count in others.items() if not kind.endswith("/checkpoints"))
    print(f"  others: {others}; asked singly: {singly} (claim 0)")
    print(f"  at most {most} of one connection in any minute (claim <= {A_MINUTE})")
    return most <= A_MINUTE and not singly, kinds[LISTS] / (last - first)


def tell_logs() -> None:
    """Print how long ago the logs were read."""
    with read_only() as session:
        moment = clock.now(session)
        read = session.scalars(select(Job.events_at).where(Job.status.in_(FOLLOWED))).all()
        unread = session.query(Job).filter(Job.status.not_in(FOLLOWED), Job.events_at.is_(None))
        left = unread.count()
    ages = sorted((moment - at).total_seconds() / 60 for at in read if at is not None)
    print(
        f"logs of runs that go on read {median(ages):.1f} min ago (median), "
        f"p99 {quantiles(ages, n=100)[98]:.1f} min; of runs that ended {left} not read to the end"
    )


def main() -> int:
    """Measure and say; the exit status."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--jobs", type=int, default=10_000)
    words.add_argument("--connections", type=int, default=20)
    words.add_argument("--minutes", type=float, default=4)
    words.add_argument("--latency", type=float, default=0.1)
    words.add_argument("--concurrency", type=int, default=3)
    words.add_argument("--database", choices=("postgresql", "sqlite"), default="postgresql")
    asked = words.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="luthier-") as folder,
        instance(asked, Path(folder)) as (followed, beat, witness),
    ):
        idle, used = follow(followed, witness, asked)
        print(f"{asked.jobs:,} jobs, {asked.connections} connections, {asked.database}")
        is_in_time = tell_changes(followed)
        is_within, lists = tell_requests(witness)
        tell_logs()
        growth, memory = followed.growth(), median(followed.memory)
        failed = followed.worker.output.count("task.failed")
        assert beat.process.poll() is None, beat.output
    print(
        f"worker and its {asked.concurrency} children: {used:.2f} cores, {idle:.2f} when idle "
        f"(claim < {CLAIM_CORES:g}); {memory:.0f} MB, last quarter beside the second x {growth:.3f}"
        f" (claim <= {CLAIM_GROWTH}); load {os.getloadavg()[0]:.1f}; tasks failed: {failed}"
    )
    times = MANY / asked.jobs
    print(
        f"{MANY:,} jobs over {asked.connections * times:.0f} connections, on paper: "
        f"{idle + (used - idle) * times:.1f} cores in as many workers, {lists * times:.0f} pages a "
        "second"
    )
    is_well = is_in_time and is_within and not failed
    return 0 if is_well and used < CLAIM_CORES and growth <= CLAIM_GROWTH else 1


if __name__ == "__main__":
    raise SystemExit(main())
