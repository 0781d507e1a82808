"""A judge compares contestants, asked in slices; the witness plays it."""

import json
from collections import Counter

import pytest

from app.connections import service as connections
from app.connections.models import Connection
from app.core import clock
from app.core.database import unit_of_work
from app.core.leases import LeaseLost
from app.evaluations.asking.slices import Brought
from app.evaluations.duels import queries, service, work
from app.evaluations.duels.forms import DuelsForm
from app.evaluations.duels.models import Duel, DuelsStatus, DuelStatus, JudgedDuels
from app.evaluations.duels.outcomes import swap_of
from app.evaluations.queries import run_by_id
from tests.evaluations.duels.compared import BY_PLACE, FAIR, plant_pairs, says
from tests.stage import one_database, read
from tests.witness.script import CHAT, Fault, refusal

A_DAY = 86_400


def begin(team, run_id, judge_id, *, key="form:1", **fields) -> int:
    form = DuelsForm(**{"grader_id": judge_id, "cases": 100, "both_ways": True, **fields})
    with unit_of_work() as session:
        run = run_by_id(session, run_id)
        owner = team.users["owner"]
        return service.begin_duels(session, run, form, actor_id=owner, key=key, seed=5).id


def duels(duels_id) -> list[Duel]:
    with unit_of_work() as session:
        return session.query(Duel).filter_by(duels_id=duels_id).order_by(Duel.id).all()


def test_each_pair_is_asked_in_both_orders_once_and_the_better_wins(
    workshop, witness, letters, browser
):
    run_id, judge_id = plant_pairs(workshop)
    duels_id = begin(workshop, run_id, judge_id)
    letters.deliver()

    assert read(JudgedDuels, duels_id).status == DuelsStatus.DONE
    found = duels(duels_id)
    assert Counter((one.was_first, one.outcome) for one in found) == {
        (True, "first"): 4,
        (False, "first"): 4,
    }
    assert {one.reason for one in found} == {f"Case {n}." for n in range(1, 5)}
    assert len(witness.journal.read(CHAT)) == 8
    page = browser(workshop.users["viewer"]).get(f"/duels/{duels_id}").text
    assert "good wins 100.0 % against bad" in page
    assert "It says the same of" in page
    assert "good is better" in page

    again = begin(workshop, run_id, judge_id, key="form:2")
    letters.deliver()
    assert read(JudgedDuels, again).status == DuelsStatus.DONE
    assert len(witness.journal.read(CHAT)) == 8, "what was asked before is known"


def test_a_judge_that_goes_by_the_place_makes_ties_and_is_found_out(workshop, witness, letters):
    run_id, judge_id = plant_pairs(workshop, **BY_PLACE)
    duels_id = begin(workshop, run_id, judge_id)
    letters.deliver()
    with unit_of_work() as session:
        found = swap_of(queries.said_of(session, duels_id))
    assert (found.cases, found.consistent.value, found.first_place) == (4, 0.0, 4)


def test_one_order_is_drawn_and_written_down(workshop, witness, letters):
    run_id, judge_id = plant_pairs(workshop, cases=12)
    duels_id = begin(workshop, run_id, judge_id, both_ways=False)
    letters.deliver()
    found = duels(duels_id)
    assert {one.was_first for one in found} == {True, False}
    assert {one.outcome for one in found} == {"first"}


def test_answers_that_are_the_same_tie_unasked_and_what_nobody_can_read_is_counted(
    workshop, witness, letters, browser
):
    players = {
        "good": lambda n, *_: "the same" if n == 1 else f"no verdict {n}",
        "bad": lambda n, *_: "the same" if n == 1 else f"none here either {n}",
    }
    run_id, judge_id = plant_pairs(workshop, cases=3, **players)
    duels_id = begin(workshop, run_id, judge_id, both_ways=False)
    letters.deliver()
    found = duels(duels_id)
    assert Counter((one.outcome, one.asked) for one in found) == {("tie", 0): 1, (None, 1): 2}
    assert all("There is no JSON object" in one.fault for one in found if one.outcome is None)
    page = browser(workshop.users["viewer"]).get(f"/duels/{duels_id}").text
    assert "2 of them so that nobody can read it" in page
    assert "Word for word the same, so nobody was asked." in page


@one_database
def test_faults_of_the_provider_are_asked_again_and_a_refusal_fails_alone(
    workshop, witness, letters
):
    run_id, judge_id = plant_pairs(workshop)
    body = json.dumps(refusal("Too long."))
    witness.script(Fault(CHAT, status=500, times=2), Fault(CHAT, status=400, body=body, skip=2))
    duels_id = begin(workshop, run_id, judge_id)
    letters.deliver()
    clock.shift(A_DAY)
    letters.post("duels.judge", duels_id)
    letters.deliver()
    found = duels(duels_id)
    assert Counter(one.status for one in found) == {DuelStatus.JUDGED: 7, DuelStatus.FAILED: 1}
    assert read(JudgedDuels, duels_id).status == DuelsStatus.DONE
    assert sum(one.asked for one in found) == 10


@one_database
def test_a_refused_key_pauses_it_and_another_key_lets_it_go_on(workshop, witness, letters, browser):
    run_id, judge_id = plant_pairs(workshop)
    body = json.dumps(refusal("Incorrect API key.", "invalid_api_key"))
    witness.script(Fault(CHAT, status=401, body=body, times=1000))
    duels_id = begin(workshop, run_id, judge_id)
    letters.deliver()
    kept = read(JudgedDuels, duels_id)
    assert (kept.status, kept.paused_by) == (DuelsStatus.PAUSED, "key")
    owner = browser(workshop.users["owner"])
    assert "Incorrect API key" in owner.get(f"/duels/{duels_id}").text
    witness.calm()
    with unit_of_work() as session:
        connection = session.get_one(Connection, workshop.connection_id)
        actor_id = workshop.users["owner"]
        connections.change_connection(session, connection, actor_id=actor_id, api_key=witness.key)
    letters.deliver()
    assert read(JudgedDuels, duels_id).status == DuelsStatus.DONE


def test_what_a_dead_worker_asked_is_asked_again_and_counted(workshop, witness, letters):
    run_id, judge_id = plant_pairs(workshop)
    duels_id = begin(workshop, run_id, judge_id)
    with unit_of_work() as session:
        taken = work.claim(session, duels_id)
        assert work.claim(session, duels_id) is None
        asked = work.claim_pairs(session, taken, behind=0, limit=3).questions
    assert len(asked) == 3
    clock.shift(A_DAY)
    letters.deliver()
    found = duels(duels_id)
    assert Counter(one.asked for one in found) == {1: 5, 2: 3}
    kept = read(JudgedDuels, duels_id)
    assert kept.status == DuelsStatus.DONE
    assert kept.guessed == sum(one.held for one in asked) > 0
    with pytest.raises(LeaseLost), unit_of_work() as session:
        work.record(session, taken, Brought([], [], [], is_away=False))


@one_database
def test_it_pauses_before_it_would_cost_more_than_its_cap(workshop, witness, letters, browser):
    run_id, judge_id = plant_pairs(workshop)
    duels_id = begin(workshop, run_id, judge_id, cap_usd=0.0001)
    letters.deliver()
    kept = read(JudgedDuels, duels_id)
    assert (kept.status, kept.paused_by, kept.spent) == (DuelsStatus.PAUSED, "cap", 0)
    assert witness.journal.read(CHAT) == []
    owner = browser(workshop.users["owner"])
    assert owner.post(f"/duels/{duels_id}/resume", {"cap_usd": "1"}).status_code == 303
    letters.deliver()
    assert read(JudgedDuels, duels_id).status == DuelsStatus.DONE


@one_database
def test_the_form_says_the_price_and_begins_once(workshop, witness, letters, browser):
    run_id, judge_id = plant_pairs(workshop)
    owner, at = browser(workshop.users["owner"]), f"/evaluation-runs/{run_id}/duels"
    sent = {"grader_id": str(judge_id), "cases": "3", "both_ways": "yes", "nonce": "one"}
    priced = owner.post(f"{at}/price", sent, **{"HX-Request": "true"}).text
    assert "6 questions, " in priced
    assert "at most under $0.01" in priced
    assert "<html" not in priced
    first = owner.post(at, sent)
    assert first.status_code == 303
    assert owner.post(at, sent).headers["location"] == first.headers["location"]
    assert owner.post(at, {**sent, "cases": "2"}).status_code == 409
    listed = owner.get(at).text
    assert "Comparing 1" in listed
    place = first.headers["location"]
    kept = owner.post(f"/graders/{judge_id}/delete")
    assert kept.status_code == 409
    assert "Evaluations use this grader" in kept.text
    assert place in owner.get(f"/projects/{workshop.project_id}/budget").text
    assert owner.post(f"{place}/pause").status_code == 303
    assert "Paused" in owner.get(place).text
    assert owner.post(f"{place}/stop").status_code == 303
    assert owner.post(f"{place}/stop").status_code == 409
    wrong = owner.post(at, {**sent, "nonce": "two", "grader_id": "99"})
    assert wrong.status_code == 422
    assert "no such judge" in wrong.text


@one_database
def test_a_script_has_a_judge_compare_and_reads_the_rates(workshop, witness, letters, script):
    run_id, judge_id = plant_pairs(workshop, cases=2)
    sends, at = script(workshop.users["editor"]), f"/evaluation-runs/{run_id}/duels"
    key, body = {"Idempotency-Key": "once"}, {"grader_id": judge_id, "both_ways": True}
    made = sends.post(at, json=body, headers=key)
    assert made.status_code == 201, made.text
    place = f"/duels/{made.json()['id']}"
    assert sends.post(at, json=body, headers=key).json()["id"] == made.json()["id"]
    assert sends.post(at, json={**body, "cases": 1}, headers=key).status_code == 409
    assert sends.post(f"{place}/pause").json()["status"] == "paused"
    assert sends.post(f"{place}/resume", json={"cap_usd": 1}).json()["cap_usd"] == 1.0
    letters.deliver()
    found = sends.get(place).json()
    assert (found["status"], found["judged"], found["questions"]) == ("done", 4, 4)
    assert found["rates"][0]["rate"]["wins"] == 2
    assert found["swap"]["consistent"]["value"] == 1.0
    assert len(sends.get(at).json()["data"]) == 1
    assert sends.post(f"{place}/stop").status_code == 409
    (judge,) = sends.get(f"/evaluation-runs/{run_id}/judges").json()["data"]
    assert judge["reasons"][0].startswith("0 pairs are judged by people")
    assert len(sends.post(f"/evaluation-runs/{run_id}/judges").json()["data"]) == 1


@one_database
def test_what_would_pass_the_budget_is_not_begun(workshop, witness, letters, browser):
    run_id, judge_id = plant_pairs(workshop, cases=50)
    owner = browser(workshop.users["owner"])
    owner.post(f"/projects/{workshop.project_id}/budget", {"monthly_usd": "0.01"})
    sent = {"grader_id": str(judge_id), "both_ways": "yes", "nonce": "one"}
    answer = owner.post(f"/evaluation-runs/{run_id}/duels", sent)
    assert answer.status_code == 409
    assert "budget" in answer.text
    assert "No judge has compared these contestants yet" in answer.text


def test_three_contestants_meet_each_other_or_one(workshop, witness, letters):
    run_id, judge_id = plant_pairs(workshop, cases=2, **FAIR, third=says("tie"))
    all_of_them = begin(workshop, run_id, judge_id, both_ways=False)
    assert len(duels(all_of_them)) == 6
    with unit_of_work() as session:
        from app.evaluations.people.queries import contestants_of

        third = contestants_of(session, run_id)[2].id
    one = begin(workshop, run_id, judge_id, both_ways=False, against=third, key="form:2")
    assert len(duels(one)) == 4
