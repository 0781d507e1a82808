"""Two thousand paid starts against a hostile provider, while workers are killed: none twice, none
lost.

    python -m bench.starts [--starts 2000] [--connections 20] [--database postgresql|sqlite]

The other side is the tests' witness. Of the orders it reads, 70 % are well, 8 % are refused, 8 %
make a run whose answer is lost, 7 % end in a 500 and make none, 7 % are told to come later; new
runs show up in its lists after up to a minute. All waits are a sixtieth, leases a fifteenth. About
every second a child of a worker is killed with `kill -9`, every twenty a whole worker. Claimed, by
the witness's own journal: no order twice, every run a job's, every job with its run, refused, or
waiting for a person; and of those whose run the witness shows within the settle window at most 2 %
wait for a person. Killing and waiting set the pace here, so that nothing is said of speed.
"""

import argparse
import json
import os
import random
import signal
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import select

from app.connections import service as connections
from app.connections.models import Connection
from app.core import clock, leases, owned
from app.core.database import read_only, unit_of_work
from app.datasets.models import DatasetVersion
from app.jobs.models import WAITING, Job, JobStatus
from app.projects.models import Project
from app.providers.values import OP_KEY_TAG
from bench.following import database_of
from tests import broker, make
from tests.compose import kill
from tests.conftest import SECRET, forget
from tests.processes import Program, launch
from tests.witness import handle
from tests.witness.handle import Witness
from tests.witness.journal import Request
from tests.witness.script import CREATE_RUN, Fault, by_chance, refusal

CLAIM_SHARE = 0.02
WAITS, LEASES = 60, 15
LONGEST_LAG = 60 / WAITS
CHILD_EVERY_SECONDS, WORKER_EVERY_SECONDS = 1.0, 20.0
WORKERS = 2
AT_ONCE = 25
PATIENCE_SECONDS = 600.0
CLEAR = {400, 429}
MIX = (
    (0.08, Fault(CREATE_RUN, status=400, body=json.dumps(refusal("Not these rows.")))),
    (0.08, Fault(CREATE_RUN, end="drop", commits=True)),
    (0.07, Fault(CREATE_RUN, status=500, body=json.dumps(refusal("The server had an error.")))),
    (
        0.07,
        Fault(
            CREATE_RUN,
            status=429,
            headers={"retry-after": "20"},
            body=json.dumps(refusal("Rate limit reached.", "rate_limit_exceeded")),
        ),
    ),
)


@dataclass
class Instance:
    """Workers that are killed and started again, their clock, and the provider's owners."""

    home: Path
    env: dict[str, str]
    owners: list[Witness]
    workers: list[Program] = field(default_factory=list)
    kills: Counter[str] = field(default_factory=Counter)
    is_over: threading.Event = field(default_factory=threading.Event)
    launched: int = 0

    def start_worker(self) -> None:
        """Another worker."""
        self.launched += 1
        words = ("worker", "--queues", "provider")
        program = launch(self.home, *words, output=f"worker-{self.launched}", **self.env)
        self.workers.append(program)

    @contextmanager
    def haunted(self) -> Iterator[None]:
        """Kill now and then; let runs come to their end, so that nobody follows them for long."""
        threads = [threading.Thread(target=one) for one in (self._kill, self._end_runs)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self.is_over.set()
            for thread in threads:
                thread.join()

    def _kill(self) -> None:
        chance, worker_at = random.Random(5), time.monotonic() + WORKER_EVERY_SECONDS
        while not self.is_over.wait(chance.uniform(0.5, 1.5) * CHILD_EVERY_SECONDS):
            if time.monotonic() > worker_at:
                kill(self.workers.pop(chance.randrange(len(self.workers))))
                self.start_worker()
                self.kills["workers"] += 1
                worker_at = time.monotonic() + WORKER_EVERY_SECONDS
                continue
            children = owned.descendants(chance.choice(self.workers).process.pid)
            if children:
                with suppress(ProcessLookupError):
                    os.kill(chance.choice(children), signal.SIGKILL)
                    self.kills["children"] += 1

    def _end_runs(self) -> None:
        ended: set[tuple[str, str]] = set()
        while not self.is_over.wait(2):
            for owner in self.owners:
                for run in owner.runs:
                    key = (owner.key, run["id"])
                    if key not in ended and run["status"] == "validating_files":
                        ended.add(key)
                        owner.change_run(run["id"], status="succeeded", finished_at=1)


@contextmanager
def instance(asked: argparse.Namespace, place: Path) -> Iterator[Instance]:
    """A database with the connections, two workers, one clock, and the witness with its faults."""
    with (
        broker.running() as redis_url,
        handle.running(place) as witness,
        database_of(asked.database) as url,
    ):
        env = {
            "LUTHIER_SECRET": SECRET,
            "LUTHIER_ALLOW_HOSTS": witness.host,
            "LUTHIER_WAIT_DIVISOR": str(WAITS),
            "LUTHIER_LEASE_DIVISOR": str(LEASES),
            "LUTHIER_STARTS_PER_HOUR": "1000000",
            "REDIS_URL": redis_url,
            **({"DATABASE_URL": url} if url else {}),
        }
        home = place / "home"
        os.environ |= {**env, "LUTHIER_HOME": str(home)}
        forget()
        migrated = launch(home, "migrate", output="migrate", **env)
        assert migrated.process.wait(60) == 0, migrated.output
        owners = [witness.add_project(f"sk-bench-{n:04}") for n in range(asked.connections)]
        for owner in owners:
            owner.set(lag=[0.0, LONGEST_LAG])
        witness.script(*by_chance(*MIX))
        made = Instance(home, env, owners)
        beat = launch(home, "beat", output="beat", **env)
        try:
            for _ in range(WORKERS):
                made.start_worker()
            yield made
        finally:
            for program in (beat, *made.workers):
                program.clear_away()
            forget()


def fill(owners: list[Witness]) -> tuple[int, int, list[int]]:
    """A project with checked rows and a connection for each owner; their ids."""
    with unit_of_work() as session:
        user = make.make_user(session, "owner")
        project = make.make_project(session, user)
        version = make.make_checked_version(session, project)
        accounts = [
            connections.create_connection(
                session,
                project_id=project.id,
                actor_id=user.id,
                name=f"OpenAI {number}",
                kind="openai",
                base_url=owner.url,
                api_key=owner.key,
                is_tested=False,
            )
            for number, owner in enumerate(owners)
        ]
        for account in accounts:
            account.profile = "openai"
        session.flush()
        return project.id, version.id, [account.id for account in accounts]


def click(ids: tuple[int, int, list[int]], count: int) -> None:
    """Ask for that many starts, as pages do, a few in one unit of work."""
    project_id, version_id, accounts = ids
    for first in range(0, count, AT_ONCE):
        with unit_of_work() as session:
            project = session.get_one(Project, project_id)
            version = session.get_one(DatasetVersion, version_id)
            for number in range(first, min(first + AT_ONCE, count)):
                account = session.get_one(Connection, accounts[number % len(accounts)])
                make.make_job(session, project, account, version, key=f"form:{number}")


def unsettled() -> int:
    """How many jobs are still on their way, or looked for, and wait for nobody."""
    with read_only() as session:
        waiting = session.scalars(select(Job).where(Job.status.in_(WAITING))).all()
        moment = clock.now(session)
        return sum(not leases.is_poisoned(job, moment) for job in waiting)


def wait_until_settled() -> None:
    """Say now and then how many are left."""
    deadline, told_at = time.monotonic() + PATIENCE_SECONDS, time.monotonic()
    while (left := unsettled()) and time.monotonic() < deadline:
        time.sleep(1)
        if time.monotonic() - told_at > 30:
            told_at = time.monotonic()
            print(f"  {left:,} on their way")


def tag_of(run: Any) -> str:
    """The order's tag that a run, or an order, carries."""
    return str((run.get("metadata") or {}).get(OP_KEY_TAG, ""))


def may_have_made_one(order: Request) -> bool:
    """Whether an order was not clearly refused, nor answered by a fault that made nothing."""
    return order.status not in {*CLEAR, 500}


def tell(there: Instance, seconds: float) -> bool:
    """Print what came of it; True when every claim holds."""
    orders = there.owners[0].creates
    runs = [(owner, run) for owner in there.owners for run in owner.runs]
    by_tag = Counter(tag_of(run) for _, run in runs)
    fruitful = Counter(tag_of(order.body) for order in orders if may_have_made_one(order))
    with read_only() as session:
        jobs = {job.op_key: job for job in session.scalars(select(Job))}
        moment = clock.now(session)
        poisoned = {key for key, job in jobs.items() if leases.is_poisoned(job, moment)}
    twice = [tag for tag, count in by_tag.items() if count > 1]
    twice += [tag for tag, count in fruitful.items() if count > 1 and tag not in twice]
    asks = {key for key, job in jobs.items() if job.status == JobStatus.IN_DOUBT} | poisoned
    strays = [
        run["id"]
        for _, run in runs
        if tag_of(run) not in asks and jobs[tag_of(run)].run_id != run["id"]
    ]
    stuck = [
        key
        for key, job in jobs.items()
        if (job.status in WAITING and key not in poisoned)
        or (job.run_id is not None and key not in by_tag)
    ]
    asking = [key for key in asks if key in by_tag]
    share = len(asking) / len(by_tag)
    outcomes = Counter(str(order.status) for order in orders)
    print(
        f"{len(jobs):,} starts in {seconds:.0f} s, {len(orders):,} orders ({dict(outcomes)}), "
        f"{len(runs):,} runs; killed: {dict(there.kills)}"
    )
    print(f"ordered twice: {len(twice)} (claim 0); lost: {len(strays) + len(stuck)} (claim 0)")
    print(
        f"wait for a person: {len(asks)}, of them with a run that the lists show: {len(asking)}, "
        f"{share:.2%} of those with a run (claim <= {CLAIM_SHARE:.0%}); "
        f"given up after three deaths: {len(poisoned)}"
    )
    for name, some in (("twice", twice), ("stray", strays), ("stuck", stuck)):
        if some:
            print(f"  {name}: {some[:5]}")
    return not (twice or strays or stuck) and share <= CLAIM_SHARE


def main() -> int:
    """Measure and say; the exit status."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--starts", type=int, default=2_000)
    words.add_argument("--connections", type=int, default=20)
    words.add_argument("--database", choices=("postgresql", "sqlite"), default="postgresql")
    asked = words.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="luthier-") as folder,
        instance(asked, Path(folder)) as there,
    ):
        ids, begun = fill(there.owners), time.monotonic()
        with there.haunted():
            click(ids, asked.starts)
            wait_until_settled()
        return 0 if tell(there, time.monotonic() - begun) else 1


if __name__ == "__main__":
    raise SystemExit(main())
