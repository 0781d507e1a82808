"""Budgets for scripts."""

import pytest

from app.core.database import unit_of_work
from app.jobs import service
from app.jobs.models import Job, JobStatus
from tests.budgets.steps import ORDER, estimate_of, set_budget
from tests.jobs.steps import queue_job
from tests.make import problem_fields
from tests.stage import one_database


@pytest.fixture
def owner(paying, script):
    return script(paying.users["owner"])


@pytest.fixture
def path(paying):
    return f"/projects/{paying.project_id}/budget"


def test_a_script_reads_sets_and_removes_it(paying, owner, script, path):
    fresh = owner.get(path).json()
    assert (fresh["monthly_usd"], fresh["left_usd"], fresh["unknown_price"]) == (
        None,
        None,
        "block",
    )
    put = {"monthly_usd": 250.1, "warn_percent": 90, "unknown_price": "allow"}
    assert owner.send("PUT", path, json=put).status_code == 200
    one = estimate_of(queue_job(paying, **ORDER))
    viewer = script(paying.users["viewer"])
    found = viewer.get(path).json()
    assert {key: found[key] for key in put} == put
    assert found["reserved_usd"] == one / 1e6
    assert found["left_usd"] == (250_100_000 - one) / 1e6
    assert viewer.send("PUT", path, json=put).status_code == 403
    assert script(paying.users["outsider"]).get(path).status_code == 404
    assert owner.send("PUT", path, json={"monthly_usd": None}).json()["monthly_usd"] is None


@one_database
@pytest.mark.parametrize(
    "value", ["-1", -1, "1e9", 1e30, "NaN", "१२", 10**30, True, [], {}, 0.001, "1\x00"]
)
def test_what_is_no_budget_is_refused_by_field(owner, path, value):
    answer = owner.send("PUT", path, json={"monthly_usd": value})
    assert answer.status_code == 422
    assert "monthly_usd" in problem_fields(answer)


@one_database
def test_a_wish_without_dollars_or_with_more_than_there_is_is_refused(owner, path):
    assert problem_fields(owner.send("PUT", path, json={})) == {"monthly_usd": "This is needed."}
    sent = {"monthly_usd": 1, "spent_usd": 0, "project_id": 2}
    assert set(problem_fields(owner.send("PUT", path, json=sent))) == {"spent_usd", "project_id"}


def test_a_job_without_room_is_409_with_the_numbers_and_the_same_key_may_try_again(paying, script):
    one = estimate_of(queue_job(paying, **ORDER))
    set_budget(paying, one + one // 2)
    editor = script(paying.users["editor"])
    path = f"/projects/{paying.project_id}/jobs"
    body = {**ORDER, "connection_id": paying.connection_id}
    body["training_version_id"] = paying.version_id
    headers = {"Idempotency-Key": "monday"}

    refused = editor.post(path, json=body, headers=headers)

    assert (refused.status_code, refused.headers["content-type"]) == (
        409,
        "application/problem+json",
    )
    numbers = refused.json()["budget"]
    assert numbers.pop("month")
    assert numbers == {
        "monthly_usd": (one + one // 2) / 1e6,
        "spent_usd": 0.0,
        "reserved_usd": one / 1e6,
        "left_usd": (one // 2) / 1e6,
        "asked_usd": one / 1e6,
    }
    set_budget(paying, 2 * one)
    assert editor.post(path, json=body, headers=headers).status_code == 201


def test_the_list_of_what_counted_is_paged_and_filtered(paying, owner, path):
    ids = [queue_job(paying, key=f"form:{n}", **ORDER) for n in range(3)]
    first = owner.get(f"{path}/spends", params={"limit": 2}).json()
    second = owner.get(f"{path}/spends", params={"limit": 2, "after": first["next"]}).json()
    keys = [one["key"] for one in first["data"] + second["data"]]
    assert keys == [f"job:{job_id}" for job_id in reversed(ids)]
    assert second["next"] is None
    with unit_of_work() as session:
        service.cancel_job(session, session.get_one(Job, ids[0]), actor_id=paying.users["owner"])
    assert len(owner.get(f"{path}/spends").json()["data"]) == 2
    assert len(owner.get(f"{path}/spends", params={"all": "yes"}).json()["data"]) == 3
    only = owner.get(f"{path}/spends", params={"all": "yes", "state": "released"}).json()["data"]
    assert [one["state"] for one in only] == ["released"]
    assert owner.get(f"{path}/spends", params={"month": "soon"}).status_code == 422


def test_an_owner_says_what_was_billed_and_not_where_it_is_known(paying, owner, path):
    job_id = queue_job(paying, **ORDER)
    with unit_of_work() as session:
        job = session.get_one(Job, job_id)
        job.run_id = "ftjob-1"
        service.end(session, job, JobStatus.VANISHED, error="Gone.")
    (row,) = owner.get(f"{path}/spends").json()["data"]
    assert row["is_open"]
    said = owner.send("PATCH", f"{path}/spends/{row['id']}", json={"spent_usd": 0})
    assert (said.json()["spent_usd"], said.json()["state"]) == (0.0, "spent")
    assert owner.get(path).json()["spent_usd"] == 0.0
    other = queue_job(paying, key="form:2", **ORDER)
    with unit_of_work() as session:
        job = session.get_one(Job, other)
        job.run_id, job.trained_tokens = "ftjob-2", 1000
        service.end(session, job, JobStatus.SUCCEEDED)
    row = owner.get(f"{path}/spends").json()["data"][0]
    known = owner.send("PATCH", f"{path}/spends/{row['id']}", json={"spent_usd": 0})
    assert known.status_code == 409
    assert "$0.003" not in known.text
