"""Starts, deaths, lost answers, late lists, webhooks, cancels and decisions in any order that
Hypothesis thinks of: whatever comes, no job has two runs in the end, and none is lost.
"""

import threading
from collections.abc import Collection
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import settings as examples
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

import app.reactions  # noqa: F401 - what a webhook sets off
from app.auth.models import Activity, User
from app.connections import hooks
from app.connections.signatures import Event
from app.core import clock, queue
from app.core.database import read_only, unit_of_work
from app.core.errors import Conflict
from app.jobs import doubts, service, tasks, tasks_orphans
from app.jobs.models import Job, JobStatus, StartAttempt
from app.providers.values import OP_KEY_TAG
from app.upkeep import invariants
from tests.jobs.steps import queue_job, show_all
from tests.waiting import eventually
from tests.witness.script import CREATE_RUN, LIST_RUNS, Fault

# Where a worker dies between two steps; and how the provider can answer an order.
POINTS = ("K3", "K4", "K6", "K7", "K8", "K11", "K12", "K13", "K14")
ANSWERS = {
    "lost": Fault(CREATE_RUN, end="drop", commits=True),
    "never_arrived": Fault(CREATE_RUN, end="drop"),
    "broken": Fault(CREATE_RUN, status=502, body="<h1>Bad gateway</h1>", commits=True),
    "cut": Fault(CREATE_RUN, end="truncate", commits=True),
    "busy": Fault(CREATE_RUN, status=429, body='{"error": {"message": "Wait."}}'),
}
DECISIONS = (doubts.look_again, doubts.start_again, doubts.did_not_start)
KEYS = ("form:1", "form:2", "form:3")
# Which of what there is. How much there is depends on time; what Hypothesis draws must not.
WHICH = st.integers(0, 11)
ENDED = {"succeeded", "failed", "cancelled"}


class Killed(BaseException):
    """kill -9, as far as one process can play it: whatever is not committed is gone."""


class Sleeper(threading.Thread):
    """A worker that stops for a long while just before it sends an order."""

    def __init__(self, job_id: int) -> None:
        super().__init__(target=tasks.start, args=(job_id,), daemon=True)
        self.arrived, self.may_go = threading.Event(), threading.Event()


def one_of(those: Collection[Any], which: int) -> Any:
    return sorted(those)[which % len(those)]


class AnyOrder(RuleBasedStateMachine):
    """One project, one provider, up to three jobs."""

    def __init__(self, team: Any, witness: Any, patch: pytest.MonkeyPatch) -> None:
        super().__init__()
        self.team, self.witness = team, witness
        self.jobs: dict[str, int] = {}
        self.dies_at: str | None = None
        self.sleepers: list[Sleeper] = []
        self.passed = 0.0
        for module in (service, tasks, tasks_orphans):
            patch.setattr(module, "checkpoint", self.checkpoint)

    def checkpoint(self, name: str) -> None:
        me = threading.current_thread()
        if isinstance(me, Sleeper):
            if name == "K8":
                me.arrived.set()
                me.may_go.wait(60)
        elif name == self.dies_at:
            self.dies_at = None
            raise Killed

    def work(self) -> None:
        """Everything that is due, once; a worker that dies is another's."""
        for name, row_id in tasks.waiting():
            with suppress(Killed):
                queue.TASKS[name](row_id)

    @rule(key=st.sampled_from(KEYS), dies_at=st.sampled_from([None, "K1", "K2"]))
    def click(self, key: str, dies_at: str | None) -> None:
        self.dies_at = dies_at if key not in self.jobs else None
        with suppress(Killed):
            self.jobs[key] = queue_job(self.team, key=key)
        if self.dies_at is None and key not in self.jobs and dies_at == "K2":
            self.jobs[key] = queue_job(self.team, key=key)  # the second click finds the first's

    @rule(dies_at=st.sampled_from([None, *POINTS]))
    def a_worker_works(self, dies_at: str | None) -> None:
        self.dies_at = dies_at
        self.work()
        self.dies_at = None

    @rule(seconds=st.sampled_from([1, 5, 80, 300]))
    def time_passes(self, seconds: float) -> None:
        """As settings shorten it: six looks take ten seconds; a lease takes its 75."""
        self.passed += seconds
        clock.shift(self.passed)
        self.work()

    @rule(how=st.sampled_from(sorted(ANSWERS)))
    def the_next_order_is(self, how: str) -> None:
        self.witness.script(ANSWERS[how])

    @rule(lag=st.sampled_from([0, 3600]))
    def new_runs_show_up(self, lag: float) -> None:
        self.witness.set(lag=lag)

    @rule()
    def lists_catch_up(self) -> None:
        show_all(self.witness)

    @rule()
    def the_list_breaks(self) -> None:
        self.witness.script(Fault(LIST_RUNS, status=500, times=2))

    @rule(which=WHICH, status=st.sampled_from(["running", "succeeded", "failed"]))
    def a_run_moves(self, which: int, status: str) -> None:
        runs = [run["id"] for run in self.witness.runs if run["status"] not in ENDED]
        if runs:
            self.witness.change_run(one_of(runs, which), status=status)

    @rule(which=WHICH, webhook_id=st.sampled_from(["wh_1", "wh_2"]), times=st.sampled_from([1, 3]))
    def webhooks_come(self, which: int, webhook_id: str, times: int) -> None:
        """Of a run here or of none, the same one again, and news that is none."""
        run_id = one_of(["ftjob-of-nobody", *(run["id"] for run in self.witness.runs)], which)
        for _ in range(times):
            with unit_of_work() as session:
                now = clock.now(session)
                event = Event(webhook_id, now, "fine_tuning.job.succeeded", run_id)
                hooks.take(session, self.team.connection_id, event)

    @precondition(lambda self: self.jobs)
    @rule(which=WHICH)
    def somebody_cancels(self, which: int) -> None:
        with unit_of_work() as session, suppress(Conflict):
            job = session.get_one(Job, one_of(self.jobs.values(), which))
            service.cancel_job(session, job, actor_id=self.owner)

    @precondition(lambda self: self.jobs)
    @rule(which=WHICH, decide=st.sampled_from(DECISIONS))
    def somebody_decides(self, which: int, decide: Any) -> None:
        with unit_of_work() as session, suppress(Conflict):
            job = session.get_one(Job, one_of(self.jobs.values(), which))
            decide(session, job, user=session.get_one(User, self.owner))

    @precondition(lambda self: self.jobs)
    @rule(which=WHICH)
    def a_worker_falls_asleep(self, which: int) -> None:
        if len(self.sleepers) == 2:
            return
        sleeper = Sleeper(one_of(self.jobs.values(), which))
        sleeper.start()
        eventually(lambda: sleeper.arrived.is_set() or not sleeper.is_alive())
        if sleeper.is_alive():
            self.sleepers.append(sleeper)

    @rule()
    def a_worker_wakes_up(self) -> None:
        """Beyond the last check of how late it is: the order leaves, whatever happened since."""
        if not self.sleepers:
            return
        sleeper = self.sleepers.pop(0)
        sleeper.may_go.set()
        sleeper.join(30)
        assert not sleeper.is_alive()

    @property
    def owner(self) -> int:
        return int(self.team.users["owner"])

    def teardown(self) -> None:
        """The faults end; a while later all is as it should be."""
        while self.sleepers:
            self.a_worker_wakes_up()
        self.witness.calm()
        self.witness.set(lag=0)
        show_all(self.witness)
        for _ in range(12):
            self.time_passes(80)
        with read_only() as session:
            assert session.query(Job).count() == len(self.jobs)
            for job in session.query(Job):
                self.check(session, job)
        assert {
            one.name: one.broken for one in invariants.check(with_hashes=False) if one.broken
        } == {}

    def check(self, session: Any, job: Job) -> None:
        """The witness's word on one job."""
        assert job.status not in {JobStatus.QUEUED, JobStatus.STARTING}, job.last_error
        runs = [run for run in self.witness.runs if run["metadata"][OP_KEY_TAG] == job.op_key]
        live = [run["id"] for run in runs if run["status"] not in ENDED]
        assert live in ([], [job.run_id]), (job.status, job.run_id, runs)
        if job.status == JobStatus.RUNNING:
            assert live == [job.run_id]
        orders = [
            one for one in self.witness.creates if one.body["metadata"][OP_KEY_TAG] == job.op_key
        ]
        attempts = session.query(StartAttempt).filter_by(job_id=job.id).count()
        assert len(orders) <= attempts
        again = session.query(Activity).filter_by(verb="job.started_again", subject=f"job:{job.id}")
        kept = [run for run in runs if run["status"] != "cancelled"]
        assert len(kept) <= 1 + again.count()


def run(anew: Any, witness: Any, how: examples) -> None:
    with pytest.MonkeyPatch.context() as patch:
        run_state_machine_as_test(lambda: AnyOrder(anew(), witness, patch), settings=how)


@pytest.mark.parametrize("anew", ["sqlite"], indirect=True)
def test_whatever_comes_in_any_order_a_job_is_paid_once(anew, witness):
    how = examples(max_examples=3, stateful_step_count=25, derandomize=True, deadline=None)
    run(anew, witness, how)


@pytest.mark.full
@pytest.mark.timeout(5400)
def test_whatever_comes_in_any_of_many_orders_a_job_is_paid_once(anew, witness):
    how = examples(max_examples=100, stateful_step_count=40, deadline=None, print_blob=True)
    run(anew, witness, how)
