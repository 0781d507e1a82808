"""A worker that dies, or is told to stop, while cases are put to a provider (I5, F5)."""

from collections import Counter

from app.core.database import read_only, unit_of_work
from app.evaluations.models import Contestant, EvaluationRun, Result
from app.evaluations.tasks import read_cases
from tests import make
from tests.evaluations.steps import add_version, begin, start
from tests.faults.stage import BOOT_SECONDS, CONVERGED_SECONDS, on
from tests.waiting import eventually
from tests.witness.script import CHAT, Fault

CASES = 60


def a_run(stage, **settings):
    """A run of two contestants that no worker has begun; its id."""
    version_id = add_version(stage.team, make.chat_file(CASES))
    evaluation_id = begin(stage.team, version_id=version_id)
    read_cases(evaluation_id)
    return start(
        stage.team,
        evaluation_id,
        make.BASE_MODEL,
        {**one_of(stage), "shots": {"version_id": version_id, "k": 1}},
        settings={"at_once": 8, **settings},
    )


def one_of(stage):
    return {"connection_id": stage.team.connection_id, "model": make.BASE_MODEL}


def asked(stage):
    """What the witness was asked, and how often each."""
    sent = (one.body["messages"] for one in stage.witness.journal.read(CHAT))
    return Counter(tuple(message["content"] for message in one) for one in sent)


def ended(run_id):
    def is_done():
        with read_only() as session:
            return session.get_one(EvaluationRun, run_id).status == "done"

    eventually(is_done, within=CONVERGED_SECONDS)


def assert_paid_once(stage, run_id, *, lost):
    """No answered case was asked again, none is missing, and every send was written down: at most
    `lost` were on their way when somebody died, and came again.
    """
    with read_only() as session:
        results = session.query(Result).filter_by(run_id=run_id).all()
        assert len(results) == 2 * CASES
        assert {one.status for one in results} == {"graded"}
        written = sum(one.asked for one in results)
        assert sum(one.asked for one in session.query(Contestant).all()) == written
    times = asked(stage)
    assert len(times) == 2 * CASES
    assert max(times.values()) <= 2
    assert sum(times.values()) <= written <= 2 * CASES + lost
    assert sum(times.values()) - len(times) <= lost
    stage.invariants_hold()


@on("sqlite", full=("postgresql",))
def test_i5_a_worker_killed_in_the_middle_pays_no_answered_case_twice_and_loses_none(stage):
    run_id = a_run(stage)
    stage.witness.set(latency=0.05)
    stage.start("beat", "worker")
    eventually(lambda: len(stage.witness.journal.read(CHAT)) > CASES / 2, within=BOOT_SECONDS)
    stage.kill("worker")
    with read_only() as session:
        on_its_way = session.query(Result).filter_by(run_id=run_id, status="asked").count()
        assert on_its_way > 0
    stage.start("worker")
    ended(run_id)
    assert_paid_once(stage, run_id, lost=on_its_way)


@on("sqlite", full=("postgresql",))
def test_f5_a_worker_that_is_told_to_stop_keeps_what_is_on_its_way(stage):
    run_id = a_run(stage, at_once=2)
    stage.witness.script(Fault(CHAT, end="real", delay=0.1, times=10_000))
    stage.start("beat", "worker")
    eventually(lambda: len(stage.witness.journal.read(CHAT)) > CASES / 4, within=BOOT_SECONDS)
    worker = stage.programs.pop("worker").process
    worker.terminate()
    assert worker.wait(BOOT_SECONDS) == 0
    with unit_of_work() as session:
        assert session.query(Result).filter_by(run_id=run_id, status="asked").count() == 0
    stage.witness.calm()
    stage.start("worker")
    ended(run_id)
    assert_paid_once(stage, run_id, lost=0)
