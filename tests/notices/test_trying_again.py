"""Receivers that fail and workers that die: tried by the schedule, always with the same id."""

import pytest

from app.core import clock
from app.core.database import unit_of_work
from app.core.errors import Conflict
from app.notices.endpoints import service as endpoints
from app.notices.models import Delivery, Endpoint
from app.notices.sending import service, tasks
from app.notices.sending.service import PAUSES
from tests.notices.outgoing import (
    PATH,
    deliveries,
    endpoint_of,
    later,
    titles,
    tries,
    verified,
    work,
)
from tests.notices.test_telling import say
from tests.stage import one_database


def test_a_receiver_that_fails_is_tried_by_the_schedule_with_the_same_id(team, add, receiver):
    _, secret = add()
    receiver.answers[PATH] = [500, 503, 302]
    receiver.words[PATH] = b"<b>down</b>\x00" + b"x" * 5_000
    say(team)
    assert work() == 1
    assert work() == 0
    for pause in PAUSES[:3]:
        later(pause)
        assert work() == 1
    assert len(receiver.at(PATH)) == 4
    assert len({one.id for one in receiver.at(PATH)}) == 1
    assert verified(receiver.at(PATH)[-1], secret)
    assert [one.status for one in tries()] == [500, 503, 302, 200]
    assert "redirects are not followed" in tries()[2].problem
    assert tries()[0].answer.startswith("<b>down</b>\ufffdxxx")
    assert len(tries()[0].answer) == 1_000
    assert deliveries()[0].delivered_at is not None


@one_database
def test_after_a_failure_nothing_else_goes_there_for_a_while_and_elsewhere_all_goes(
    team, add, receiver
):
    add()
    add("/elsewhere")
    receiver.answers[PATH] = [500] * 2
    for key in "abc":
        say(team, key)
    assert work() == 2
    assert (len(receiver.at(PATH)), len(receiver.at("/elsewhere"))) == (1, 3)
    assert work() == 0
    later(PAUSES[0])
    work()
    assert len(receiver.at(PATH)) == 2


def test_a_receiver_that_says_when_is_asked_then(team, add, receiver):
    add()
    receiver.answers[PATH] = [429]
    receiver.headers[PATH] = {"Retry-After": "120"}
    say(team, "a")
    work()
    say(team, "b")
    assert work() == 0
    clock.shift(119)
    assert work() == 0
    clock.shift(121)
    assert work() == 1
    assert len(receiver.at(PATH)) == 3


@one_database
def test_what_never_arrives_is_given_up_and_the_endpoint_switched_off_and_told_of(
    team, add, receiver
):
    endpoint_id, _ = add()
    receiver.answers[PATH] = [500] * 99
    say(team)
    for pause in (*PAUSES, 0):
        work()
        later(pause)
    (one,) = deliveries()
    assert (one.tries, one.due_at, one.last_error) == (10, None, "It answered 500.")
    assert endpoint_of(endpoint_id).stopped_at is not None
    assert "Deploys is switched off" in titles(team)
    say(team, "later")
    assert work() == 0


@one_database
def test_a_receiver_that_is_gone_is_not_asked_again(team, add, receiver):
    endpoint_id, _ = add()
    receiver.answers[PATH] = [410]
    say(team)
    work()
    later(PAUSES[0])
    assert work() == 0
    assert "410" in endpoint_of(endpoint_id).stopped_words
    assert titles(team) == ["Half is spent", "Deploys is switched off"]


@one_database
def test_switched_on_again_it_begins_with_a_clean_record(team, add, receiver):
    endpoint_id, _ = add()
    receiver.answers[PATH] = [410]
    say(team)
    work()
    with unit_of_work() as session:
        found = session.get_one(Endpoint, endpoint_id)
        endpoints.change_endpoint(session, found, actor_id=team.users["owner"], is_on=True)
    say(team, "b")
    work()
    assert len(receiver.at(PATH)) == 2
    assert endpoint_of(endpoint_id).failing_since is None


@one_database
def test_what_waits_for_an_endpoint_that_is_switched_off_is_not_sent(team, add, receiver):
    endpoint_id, _ = add()
    say(team)
    with unit_of_work() as session:
        found = session.get_one(Endpoint, endpoint_id)
        endpoints.change_endpoint(session, found, actor_id=team.users["owner"], is_on=False)
    work()
    assert receiver.received == []
    assert deliveries()[0].last_error == service.STOPPED


def test_a_worker_that_dies_after_sending_sends_once_more_with_the_same_id(team, add, receiver):
    add()
    say(team)
    ((_, delivery_id),) = tasks.waiting()
    with unit_of_work() as session:
        late = service.claim(session, delivery_id)
    tasks.send(delivery_id)  # another has it
    assert tasks.waiting() == []
    assert receiver.received == []
    clock.shift(service.LEASE_SECONDS + 1)
    work()
    with unit_of_work() as session:
        assert service.record(session, late, service.Outcome(1, status=200)) is None
    assert len(receiver.at(PATH)) == 1
    assert len(tries()) == 1


@one_database
def test_run_twice_it_sends_once(team, add, receiver):
    add()
    say(team)
    ((_, delivery_id),) = tasks.waiting()
    for _ in range(2):
        tasks.send(delivery_id)
    assert len(receiver.received) == 1


@one_database
def test_what_is_sent_again_has_the_id_it_had(team, add, receiver):
    add()
    say(team)
    work()
    (one,) = deliveries()
    for _ in range(2):
        with unit_of_work() as session:
            found = session.get_one(Delivery, one.id)
            if found.due_at is None:
                service.send_again(session, found, actor_id=team.users["owner"])
            else:
                with pytest.raises(Conflict):
                    service.send_again(session, found, actor_id=team.users["owner"])
    work()
    first, second = receiver.at(PATH)
    assert first.id == second.id


@one_database
def test_the_log_forgets_what_was_settled_a_month_ago(team, add, receiver):
    add()
    say(team)
    work()
    say(team, "b")
    clock.shift(31 * 86_400)
    with unit_of_work() as session:
        service.forget_old(session, team.project_id)
    assert [one.delivered_at for one in deliveries()] == [None]
    assert tries() == []
