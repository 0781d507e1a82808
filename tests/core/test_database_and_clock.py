"""The unit of work, and what time it is."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import text
from sqlalchemy.exc import StatementError

from app.auth.models import User
from app.core import clock
from app.core.database import after_commit, is_read_only, read_only, unit_of_work
from tests import make


def test_what_waits_for_the_commit_sees_the_row(real_database):
    seen = []

    def look():
        with read_only() as other:
            seen.append(other.query(User).count())

    with unit_of_work() as session:
        make.make_user(session)
        after_commit(session, look)
        assert seen == []
    assert seen == [1]


def test_a_unit_that_fails_leaves_and_sends_nothing(real_database):
    sent = []
    with pytest.raises(ZeroDivisionError), unit_of_work() as session:
        make.make_user(session)
        after_commit(session, lambda: sent.append(1))
        raise ZeroDivisionError
    with read_only() as session:
        assert session.query(User).count() == 0
    assert sent == []


def test_the_database_refuses_a_write_of_a_session_that_looks(real_database):
    with pytest.raises(Exception, match=r"read-?only"), read_only() as session:
        assert is_read_only(session)
        make.make_user(session)
    with unit_of_work() as session:
        assert not is_read_only(session)
        make.make_user(session)


def test_two_writers_wait_for_each_other(real_database):
    with unit_of_work() as session:
        user_id = make.make_user(session).id

    import threading

    def rename(times):
        for _ in range(times):
            with unit_of_work() as session:
                user = session.get_one(User, user_id, with_for_update=True)
                user.name = str(int(user.name.strip("Aan") or 0) + 1)

    threads = [threading.Thread(target=rename, args=(10,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    with read_only() as session:
        assert session.get_one(User, user_id).name == "40"


def test_now_is_the_databases_time_in_milliseconds(session):
    moment = clock.now(session)
    assert moment.tzinfo is UTC
    assert moment.microsecond % 1000 == 0
    assert abs(datetime.now(UTC) - moment) < timedelta(seconds=30)
    clock.shift(3600)
    assert timedelta(minutes=59) < clock.now(session) - moment < timedelta(minutes=61)


def test_a_moment_comes_out_as_it_went_in(session):
    user = make.make_user(session)
    there = datetime(2026, 3, 29, 3, 30, 0, 123000, tzinfo=timezone(timedelta(hours=2)))
    user.disabled_at = there
    session.flush()
    session.refresh(user)
    assert user.disabled_at == there
    assert user.disabled_at.tzinfo is UTC
    user.disabled_at = datetime(2026, 1, 1)  # noqa: DTZ001 - the point
    with pytest.raises(StatementError, match="time zone"):
        session.flush()
    session.rollback()


def test_foreign_keys_hold_on_both(session):
    with pytest.raises(Exception, match=r"(?i)foreign key"), session.begin_nested():
        session.execute(
            text(
                "INSERT INTO memberships (project_id, user_id, role, created_at)"
                " VALUES (99, 99, 'owner', CURRENT_TIMESTAMP)"
            )
        )
