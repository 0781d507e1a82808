"""The instance's owner keeps the prices: what they say holds everywhere, with who and why."""

import pytest

from app.auth.models import Activity, User
from app.catalog.models import OwnersPrice
from app.catalog.prices import catalogue, price_book, training_price
from app.core.database import read_only, unit_of_work
from tests.jobs.steps import queue_job
from tests.make import BASE_MODEL, problem_fields
from tests.stage import job_of, one_database

SAID = {"profile": "openai", "model": BASE_MODEL, "per_million": 2.5, "why": "Our contract."}


@pytest.fixture
def instance_owner(team):
    with unit_of_work() as session:
        user = session.get_one(User, team.users["owner"])
        user.is_instance_owner = True
        return user.id


def price_of(model, profile="openai"):
    with read_only() as session:
        found = training_price(session, profile, model)
        return found.per_million if found else None


def test_a_price_that_the_owner_says_holds_from_then_on_and_not_before(
    team, instance_owner, browser
):
    before = queue_job(team, key="form:before")
    owner = browser(instance_owner)
    assert owner.post("/prices", {**SAID, "per_million": "2.50"}).status_code == 303
    after = queue_job(team, key="form:after")
    assert job_of(before).estimate["per_million"] == 3.0
    assert job_of(after).estimate["per_million"] == 2.5
    assert job_of(after).estimate["source"] == "Owner, for this instance: Our contract."
    shown = owner.get("/prices").text
    assert "$2.50" in shown
    assert "the file: $3.00" in shown

    back = {"profile": "openai", "model": BASE_MODEL}
    assert owner.post("/prices/take-back", back).status_code == 303
    assert price_of(BASE_MODEL) == 3.0
    assert owner.post("/prices/take-back", back).status_code == 409
    with read_only() as session:
        told = session.query(Activity).filter(Activity.subject == "price:openai").all()
    assert [one.verb for one in told] == ["price.said", "price.taken_back"]
    assert told[0].detail["per_million"] == 2.5
    assert told[0].actor_id == instance_owner


@one_database
def test_a_script_says_prices_and_hears_what_holds(team, instance_owner, script):
    sends = script(instance_owner)
    book = sends.post("/prices", json=SAID).json()["data"]
    (said,) = [one for one in book if one["origin"] == "owner"]
    assert (said["instead_of"], said["by"], said["why"]) == (3.0, "Owner", "Our contract.")
    sends.post("/prices", json={**SAID, "model": "gpt-*", "per_million": None})
    assert price_of(BASE_MODEL) == 2.5, "a whole name goes before a pattern"
    assert price_of("gpt-4.1-2025-04-14") is None, "what the owner says goes before the file"
    unknown = {**SAID, "profile": "azure", "model": "gpt-4o-mini*", "per_million": 4}
    sends.post("/prices", json=unknown)
    assert price_of(BASE_MODEL, "azure") == 4
    sends.post("/prices/take-back", json={"profile": "azure", "model": "gpt-4o-mini*"})
    assert price_of(BASE_MODEL, "azure") is None


@one_database
def test_what_is_no_price_is_said_by_field_and_what_was_typed_stays(
    team, instance_owner, browser, script
):
    owner = browser(instance_owner)
    answer = owner.post("/prices", {**SAID, "per_million": ""})
    assert answer.status_code == 422
    assert 'id="per_million-error"' in answer.text
    assert "Our contract." in answer.text
    for field, wrong in (("per_million", "-1"), ("per_million", "nan"), ("profile", "moon")):
        answer = owner.post("/prices", {**SAID, field: wrong})
        assert answer.status_code == 422
        assert f'id="{field}-error"' in answer.text
    bare = {"profile": "openai", "model": "", "per_million": 1, "why": ""}
    sends = script(instance_owner)
    assert problem_fields(sends.post("/prices", json=bare)).keys() == {"model", "why"}
    without = {name: value for name, value in SAID.items() if name != "per_million"}
    assert problem_fields(sends.post("/prices", json=without)).keys() == {"per_million"}
    with read_only() as session:
        assert session.query(OwnersPrice).count() == 0


@one_database
def test_nobody_else_says_a_price(team, browser, script):
    for role in ("owner", "editor", "viewer"):
        with unit_of_work() as session:
            session.get_one(User, team.users[role]).is_instance_owner = False
        assert browser(team.users[role]).get("/prices").status_code == 403
        assert browser(team.users[role]).post("/prices", SAID).status_code == 403
        assert script(team.users[role]).post("/prices", json=SAID).status_code == 403
        assert script(team.users[role]).get("/prices").status_code == 200


@one_database
def test_every_price_has_a_source_and_an_age(team):
    assert all(one.source and one.read_on and (one.per_million or 0) >= 0 for one in catalogue())
    with read_only() as session:
        assert price_book(session).of("luthier", "practice-small").per_million == 0
        assert price_book(session).of("compatible", "anything") is None
