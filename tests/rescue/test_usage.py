"""Which tuned models are alive and who calls them; and a whole history, read and taken along."""

import io
import json
import zipfile
from datetime import UTC, datetime, timedelta

import pytest
import yaml

from app.connections.keys import seal_admin_key
from app.connections.models import Connection
from app.core import clock
from app.core.database import read_only, unit_of_work
from app.rescue.models import Kind, Outcome
from app.rescue.usage.totals import Caller, usage_of
from app.rescue.usage.views import _round_up
from tests import make
from tests.stage import one_database
from tests.witness import handle, history

TUNED, OTHER = "ft:gpt-4o-2024-08-06:acme::A1", "ft:gpt-4o-2024-08-06:acme::B2"


def a_day(day, *results):
    """The bucket of a day as the provider writes it."""
    begins = int(day.replace(hour=0, minute=0, second=0, microsecond=0).timestamp())
    return {"object": "bucket", "start_time": begins, "end_time": begins + 86_400,
            "results": list(results)}  # fmt: skip


def a_result(model=TUNED, requests=5, **more):
    return {
        "object": "organization.usage.completions.result",
        "num_model_requests": requests,
        "input_tokens": 100 * requests,
        "output_tokens": 10 * requests,
        "model": model,
        "project_id": "proj_a",
        "api_key_id": "key_1",
        **more,
    }


def test_sixty_days_are_added_up_by_model_and_caller_and_nothing_older(tmp_path):
    until = datetime(2026, 11, 20, 12, tzinfo=UTC)
    path = tmp_path / "month"
    days = [
        a_day(until, a_result(), a_result(requests=2, api_key_id="key_2"), a_result("gpt-4o")),
        a_day(until - timedelta(days=59), a_result(requests=7)),
        a_day(until - timedelta(days=60), a_result(requests=1_000)),
        a_day(until, a_result(OTHER, requests=0), {"model": [1], "num_model_requests": "x"}),
        {"start_time": "never", "results": [a_result()]},
    ]
    path.write_text("".join(json.dumps(one) + "\n" for one in days) + "broken\n[]\n")
    usage = usage_of([path], until)
    tuned = usage.models[TUNED]
    assert (tuned.requests, tuned.input_tokens, tuned.output_tokens) == (14, 1_400, 140)
    assert tuned.last == until.date()
    assert usage.models[OTHER].last is None, "a day without a request is no call"
    assert usage.callers[TUNED, Caller("proj_a", "key_2")].requests == 2
    assert usage.by_day == {until.date(): 7, until.date() - timedelta(days=59): 7}


@pytest.mark.parametrize(("value", "top"), [(0, 0), (1, 1), (3, 5), (51, 100), (1_234, 2_000)])
def test_an_axis_ends_at_a_round_number(value, top):
    assert _round_up(value) == top


def test_the_page_says_who_is_alive_who_calls_and_what_nobody_knows(team, browser):
    with unit_of_work() as session:
        connection = session.get_one(Connection, team.connection_id)
        make.make_rescue(session, connection, kinds={"usage": {"words": "Needs an admin key."}})
        make.make_rescued_object(session, connection, Kind.MODEL, TUNED, b"{}")
        make.make_rescued_object(session, connection, Kind.MODEL, OTHER, outcome=Outcome.GONE)
    viewer = browser(team.users["viewer"])
    path = f"/projects/{team.project_id}/rescued-usage"
    page = viewer.get(path).text
    assert "Needs an admin key." in page
    assert "1 of 2 tuned models is alive. Who calls them is not known." in page
    with unit_of_work() as session:
        connection = session.get_one(Connection, team.connection_id)
        days = [a_day(clock.now(session), a_result(), a_result("gpt-4o", 9))]
        content = b"".join(json.dumps(one).encode() + b"\n" for one in days)
        make.make_rescued_object(session, connection, Kind.USAGE, "2026-11", content)
    page = viewer.get(path).text
    assert "1 of 2 tuned models is alive; 1 was called in the last 60 days." in page
    assert "proj_a" in page
    assert "key_1" in page
    assert "Not listed any more" in page
    assert "Models that nobody here tuned" in page
    assert "5 requests" in page, "the chart's table"


def test_before_any_rescue_the_page_says_so(team, browser):
    page = browser(team.users["viewer"]).get(f"/projects/{team.project_id}/rescued-usage").text
    assert "Nothing was rescued in this project yet" in page


@one_database
def test_a_whole_history_is_read_and_taken_along(begin, workshop, witness, browser):
    history.fill(witness, jobs=3, events=5, files=5, evals=2, runs=2, items=12, completions=1)
    with unit_of_work() as session:
        connection = session.get_one(Connection, workshop.connection_id)
        seal_admin_key(connection, handle.ADMIN_KEY)
    rescuing = begin(workshop)
    rescuing.work()
    viewer = browser(workshop.users["viewer"])
    page = viewer.get(f"/projects/{workshop.project_id}/rescued-usage").text
    assert "called in the last 60 days" in page
    with read_only() as session:
        evals = session.query(make.RescuedObject).filter_by(kind=Kind.EVAL).all()
        runs = session.query(make.RescuedObject).filter_by(kind=Kind.EVAL_RUN).all()
        items = session.query(make.RescuedObject).filter_by(kind=Kind.EVAL_ITEMS).all()
    lines_of = {one.object_id: one.lines for one in items}
    assert max(lines_of.values()) == 12
    for run in runs:
        page = viewer.get(f"/rescued-runs/{run.id}").text
        number = lines_of[run.object_id]
        told = f"Items 1 to {number} of {number}" if number else "There are no output items."
        assert told in page
    for one in evals:
        assert viewer.get(f"/rescued-evals/{one.id}").status_code == 200
        config = viewer.get(f"/rescued-evals/{one.id}/promptfooconfig.yaml").text
        assert yaml.safe_load(config)["tests"]
        assert "Not carried over" not in config, config
    answer = viewer.get(f"/rescues/{rescuing.rescue_id}/archive")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as made:
        assert made.testzip() is None
        lines = [json.loads(line) for line in made.read("manifest.jsonl").splitlines()]
        names = set(made.namelist())
    home = {(one.kind, one.object_id): one.sha256 for one in rescuing.objects if one.sha256}
    assert {(one["kind"], one["object_id"]): one["sha256"] for one in lines if one["path"]} == home
    assert {one["path"] for one in lines if one["path"]} <= names
