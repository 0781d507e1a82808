"""The instance's owner keeps the dates: what they change counts everywhere, with who and why."""

import pytest

from app.auth.models import Activity, User
from app.catalog.models import OwnersDate
from app.core.database import read_only, unit_of_work
from tests.catalog.rows import Shop, day_of, days, today
from tests.make import problem_fields
from tests.stage import one_database

CHANGE = {"key": "openai-gpt-4", "why": "A contract for dedicated capacity."}


@pytest.fixture
def instance_owner(team):
    with unit_of_work() as session:
        user = session.get_one(User, team.users["owner"])
        user.is_instance_owner = True
        return user.id


def in_days(count):
    with read_only() as session:
        return today(session) + days(count)


def test_a_change_counts_in_the_calendar_the_form_and_the_strip(
    team, instance_owner, browser, script
):
    with unit_of_work() as session:
        Shop(session, team).model("ft:m")
    later = in_days(100)
    owner = browser(instance_owner)
    answer = owner.post("/dates/change", {**CHANGE, "day": later.isoformat()})
    assert answer.status_code == 303

    words = f"{later.day} {later:%B %Y}"
    viewer = browser(team.users["viewer"])
    calendar = viewer.get(f"/projects/{team.project_id}/calendar").text
    assert f"stop on {words}, in 100 days." in calendar
    assert "Owner, for this instance: A contract for dedicated capacity." in calendar
    assert "100 days" in viewer.get(f"/projects/{team.project_id}").text
    made = script(team.users["editor"]).post(
        f"/projects/{team.project_id}/jobs",
        json={
            "connection_id": team.connection_id,
            "base_model": "gpt-4o-mini-2024-07-18",
            "training_version_id": team.version_id,
        },
    )
    assert f"stops on {words}, in 100 days" in made.json()["warnings"][0]
    shown = owner.get("/dates").text
    assert words in shown
    assert "the file:" in shown


def test_who_changed_what_and_why_is_written_down(team, instance_owner, browser):
    browser(instance_owner).post("/dates/change", {**CHANGE, "day": in_days(9).isoformat()})
    with read_only() as session:
        row = session.query(OwnersDate).one()
        assert (row.why, row.changed_by) == (CHANGE["why"], instance_owner)
        (told,) = session.query(Activity).filter_by(verb="date.changed")
    assert (told.subject, told.actor_id, told.project_id) == (
        "date:openai-gpt-4",
        instance_owner,
        None,
    )
    assert told.detail == {
        "why": CHANGE["why"],
        "day": in_days(9).isoformat(),
        "before": day_of("openai-gpt-4").isoformat(),
    }


def test_an_entry_is_struck_out_and_comes_back(team, instance_owner, browser, script):
    owner, sends = browser(instance_owner), script(instance_owner)
    owner.post("/dates/change", {**CHANGE, "day": in_days(9).isoformat(), "strike": "yes"})
    entries = {one["key"]: one for one in sends.get("/dates").json()["data"]}
    assert entries["openai-gpt-4"]["is_struck"]
    assert "struck out" in owner.get("/dates").text
    keys = [
        one["key"] for one in sends.get(f"/projects/{team.project_id}/deadlines").json()["data"]
    ]
    assert "day:openai-gpt-4" not in keys

    assert owner.post("/dates/take-back", {"key": "openai-gpt-4"}).status_code == 303
    entries = {one["key"]: one for one in sends.get("/dates").json()["data"]}
    assert not entries["openai-gpt-4"]["is_struck"]
    assert entries["openai-gpt-4"]["origin"] == "catalogue"
    assert owner.post("/dates/take-back", {"key": "openai-gpt-4"}).status_code == 409


def test_one_more_day_is_added_changed_and_gone(team, instance_owner, script):
    sends = script(instance_owner)
    fresh = {
        "profile": "openai",
        "kind": "base_model",
        "models": ["gpt-4o-mini*"],
        "title": "gpt-4o-mini stops for us",
        "day": in_days(20).isoformat(),
        "why": "Our contract ends.",
        "source_url": "https://example.org/contract",
    }
    made = sends.post("/dates", json=fresh)
    assert made.status_code == 201
    key = made.json()["key"]
    assert made.json()["origin"] == "owner"
    with unit_of_work() as session:
        Shop(session, team).model("ft:m")
    path = f"/projects/{team.project_id}/deadlines?kind=tuned_model"
    (tuned,) = sends.get(path).json()["data"]
    assert (tuned["day"], tuned["origin"]) == (fresh["day"], "owner")
    assert tuned["source_url"] == fresh["source_url"]
    assert [one["kind"] for one in tuned["others"]] == ["catalogue"]

    change = {"key": key, "day": in_days(30).isoformat(), "why": "Prolonged."}
    assert sends.post("/dates/change", json=change).json()["day"] == change["day"]
    assert sends.get(path).json()["data"][0]["day"] == change["day"]
    assert sends.post("/dates/strike", json={"key": key, "why": "Over."}).status_code == 204
    assert key not in [one["key"] for one in sends.get("/dates").json()["data"]]
    assert sends.get(path).json()["data"][0]["origin"] == "catalogue"


@one_database
def test_what_cannot_be_is_said_by_field_and_what_was_typed_stays(team, instance_owner, browser):
    owner = browser(instance_owner)
    answer = owner.post("/dates/change", {"key": "openai-gpt-4", "why": "Because I know."})
    assert answer.status_code == 422
    assert 'id="day-error"' in answer.text
    assert "Because I know." in answer.text
    for wrong in ({"key": "no-such"}, {"day": "1999-01-01"}, {"source_url": "javascript:x"}):
        form = {**CHANGE, "day": in_days(9).isoformat(), **wrong}
        answer = owner.post("/dates/change", form)
        assert answer.status_code == 422, wrong
        assert f'id="{next(iter(wrong))}-error"' in answer.text
    answer = owner.post("/dates/add", {"title": "Something", "why": "x", "kind": "training"})
    assert answer.status_code == 422
    assert 'value="Something"' in answer.text


@one_database
def test_a_script_hears_by_field_what_is_wrong(team, instance_owner, script):
    sends = script(instance_owner)
    day = {"day": in_days(9).isoformat(), "why": "x"}
    unknown = sends.post("/dates/change", json={"key": "no-such", **day})
    assert problem_fields(unknown).keys() == {"key"}
    bare = {"profile": "openai", "kind": "training", "title": "x", **day}
    assert problem_fields(sends.post("/dates", json=bare)).keys() == {"models"}
    moon = {**bare, "models": ["*"], "profile": "moon"}
    assert problem_fields(sends.post("/dates", json=moon)).keys() == {"profile"}
    assert sends.post("/dates/take-back", json={"key": "openai-jobs"}).status_code == 409


@one_database
def test_nobody_else_changes_a_day(team, browser, script):
    for role in ("owner", "editor", "viewer"):
        with unit_of_work() as session:
            session.get_one(User, team.users[role]).is_instance_owner = False
        assert browser(team.users[role]).get("/dates").status_code == 403
        form = {**CHANGE, "day": in_days(9).isoformat()}
        assert browser(team.users[role]).post("/dates/change", form).status_code == 403
        assert script(team.users[role]).post("/dates/change", json=form).status_code == 403
        assert script(team.users[role]).get("/dates").status_code == 200
