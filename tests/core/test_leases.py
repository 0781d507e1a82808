"""Work that a row asks for: taken once, given back, and fenced against those who come late."""

import threading
from datetime import timedelta

import pytest

from app.core import clock, leases
from app.core.database import read_only, unit_of_work
from app.datasets.models import DatasetVersion
from tests import make
from tests.stage import make_team


@pytest.fixture
def row(team):
    with unit_of_work() as session:
        version = session.get_one(DatasetVersion, team.version_id)
        version.due_at, version.attempts = clock.now(session), 0
    return team.version_id


def claim(row, seconds=60):
    with unit_of_work() as session:
        return leases.claim(session, DatasetVersion, row, seconds=seconds)


def due():
    with read_only() as session:
        return list(leases.due_ids(session, DatasetVersion))


def test_a_due_row_is_taken_once(row):
    assert due() == [row]
    first = claim(row)
    assert first is not None
    assert claim(row) is None
    assert due() == []


def test_a_row_that_is_not_due_is_not_taken(row):
    with unit_of_work() as session:
        session.get_one(DatasetVersion, row).due_at = clock.now(session) + timedelta(seconds=5)
    assert claim(row) is None
    clock.shift(6)
    assert claim(row) is not None


def test_a_lease_that_ran_out_is_taken_with_a_higher_fence(row):
    first = claim(row, seconds=60)
    clock.shift(61)
    second = claim(row)
    assert second > first
    with unit_of_work() as session:
        assert leases.hold(session, DatasetVersion, row, first) is None
        assert not leases.renew(session, DatasetVersion, row, first, seconds=60)
        assert leases.hold(session, DatasetVersion, row, second).id == row


def test_a_renewed_lease_lasts(row):
    fence = claim(row, seconds=60)
    clock.shift(50)
    with unit_of_work() as session:
        assert leases.renew(session, DatasetVersion, row, fence, seconds=60)
    clock.shift(100)
    assert claim(row) is None


def test_settling_gives_it_back(row):
    fence = claim(row)
    with unit_of_work() as session:
        held = leases.hold(session, DatasetVersion, row, fence)
        leases.settle(held, due_at=clock.now(session), error="A word.")
    assert claim(row) is not None
    with read_only() as session:
        assert session.get_one(DatasetVersion, row).last_error == "A word."


def test_three_deaths_without_progress_poison_it(row):
    for turn in range(leases.POISON_AFTER):
        assert claim(row, seconds=10) is not None
        clock.shift(11 * (turn + 1))
    assert claim(row) is None
    assert due() == []
    with unit_of_work() as session:
        found = session.get_one(DatasetVersion, row)
        assert leases.is_poisoned(found, clock.now(session))
        leases.try_again(session, found)
    assert claim(row) is not None


def test_the_longest_waiting_is_named_first(team, row):
    with unit_of_work() as session:
        version = session.get_one(DatasetVersion, row)
        project = session.get_one(make.Project, team.project_id)
        earlier = make.make_version(session, project)
        earlier.due_at = version.due_at - timedelta(seconds=9)
    assert due() == [earlier.id, row]


def test_of_many_workers_at_once_one_gets_it(real_database):
    team = make_team(make.PUBLIC_URL, "sk-0123456789abcdef")
    with unit_of_work() as session:
        session.get_one(DatasetVersion, team.version_id).due_at = clock.now(session)
    fences = []
    workers = [
        threading.Thread(target=lambda: fences.append(claim(team.version_id))) for _ in range(8)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(30)
    assert len(fences) == 8
    assert sum(fence is not None for fence in fences) == 1
