"""Ten minutes in which something is killed every ten seconds, while jobs are started without pause.

    python -m bench.kills [--minutes 10] [--database sqlite|postgresql] [--seed 1]

Real processes: a web, two workers, a beat, a broker, and PostgreSQL where it is the database; any
of them is ended by kill -9 and comes back. Two people's scripts start jobs and send a click again
until it is answered. The provider is the witness: of its answers to orders 8 % are refusals, 8 %
are lost after it made the run, 7 % are errors without a run, 7 % say to wait, and its lists show a
new run two seconds late. Waits are a sixtieth and leases a fifteenth of the real ones; with
FAULT_WAITS=full in the environment they are the real ones. Claimed, from the witness's journal: no
job with two live runs, no click lost, no run that no job has; and every invariant holds.
"""

import argparse
import json
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import Any

import httpx2

from app.core import migrate
from app.core.database import read_only
from app.jobs.models import Job, JobStatus
from tests.faults.stage import CONVERGED_SECONDS, WAITS, Stage, begun, mortal_postgres
from tests.waiting import eventually
from tests.witness.script import CREATE_RUN, Fault, refusal

EVERY_SECONDS, CLICK_SECONDS = 10.0, 1.0
CLICKERS = 2
LAG_SECONDS = 2.0
PROCESSES = ("web", "beat", "worker", "worker2")


def now_and_then(first: int, every: int, **what: Any) -> Fault:
    """An order in `every` ends otherwise, from the `first` on."""
    return Fault(CREATE_RUN, skip=first, every=every, times=1_000_000, **what)


MIX = (
    now_and_then(3, 12, status=400, body=json.dumps(refusal("We do not train this."))),
    now_and_then(5, 11, end="drop", commits=True),
    now_and_then(7, 12, status=503, body="<h1>Later</h1>"),
    now_and_then(
        9, 11, status=429, body=json.dumps(refusal("Slow down.")), headers={"retry-after": "1"}
    ),
)


def main() -> int:
    """Kill on each database; the exit status."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--minutes", type=float, default=10)
    words.add_argument("--database", choices=tuple(SHAPES))
    words.add_argument("--seed", type=int, default=1)
    asked = words.parse_args()
    is_well = True
    for kind in (asked.database,) if asked.database else tuple(SHAPES):
        place = tempfile.TemporaryDirectory(prefix="luthier-")
        with place as folder, SHAPES[kind](Path(folder) / "home") as stage:
            print(f"{kind}: a kill every {EVERY_SECONDS:.0f} s for {asked.minutes:g} min")
            is_well = Kills(stage, asked.minutes * 60, asked.seed).run() and is_well
    return 0 if is_well else 1


@contextmanager
def sqlite(home: Path):
    """A database file in the home."""
    home.mkdir(parents=True)
    with begun(home, None, None, prepare=migrate.upgrade) as stage:
        yield stage


@contextmanager
def postgresql(home: Path):
    """A server that is killed like everything else."""
    with mortal_postgres() as (url, server), begun(home, url, server) as stage:
        yield stage


SHAPES = {"sqlite": sqlite, "postgresql": postgresql}


@dataclass
class Kills:
    """One run: what was asked for, what was killed, and the verdict."""

    stage: Stage
    seconds: float
    seed: int
    clicks: dict[str, int] = field(default_factory=dict)
    repeated: int = 0
    killed: Counter[str] = field(default_factory=Counter)
    is_over: bool = False

    def run(self) -> bool:
        """Let it all happen; True when every claim holds."""
        self.stage.witness.script(*MIX)
        self.stage.witness.set(lag=LAG_SECONDS)
        self.stage.start(*PROCESSES)
        self.stage.click("warm")  # makes the token
        people = [Thread(target=self._click, args=(n,)) for n in range(CLICKERS)]
        people.append(Thread(target=self._let_runs_end))
        for one in people:
            one.start()
        try:
            self._kill_until(time.monotonic() + self.seconds)
        finally:
            self.is_over = True
            for one in people:
                one.join(120)
        return self._tell(self._converge())

    def _kill_until(self, end: float) -> None:
        chance = random.Random(self.seed)
        targets = [*PROCESSES, "broker", *(["postgres"] if self.stage.postgres else [])]
        while time.monotonic() + EVERY_SECONDS < end:
            time.sleep(EVERY_SECONDS)
            name = chance.choice(targets)
            self.killed[name] += 1
            if name == "broker":
                self.stage.broker.end(signal.SIGKILL)
                self.stage.broker.start()
            elif name == "postgres":
                assert self.stage.postgres is not None
                self.stage.postgres.kill()
                self.stage.postgres.start()
            else:
                self.stage.kill(name)
                self.stage.launch(name)

    def _click(self, person: int) -> None:
        number = 0
        while not self.is_over:
            number += 1
            key = f"soak:{person}:{number}"
            while key not in self.clicks and not self.is_over:
                self.clicks.update(self._sent(key))
            time.sleep(CLICK_SECONDS)

    def _sent(self, key: str) -> dict[str, int]:
        """The job of one click; none where no answer came."""
        try:
            answer = self.stage.click(key)
        except (httpx2.TransportError, KeyError):  # down, or just being replaced
            self.repeated += 1
            time.sleep(0.2)
            return {}
        if answer.status_code >= 500:
            self.repeated += 1
            return {}
        assert answer.status_code == 201, f"{answer.status_code} {answer.text[:300]}"
        return {key: answer.json()["id"]}

    def _let_runs_end(self) -> None:
        chance = random.Random(self.seed)
        while not self.is_over:
            time.sleep(2)
            for run in self.stage.witness.runs:
                if run["status"] == "validating_files" and chance.random() < 0.2:
                    self.stage.witness.change_run(run["id"], status="succeeded")

    def _converge(self) -> float:
        """The faults end: everything must come to rest by itself. The seconds it took."""
        begun_at = time.monotonic()
        self.stage.witness.calm()
        self.stage.witness.set(lag=0)

        def is_at_rest() -> bool:
            with read_only() as session:
                waiting = [JobStatus.QUEUED, JobStatus.STARTING]
                left = session.query(Job).filter(Job.status.in_(waiting)).count()
            assert left == 0, f"{left} jobs wait"
            return True

        eventually(is_at_rest, within=CONVERGED_SECONDS, every=0.5)
        took = time.monotonic() - begun_at
        # One more look for runs that no job has.
        eventually(lambda: not self.stage.strays(), within=2 * 900 / WAITS + 60, every=1)
        return took

    def _tell(self, seconds: float) -> bool:
        with read_only() as session:
            jobs = {job.id: job for job in session.query(Job)}
        states = Counter(job.status for job in jobs.values())
        lost = [key for key, job_id in self.clicks.items() if job_id not in jobs]
        unknown = len(jobs) - len(self.clicks)
        orders = self.stage.witness.creates
        print(
            f"  {len(self.clicks):,} clicks answered, {self.repeated:,} sent again; {dict(states)}"
        )
        print(
            f"  {len(orders):,} orders read by the witness, {len(self.stage.witness.runs):,} runs"
        )
        print(f"  killed: {dict(self.killed)}; at rest {seconds:.1f} s after the last fault")
        twice = [tag for tag, runs in self.stage.live_runs().items() if len(runs) > 1]
        verdicts = [
            (not twice, f"jobs with two live runs: {len(twice)}"),
            (not lost, f"clicks whose job is gone: {len(lost)}"),
            (unknown <= CLICKERS + 1, f"jobs whose click was never answered: {unknown}"),
            (not self.stage.strays(), f"runs that no job has: {len(self.stage.strays())}"),
            self._invariants(),
        ]
        for is_well, words in verdicts:
            print(f"  {'ok    ' if is_well else 'MISSED'} {words}")
        return all(is_well for is_well, _ in verdicts)

    def _invariants(self) -> tuple[bool, str]:
        try:
            self.stage.invariants_hold()
        except AssertionError as error:
            return False, f"invariants: {error}"
        return True, "every invariant holds"


if __name__ == "__main__":
    sys.exit(main())
