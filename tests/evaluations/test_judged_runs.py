"""Judges as graders of a run: each is asked once about an answer, whatever happens meanwhile."""

import json
from collections import Counter

import pytest

from app.connections import service as connections
from app.connections.models import Connection
from app.core import clock
from app.core.database import unit_of_work
from app.core.errors import Conflict, WrongInput
from app.core.leases import LeaseLost
from app.evaluations import queries, service
from app.evaluations.asking.asker import Asker
from app.evaluations.forms import RunForm
from app.evaluations.models import EvaluationGrader, EvaluationRun, RunJudge
from app.evaluations.orders import priced
from app.evaluations.tasks import answer
from app.evaluations.work import claiming, judgements
from app.evaluations.work.grading import graders_of
from app.upkeep import queries_evaluations as looks
from tests import make
from tests.evaluations.judges import (
    LABEL,
    SCORE,
    SHORT,
    add_connection,
    add_judge,
    asked_judges,
    pasted,
    verdict,
)
from tests.evaluations.steps import (
    add_grader,
    add_up,
    begin,
    grades_of,
    judgements_of,
    results_of,
    run_of,
    start,
    work_through,
)
from tests.evaluations.test_money import spend_of
from tests.stage import one_database, read
from tests.witness.script import CHAT, Fault, refusal

A_DAY = 86_400
GOOD = [verdict(0.9, f"Parcel {n} is named.") for n in range(1, 6)]
PYTHON = {
    "type": "python",
    "name": "asks",
    "source": "def grade(sample, item):\n    return float('parcel' in sample['output_text'])",
}


def judged(team, letters, *verdicts, judges=(SCORE,), others=(), **form):
    """An evaluation that is ready, graded by judges and others; its id."""
    graders = [add_judge(team, body) for body in judges]
    graders += [add_grader(team, body) for body in others]
    evaluation_id = begin(team, **pasted(*(verdicts or GOOD)), graders=graders, **form)
    letters.deliver()
    return evaluation_id


def answered(run_id, letters):
    """The cases are answered, and no judge was asked yet."""
    for one in run_of(run_id).contestants:
        answer(one.id)
    letters.tasks.clear()


def holds(run_id):
    """The run's sums and states are as they should be."""
    add_up(run_id)
    with unit_of_work() as session:
        for look in (
            looks.results_in_no_state,
            looks.judgements_in_no_state,
            looks.judges_that_do_not_add_up,
            looks.contestants_that_do_not_add_up,
            looks.runs_that_do_not_fit,
        ):
            assert look(session)[1] == []


def test_a_pure_one_code_and_judges_grade_a_run_together(workshop, witness, letters):
    formula = {
        "type": "multi",
        "name": "both",
        "graders": {"good": SCORE, "short": SHORT},
        "calculate_output": "0.5 * good + 0.5 * short",
    }
    evaluation_id = judged(
        workshop, letters, judges=(SCORE, formula), others=(SHORT, PYTHON), pass_rule="all"
    )
    run_id = start(workshop, evaluation_id)
    letters.deliver()
    run = run_of(run_id)
    assert (run.status, run.contestants[0].graded) == ("done", 5)
    first = results_of(run_id)[0]
    grades = {one.place: one for one in grades_of(run_id) if one.result_id == first.id}
    said = {place: (one.value, one.fault) for place, one in grades.items()}
    assert said == {0: (0.9, None), 1: (0.95, None), 2: (1.0, None), 3: (1.0, None)}
    assert grades[0].detail == {"reason": "Parcel 1 is named."}
    assert grades[1].detail["parts"]["good"]["detail"]["reason"] == "Parcel 1 is named."
    assert first.score == pytest.approx((0.9 + 0.95 + 1 + 1) / 4)
    assert len(judgements_of(run_id)) == 10
    assert set(asked_judges(witness).values()) == {1}, "the same question is asked once"
    assert sum(asked_judges(witness).values()) == 5
    holds(run_id)


@one_database
def test_a_question_is_paid_for_once_in_a_project_unless_a_run_asks_afresh(
    workshop, witness, letters
):
    evaluation_id = judged(workshop, letters)
    start(workshop, evaluation_id)
    letters.deliver()
    again = start(workshop, evaluation_id, key="form:2")
    letters.deliver()
    assert set(asked_judges(witness).values()) == {1}
    assert all(one.asked == 0 for one in judgements_of(again))
    # Otherwise a judge that has changed would look like a model that has.
    afresh = start(workshop, evaluation_id, key="form:3", settings={"fresh": True})
    letters.deliver()
    assert set(asked_judges(witness).values()) == {2}
    assert run_of(again).status == run_of(afresh).status == "done"
    holds(afresh)


@one_database
def test_answers_that_are_the_same_are_judged_by_one_reply(workshop, witness, letters):
    evaluation_id = judged(
        workshop, letters, verdict(0.9), judges=(SCORE, {**SCORE, "name": "too"})
    )
    models = [make.BASE_MODEL, SCORE["model"]]
    run_id = start(workshop, evaluation_id, *models, repeats=3)
    letters.deliver()
    assert run_of(run_id).status == "done"
    assert len(judgements_of(run_id)) == 2 * 2 * 3
    assert asked_judges(witness).most_common() == [(next(iter(asked_judges(witness))), 1)]
    assert sum(one.asked for one in judgements_of(run_id)) == 1
    holds(run_id)


@one_database
def test_answers_given_before_are_judged_where_they_were_not(workshop, witness, letters):
    evaluation_id = judged(workshop, letters, judges=(), others=(SHORT,))
    first = start(workshop, evaluation_id)
    letters.deliver()
    with unit_of_work() as session:
        judge = EvaluationGrader(
            evaluation_id=evaluation_id, place=1, grader_id=add_judge(workshop)
        )
        session.add(judge)
    recorded = {"recorded_id": run_of(first).contestants[0].id}
    second = start(workshop, evaluation_id, recorded, key="form:2")
    letters.deliver()
    assert (run_of(second).status, run_of(second).contestants[0].graded) == ("done", 5)
    assert len(asked_judges(witness)) == 5
    assert spend_of(second).state == "spent"
    holds(second)


@one_database
def test_what_goes_wrong_for_a_moment_is_asked_again_and_what_is_refused_fails_alone(
    workshop, witness, letters
):
    evaluation_id = judged(workshop, letters)
    run_id = start(workshop, evaluation_id)
    answered(run_id, letters)
    body = json.dumps(refusal("This content is not allowed.", "content_policy"))
    trouble = json.dumps(refusal("The server had an error."))
    witness.script(
        Fault(CHAT, status=500, body=trouble, times=2),
        Fault(CHAT, status=400, body=body, skip=2),
    )
    work_through(run_id)
    assert run_of(run_id).status == "done"
    asked = Counter(one.asked for one in judgements_of(run_id))
    assert asked == {1: 3, 2: 2}
    (lost,) = [one for one in grades_of(run_id) if one.fault]
    assert (lost.fault, lost.value) == ("This content is not allowed.", None)
    (unscored,) = [one for one in results_of(run_id) if one.passed is None]
    assert (unscored.id, unscored.status, unscored.score) == (lost.result_id, "graded", None)
    assert run_of(run_id).contestants[0].graded == 5
    holds(run_id)


@one_database
def test_a_reply_that_nobody_can_read_is_a_fault_and_no_zero(workshop, witness, letters, browser):
    evaluation_id = judged(
        workshop, letters, "no verdict", verdict("good"), verdict("bad"), judges=(LABEL,)
    )
    run_id = start(workshop, evaluation_id)
    letters.deliver()
    unread, good, bad = grades_of(run_id)
    assert (
        "There is no JSON object with a result. The judge's reply begins: You said: no verdict"
        in unread.fault
    )
    assert (unread.value, unread.passed) == (None, None)
    assert [(one.value, one.passed, one.detail["label"]) for one in (good, bad)] == [
        (1.0, True, "good"),
        (0.0, False, "bad"),
    ]
    page = browser(workshop.users["viewer"])
    case = page.get(f"/evaluation-runs/{run_id}/cases/1").text
    assert "no score" in case
    assert "The judge&#39;s reply begins: You said: no verdict" in case
    assert "label good. So it is." in page.get(f"/evaluation-runs/{run_id}/cases/2").text
    shown = page.get(f"/evaluation-runs/{run_id}").text
    assert "These scores are provisional" in shown
    assert "kind: 0 answers are graded by people" in shown
    lines = page.get(f"/evaluation-runs/{run_id}/answers.jsonl").text.splitlines()
    said = [json.loads(one)["answers"][0]["grades"][0] for one in lines]
    assert "no verdict" in said[0]["fault"]
    assert said[1]["detail"] == {"label": "good", "reason": "So it is."}
    holds(run_id)


@one_database
def test_a_refused_key_of_the_judge_pauses_the_run_and_another_lets_it_go_on(
    workshop, witness, letters, browser, script
):
    connection_id = add_connection(workshop, witness)
    graders = [add_judge(workshop, SCORE, connection_id)]
    evaluation_id = begin(workshop, **pasted(*GOOD), graders=graders)
    letters.deliver()
    body = json.dumps(refusal("Incorrect API key provided.", "invalid_api_key"))
    witness.script(Fault(CHAT, status=401, body=body, times=1000, skip=5))
    run_id = start(workshop, evaluation_id)
    letters.deliver()
    run = run_of(run_id)
    assert (run.status, run.paused_by) == ("paused", "key")
    assert "Incorrect API key" in run.words
    assert {one.status for one in results_of(run_id)} == {"judging"}
    assert (
        "5 questions to judges are open"
        in browser(workshop.users["viewer"]).get(f"/evaluation-runs/{run_id}").text
    )
    told = script(workshop.users["viewer"]).get(f"/evaluation-runs/{run_id}").json()
    (judge,) = told["judges"]
    assert (judge["grader"], judge["open"], judge["connection_id"]) == ("good", 5, connection_id)
    witness.calm()
    with unit_of_work() as session:
        assert read(Connection, workshop.connection_id).refused_at is None
        connection = session.get_one(Connection, connection_id)
        assert [one.id for one in queries.unended_runs_over(session, connection_id)] == [run_id]
        actor_id = workshop.users["owner"]
        connections.change_connection(session, connection, actor_id=actor_id, api_key=witness.key)
    letters.deliver()
    assert run_of(run_id).status == "done"
    holds(run_id)


@one_database
def test_a_judges_model_that_is_not_there_pauses_the_run_with_the_providers_words(
    workshop, witness, letters
):
    evaluation_id = judged(workshop, letters, judges=({**SCORE, "model": "gpt-none"},))
    run_id = start(workshop, evaluation_id)
    letters.deliver()
    assert (run_of(run_id).status, run_of(run_id).paused_by) == ("paused", "provider")
    assert "does not exist" in run_of(run_id).words


@one_database
def test_what_a_dead_worker_asked_a_judge_is_asked_again_and_counted(workshop, witness, letters):
    evaluation_id = judged(workshop, letters)
    run_id = start(workshop, evaluation_id)
    answered(run_id, letters)
    judge_id = run_of(run_id).judges[0].id
    with unit_of_work() as session:
        taken = judgements.claim(session, judge_id)
        assert judgements.claim(session, judge_id) is None
        grader = graders_of(run_id, "all").judged[0]
        asked = judgements.claim_judgements(session, taken, grader, behind=0, limit=3).questions
    assert len(asked) == 3
    clock.shift(A_DAY)
    letters.post("evaluations.judge", judge_id)
    letters.deliver()
    assert Counter(one.asked for one in judgements_of(run_id)) == {1: 2, 2: 3}
    run = run_of(run_id)
    assert run.status == "done"
    assert run.guessed == sum(one.held for one in asked) > 0
    with pytest.raises(LeaseLost), unit_of_work() as session:
        judgements.hold(session, taken)
    holds(run_id)


@one_database
def test_whoever_asks_over_a_connection_shares_it(workshop, witness, letters):
    evaluation_id = judged(workshop, letters)
    first = start(workshop, evaluation_id)
    answered(first, letters)
    second = start(workshop, evaluation_id, key="form:2", settings={"per_minute": 60})
    with unit_of_work() as session:
        judge = judgements.claim(session, run_of(first).judges[0].id)
        contestant = claiming.claim(session, run_of(second).contestants[0].id)
    assert (judge.share.beside, contestant.share.beside) == (1, 2)
    with Asker(contestant.share) as asker:
        assert asker.pace.ceiling == 0.5, "a request a second, for two"


@one_database
def test_a_cap_holds_with_what_open_questions_may_cost_and_a_higher_one_lets_it_go_on(
    workshop, witness, letters
):
    evaluation_id = judged(workshop, letters)
    witness.set(
        models=[{"id": one, "object": "model"} for one in (make.BASE_MODEL, SCORE["model"])]
    )
    run_id = start(workshop, evaluation_id, SCORE["model"], cap_usd=1, settings={"max_tokens": 10})
    answered(run_id, letters)
    with unit_of_work() as session:
        run = session.get_one(EvaluationRun, run_id)
        spent = run.spent
        run.cap = spent + 150  # about two questions, should their replies be as long as they may
    letters.post("evaluations.judge", run_of(run_id).judges[0].id)
    letters.deliver()
    run = run_of(run_id)
    assert (run.status, run.paused_by) == ("paused", "cap")
    assert spent < run.spent <= run.cap
    assert 0 < sum(asked_judges(witness).values()) < 5
    with unit_of_work() as session:
        service.resume_run(session, run_id, actor_id=workshop.users["owner"], cap=1_000_000)
    letters.deliver()
    run = run_of(run_id)
    assert (run.status, run.spent) == ("done", run.contestants[0].spent + run.judges[0].spent)
    assert (spend_of(run_id).state, spend_of(run_id).spent) == ("spent", run.spent)
    holds(run_id)


@one_database
def test_a_run_that_is_paused_asks_no_judge_and_one_that_is_stopped_keeps_what_was_said(
    workshop, witness, letters
):
    evaluation_id = judged(workshop, letters)
    run_id = start(workshop, evaluation_id)
    answered(run_id, letters)
    owner, judge_id = workshop.users["owner"], run_of(run_id).judges[0].id
    with unit_of_work() as session:
        service.pause_run(session, run_id, actor_id=owner)
    letters.post("evaluations.judge", judge_id)
    letters.deliver()
    assert not asked_judges(witness)
    with unit_of_work() as session:
        service.stop_run(session, run_id, actor_id=owner)
    letters.deliver()
    assert read(RunJudge, judge_id).due_at is None
    assert {one.status for one in results_of(run_id)} == {"judging"}
    holds(run_id)


@one_database
def test_what_a_run_costs_is_told_with_its_judges_before_it_begins(
    workshop, witness, letters, browser
):
    evaluation_id = judged(workshop, letters, judges=(SCORE, LABEL), others=(SHORT,))
    asked = {"connection_id": workshop.connection_id, "model": SCORE["model"]}
    form = RunForm.model_validate({"contestants": [asked], "repeats": 2, "cap_usd": 1})
    with unit_of_work() as session:
        cost = priced(session, queries.evaluation_by_id(session, evaluation_id), form)
        assert (cost.requests, cost.judged) == (30, 20)
        assert 0 < cost.expected < cost.most
    values = f"model.0={workshop.connection_id}%3A{SCORE['model'].replace(':', '%3A')}"
    receipt = (
        browser(workshop.users["owner"])
        .get(f"/evaluations/{evaluation_id}/runs/receipt?{values}&max_tokens=10&repeats=1")
        .text
    )
    assert "those to judges, 10, included" in receipt
    unknown = judged(
        workshop, letters, judges=({**SCORE, "name": "o9", "model": "o9"},), name="Unknown"
    )
    with unit_of_work() as session, pytest.raises(WrongInput, match="no cap can hold"):
        priced(session, queries.evaluation_by_id(session, unknown), form)


@one_database
def test_what_cannot_judge_here_is_refused_before_anything_is_paid(workshop, witness, letters):
    nowhere = add_grader(workshop, {**SCORE, "name": "nowhere"})
    lacking = add_judge(
        workshop,
        {**SCORE, "name": "lacking", "input": [{"role": "user", "content": "{{ item.facts }}"}]},
    )
    for grader_id, words in (
        (nowhere, "nowhere is a judge without a connection"),
        (lacking, "lacking cannot grade these cases"),
    ):
        name = words.split()[0]
        evaluation_id = begin(workshop, **pasted(*GOOD), graders=[grader_id], name=name)
        letters.deliver()
        with pytest.raises(Conflict, match=words):
            start(workshop, evaluation_id)
    assert witness.journal.read(CHAT) == []
