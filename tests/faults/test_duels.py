"""A worker that dies while a judge is asked which of two answers is better (I5)."""

from collections import Counter

from app.budgets import ledger
from app.budgets.ledger import PaidThing
from app.core.database import read_only, unit_of_work
from app.evaluations import service as evaluations
from app.evaluations.duels import service
from app.evaluations.duels.forms import DuelsForm
from app.evaluations.duels.models import Duel, JudgedDuels
from app.evaluations.queries import run_by_id
from tests.evaluations.duels.compared import plant_pairs
from tests.faults.stage import BOOT_SECONDS, CONVERGED_SECONDS, on
from tests.waiting import eventually
from tests.witness.script import CHAT

CASES, JUDGED = 150, "judged"
QUESTIONS = 2 * CASES  # each pair in both orders


def a_comparing(stage):
    """Pairs that no worker has put to their judge; its id."""
    run_id, judge_id = plant_pairs(stage.team, cases=CASES)
    owner = stage.team.users["owner"]
    with unit_of_work() as session:
        run = run_by_id(session, run_id)
        key = evaluations.key_of(run_id)
        ledger.reserve(session, PaidThing(run.project_id, key, "The run", key, owner), 0)
        evaluations.count(session, run)
        form = DuelsForm(grader_id=judge_id, cases=CASES, both_ways=True)
        return service.begin_duels(session, run, form, actor_id=owner, key="form:1", seed=5).id


def pairs(duels_id):
    """What is known of each question, by its id."""
    with read_only() as session:
        found = session.query(Duel).filter_by(duels_id=duels_id).all()
        return {one.id: (one.status, one.asked, one.outcome, one.answer_id) for one in found}


def is_in_the_middle(duels_id):
    """Whether some are answered and others on their way."""
    return {JUDGED, "asked"} <= {said[0] for said in pairs(duels_id).values()}


@on(full=("sqlite", "postgresql"))
def test_i5_a_worker_killed_over_duels_asks_no_answered_pair_twice_and_loses_none(stage):
    duels_id = a_comparing(stage)
    stage.witness.set(latency=0.3)
    stage.start("beat", "worker")
    eventually(lambda: is_in_the_middle(duels_id), within=BOOT_SECONDS, every=0.02)
    stage.kill("worker")
    killed = pairs(duels_id)
    answered = {one: said for one, said in killed.items() if said[0] == JUDGED}
    on_their_way = sum(said[0] == "asked" for said in killed.values())
    assert answered
    assert 0 < on_their_way <= QUESTIONS - len(answered)

    stage.start("worker")

    def is_done():
        with read_only() as session:
            return session.get_one(JudgedDuels, duels_id).status == "done"

    eventually(is_done, within=CONVERGED_SECONDS)
    now = pairs(duels_id)
    assert len(now) == QUESTIONS
    assert {said[0] for said in now.values()} == {JUDGED}
    assert all(said[2] is not None for said in now.values())
    assert {one: now[one] for one in answered} == answered, "what was answered stays as it was"
    assert {said[1] for said in answered.values()} == {1}
    written = sum(said[1] for said in now.values())
    assert written == QUESTIONS + on_their_way
    sent = (one.body["messages"] for one in stage.witness.journal.read(CHAT))
    times = Counter(tuple(message["content"] for message in one) for one in sent)
    assert len(times) == QUESTIONS
    assert max(times.values()) <= 2
    assert sum(times.values()) - len(times) <= on_their_way
    stage.invariants_hold()
