"""The pages and the API about where else notices go."""

import re

import pytest
from sqlalchemy import select

from app.core.database import read_only, unit_of_work
from app.core.orm import Base
from app.notices.models import Delivery, DeliveryTry, Endpoint, Topic
from app.notices.sending import service
from tests.notices.test_telling import say
from tests.stage import one_database

URL = "https://hooks.example.com/luthier?who=us"
SLACK = "https://hooks.slack.com/services/T0/B0/secretsecretWxYz"
SECRET = re.compile(r"whsec_[A-Za-z0-9+/]{44}")
BOXES = {f"topic_{topic}": "yes" for topic in Topic}
HOSTILE = '</code><script>alert(1)</script>" onload=x {{7*7}}'


@pytest.fixture
def owner(team, browser):
    return browser(team.users["owner"])


@pytest.fixture
def api(team, script):
    return script(team.users["owner"])


def at(team):
    return f"/projects/{team.project_id}/endpoints"


def make(api, team, **more):
    sent = {"name": "Deploys", "url": URL, "topics": ["budget", "dates"], **more}
    return api.post(f"/projects/{team.project_id}/webhooks", json=sent)


def stored(words):
    """The tables in which these words stand."""
    found = set()
    with read_only() as session:
        for table in Base.metadata.sorted_tables:
            for row in session.execute(select(table)):
                if any(words in str(value) for value in row):
                    found.add(table.name)
    return found


def test_an_owner_adds_a_webhook_and_sees_its_secret_once(team, owner):
    assert "Where notices go" in owner.get(f"/projects/{team.project_id}/notices").text
    page = owner.post(at(team), {"name": "Deploys", "kind": "webhook", "url": URL, **BOXES})
    assert page.status_code == 200
    secret = SECRET.search(page.text)[0]
    with read_only() as session:
        endpoint = session.query(Endpoint).one()
    again = owner.get(f"/endpoints/{endpoint.id}").text
    assert secret not in again
    assert stored(secret) == set()
    assert "hooks.example.com/luthier?who=us" in again
    assert "Deploys" in owner.get(at(team)).text


def test_a_slack_address_is_sealed_and_only_its_ends_are_shown(team, owner):
    sent = {"name": "#ml", "kind": "slack", "url": SLACK, **BOXES}
    page = owner.post(at(team), sent)
    assert page.status_code == 200
    for shown in (page.text, owner.get(at(team)).text):
        assert "secretsecret" not in shown
        assert "hooks.slack.com/…WxYz" in shown
    assert stored("secretsecret") == set()
    wrong = owner.post(at(team), {**sent, "name": ""})
    assert wrong.status_code == 422
    assert "secretsecret" not in wrong.text


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ({"url": "http://hooks.example.com/"}, "must begin with https://"),
        ({"url": "https://192.168.1.7/"}, "private address"),
        ({"url": "https://169.254.169.254/latest"}, "private address"),
        ({"url": "https://localhost/"}, "private network"),
        ({"url": "https://user:pass@example.com/"}, "Leave user name"),
        ({"url": "https://example.com/?a=\nb"}, "What follows ? is not well formed"),
        ({"name": ""}, "This is needed."),
        ({"kind": "pigeon"}, "Input should be"),
    ],
)
@one_database
def test_what_cannot_be_is_told_beside_its_field(team, owner, sent, words):
    form = {"name": "Deploys", "kind": "webhook", "url": URL, **BOXES, **sent}
    page = owner.post(at(team), form)
    assert page.status_code == 422
    assert words in page.text


@one_database
def test_at_least_one_topic_is_chosen(team, owner, api):
    page = owner.post(at(team), {"name": "Deploys", "kind": "webhook", "url": URL})
    assert page.status_code == 422
    assert "This is needed." in page.text
    assert make(api, team, topics=[]).status_code == 422
    assert make(api, team, topics=["weather"]).status_code == 422


def test_a_script_does_all_of_it(team, api):
    made = make(api, team, topics=["dates", "budget", "dates"])
    assert made.status_code == 201
    one = made.json()
    assert SECRET.fullmatch(one["secret"])
    assert (one["topics"], one["is_on"], one["url"]) == (["budget", "dates"], True, URL)
    path = f"/webhooks/{one['id']}"
    assert api.get(path).json()["secret"] is None
    assert [row["id"] for row in api.get(f"/projects/{team.project_id}/webhooks").json()["data"]]
    changed = api.send(
        "PATCH", path, json={"name": "Other", "is_on": False, "topics": ["job_ended"]}
    ).json()
    assert (changed["name"], changed["is_on"], changed["topics"]) == ("Other", False, ["job_ended"])
    rotated = api.post(f"{path}/rotate", json={}).json()
    assert rotated["secret"] != one["secret"]
    assert rotated["old_secret_until"] is not None
    test = api.post(f"{path}/test", json={})
    assert (test.status_code, test.json()["state"], test.json()["type"]) == (202, "waiting", "test")
    (row,) = api.get(f"{path}/deliveries").json()["data"]
    assert row["message_id"] == test.json()["message_id"]
    assert api.post(f"/deliveries/{row['id']}/again", json={}).status_code == 409
    assert api.send("DELETE", path).status_code == 204
    assert api.get(path).status_code == 404


@one_database
def test_slack_has_no_secret_to_rotate(team, api):
    one = make(api, team, kind="slack", url=SLACK).json()
    assert (one["secret"], one["url"]) == (None, "hooks.slack.com/…WxYz")
    assert api.post(f"/webhooks/{one['id']}/rotate", json={}).status_code == 409


@one_database
def test_a_project_has_twenty_at_most_and_a_person_sends_ten_tests_a_minute(team, api):
    ids = [make(api, team).json()["id"] for _ in range(20)]
    assert make(api, team).status_code == 422
    answers = [api.post(f"/webhooks/{ids[0]}/test", json={}).status_code for _ in range(11)]
    assert answers == [202] * 10 + [429]


def test_what_a_receiver_answers_is_words_in_the_log_and_nothing_else(team, owner, api):
    one = make(api, team).json()
    say(team, title=HOSTILE)
    with unit_of_work() as session:
        (found,) = session.query(Delivery).all()
        sending = service.claim(session, found.id)
    outcome = service.Outcome(31, status=500, answer=HOSTILE, problem="It answered 500.")
    with unit_of_work() as session:
        service.record(session, sending, outcome)
    page = owner.get(f"/endpoints/{one['id']}").text
    assert "<script>alert" not in page
    for words in ("&lt;script&gt;alert(1)", "Trying again", "Try 2 of 10", "31 ms", "Failing"):
        assert words in page
    assert "Failing" in owner.get(at(team)).text


def test_the_log_asks_the_database_as_often_with_many_messages(team, owner, api, queries):
    one = make(api, team).json()
    counts = []
    for keys in (range(2), range(2, 22)):
        for key in keys:
            say(team, f"key {key}")
        with unit_of_work() as session:
            for found in session.query(Delivery).all():
                session.add(DeliveryTry(delivery_id=found.id, at=found.created_at, milliseconds=1))
        owner.get(f"/endpoints/{one['id']}")
        with queries() as seen:
            assert owner.get(f"/endpoints/{one['id']}").status_code == 200
        counts.append(seen.count)
    assert len(set(counts)) == 1


@one_database
def test_switched_and_removed_on_its_page(team, owner, api):
    one = make(api, team).json()
    for word, state in (("off", "Off"), ("on", "On")):
        assert owner.post(f"/endpoints/{one['id']}/{word}").status_code == 303
        assert f"{state}</span>" in owner.get(f"/endpoints/{one['id']}").text
    page = owner.post(f"/endpoints/{one['id']}/rotate", {"keeps_old": "yes"}).text
    assert SECRET.search(page)
    assert "signs too until" in page
    assert "signs too until" not in owner.post(f"/endpoints/{one['id']}/rotate").text
    edit = {"name": "Other", "url": "https://other.example.com/", "topic_dates": "yes"}
    assert owner.post(f"/endpoints/{one['id']}", edit).status_code == 303
    assert api.get(f"/webhooks/{one['id']}").json()["topics"] == ["dates"]
    assert owner.post(f"/endpoints/{one['id']}", {"name": "Other"}).status_code == 422
    assert owner.post(f"/endpoints/{one['id']}/delete").status_code == 303
    assert owner.get(f"/endpoints/{one['id']}").status_code == 404
