"""Work that a row asks for: taken once, given back, and fenced against those who come late."""

import threading
from datetime import timedelta

import pytest

from app.core import clock, leases
from app.core.database import read_only, unit_of_work
from app.datasets.models import DatasetVersion
from tests import make
from tests.stage import make_team, run_together


@pytest.fixture
def row(team):
    with unit_of_work() as session:
        version = session.get_one(DatasetVersion, team.version_id)
        version.due_at, version.attempts = clock.now(session), 0
    return team.version_id


def claim(row, seconds=60):
    with unit_of_work() as session:
        return leases.claim(session, DatasetVersion, row, seconds=seconds)


def claim_many(limit=100, seconds=60):
    with unit_of_work() as session:
        return leases.claim_many(session, DatasetVersion, seconds=seconds, limit=limit)


def settle_many(fences, **words):
    with unit_of_work() as session:
        return leases.settle_many(session, DatasetVersion, fences, **{"due_at": None, **words})


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


@pytest.fixture
def rows(team, row):
    """Five rows that are due, the longest waiting first."""
    return make_due_rows(team, row, count=5)


def make_due_rows(team, row, *, count):
    with unit_of_work() as session:
        first = session.get_one(DatasetVersion, row)
        columns = {column.key for column in DatasetVersion.__table__.columns} - {"id"}
        common = {name: getattr(first, name) for name in columns}
        moment = clock.now(session) - timedelta(minutes=1)
        first.due_at = moment
        copies = [
            DatasetVersion(
                **common | {"number": n + 1, "due_at": moment + timedelta(milliseconds=n)}
            )
            for n in range(1, count)
        ]
        session.add_all(copies)
        session.flush()
        return [row, *(copy.id for copy in copies)]


def test_many_are_taken_at_once_the_longest_waiting_first(rows):
    first = claim_many(limit=3)
    assert first.keys() == set(rows[:3])
    assert claim_many().keys() == set(rows[3:])
    assert claim_many() == {}


def test_many_that_come_back_are_taken_with_higher_fences(rows):
    first = claim_many(limit=3, seconds=60)
    clock.shift(61)
    second = claim_many(limit=3)
    assert second == {row_id: fence + 1 for row_id, fence in first.items()}
    assert settle_many(first, error="Too late.") == set()
    with read_only() as session:
        assert {session.get_one(DatasetVersion, one).last_error for one in rows} == {None}
    assert settle_many({**second, rows[3]: 7}) == set(rows[:3])
    assert due() == rows[3:]


def test_many_can_be_given_back_for_another_try(rows):
    with read_only() as session:
        later = clock.now(session) + timedelta(seconds=9)
    taken = claim_many(limit=2)
    assert settle_many(taken, due_at=later, has_progress=False, error="No.") == set(rows[:2])
    assert claim_many().keys() == set(rows[2:])
    clock.shift(10)
    assert claim_many().keys() == set(rows[:2])
    with read_only() as session:
        found = session.get_one(DatasetVersion, rows[0])
        assert (found.last_error, found.attempts) == ("No.", 2)


def test_what_is_poisoned_or_not_asked_for_is_not_among_the_many(rows):
    with unit_of_work() as session:
        session.get_one(DatasetVersion, rows[0]).attempts = leases.POISON_AFTER
        wanted = [DatasetVersion.id != rows[1]]
        taken = leases.claim_many(session, DatasetVersion, seconds=60, where=wanted)
    assert taken.keys() == set(rows[2:])


def test_of_many_rows_none_is_given_to_two(real_database):
    """Eight claimers at once, two rows at a time, each giving back what it took."""
    team = make_team(make.PUBLIC_URL, "sk-0123456789abcdef")
    rows = make_due_rows(team, team.version_id, count=60)
    taken, settled = [], []

    def work():
        while fences := claim_many(limit=2):
            taken.extend(fences)
            settled.extend(settle_many(fences))

    run_together(work, 8)
    assert sorted(taken) == rows
    assert sorted(settled) == rows


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
