"""The ground the tests stand on: one transaction, real servers, no way off the machine."""

import socket

import psycopg
import pytest
import redis
from sqlalchemy import func, select, update

from app.auth import service
from app.auth.models import User
from app.core import clock, database, events, queue
from tests.waiting import eventually


@pytest.mark.parametrize("turn", [1, 2])
def test_what_one_test_commits_the_next_does_not_see(database, turn):
    with _unit() as session:
        assert session.scalar(select(func.count(User.id))) == 0
        service.create_user(session, email="anna@example.org", password_hash=None)

    with _look() as session:
        assert session.scalars(select(User.email)).all() == ["anna@example.org"]


def test_an_undone_unit_of_work_leaves_nothing_and_sends_nothing(database, letters):
    with pytest.raises(ZeroDivisionError), _unit() as session:
        service.create_user(session, email="anna@example.org", password_hash=None)
        queue.enqueue(session, "provider.due")
        raise ZeroDivisionError

    with _unit() as session:
        assert session.scalar(select(func.count(User.id))) == 0
        events.announce(session, "job:1")
    assert letters.tasks == []
    assert letters.nudges == ["job:1"]


def test_a_read_only_session_refuses_to_write(database):
    with _look() as session:
        session.add(User(email="x@example.org", name="x", created_at=clock.now(session)))
        with pytest.raises(AssertionError, match="read-only"):
            session.flush()
        session.expunge_all()
        with pytest.raises(AssertionError, match="read-only"):
            session.execute(update(User).values(name="x"))


def test_the_database_itself_refuses_a_write_outside_tests(home, monkeypatch, postgres_url):
    monkeypatch.setenv("DATABASE_URL", postgres_url)
    from app.settings import settings

    settings.cache_clear()
    with database.read_only() as session:
        with pytest.raises(Exception, match="read-only transaction"):
            session.execute(update(User).values(name="x"))
        session.rollback()
    database.engine().dispose()


def test_the_servers_are_real(postgres_url, broker_url):
    with psycopg.connect(postgres_url) as connection:
        assert connection.info.server_version >= 180000
        (listen,) = connection.execute("SHOW listen_addresses").fetchone()
        assert listen == ""
    with redis.Redis.from_url(broker_url) as client:
        assert client.ping()


def test_nothing_leaves_this_machine():
    with pytest.raises(AssertionError, match="tried to reach"), socket.socket() as plug:
        plug.connect(("192.0.2.1", 80))


def test_waiting_ends_with_what_was_seen_last():
    answers = iter([0, 0, 3])
    assert eventually(lambda: next(answers), every=0) == 3
    with pytest.raises(AssertionError, match="the last answer was 0"):
        eventually(lambda: 0, within=0.01)


def _unit():
    return database.unit_of_work()


def _look():
    return database.read_only()
