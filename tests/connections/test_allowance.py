"""A provider is asked no oftener than its profile says, by all processes together."""

import threading
from datetime import timedelta

import pytest

from app.connections import allowance, standing
from app.connections.allowance import Allowance
from app.connections.models import Connection
from app.connections.service import open_connection
from app.core import clock
from app.core.database import read_only, unit_of_work
from app.core.http import HeldBack
from app.core.secrets import new_token
from app.providers.base import AllowanceSpent
from app.settings import settings
from tests import make
from tests.stage import connection_of, run_together

PER_MINUTE = 120  # OpenAI's profile


@pytest.fixture(autouse=True)
def _real_time(monkeypatch, home):
    monkeypatch.setenv("LUTHIER_WAIT_DIVISOR", "1")
    settings.cache_clear()


def calls_within(connection_id, seconds, *, is_urgent):
    """How many calls a caller without patience gets, a minute of the clock."""
    made, began_at = 0, moment()
    for second in range(seconds):
        clock.shift(second)
        with unit_of_work() as session:
            connection = session.get_one(Connection, connection_id)
            while not standing.reserve_calls(session, connection, count=1, is_urgent=is_urgent):
                made += 1
    return made * min(60 / (moment() - began_at).total_seconds(), 1.0)


def moment():
    with read_only() as session:
        return clock.now(session)


@pytest.mark.parametrize("is_urgent", [True, False])
def test_no_minute_sees_more_calls_than_the_profile_allows(team, is_urgent):
    made = calls_within(team.connection_id, 60, is_urgent=is_urgent)
    assert PER_MINUTE * 0.75 <= made <= PER_MINUTE


def test_what_nobody_watches_leaves_room_for_what_somebody_does(team):
    calls_within(team.connection_id, 1, is_urgent=False)
    left = calls_within(team.connection_id, 1, is_urgent=True)
    assert left >= PER_MINUTE // 10


def test_what_is_left_is_taken_without_waiting(team, monkeypatch):
    monkeypatch.setattr(allowance.time, "sleep", lambda seconds: seconds and pytest.fail("waits"))
    gate, made = Allowance(connection_of(team.connection_id), is_urgent=True), 0
    gate.take_what_is_left()
    with pytest.raises(HeldBack):
        while True:
            gate()
            made += 1
    assert PER_MINUTE // 10 <= made <= PER_MINUTE // 4
    assert calls_within(team.connection_id, 1, is_urgent=True) >= PER_MINUTE // 10


def test_many_at_once_do_not_get_more_together(real_database):
    with unit_of_work() as session:
        project = make.make_project(session, make.make_user(session, new_token()[:8]))
        connection = make.make_connection(session, project)
    made, lock = [], threading.Lock()

    def ask():
        with unit_of_work() as session:
            mine = session.get_one(Connection, connection.id)
            if not standing.reserve_calls(session, mine, count=1, is_urgent=True):
                with lock:
                    made.append(1)

    for _ in range(10):
        run_together(ask, 8)
    assert PER_MINUTE // 4 <= len(made) <= PER_MINUTE // 2


def test_a_turn_that_is_far_away_is_not_waited_for(team):
    spent(team.connection_id)
    with pytest.raises(HeldBack) as held:
        Allowance(connection_of(team.connection_id), is_urgent=True)()
    assert held.value.seconds > allowance.PATIENCE_SECONDS


def spent(connection_id):
    """Others have used up the allowance of the next minutes."""
    with unit_of_work() as session:
        connection = session.get_one(Connection, connection_id)
        connection.calls_spent_until = clock.now(session) + timedelta(minutes=5)


def test_a_spent_allowance_is_nobodys_failing_and_nothing_leaves(workshop, witness, script):
    spent(workshop.connection_id)
    connection = connection_of(workshop.connection_id)
    with open_connection(connection) as provider, pytest.raises(AllowanceSpent):
        provider.base_models()
    with unit_of_work() as session:
        standing.record_failure(session, connection, AllowanceSpent("Too fast."))
    tested = script(workshop.users["owner"]).post(f"/connections/{connection.id}/test")
    assert tested.status_code == 429
    assert connection_of(workshop.connection_id).words is None
    assert witness.journal.read() == []


def test_our_own_pace_is_said_on_the_job_and_fills_no_log(workshop, witness):
    from app.jobs import tasks
    from tests.jobs.steps import log_of, make_due, queue_job
    from tests.stage import job_of

    job_id = queue_job(workshop)
    before = log_of(job_id)
    for _ in range(3):
        spent(workshop.connection_id)
        make_due(job_id)
        tasks.start(job_id)
    assert log_of(job_id) == before
    assert "no faster than this provider allows" in job_of(job_id).last_error
    assert witness.journal.read() == []


def test_an_order_that_is_held_back_was_not_sent(workshop, witness, monkeypatch):
    from app.jobs import tasks
    from tests.jobs.steps import attempts_of, queue_job

    job_id = queue_job(workshop)
    real = tasks.starts.write_order

    def written_and_spent(session, work):
        order = real(session, work)
        connection = session.get_one(Connection, workshop.connection_id)
        connection.calls_spent_until = clock.now(session) + timedelta(minutes=5)
        return order

    monkeypatch.setattr(tasks.starts, "write_order", written_and_spent)
    tasks.start(job_id)
    (attempt,) = attempts_of(job_id)
    assert attempt.outcome == "not_sent"
    assert witness.creates == []
