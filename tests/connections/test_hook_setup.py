"""Setting a webhook up: by the provider's API, by hand, rotated, removed, and what dies between."""

import json

import pytest

from app.connections import hook_asking, hook_setup
from app.connections.hook_secrets import secrets_at, url_of
from app.connections.models import Connection
from app.core import clock
from app.core.database import read_only, unit_of_work
from app.core.errors import Conflict, NotFound, ProviderFailed
from app.settings import settings
from tests import make
from tests.hooks import OTHER_SECRET, SECRET, deliver, deliveries, event, give_hook, hook_of, signed
from tests.stage import connection_of, one_database
from tests.witness.script import Fault, refusal

ENDPOINTS = "/v1/webhook_endpoints"
LIST, CREATE = f"GET {ENDPOINTS}", f"POST {ENDPOINTS}"
ROTATE, TEST = f"POST {ENDPOINTS}/[^/]+/rotate_secret", f"POST {ENDPOINTS}/[^/]+/test"
DELETE = f"DELETE {ENDPOINTS}/[^/]+"


def answered(route, body, **more):
    return Fault(route, body=json.dumps(body), **more)


def told(route, secret=SECRET, endpoint_id="we_1", **more):
    """The provider tells a secret."""
    body = {"object": "webhook_endpoint", "id": endpoint_id, "signing_secret": secret}
    return answered(route, body, **more)


def listed(*endpoints):
    found = [{"id": name, "url": url} for name, url in endpoints]
    return answered(LIST, {"object": "list", "data": found, "has_more": False})


def gone(route):
    body = refusal("No such webhook endpoint: we_1", "not_found")
    return answered(route, body, status=404)


def path_of(team):
    return f"/connections/{team.connection_id}/webhook"


def asked(witness):
    return [one.route for one in witness.journal.read() if ENDPOINTS in one.path]


@pytest.fixture
def owner(workshop, browser):
    return browser(workshop.users["owner"])


@pytest.fixture
def ready(workshop, owner, witness):
    """A webhook that the provider's API made."""
    witness.script(listed(), told(CREATE))
    assert owner.post(path_of(workshop)).status_code == 303
    return hook_of(workshop.connection_id)


def known(hook):
    with read_only() as session:
        return secrets_at(hook, clock.now(session))


def test_one_button_makes_the_endpoint_there_and_keeps_its_secret(workshop, owner, witness, client):
    witness.script(listed(), told(CREATE))

    done = owner.post(path_of(workshop))

    assert (done.status_code, done.headers["location"]) == (303, path_of(workshop))
    hook = hook_of(workshop.connection_id)
    assert (hook.endpoint_id, hook.secret_hint, known(hook)) == ("we_1", SECRET[-4:], [SECRET])
    (made,) = witness.journal.read(CREATE)
    assert made.body == {
        "name": "Luthier: OpenAI",
        "url": url_of(hook),
        "event_types": [
            "fine_tuning.job.succeeded",
            "fine_tuning.job.failed",
            "fine_tuning.job.cancelled",
        ],
    }
    path = url_of(hook).removeprefix("http://127.0.0.1:8000")
    assert deliver(client, path, signed(event("ftjob-1"))) == 204
    shown = owner.get(path_of(workshop)).text
    assert "No job here has this run." in shown
    assert url_of(hook) in shown
    assert SECRET not in shown
    short = owner.get(f"{path_of(workshop)}/short").text
    assert "tells Luthier when a run has ended" in short
    assert path not in short


@one_database
def test_what_an_earlier_try_left_at_the_provider_goes(workshop, owner, witness):
    """It died before it kept the secret: the endpoint there is of no use."""
    path = give_hook(workshop.connection_id, secret=None)
    ours, other = f"http://127.0.0.1:8000{path}", "https://elsewhere.example/hooks/x"
    witness.script(
        listed(("we_other", other), ("we_lost", ours)), answered(DELETE, {"id": "we_lost"})
    )
    witness.script(told(CREATE, endpoint_id="we_2"))
    assert owner.post(path_of(workshop)).status_code == 303
    assert asked(witness) == [LIST, f"DELETE {ENDPOINTS}/we_lost", CREATE]
    assert hook_of(workshop.connection_id).endpoint_id == "we_2"


@one_database
def test_set_up_again_the_endpoint_that_is_good_goes_last(workshop, owner, witness, ready):
    here = ("we_1", url_of(ready))
    refused = json.dumps(refusal("You may not.", param="url"))
    witness.script(listed(here), Fault(CREATE, status=400, body=refused))
    assert owner.post(path_of(workshop)).status_code == 502
    assert hook_of(workshop.connection_id).endpoint_id == "we_1"
    witness.script(listed(here), told(CREATE, OTHER_SECRET, "we_2"), Fault(DELETE, status=500))
    assert owner.post(path_of(workshop)).status_code == 303
    assert asked(witness)[-2:] == [CREATE, f"DELETE {ENDPOINTS}/we_1"]
    hook = hook_of(workshop.connection_id)
    assert (hook.endpoint_id, known(hook)) == ("we_2", [OTHER_SECRET, SECRET])


@one_database
@pytest.mark.parametrize(
    "wrong",
    [
        {"status": 404, "body": json.dumps(refusal("Unknown request URL."))},
        {"status": 403, "body": json.dumps(refusal("Missing scopes: api.webhooks.write"))},
        {"status": 500, "body": "<html>"},
        {"body": "<html>"},
        {"body": '{"id": "we_1"}'},
        {"body": '{"id": "we_1", "signing_secret": "whsec_c2hvcnQ="}'},
        {"end": "drop"},
    ],
)
def test_where_the_provider_makes_none_its_words_are_shown_and_hands_can_do_it(
    workshop, owner, witness, wrong
):
    witness.script(listed(), Fault(CREATE, **wrong))
    refused = owner.post(path_of(workshop))
    assert refused.status_code in {409, 502}
    assert 'role="alert"' in refused.text
    assert "Copy the signing secret" in refused.text
    assert hook_of(workshop.connection_id).sealed_secret is None
    saved = owner.post(f"{path_of(workshop)}/secret", {"secret": f" {SECRET}\n"})
    assert saved.status_code == 303
    assert known(hook_of(workshop.connection_id)) == [SECRET]


@one_database
@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_c2hvcnQ=", "sk-no-secret", "whsec_ü"])
def test_by_hand_a_secret_that_is_none_is_refused_where_it_is_typed(workshop, owner, secret):
    assert owner.post(f"{path_of(workshop)}/by-hand").status_code == 303
    refused = owner.post(f"{path_of(workshop)}/secret", {"secret": secret})
    assert refused.status_code == 422
    assert "secret-error" in refused.text
    assert hook_of(workshop.connection_id).sealed_secret is None


def test_a_rotation_keeps_both_secrets_for_a_day(workshop, owner, witness, ready):
    witness.script(told(ROTATE, OTHER_SECRET))
    assert owner.post(f"{path_of(workshop)}/rotate").status_code == 303
    assert known(hook_of(workshop.connection_id)) == [OTHER_SECRET, SECRET]
    (one,) = witness.journal.read(ROTATE)
    assert one.body == {"keep_old_secret_active_for_24_hours": True}
    assert "The one before" in owner.get(path_of(workshop)).text


class Killed(BaseException):
    """As if the process had ended here."""


@one_database
def test_who_dies_between_the_providers_answer_and_keeping_it_loses_nothing(
    workshop, owner, witness, ready, client, monkeypatch
):
    """The old secret signs along for a day; the page says what to do, and doing it helps."""
    connection = connection_of(workshop.connection_id)
    witness.script(told(ROTATE, OTHER_SECRET))
    with monkeypatch.context() as patch:
        patch.setattr(hook_setup, "record_secret", lambda *_, **__: (_ for _ in ()).throw(Killed))
        with pytest.raises(Killed):
            hook_asking.rotate(connection, user_id=workshop.users["owner"])
    assert known(hook_of(workshop.connection_id)) == [SECRET]
    with pytest.raises(Conflict, match="being asked just now"):
        hook_asking.rotate(connection, user_id=workshop.users["owner"])
    clock.shift(hook_setup.ASKING.total_seconds() + 1)
    assert "Rotate the secret once more" in owner.get(path_of(workshop)).text
    witness.script(told(ROTATE, OTHER_SECRET))
    hook_asking.rotate(connection, user_id=workshop.users["owner"])
    assert known(hook_of(workshop.connection_id)) == [OTHER_SECRET, SECRET]
    assert "once more" not in owner.get(path_of(workshop)).text


@one_database
def test_a_rotation_without_an_answer_says_so_and_can_be_asked_for_again_at_once(
    workshop, owner, witness, ready
):
    witness.script(Fault(ROTATE, end="drop"))
    refused = owner.post(f"{path_of(workshop)}/rotate")
    assert refused.status_code == 502
    assert "Rotate the secret once more" in refused.text
    witness.script(gone(ROTATE))
    refused = owner.post(f"{path_of(workshop)}/rotate")
    assert "No such webhook endpoint: we_1" in refused.text
    assert "once more" not in refused.text
    assert known(hook_of(workshop.connection_id)) == [SECRET]


@one_database
def test_a_test_says_how_this_instance_answered(workshop, owner, witness, ready):
    witness.script(answered(TEST, {"status_code": 204, "success": True}))
    assert owner.post(f"{path_of(workshop)}/test").status_code == 303
    (one,) = witness.journal.read(TEST)
    assert one.body == {"event_type": "fine_tuning.job.succeeded"}
    witness.script(answered(TEST, {"success": True}))
    assert owner.post(f"{path_of(workshop)}/test").status_code == 502


@one_database
def test_removing_takes_the_endpoint_away_there_first(workshop, owner, witness, ready, client):
    witness.script(Fault(DELETE, status=503, body="{}"))
    refused = owner.post(f"{path_of(workshop)}/remove")
    assert refused.status_code == 502
    assert "Forget it here alone" in refused.text
    witness.script(answered(DELETE, {"id": "we_1", "deleted": True}))
    assert owner.post(f"{path_of(workshop)}/remove").status_code == 303
    path = url_of(ready).removeprefix("http://127.0.0.1:8000")
    assert deliver(client, path, signed(event("x"))) == 404
    assert owner.get(path_of(workshop)).status_code == 200


@one_database
@pytest.mark.parametrize("how", ["gone there", "here alone"])
def test_removing_works_where_the_provider_has_it_no_more_or_does_not_answer(
    workshop, owner, witness, ready, how
):
    witness.script(gone(DELETE))
    form = {"here_only": "true"} if how == "here alone" else {}
    assert owner.post(f"{path_of(workshop)}/remove", form).status_code == 303
    assert len(witness.journal.read(DELETE)) == (how == "gone there")
    with pytest.raises(AssertionError):
        hook_of(workshop.connection_id)


def test_a_connection_stays_while_the_provider_calls_its_address(workshop, owner, witness, ready):
    refused = owner.post(f"/connections/{workshop.connection_id}/delete")
    assert refused.status_code == 409
    assert "Remove its webhook first" in refused.text


@one_database
def test_at_another_server_the_webhook_is_forgotten(workshop, owner, witness, ready):
    form = {"name": "Main", "base_url": make.PUBLIC_URL, "api_key": "sk-another-key-wxyz"}
    assert owner.post(f"/connections/{workshop.connection_id}", form).status_code == 303
    assert "Not set up" in owner.get(path_of(workshop)).text


@one_database
def test_a_provider_elsewhere_needs_an_address_that_it_can_reach(team, browser, monkeypatch):
    owner = browser(team.users["owner"])
    refused = owner.post(path_of(team))
    assert refused.status_code == 409
    assert "LUTHIER_PUBLIC_URL" in refused.text
    assert "LUTHIER_PUBLIC_URL" in owner.get(path_of(team)).text
    monkeypatch.setenv("LUTHIER_PUBLIC_URL", "https://luthier.example")
    settings.cache_clear()
    with unit_of_work() as session:
        connection = session.get_one(Connection, team.connection_id)
        hook = hook_setup.begin(session, connection, actor_id=team.users["owner"])
        assert url_of(hook).startswith("https://luthier.example/hooks/")


@one_database
def test_where_there_is_no_api_it_is_done_by_hand(workshop, owner, witness):
    with unit_of_work() as session:
        session.get_one(Connection, workshop.connection_id).profile = "compatible"
    assert "Make the address" in owner.get(path_of(workshop)).text
    assert owner.post(path_of(workshop)).status_code == 409
    assert asked(witness) == []


@one_database
def test_two_who_set_it_up_at_once_make_one(workshop, owner, witness):
    connection = connection_of(workshop.connection_id)
    give_hook(workshop.connection_id, secret=None)
    with unit_of_work() as session:
        hook_setup.ask(session, session.get_one(Connection, connection.id))
    assert owner.post(path_of(workshop)).status_code == 409
    assert asked(witness) == []


@one_database
def test_an_address_of_earlier_days_is_told(workshop, owner, witness, ready, monkeypatch):
    monkeypatch.setenv("LUTHIER_PORT", "8001")
    settings.cache_clear()
    shown = owner.get(path_of(workshop), Host="127.0.0.1:8001")
    if shown.status_code == 303:  # the session's cookie carries the port in its name
        with read_only() as session:
            connection = session.get_one(Connection, workshop.connection_id)
            assert hook_setup.address_for(connection) != ready.address
    else:
        assert "This instance has another address now" in shown.text


def test_scripts_do_the_same(workshop, script, witness, client):
    sends = script(workshop.users["owner"])
    assert sends.get(path_of(workshop)).status_code == 404
    witness.script(listed(), told(CREATE))
    made = sends.post(path_of(workshop), json={})
    assert made.status_code == 201
    assert made.json()["status"] == "ready"
    assert made.json()["endpoint_id"] == "we_1"
    assert SECRET not in made.text
    one = signed(event("ftjob-1"))
    path = made.json()["url"].removeprefix("http://127.0.0.1:8000")
    for _ in range(2):
        assert deliver(client, path, one) == 204
    (kept,) = sends.get(f"{path_of(workshop)}/deliveries").json()["data"]
    assert (kept["type"], kept["run_id"], kept["outcome"], kept["times"]) == (
        "fine_tuning.job.succeeded",
        "ftjob-1",
        "unknown",
        2,
    )
    witness.script(told(ROTATE, OTHER_SECRET))
    rotated = sends.post(f"{path_of(workshop)}/rotate").json()
    assert rotated["secret_hint"] == OTHER_SECRET[-4:]
    assert rotated["old_secret_until"] is not None
    witness.script(answered(TEST, {"status_code": 204}))
    assert sends.post(f"{path_of(workshop)}/test").json() == {"status_code": 204}
    witness.script(answered(DELETE, {"id": "we_1"}))
    assert sends.send("DELETE", path_of(workshop)).status_code == 204
    assert sends.get(path_of(workshop)).status_code == 404
    by_hand = sends.post(path_of(workshop), json={"secret": SECRET})
    assert (by_hand.status_code, by_hand.json()["endpoint_id"]) == (201, None)
    assert by_hand.json()["url"] != made.json()["url"]
    wrong = sends.post(path_of(workshop), json={"secret": "whsec_"})
    assert wrong.status_code == 422
    assert sends.post(f"{path_of(workshop)}/rotate").status_code == 409
    assert len(deliveries(workshop.connection_id)) == 1


@one_database
def test_a_key_that_is_refused_meanwhile_is_told_where_people_look(workshop, owner, witness):
    said = json.dumps(refusal("Incorrect API key provided."))
    witness.script(Fault(LIST, status=401, body=said))
    assert owner.post(path_of(workshop)).status_code == 502
    assert connection_of(workshop.connection_id).refused_at is not None
    with pytest.raises(ProviderFailed, match="Incorrect API key"):
        witness.script(Fault(LIST, status=401, body=said))
        hook_asking.set_up(connection_of(workshop.connection_id), user_id=workshop.users["owner"])


@one_database
def test_a_connection_that_is_removed_meanwhile_is_not_found(team):
    connection = connection_of(team.connection_id)
    with unit_of_work() as session:
        session.delete(session.get_one(Connection, team.connection_id))
    for ask in (hook_asking.set_up, hook_asking.rotate):
        with pytest.raises((NotFound, Conflict)):
            ask(connection, user_id=team.users["owner"])
    with unit_of_work() as session, pytest.raises(NotFound):
        hook_setup.held(session, connection)
