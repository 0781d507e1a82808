"""A new or changed connection is tested by itself: by a worker, once, for nothing."""

import json

import app.reactions  # noqa: F401 - what is known of an old address goes with it
from app.catalog import asking, queries
from app.connections import standing, tasks, testing
from app.connections.models import Connection
from app.connections.service import change_connection
from app.core import clock
from app.core.database import read_only, unit_of_work
from app.providers.base import KeyRejected
from tests.stage import connection_of, one_database
from tests.witness.handle import KEY
from tests.witness.script import LIST_MODELS, Fault, refusal


def add(workshop, browser, witness, **fields):
    """Add a connection by the form; the path of its page."""
    owner = browser(workshop.users["owner"])
    form = {"name": "Second", "base_url": witness.url, "api_key": KEY, **fields}
    made = owner.post(f"/projects/{workshop.project_id}/connections", form)
    assert made.status_code == 303
    return owner, made.headers["location"]


def change(workshop, connection_id, **what):
    with unit_of_work() as session:
        connection = session.get_one(Connection, connection_id)
        change_connection(session, connection, actor_id=workshop.users["owner"], **what)


def test_a_new_connection_is_tested_by_a_worker_and_its_page_hears_of_it(
    workshop, browser, witness, letters
):
    owner, path = add(workshop, browser, witness)
    connection_id = int(path.rpartition("/")[2])

    shown = owner.get(path).text
    assert "Being tested" in shown
    assert "The answer comes here by itself." in shown
    assert witness.journal.read() == [], "no stranger is asked while a unit of work is open"
    letters.nudges.clear()
    letters.deliver()

    assert f"connection:{connection_id}" in letters.nudges
    shown = owner.get(path).text
    assert "Being tested" not in shown
    assert "Jobs can be started and followed." in shown
    asked = witness.journal.read()
    assert len(asked) == 3
    assert {one.method for one in asked} == {"GET"}, "nothing paid"
    assert "can be tuned" in owner.get(f"{path}/offers").text
    tasks.test(connection_id)
    assert len(witness.journal.read()) == 3, "late or twice, it does no harm"


def test_a_key_that_is_refused_at_once_is_told_in_the_providers_words_and_ours(
    workshop, browser, witness, letters
):
    witness.script(Fault(LIST_MODELS, status=401, body=json.dumps(refusal("No such key."))))
    owner, path = add(workshop, browser, witness)
    letters.deliver()
    shown = owner.get(path).text
    assert "Second needs another key" in shown
    assert "does not accept this key: &#34;No such key.&#34;" in shown
    assert "Jobs wait until you change it." in shown


def test_a_lost_letter_costs_a_second_and_a_dead_worker_a_minute(workshop, witness, letters):
    change(workshop, workshop.connection_id, api_key=KEY)
    letters.tasks.clear()
    letters.ring(tasks.waiting)
    assert letters.tasks == [("connections.test", (workshop.connection_id,))]
    with unit_of_work() as session:
        assert testing.claim_test(session, workshop.connection_id) is not None
    letters.deliver()
    assert witness.journal.read() == [], "another worker has it"
    assert tasks.waiting() == []
    clock.shift(61)
    assert tasks.waiting() == [("connections.test", workshop.connection_id)]
    tasks.test(workshop.connection_id)
    assert connection_of(workshop.connection_id).test_due_at is None
    assert connection_of(workshop.connection_id).account is not None


def test_what_is_said_of_an_old_key_or_address_does_not_stand_for_the_new(workshop, witness):
    for what in ({"api_key": KEY}, {"base_url": f"{witness.url}/other"}):
        change(workshop, workshop.connection_id, api_key=KEY)
        with unit_of_work() as session:
            asked = testing.claim_test(session, workshop.connection_id)
        change(workshop, workshop.connection_id, **what)
        with unit_of_work() as session:
            testing.end_test(session, asked)
            standing.record_failure(session, asked, KeyRejected("No."))
        now = connection_of(workshop.connection_id)
        assert now.test_due_at is not None
        assert (now.checked_at, now.refused_at) == (None, None)


def test_what_an_old_address_offered_is_forgotten_and_asked_for_anew(workshop, witness):
    asking.read_base_models(workshop.connection_id)
    before = names_offered(workshop)
    assert before
    change(workshop, workshop.connection_id, base_url=f"{witness.url}/other")
    assert names_offered(workshop) == []
    change(workshop, workshop.connection_id, base_url=witness.url)
    asking.read_base_models(workshop.connection_id)
    assert names_offered(workshop) == before


def test_a_list_that_comes_when_the_address_is_another_is_not_kept(workshop, witness, monkeypatch):
    opened = asking.open_connection

    def moved_meanwhile(connection, *words, **more):
        provider = opened(connection, *words, **more)
        change(workshop, connection.id, base_url=f"{witness.url}/other")
        return provider

    monkeypatch.setattr(asking, "open_connection", moved_meanwhile)
    asking.read_base_models(workshop.connection_id)
    assert names_offered(workshop) == []


def names_offered(workshop):
    with read_only() as session:
        return [one.name for one in queries.base_models_of(session, workshop.connection_id)]


@one_database
def test_who_tested_ten_within_a_minute_presses_the_button_later(workshop, witness, letters):
    with unit_of_work() as session:
        for _ in range(10):
            testing.count_test(session, workshop.users["owner"])
    change(workshop, workshop.connection_id, api_key=KEY)
    assert connection_of(workshop.connection_id).test_due_at is None
    assert ("connections.test", (workshop.connection_id,)) not in letters.tasks


@one_database
def test_a_script_sees_that_its_connection_is_being_tested(workshop, script, witness, letters):
    owner = script(workshop.users["owner"])
    body = {"name": "Second", "base_url": witness.url, "api_key": KEY}
    made = owner.post(f"/projects/{workshop.project_id}/connections", json=body).json()
    assert (made["status"], made["account"]) == ("testing", None)
    letters.deliver()
    assert owner.get(f"/connections/{made['id']}").json()["status"] == "ready"
