"""Where faults happen: real processes of the product, a database, a broker, and the witness as
their provider. Whatever a test kills, it asserts from the witness's journal.
"""

import base64
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlalchemy import select

from app.auth import service as auth
from app.auth.models import Activity, User
from app.budgets.models import Spend
from app.core import database, migrate, owned
from app.jobs import queries, spending
from app.jobs.models import Job, JobStatus, StartAttempt
from app.providers.values import OP_KEY_TAG
from app.settings import ROOT
from tests import broker, compose, make, postgres
from tests.broker import Broker
from tests.forgetting import forget
from tests.jobs.steps import queue_job
from tests.postgres import Postgres
from tests.processes import Program, command_line, environment, free_port, launch, processes_of
from tests.stage import Team, job_of, make_team
from tests.waiting import eventually
from tests.witness import handle
from tests.witness.handle import Witness
from tests.witness.journal import Request
from tests.witness.script import USUAL_LAG

# Without a word the waits are a sixtieth of the real ones and the leases a fifteenth.
IS_FULL = os.environ.get("FAULT_WAITS") == "full"
WAITS, LEASES = (1.0, 1.0) if IS_FULL else (60.0, 15.0)
LEASE_SECONDS, SETTLE_SECONDS = 75 / LEASES, 600 / WAITS
BOOT_SECONDS = 120.0
# After the last look: time for a tick, a worker's turn, a busy machine.
SLACK_SECONDS = 120.0 if IS_FULL else 45.0
CONVERGED_SECONDS = BOOT_SECONDS + LEASE_SECONDS + SETTLE_SECONDS + SLACK_SECONDS


def on(*often: str, full: tuple[str, ...] = ()) -> pytest.MarkDecorator:
    """The stages a test runs on: `often` with every change, `full` only in `make faults`. They are
    sqlite, postgresql (the test worker's server, never to be killed) and mortal (a PostgreSQL of
    this test alone).
    """
    kinds = [*often, *(pytest.param(kind, marks=pytest.mark.full) for kind in full)]
    return pytest.mark.parametrize("stage", kinds, indirect=True)


@dataclass
class Stage:
    """An instance whose processes a test starts and kills by name: web, beat, worker, worker2.

    The test's own process sees the same database, by `unit_of_work()` and `job_of()`.
    """

    home: Path
    env: dict[str, str]
    witness: Witness
    broker: Broker
    postgres: Postgres | None
    database_url: str | None
    team: Team
    programs: dict[str, Program] = field(default_factory=dict)
    _launched: int = 0
    _token: str | None = None

    def start(self, *names: str, crash_at: str = "", **env: str) -> None:
        """Start processes, without waiting for them but for a web; `crash_at` is a checkpoint of
        `app/core/crash.py` where they die.
        """
        more = {"LUTHIER_CRASH_AT": crash_at} if crash_at else {}
        for name in names:
            self.launch(name, **more, **env)
        for web in [self.programs[name] for name in names if name.startswith("web")]:
            eventually(lambda web=web: web.health()[0] in {200, 503}, BOOT_SECONDS)

    def launch(self, name: str, **env: str) -> None:
        """Start a process and wait for nothing; a web has another port each time."""
        self._launched += 1
        given = {**self.env, "PORT": str(free_port()), **env}
        output = f"{name}-{self._launched}"
        self.programs[name] = launch(self.home, *_words_of(name), output=output, **given)
        self.programs[name].address = f"http://127.0.0.1:{given['PORT']}"

    def kill(self, *names: str) -> None:
        """End processes and those below them as `kill -9` does."""
        for name in names:
            compose.kill(self.programs.pop(name))

    def freeze(self, name: str) -> None:
        """SIGSTOP for a process and those below it."""
        self._signal(name, signal.SIGSTOP)

    def thaw(self, name: str) -> None:
        """SIGCONT for them."""
        self._signal(name, signal.SIGCONT)

    def _signal(self, name: str, what: signal.Signals) -> None:
        pid = self.programs[name].process.pid
        for one in (pid, *owned.descendants(pid)):
            os.kill(one, what)

    def crashed(self, point: str, within: float = BOOT_SECONDS) -> int:
        """Wait until the first process that came by this checkpoint died there, or stopped; its
        number. Others may come by after it, and live.
        """
        passes = self.home / f"crash-{point}"

        def is_down() -> int:
            numbers = passes.read_text().split() if passes.exists() else []
            pid = int(numbers[0]) if numbers else 0
            return pid if pid and _state(pid) in {"", "Z", "T"} else 0

        return eventually(is_down, within)

    def queue_job(self, **form: Any) -> int:
        """A job as a click makes it, its letter lost: the clock finds it. Its id."""
        return queue_job(self.team, **form)

    def click(self, key: str) -> httpx2.Response:
        """Ask the web for a job as a person's script does; the same key is the same click."""
        if self._token is None:
            with database.unit_of_work() as session:
                owner = session.get_one(User, self.team.users["owner"])
                self._token = auth.create_token(session, owner, name="faults")
        body = {
            "connection_id": self.team.connection_id,
            "training_version_id": self.team.version_id,
            "base_model": make.BASE_MODEL,
        }
        return httpx2.post(
            f"{self.programs['web'].address}/api/v1/projects/{self.team.project_id}/jobs",
            json=body,
            headers={"Authorization": f"Bearer {self._token}", "Idempotency-Key": key},
            timeout=60,
            trust_env=False,
        )

    def count_jobs(self) -> int:
        """How many jobs there are here."""
        with database.read_only() as session:
            return session.query(Job).count()

    def settled(self, job_id: int, within: float = CONVERGED_SECONDS) -> Job:
        """Wait until a job has a run, has ended, or waits for a person; the job."""

        def is_settled() -> Job:
            job = job_of(job_id)
            assert job.status not in {JobStatus.QUEUED, JobStatus.STARTING}, self.tell(job)
            return job

        return eventually(is_settled, within, every=0.2)

    def orders_of(self, job: Job) -> list[Request]:
        """The paid requests for a job that the witness read to the end."""
        return [one for one in self.witness.creates if _tag(one.body) == job.op_key]

    def runs_of(self, job: Job) -> list[dict[str, Any]]:
        """A job's runs that exist at the witness and nobody cancelled."""
        runs = [run for run in self.witness.runs if _tag(run) == job.op_key]
        return [run for run in runs if run["status"] != "cancelled"]

    def assert_paid_once(self, job_id: int) -> Job:
        """What every crash point must come to: one live run at the witness, which is ours, or none
        and a job that says so; no order without its attempt; started once in the books.
        """
        job = self.settled(job_id)
        runs = [run["id"] for run in self.runs_of(job)]
        with database.read_only() as session:
            attempts = session.query(StartAttempt).filter_by(job_id=job_id).count()
            lines = [line.text for line in queries.events_of(session, job_id, limit=200)]
            acts = session.query(Activity).filter_by(verb="job.created", subject=f"job:{job_id}")
            clicks = acts.count()
            spend = session.query(Spend).filter_by(key=spending.key_of(job_id)).one()
        said = [line for line in lines if line.startswith("The order was accepted as")]
        if job.run_id is None:
            assert job.status in {JobStatus.IN_DOUBT, JobStatus.FAILED}, self.tell(job)
            assert (runs, said) == ([], [])
        else:
            assert (runs, len(said)) == ([job.run_id], 1), self.tell(job)
        assert len(self.orders_of(job)) <= attempts, self.tell(job)
        assert clicks == 1
        if attempts <= 1:
            assert spend.reserved == spending.amount_of(job.estimate), "set aside for one job"
        return job

    def invariants_hold(self) -> None:
        """`python -m app check-invariants` is content, and so is the witness: no two live runs have
        one tag, and no run of ours is unknown here.
        """
        done = subprocess.run(
            [sys.executable, "-m", "app", "check-invariants"],
            cwd=ROOT,
            env=environment(self.home, **self.env),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert {tag: runs for tag, runs in self.live_runs().items() if len(runs) > 1} == {}
        assert self.strays() == []

    def live_runs(self) -> dict[str, list[str]]:
        """The runs at the witness that carry a tag and that nobody cancelled, by tag."""
        live: dict[str, list[str]] = {}
        for run in self.witness.runs:
            if run["status"] != "cancelled" and _tag(run):
                live.setdefault(_tag(run), []).append(run["id"])
        return live

    def strays(self) -> list[str]:
        """Those of them that are not their job's own."""
        live = self.live_runs()
        with database.read_only() as session:
            known = dict(session.execute(select(Job.op_key, Job.run_id)).all())
        return [run for tag, runs in live.items() for run in runs if known.get(tag) != run]

    def tell(self, job: Job) -> str:
        """What is known of a job that is not as it should be."""
        with database.read_only() as session:
            lines = [line.text for line in queries.events_of(session, job.id, limit=50)]
        runs = [(run["id"], run["status"]) for run in self.witness.runs if _tag(run) == job.op_key]
        said = [f"{name}: {one.output[-1500:]}" for name, one in self.programs.items()]
        state = (job.status, job.run_id, job.last_error, job.attempts, job.due_at, job.lease_until)
        return "\n".join([str(state), str(runs), *lines, *said])

    def clear_away(self) -> None:
        """End whatever still runs, without a complaint."""
        for program in self.programs.values():
            program.clear_away()
        left = processes_of(self.home)
        assert left == [], [command_line(pid) for pid in left]


@contextmanager
def begun(
    home: Path,
    url: str | None,
    server: Postgres | None,
    *,
    prepare: Callable[[], None] = lambda: None,
) -> Iterator[Stage]:
    """An instance with a team on a migrated database, SQLite's in its home or the one at `url`, and
    a witness of its own for its provider, which lists new runs as late as real ones may; nothing is
    started yet. `prepare` migrates it where it is not.
    """
    with (
        broker.mortal() as bell,
        handle.running(home.parent) as witness,
        pytest.MonkeyPatch.context() as patch,
    ):
        env = {
            "LUTHIER_SECRET": base64.urlsafe_b64encode(bytes(range(32))).decode(),
            "LUTHIER_ALLOW_HOSTS": witness.host,
            "LUTHIER_WAIT_DIVISOR": str(WAITS),
            "LUTHIER_LEASE_DIVISOR": str(LEASES),
            "LUTHIER_STARTS_PER_HOUR": "100000",
            "REDIS_URL": bell.url,
            **({"DATABASE_URL": url} if url else {}),
        }
        for name, value in {**env, "LUTHIER_HOME": str(home)}.items():
            patch.setenv(name, value)
        forget()
        prepare()
        witness.set(lag=[seconds / WAITS for seconds in USUAL_LAG])
        team = make_team(witness.url, handle.KEY)
        stage = Stage(home, env, witness, bell, server, url, team)
        try:
            yield stage
        finally:
            stage.clear_away()
            forget()


@contextmanager
def mortal_postgres() -> Iterator[tuple[str, Postgres]]:
    """A server that may be killed, with one migrated database. What is committed there is on the
    disk, as everywhere but in tests.
    """
    with postgres.running() as server, pytest.MonkeyPatch.context() as patch:
        url = server.create("luthier")
        server.execute(url, "ALTER DATABASE luthier SET synchronous_commit = local")
        patch.setenv("DATABASE_URL", url)
        forget()
        migrate.upgrade()
        forget()
        yield url, server


def _words_of(name: str) -> list[str]:
    command = name.rstrip("0123456789")
    return [command, "--concurrency", "2"] if command == "worker" else [command]


def _tag(held: Any) -> str:
    return (held.get("metadata") or {}).get(OP_KEY_TAG, "")


def _state(pid: int) -> str:
    """The letter of a process's state in /proc, empty where there is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""
