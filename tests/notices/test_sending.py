"""Notices sent to real receivers: signed as others verify it, to whom they are for."""

import hashlib
import json
from datetime import datetime

import openai
import pytest

from app.core import clock, instance, secrets
from app.core.database import unit_of_work
from app.notices.endpoints import service as endpoints
from app.notices.models import Endpoint, EndpointKind, Topic
from app.notices.sending import service, words
from app.settings import settings
from tests.notices.outgoing import (
    HOSTILE,
    PATH,
    deliveries,
    later,
    tries,
    verified,
    work,
)
from tests.notices.test_telling import say
from tests.stage import one_database


def test_a_notice_arrives_signed_as_others_verify_it(team, add, receiver):
    _, secret = add()
    say(team, title=HOSTILE, facts={"job_id": 12})
    assert work() == 1
    (received,) = receiver.at(PATH)
    event = verified(received, secret)
    assert event["type"] == "budget.alert"
    assert event["data"]["title"] == HOSTILE
    assert event["data"]["job_id"] == 12
    assert event["data"]["url"] == f"{settings().base_url}/"
    assert datetime.fromisoformat(event["timestamp"]).tzinfo is not None
    with pytest.raises(openai.InvalidWebhookSignatureError):
        verified(received, "whsec_" + "A" * 44)
    (one,) = deliveries()
    assert (one.delivered_at is not None, one.due_at, one.message_id) == (True, None, received.id)
    assert (tries()[0].status, tries()[0].problem) == (200, None)
    assert work() == 0


@one_database
def test_each_endpoint_hears_of_its_topics_alone(team, add, receiver):
    add("/dates", topics=[Topic.DATES])
    add("/budget", topics=[Topic.BUDGET, Topic.DATES])
    say(team)
    say(team, "a")
    work()
    assert [one.path for one in receiver.received] == ["/budget"]


def test_after_a_rotation_both_secrets_sign_for_a_day(team, add, receiver):
    endpoint_id, first = add()
    with unit_of_work() as session:
        found = session.get_one(Endpoint, endpoint_id)
        second = endpoints.rotate_secret(
            session, found, actor_id=team.users["owner"], keeps_old=True
        )
    say(team, "a")
    work()
    later(86_400)
    say(team, "b")
    work()
    both, one = receiver.at(PATH)
    assert verified(both, first) == verified(both, second)
    assert verified(one, second)
    with pytest.raises(openai.InvalidWebhookSignatureError):
        verified(one, first)


@one_database
def test_a_rotation_that_drops_the_old_secret_drops_it_at_once(team, add, receiver):
    endpoint_id, first = add()
    with unit_of_work() as session:
        found = session.get_one(Endpoint, endpoint_id)
        endpoints.rotate_secret(session, found, actor_id=team.users["owner"], keeps_old=False)
    say(team)
    work()
    with pytest.raises(openai.InvalidWebhookSignatureError):
        verified(receiver.at(PATH)[0], first)


def test_slack_gets_one_text_that_pings_nobody_and_links_the_page(team, add, receiver):
    add(kind=EndpointKind.SLACK)
    say(team, title=HOSTILE, text="All & <everything>")
    work()
    (received,) = receiver.at(PATH)
    text = json.loads(received.body)["text"]
    assert text.startswith(f'<{settings().base_url}/|a "b" &lt;!channel&gt; &amp; @\u200bhere')
    assert text.endswith("\nAll &amp; &lt;everything&gt;")
    assert "webhook-signature" not in received.headers


@one_database
def test_an_address_that_became_private_is_not_called(team, add, receiver, monkeypatch):
    add()
    monkeypatch.setenv("LUTHIER_ALLOW_HOSTS", "")
    settings.cache_clear()
    say(team)
    work()
    assert receiver.received == []
    assert "private" in tries()[0].problem


@one_database
def test_a_test_arrives_even_at_an_endpoint_that_is_off(team, add, receiver):
    endpoint_id, secret = add(topics=[Topic.DATES])
    with unit_of_work() as session:
        found = session.get_one(Endpoint, endpoint_id)
        endpoints.change_endpoint(session, found, actor_id=team.users["owner"], is_on=False)
        endpoints.send_test(session, found, actor_id=team.users["owner"])
    work()
    event = verified(receiver.at(PATH)[0], secret)
    assert (event["type"], event["data"]["title"]) == ("test", words.TEST_TITLE)


def test_a_restored_instance_sends_nothing_until_it_may_and_nothing_of_its_other_life(
    team, add, receiver
):
    add()
    say(team)
    with unit_of_work() as session:
        moment = clock.now(session)
        session.add(
            instance.Instance(
                id=instance.ONLY, tag="f" * 16, backed_up_at=moment, restored_at=moment
            )
        )
    assert work() == 0
    with unit_of_work() as session:
        session.get_one(instance.Instance, instance.ONLY).allowed_at = clock.now(session)
    work()
    assert receiver.received == []
    assert deliveries()[0].last_error == service.RESTORED
    clock.shift(1)
    say(team, "b")
    work()
    assert len(receiver.received) == 1


@one_database
def test_secrets_survive_the_instances_rotation_and_are_told_when_they_do_not(
    team, add, receiver, monkeypatch
):
    add()
    old, new = settings().secret.get_secret_value(), "A" * 20 + hashlib.sha256().hexdigest()[:24]
    monkeypatch.setenv("LUTHIER_SECRET", new)
    monkeypatch.setenv("LUTHIER_OLD_SECRET", old)
    settings.cache_clear()
    secrets._ring.cache_clear()
    with unit_of_work() as session:
        assert service.reseal(session) == (1, 0)
    monkeypatch.delenv("LUTHIER_OLD_SECRET")
    settings.cache_clear()
    secrets._ring.cache_clear()
    say(team)
    work()
    assert len(receiver.received) == 1
    monkeypatch.setenv("LUTHIER_SECRET", old)
    settings.cache_clear()
    secrets._ring.cache_clear()
    say(team, "b")
    work()
    assert "Rotate the signing secret" in tries()[-1].problem
    with unit_of_work() as session:
        assert service.reseal(session) == (0, 1)
