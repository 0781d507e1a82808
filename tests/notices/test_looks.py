"""Notices come at their distances, once each, whatever happens to workers, clocks and dates."""

import threading
from datetime import UTC, datetime, time

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from app.auth.models import User
from app.catalog import owners
from app.catalog.forms import NewDay
from app.connections.models import Connection
from app.core import clock
from app.core.database import read_only, unit_of_work
from app.datasets.models import DatasetVersion
from app.notices import service, tasks
from app.notices.models import DateWatch, Notice
from app.projects import service as projects
from app.projects.models import Project
from tests import make
from tests.notices.steps import (
    BASE,
    days,
    furnish,
    go_to,
    look,
    notices_of,
    says,
    standing,
    told,
)
from tests.stage import make_team, one_database, run_together


@pytest.mark.parametrize(
    ("left", "due"),
    [
        (10_000, None), (91, None), (90, 90), (61, 90), (60, 60), (31, 60), (30, 30), (15, 30),
        (14, 14), (8, 14), (7, 7), (2, 7), (1, 1), (0, 1), (-1, None), (-400, None),
    ],
)  # fmt: skip
def test_the_latest_distance_is_due_and_none_of_a_day_that_has_passed(left, due):
    assert service.distance_due(left) == due


def test_as_days_go_by_each_distance_is_told_once(dated, today):
    says(dated, today + days(100))
    around = {100 - left + beside for left in (90, 60, 30, 14, 7, 1, 0) for beside in (-1, 0, 1)}
    for gone in sorted(around):
        go_to(today + days(gone))
        look(dated)
        look(dated)
    assert told(dated) == [(90, 90), (60, 60), (30, 30), (14, 14), (7, 7), (1, 1)]
    assert standing(dated) == []


def test_only_the_newest_stands(dated, today):
    says(dated, today + days(14))
    look(dated)
    go_to(today + days(7))
    look(dated)
    assert told(dated) == [(14, 14), (7, 7)]
    assert [one.days_ahead for one in standing(dated)] == [7]


@one_database
def test_an_instance_that_was_off_for_a_month_tells_the_newest_alone(dated, today):
    says(dated, today + days(95))
    look(dated)
    assert told(dated) == []
    go_to(today + days(65))
    look(dated)
    assert told(dated) == [(30, 30)]
    go_to(today + days(95))
    look(dated)
    assert told(dated) == [(30, 30), (1, 0)]


@one_database
def test_a_date_heard_of_late_is_told_by_its_distance(dated, today):
    says(dated, today + days(45))
    look(dated)
    look(dated)
    assert told(dated) == [(60, 45)]


def test_a_date_that_moves_is_told_again_from_its_new_distance(dated, today):
    says(dated, today + days(20))
    look(dated)
    says(dated, today + days(50))
    look(dated)
    look(dated)
    assert told(dated) == [(30, 20), (60, 50)]
    assert [one.left_days for one in standing(dated)] == [50]
    says(dated, today + days(20))
    look(dated)
    assert told(dated) == [(30, 20), (60, 50), (30, 20)]
    assert len(standing(dated)) == 1


@one_database
def test_a_date_that_moves_out_of_sight_is_told_when_its_time_comes(dated, today):
    says(dated, today + days(20))
    look(dated)
    says(dated, today + days(200))
    look(dated)
    assert told(dated) == [(30, 20)]
    assert standing(dated) == []
    go_to(today + days(110))
    look(dated)
    assert told(dated) == [(30, 20), (90, 90)]


@one_database
def test_a_date_that_nobody_names_any_more_is_no_longer_standing_and_is_not_told_twice(
    dated, today
):
    says(dated, today + days(20))
    look(dated)
    says(dated, None)
    look(dated)
    assert standing(dated) == []
    says(dated, today + days(20))
    look(dated)
    assert told(dated) == [(30, 20)]
    assert len(standing(dated)) == 1


@one_database
def test_a_clock_that_jumps_ahead_and_back_tells_nothing_twice(dated, today):
    says(dated, today + days(60))
    for gone in (0, 59, 0, 30, 0, 46, 53, 59, 60):
        go_to(today + days(gone))
        look(dated)
    assert sorted(told(dated)) == [(1, 1), (7, 7), (14, 14), (30, 30), (60, 60)]


@one_database
def test_a_day_begins_at_midnight_utc(dated, today):
    says(dated, today + days(31))
    go_to(today, time(23, 59, 58))
    look(dated)
    assert told(dated) == [(60, 31)]
    with read_only() as session:
        row = session.scalars(select(DateWatch).where(DateWatch.project_id == dated.project_id))
        assert row.one().due_at == datetime.combine(today + days(1), time(), UTC)
    go_to(today + days(1), time(0, 0, 1))
    look(dated)
    assert told(dated) == [(60, 31), (30, 30)]


@one_database
def test_many_models_on_one_base_are_one_notice(dated, today):
    with unit_of_work() as session:
        project = session.get_one(Project, dated.project_id)
        account = session.get_one(Connection, dated.account_id)
        version = session.get_one(DatasetVersion, dated.version_id)
        for number in range(2, 30):
            make.make_model(
                session, project, account, version,
                model_name=f"acme:{number}", base_model=BASE, key=f"form:{number}",
            )  # fmt: skip
    says(dated, today + days(30))
    look(dated)
    (notice,) = notices_of(dated)
    assert notice.title.startswith(f"{BASE} stops at")
    assert notice.depends.startswith("29 tuned models")


@one_database
def test_a_fresh_project_is_looked_at_and_nothing_is_due_for_an_hour(dated, letters):
    from app.main import create_app  # what the program puts into new projects

    assert create_app
    with unit_of_work() as session:
        owner = session.get_one(Project, dated.project_id).created_by
        user = session.get_one(make.User, owner)
        fresh = projects.create_project(session, name="Fresh", user=user)
        (row,) = session.scalars(select(DateWatch).where(DateWatch.project_id == fresh.id)).all()
    assert ("notices.look", row.id) in tasks.waiting()
    letters.ring(tasks.waiting)
    letters.deliver()
    assert tasks.waiting() == []
    with read_only() as session:
        wait = session.get_one(DateWatch, row.id).due_at - clock.now(session)
    assert 0 < wait.total_seconds() <= 60  # an hour, of which tests take a sixtieth


@one_database
def test_a_day_that_the_owner_changes_is_looked_at_at_once(dated, today, letters):
    from app import reactions  # what the program does when days move

    assert reactions
    look(dated)
    assert [name for name, _ in tasks.waiting()] == []
    with unit_of_work() as session:
        owner = session.get_one(User, dated.users["owner"])
        form = NewDay(
            profile="compatible", kind="base_model", models=[BASE], title="It stops",
            day=today + days(30), why="they wrote to us",
        )  # fmt: skip
        owners.add_day(session, user=owner, form=form)
    letters.ring(tasks.waiting)
    letters.deliver()
    assert told(dated) == [(30, 30)]


@one_database
def test_a_date_that_changes_while_it_is_looked_at_is_looked_at_again(dated, today):
    with unit_of_work() as session:
        service.look_soon(session, dated.project_id)
        watch_id = session.scalars(
            select(DateWatch.id).where(DateWatch.project_id == dated.project_id)
        ).one()
        work = service.claim(session, watch_id)
    go_to(today, time(23))
    with unit_of_work() as session:
        session.get_one(DateWatch, watch_id).due_at = clock.now(session)
    with unit_of_work() as session:
        service.record_look(session, work, [])
    assert ("notices.look", watch_id) in tasks.waiting()


@one_database
def test_a_worker_that_died_on_the_way_told_nothing_and_the_next_tells_it(dated, today):
    says(dated, today + days(7))
    with unit_of_work() as session:
        service.look_soon(session)
        watch_id = session.scalars(
            select(DateWatch.id).where(DateWatch.project_id == dated.project_id)
        ).one()
        late = service.claim(session, watch_id)
    tasks.look(watch_id)
    assert told(dated) == []
    go_to(today + days(1))  # the lease is long over
    tasks.look(watch_id)
    assert told(dated) == [(7, 6)]
    with unit_of_work() as session:
        service.record_look(session, late, [])
    assert len(standing(dated)) == 1


def test_two_workers_at_once_tell_it_once(real_database):
    team = furnish(make_team(make.PUBLIC_URL, "sk-0123456789abcdef"))
    with read_only() as session:
        today = clock.now(session).date()
    says(team, today + days(14))
    with unit_of_work() as session:
        watch_id = session.scalars(
            select(DateWatch.id).where(DateWatch.project_id == team.project_id)
        ).one()
    together, failed = threading.Barrier(4), []

    def work():
        try:
            together.wait(10)
            tasks.look(watch_id)
        except Exception as error:  # noqa: BLE001 - a thread's failure is the test's
            failed.append(error)

    run_together(work, 4)

    assert failed == []
    assert told(team) == [(14, 14)]
    with read_only() as session:
        row = session.get_one(DateWatch, watch_id)
    assert (row.fence, row.lease_until) == (1, None)


def test_the_table_itself_refuses_a_second_notice(dated, today):
    says(dated, today + days(14))
    look(dated)
    (first,) = notices_of(dated)
    with pytest.raises(IntegrityError), unit_of_work() as session:
        names = [one.name for one in Notice.__table__.columns if one.name != "id"]
        session.add(Notice(**{name: getattr(first, name) for name in names}))


def test_open_pages_hear_of_a_notice_and_of_nothing_else(dated, today, letters):
    says(dated, today + days(14))
    letters.nudges.clear()
    look(dated)
    assert f"project:{dated.project_id}" in letters.nudges
    letters.nudges.clear()
    look(dated)
    assert letters.nudges == []
