"""Banking77 from the first question to the last verdict: is tuning worth it, how sure is that, who
may judge, and what replaces the model one day.
"""

import os
import signal

import pytest

from tests.browser.visitor import MAKES_PICTURES
from tests.journeys.api import OWNER, Script
from tests.journeys.evaluating import CASES, EPOCHS, LABELS, Stand, judges_at
from tests.journeys.grading import signed_in
from tests.processes import start_luthier
from tests.waiting import eventually
from tests.witness import handle
from tests.witness.judging import BY_PLACE, FAIR
from tests.witness.script import CHAT

pytestmark = [pytest.mark.processes, pytest.mark.full, pytest.mark.timeout(600)]

TOTAL = len(LABELS) * CASES
BASE, FEW_SHOT, *TUNED = range(2 + len(EPOCHS))


@pytest.fixture
def witness(tmp_path):
    """The provider of the judges."""
    with handle.running(tmp_path) as running:
        yield running


@pytest.fixture
def stand(tmp_path, witness):
    """Three models tuned for 1, 3 and 10 epochs, and an evaluation of held-out questions."""
    with (
        start_luthier(tmp_path / "bank", **OWNER, LUTHIER_ALLOW_HOSTS=witness.host) as luthier,
        Script(luthier) as script,
    ):
        project = script.post("/projects", json={"name": "Support routing"})["id"]
        made = Stand(luthier, script, project)
        made.prepare(tmp_path)
        yield made


def kill_in_the_middle(stand, run_id):
    """A worker that dies while answers are on their way; what was sent until then."""

    def is_under_way():
        sent = stand.sent(run_id).values()
        return sum(status == "graded" for status, _ in sent) > TOTAL / 2

    eventually(is_under_way, within=60)
    worker = stand.luthier.child("worker")
    os.kill(worker, signal.SIGKILL)
    sent = stand.sent(run_id)
    eventually(lambda: stand.luthier.child("worker") != worker, within=30)
    return sent


def test_banking77_from_the_first_question_to_the_successor(stand, witness):
    run_id = stand.start_run()
    before = kill_in_the_middle(stand, run_id)
    report = stand.finished(run_id)
    assert_nothing_is_asked_twice(before, stand.sent(run_id))
    assert_it_says_how_much_better(report)
    assert_mistakes_are_shown(stand, run_id, report)
    assert_a_checkpoint_is_recommended(stand)
    pairs = stand.between(run_id, BASE, TUNED[-1])
    stand.finished(pairs)
    assert_judges_are_measured(stand, witness, pairs)
    recording_id = assert_a_successor_is_held_against_the_recording(stand)
    if MAKES_PICTURES:  # where there is a Chromium
        from tests.journeys.pictured import photograph

        photograph(stand, run_id, pairs, recording_id)


def assert_nothing_is_asked_twice(before, after):
    """What was answered when the worker died was not sent again; what was on its way, once more:
    so much a child of the worker may still have taken on before it died too.
    """
    assert len(after) == (2 + len(EPOCHS)) * TOTAL
    assert {status for status, _ in after.values()} == {"graded"}
    answered = {at for at, (status, _) in before.items() if status == "graded"}
    again = {at for at, (_, asked) in after.items() if asked > 1}
    assert not again & answered, "what was answered was paid again"
    assert max(asked for _, asked in after.values()) <= 2


def assert_it_says_how_much_better(report):
    """The verdict on two: what tuning for ten epochs brings, and what examples alone would."""
    verdicts = {(one["first"] - 1, one["second"] - 1): one for one in report["verdicts"]}
    tuned = verdicts.get((TUNED[-1], BASE)) or verdicts[BASE, TUNED[-1]]
    said = "more" if tuned["first"] - 1 == TUNED[-1] else "fewer"
    assert f"points {said} cases correctly than" in tuned["sentence"], tuned["sentence"]
    assert f"{TOTAL} cases" in tuned["sentence"]
    assert "95 % interval" in report["lead"]
    shares = [one["passes"]["value"] for one in report["standings"]]
    assert shares[TUNED[-1]] > 0.5, shares
    assert shares[TUNED[-1]] > shares[TUNED[0]] > shares[BASE], shares


def assert_mistakes_are_shown(stand, run_id, report):
    """Which labels are confused, and what of the training rows is near the worst cases."""
    confused = [one for one in report["confusion"] if one[0] - 1 == TUNED[0]]
    assert sum(cases for *_, cases in confused) == TOTAL
    path = f"/evaluation-runs/{run_id}/contestants/{TUNED[-1] + 1}/worst"

    def found():
        worst = stand.script.get(path)
        assert worst["is_done"], worst
        return worst

    worst = eventually(found, within=60)
    wrong = round(TOTAL * (1 - report["standings"][TUNED[-1]]["passes"]["value"]))
    assert worst["wrong"] == worst["looked"] == wrong
    for case in worst["data"]:
        assert case["says"]
        assert case["answer"] != case["reference"]
        assert all(0 < one["likeness"] <= 1 for one in case["near"])


def assert_a_checkpoint_is_recommended(stand):
    """By itself when the longest job had ended, among the ones it saved."""

    def advised():
        (row,) = stand.script.get(f"/jobs/{stand.jobs[EPOCHS[-1]]}/evaluations-after")["data"]
        assert row["advice"], row
        return row

    row = eventually(advised, within=120, every=0.5)
    assert row["advice"]["words"].startswith("Take ")
    run = stand.run(row["run_id"])
    assert len([one for one in run["contestants"] if one["checkpoint_step"] is not None]) >= 1


def assert_judges_are_measured(stand, witness, run_id):
    """One that knows what is right is trusted, one that goes by the place is refused, with why."""
    judges = judges_at(stand, witness, [("gpt-6", FAIR), ("gpt-4.1-mini-2025-04-14", BY_PLACE)])
    for way, grader_id in judges.items():
        asked = {"grader_id": grader_id, "cases": TOTAL, "both_ways": True}
        made = stand.script.post(f"/evaluation-runs/{run_id}/duels", json=asked)
        duels = stand.ended(f"/duels/{made['id']}")
        assert (duels["judged"], duels["failed"]) == (duels["questions"], 0), (way, duels)
    asked = [json_of(one.body) for one in witness.journal.read(CHAT)]
    assert len(asked) == len(set(asked)) > TOTAL, "a judge was asked the same twice"

    round_ = stand.script.post(
        f"/evaluation-runs/{run_id}/rounds",
        json={"kind": "duels", "cases": TOTAL, "per_item": 1, "shows_reference": True},
    )
    with signed_in(stand.luthier) as person:
        assert person.choose(round_["id"], human) == round_["items"]
    stand.script.post(f"/grading-rounds/{round_['id']}/close", 200)
    found = stand.script.get(f"/evaluation-runs/{run_id}/judges")["data"]
    measured = {one["grader_id"]: one for one in found}
    fair, by_place = measured[judges[FAIR]], measured[judges[BY_PLACE]]
    assert fair["has_passed"], fair["reasons"]
    assert not by_place["has_passed"]
    assert "It prefers what stands first" in " ".join(by_place["reasons"]), by_place["reasons"]


def human(reference, left, right):
    """Whichever is right; and every tenth time a slip of the finger, as people's are."""
    if len(left + right) % 10 == 0:
        return "left"
    return "left" if left == reference else "right" if right == reference else "tie"


def json_of(body):
    return str((body["model"], body["messages"]))


def assert_a_successor_is_held_against_the_recording(stand):
    """The longest is recorded; its own kin may take its place, the base may not."""
    recording = stand.record(EPOCHS[-1])
    kin = stand.check(recording["id"], stand.models[EPOCHS[1]]["name"], 10.0)
    base = stand.check(recording["id"], stand.base, 5.0)
    assert kin["verdict"]["kind"] == "non_inferior", kin["words"]
    assert base["verdict"]["kind"] == "inferior", base["words"]
    assert "points worse" in kin["words"], kin["words"]
    return recording["id"]
