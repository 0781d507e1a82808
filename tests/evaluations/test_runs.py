"""A run of an evaluation: cases are put to a provider, answers kept and graded, each once."""

import json
from collections import Counter

import pytest

from app.core.database import unit_of_work
from app.core.errors import Conflict
from app.evaluations import service
from app.evaluations.asking import slices
from app.evaluations.asking.rows import MOST_TRIES
from app.evaluations.models import Evaluation, GivenAnswer
from app.evaluations.tasks import answer
from app.settings import settings
from tests import make
from tests.evaluations.steps import (
    add_up,
    begin,
    grades_of,
    results_of,
    run_of,
    start,
    work_through,
)
from tests.stage import one_database, read
from tests.witness.script import CHAT, Fault, refusal

ROWS = 12


def questions(witness):
    """What was asked, and how often."""
    return Counter(one.body["messages"][-1]["content"] for one in witness.journal.read(CHAT))


def test_every_case_is_asked_once_answered_and_graded(workshop, witness, letters):
    evaluation_id = begin(workshop)
    letters.deliver()
    assert read(Evaluation, evaluation_id).cases == ROWS
    run_id = start(workshop, evaluation_id)
    letters.deliver()
    run = run_of(run_id)
    assert (run.status, run.ended_at is not None) == ("done", True)
    (contestant,) = run.contestants
    assert (contestant.expected, contestant.graded, contestant.failed) == (ROWS, ROWS, 0)
    assert questions(witness) == Counter({f"Where is parcel {n}?": 1 for n in range(ROWS)})
    assert {one.status for one in results_of(run_id)} == {"graded"}
    assert [one.value for one in grades_of(run_id)] == [1.0] * ROWS
    add_up(run_id)
    assert f"evaluation_run:{run_id}" in letters.nudges


@one_database
def test_the_same_asked_again_is_taken_from_what_was_kept(workshop, witness, letters):
    evaluation_id = begin(workshop)
    letters.deliver()
    start(workshop, evaluation_id)
    letters.deliver()
    second = start(workshop, evaluation_id, key="form:2")
    letters.deliver()
    assert len(witness.journal.read(CHAT)) == ROWS
    assert all(one.is_cached and one.asked == 0 for one in results_of(second))
    third = start(workshop, evaluation_id, key="form:3", settings={"fresh": True})
    letters.deliver()
    assert len(witness.journal.read(CHAT)) == 2 * ROWS
    assert run_of(third).status == "done"
    add_up(second)


@one_database
def test_one_click_is_one_run_however_often_it_arrives(workshop, letters):
    evaluation_id = begin(workshop)
    with pytest.raises(Conflict, match="still being read"):
        start(workshop, evaluation_id)
    letters.deliver()
    first = start(workshop, evaluation_id)
    assert start(workshop, evaluation_id) == first
    with pytest.raises(Conflict, match="another run"):
        start(workshop, evaluation_id, repeats=2)


@one_database
def test_repeats_are_answers_of_their_own(workshop, witness, letters):
    evaluation_id = begin(workshop, rows=3)
    letters.deliver()
    run_id = start(workshop, evaluation_id, repeats=3)
    letters.deliver()
    assert set(questions(witness).values()) == {3}
    assert sorted(one.repeat for one in results_of(run_id)) == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    with unit_of_work() as session:
        assert session.query(GivenAnswer).count() == 9


@one_database
def test_what_goes_wrong_for_a_moment_is_asked_again_and_its_reason_kept(
    workshop, witness, letters
):
    evaluation_id = begin(workshop)
    letters.deliver()
    body = json.dumps(refusal("The server had an error."))
    witness.script(Fault(CHAT, status=500, body=body, times=2, skip=3))
    run_id = start(workshop, evaluation_id)
    work_through(run_id)
    assert run_of(run_id).status == "done"
    assert len(witness.journal.read(CHAT)) == ROWS + 2
    again = [one for one in results_of(run_id) if one.asked == 2]
    assert [(one.tries, one.status) for one in again] == [(1, "graded")] * 2
    assert all("had an error" in one.error for one in again)
    add_up(run_id)


@one_database
def test_what_is_one_too_many_for_a_while_is_asked_until_there_is_room(workshop, witness, letters):
    evaluation_id = begin(workshop)
    letters.deliver()
    body = json.dumps(refusal("Rate limit reached."))
    witness.script(Fault(CHAT, status=429, body=body, times=40, skip=ROWS // 2))
    run_id = start(workshop, evaluation_id)
    work_through(run_id)
    run = run_of(run_id)
    assert (run.status, run.contestants[0].failed) == ("done", 0)
    assert len(witness.journal.read(CHAT)) == ROWS + 40
    assert max(one.tries for one in results_of(run_id)) > MOST_TRIES
    add_up(run_id)


@one_database
def test_what_waits_for_its_turn_when_a_slice_ends_is_given_back(
    workshop, witness, letters, monkeypatch
):
    monkeypatch.setattr(settings(), "slice_seconds", 0.01)
    monkeypatch.setattr(slices, "TURN_SECONDS", 0.0)
    evaluation_id = begin(workshop)
    letters.deliver()
    run_id = start(workshop, evaluation_id, settings={"per_minute": 4})
    contestant = run_of(run_id).contestants[0]
    answer(contestant.id)
    sent = len(witness.journal.read(CHAT))
    assert 0 < sent < ROWS
    assert Counter(one.status for one in results_of(run_id)) == {
        "graded": sent,
        "waiting": ROWS - sent,
    }
    assert run_of(run_id).contestants[0].asked == sent
    work_through(run_id)
    assert len(witness.journal.read(CHAT)) == ROWS
    add_up(run_id)


@one_database
def test_a_case_that_is_refused_fails_alone_in_the_providers_words(workshop, witness, letters):
    evaluation_id = begin(workshop)
    letters.deliver()
    body = json.dumps(refusal("This content is not allowed.", "content_policy"))
    witness.script(Fault(CHAT, status=400, body=body, skip=2))
    run_id = start(workshop, evaluation_id)
    letters.deliver()
    (failed,) = [one for one in results_of(run_id) if one.status == "failed"]
    assert failed.error == "This content is not allowed."
    assert (failed.passed, failed.score) == (None, None)
    run = run_of(run_id)
    assert (run.status, run.contestants[0].failed) == ("done", 1)
    add_up(run_id)


@one_database
def test_a_refused_key_pauses_the_run_and_another_key_lets_it_go_on(workshop, witness, letters):
    evaluation_id = begin(workshop)
    letters.deliver()
    body = json.dumps(refusal("Incorrect API key provided.", "invalid_api_key"))
    witness.script(Fault(CHAT, status=401, body=body, times=1000))
    run_id = start(workshop, evaluation_id)
    letters.deliver()
    run = run_of(run_id)
    assert (run.status, run.paused_by) == ("paused", "key")
    assert "Incorrect API key" in run.words
    assert all(one.status == "waiting" for one in results_of(run_id))
    witness.calm()
    with unit_of_work() as session:
        from app.connections import service as connections
        from app.connections.models import Connection

        connection = session.get_one(Connection, workshop.connection_id)
        actor = workshop.users["owner"]
        connections.change_connection(session, connection, actor_id=actor, api_key=witness.key)
    letters.deliver()
    assert run_of(run_id).status == "done"
    add_up(run_id)


@one_database
def test_a_model_that_is_not_there_pauses_the_run_before_every_case_has_failed(
    workshop, witness, letters
):
    evaluation_id = begin(workshop)
    letters.deliver()
    run_id = start(workshop, evaluation_id, "gpt-none")
    letters.deliver()
    run = run_of(run_id)
    assert (run.status, run.paused_by, run.contestants[0].failed) == ("paused", "provider", 0)
    assert "does not exist" in run.words


@one_database
def test_a_person_pauses_goes_on_and_stops(workshop, witness, letters):
    evaluation_id = begin(workshop)
    letters.deliver()
    run_id = start(workshop, evaluation_id)
    owner = workshop.users["owner"]
    with unit_of_work() as session:
        service.pause_run(session, run_id, actor_id=owner)
    letters.deliver()
    assert witness.journal.read(CHAT) == []
    with unit_of_work() as session:
        service.resume_run(session, run_id, actor_id=owner)
    letters.deliver()
    assert run_of(run_id).status == "done"
    with unit_of_work() as session, pytest.raises(Conflict, match="is over"):
        service.stop_run(session, run_id, actor_id=owner)


@one_database
def test_answers_of_an_earlier_run_take_part_without_being_asked_for(workshop, witness, letters):
    evaluation_id = begin(workshop)
    letters.deliver()
    first = start(workshop, evaluation_id)
    letters.deliver()
    recorded = {"recorded_id": run_of(first).contestants[0].id}
    second = start(workshop, evaluation_id, recorded, key="form:2")
    letters.deliver()
    run = run_of(second)
    assert (run.status, run.contestants[0].graded) == ("done", ROWS)
    assert run.contestants[0].name == f"{make.BASE_MODEL}, as in run 1"
    assert len(witness.journal.read(CHAT)) == ROWS
    add_up(second)
