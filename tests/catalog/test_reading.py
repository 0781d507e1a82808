"""A provider's list of models is read once a day, for the dates in it; every listed model's date
is kept, and only what can be tuned is offered.
"""

import json

import pytest

from app.catalog import queries, tasks
from app.catalog.stopping import calendar
from app.connections.asking import ask_about_key
from app.connections.models import Connection
from app.connections.standing import forget
from app.core import clock
from app.core.database import read_only, unit_of_work
from tests.catalog.rows import today
from tests.make import BASE_MODEL
from tests.stage import connection_of, one_database
from tests.witness.script import LIST_MODELS, Fault

TUNED = f"ft:{BASE_MODEL}:acme:intents:abc"


def answered(**days):
    data = [
        {"id": name, "object": "model", "created": 1, "owned_by": "x", "shutdown_date": day}
        for name, day in days.items()
    ]
    return Fault(LIST_MODELS, body=json.dumps({"object": "list", "data": data}))


@pytest.fixture
def due(workshop):
    with unit_of_work() as session:
        session.get_one(Connection, workshop.connection_id).models_due_at = None
    return workshop.connection_id


def reads(witness):
    return len(witness.journal.read(LIST_MODELS))


def test_every_listed_models_date_is_kept_and_only_what_can_be_tuned_is_offered(due, witness):
    witness.script(answered(**{TUNED: "2030-01-02", BASE_MODEL: None, "o3": "2030-03-04"}))
    tasks.read(due)
    with read_only() as session:
        offered = queries.base_models_of(session, due)
        kept = {one.name: one.shutdown_date for one in queries.listed_models(session, {due})}
    assert [one.name for one in offered] == [BASE_MODEL]
    assert {name: day.isoformat() for name, day in kept.items()} == {
        TUNED: "2030-01-02",
        "o3": "2030-03-04",
    }


def test_a_date_that_moved_at_the_provider_moves_in_the_calendar_the_next_day(
    due, workshop, witness
):
    witness.script(answered(**{TUNED: "2030-01-02"}), answered(**{TUNED: "2030-01-09"}))

    def day():
        with read_only() as session:
            (found,) = [
                one
                for one in calendar(session, workshop.project_id).stops
                if one.kind == "tuned_model"
            ]
            return found.day.isoformat(), found.origin

    tasks.read(due)
    assert day() == ("2030-01-02", "provider")
    clock.shift(24 * 60)  # a day, divided by sixty
    tasks.read(due)
    assert day() == ("2030-01-09", "provider")


@one_database
def test_it_is_asked_for_once_a_day_however_often_it_is_rung_for(due, witness):
    assert ("catalog.read", due) in tasks.waiting()
    for _ in range(3):
        tasks.read(due)
    assert reads(witness) == 1
    assert tasks.waiting() == []
    clock.shift(24 * 60)
    assert tasks.waiting() == [("catalog.read", due)]


@one_database
def test_whoever_does_not_answer_is_asked_again_tomorrow(due, witness):
    witness.script(Fault(LIST_MODELS, status=500, body="{}", times=9))
    tasks.read(due)
    assert tasks.waiting() == []
    with read_only() as session:
        assert queries.listed_models(session, {due}) == []


@one_database
def test_a_connection_that_was_tested_is_read_at_once(workshop, witness):
    ask_about_key(connection_of(workshop.connection_id))
    assert tasks.waiting() == [("catalog.read", workshop.connection_id)]
    tasks.read(workshop.connection_id)
    ask_about_key(connection_of(workshop.connection_id))
    assert tasks.waiting() == []


@one_database
def test_a_fresh_connection_waits_for_its_form_first_and_another_key_begins_anew(workshop):
    with unit_of_work() as session:
        connection = session.get_one(Connection, workshop.connection_id)
        assert connection.models_due_at > clock.now(session)
        connection.models_due_at = None
        forget(session, connection)
        assert connection.models_due_at > clock.now(session)


@one_database
def test_nobody_asks_practice_or_with_a_key_that_is_refused(due):
    with unit_of_work() as session:
        connection = session.get_one(Connection, due)
        connection.refused_at = clock.now(session)
        session.flush()
        assert tasks.waiting() == []
        connection.refused_at, connection.is_practice = None, True
        session.flush()
        assert tasks.waiting() == []
        assert today(session)
