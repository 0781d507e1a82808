"""A worker that dies, or is told to stop, while cases are put to a provider (I5, F5)."""

from collections import Counter

from app.core.database import read_only, unit_of_work
from app.evaluations.models import Contestant, EvaluationRun, Grade, Result, RunJudge
from app.evaluations.models_judges import Judgement
from app.evaluations.tasks import read_cases
from tests import make
from tests.evaluations.judges import SCORE, add_judge, asked_judges, verdict
from tests.evaluations.steps import ECHO, add_grader, add_version, begin, start
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


@on(full=("sqlite", "postgresql"))
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


def a_judged_run(stage):
    """A run of a contestant whose answers a judge and another grader grade; its id."""
    told = [{"role": "user", "content": verdict(0.7) + " {{ sample.output_text }}"}]
    graders = [add_judge(stage.team, {**SCORE, "input": told}), add_grader(stage.team, ECHO)]
    version_id = add_version(stage.team, make.chat_file(CASES))
    evaluation_id = begin(stage.team, version_id=version_id, graders=graders)
    read_cases(evaluation_id)
    return start(stage.team, evaluation_id, make.BASE_MODEL, settings={"at_once": 8})


@on(full=("sqlite", "postgresql"))
def test_i5_a_worker_killed_while_a_judge_is_asked_pays_no_reply_twice_and_loses_none(stage):
    run_id = a_judged_run(stage)
    stage.witness.set(latency=0.05)
    stage.start("beat", "worker")
    eventually(lambda: len(asked_judges(stage.witness)) > CASES / 4, within=BOOT_SECONDS)
    stage.kill("worker")
    with read_only() as session:
        lost = session.query(Judgement).filter_by(run_id=run_id, status="asked").count()
        kept = session.query(Judgement).filter(Judgement.answer_id.is_not(None)).count()
        lost_answers = session.query(Result).filter_by(run_id=run_id, status="asked").count()
    assert lost > 0
    assert kept < CASES
    stage.start("worker")
    ended(run_id)
    with read_only() as session:
        judgements = session.query(Judgement).filter_by(run_id=run_id).all()
        assert {one.status for one in judgements} == {"graded"}
        assert all(one.answer_id is not None for one in judgements)
        written = sum(one.asked for one in judgements)
        assert [one.asked for one in session.query(RunJudge).all()] == [written]
        assert session.query(Grade).filter_by(run_id=run_id, place=0, value=0.7).count() == CASES
        results = session.query(Result).filter_by(run_id=run_id).all()
        assert {one.status for one in results} == {"graded"}
    times = asked_judges(stage.witness)
    assert len(times) == len(judgements) == CASES
    assert max(times.values()) <= 2
    assert sum(times.values()) <= written <= CASES + lost
    assert sum(times.values()) - len(times) <= lost
    assert sum(asked(stage).values()) - len(asked(stage)) <= lost + lost_answers
    stage.invariants_hold()
