"""Rescues by script: asked for, watched, listed whole, verified."""

import csv
import io
import json

import pytest

from app.rescue.models import Kind, Outcome, RescuePart, Stage
from app.rescue.resources import status_of
from tests import make
from tests.stage import connection_of, one_database
from tests.witness import history

SMALL = {"jobs": 2, "events": 5, "files": 4, "evals": 1, "runs": 1, "completions": 1}


@pytest.fixture
def owner(workshop, script):
    return script(workshop.users["owner"])


def begin(owner, workshop, **more):
    body = {"connection_ids": [workshop.connection_id], **more}
    return owner.post(f"/projects/{workshop.project_id}/rescues", json=body)


def test_a_rescue_is_asked_for_and_watched(owner, workshop, witness, letters):
    history.fill(witness, **SMALL)

    made = begin(owner, workshop)

    assert made.status_code == 202
    assert made.json() == {"id": made.json()["id"], "status": "looking"}
    rescue_id = made.json()["id"]
    assert f"rescue:{rescue_id}" in letters.nudges
    letters.deliver()
    shown = owner.get(f"/rescues/{rescue_id}").json()
    assert shown["status"] == "done"
    kinds = {one["kind"]: one for one in shown["kinds"]}
    assert list(kinds)[:3] == ["eval", "eval_run", "eval_items"]
    assert kinds.keys() == set(Kind)
    assert (kinds["job"]["found"], kinds["job"]["home"]) == (2, 2)
    assert kinds["file"]["refused"] == 1
    assert kinds["usage"]["words"] == ["Needs an admin key."]
    (part,) = shown["parts"]
    assert part["connection_id"] == workshop.connection_id
    assert None not in {part["looked_at"], part["fetched_at"], part["verified_at"]}


@one_database
def test_a_look_waits_for_a_word(owner, workshop, witness, letters):
    history.fill(witness, **SMALL)
    rescue_id = begin(owner, workshop, look_only=True, with_completions=False).json()["id"]
    letters.deliver()
    shown = owner.get(f"/rescues/{rescue_id}").json()
    assert shown["status"] == "looked"
    assert {one["kind"]: one["found"] for one in shown["kinds"]}["completion"] == 0

    assert owner.post(f"/rescues/{rescue_id}/go").json()["status"] == "fetching"
    assert owner.post(f"/rescues/{rescue_id}/pause").json()["status"] == "paused"
    assert owner.post(f"/rescues/{rescue_id}/verify").status_code == 409
    assert owner.post(f"/rescues/{rescue_id}/resume").json()["status"] == "fetching"
    letters.deliver()
    assert owner.get(f"/rescues/{rescue_id}").json()["status"] == "done"
    assert owner.post(f"/rescues/{rescue_id}/pause").status_code == 409

    assert owner.post(f"/rescues/{rescue_id}/again").json()["status"] == "looking"
    letters.deliver()
    assert owner.post(f"/rescues/{rescue_id}/verify").json()["status"] == "verifying"
    letters.deliver()
    listed = owner.get(f"/projects/{workshop.project_id}/rescues").json()
    assert listed == {"data": [{"id": rescue_id, "status": "done"}], "next": None}


@one_database
def test_the_manifest_has_a_line_for_every_object_in_three_forms(owner, workshop, witness, letters):
    history.fill(witness, **SMALL)
    rescue_id = begin(owner, workshop).json()["id"]
    letters.deliver()
    fields = ["kind", "object_id", "bytes", "sha256", "fetched_at", "outcome", "error"]

    paged, after = [], None
    while True:
        query = {"limit": 7} if after is None else {"limit": 7, "after": after}
        page = owner.get(f"/rescues/{rescue_id}/manifest", params=query).json()
        paged += page["data"]
        after = page["next"]
        if after is None:
            break

    expected = {(row["kind"], row["id"]) for row in witness.expected()}
    found = {(one["kind"], one["object_id"]) for one in paged}
    assert {key for key in found if key[0] != "model"} <= expected
    assert len(found) == len(paged)
    assert all(list(one) == fields for one in paged)
    (refused,) = [one for one in paged if one["outcome"] == Outcome.REFUSED]
    assert "free accounts" in refused["error"]

    lines = owner.get(f"/rescues/{rescue_id}/manifest", params={"format": "jsonl"})
    assert [json.loads(line) for line in lines.text.splitlines()] == paged
    assert "attachment" in lines.headers["content-disposition"]
    table = owner.get(f"/rescues/{rescue_id}/manifest", params={"format": "csv"}).text
    rows = list(csv.DictReader(io.StringIO(table)))
    assert [row["object_id"] for row in rows] == [one["object_id"] for one in paged]
    assert list(rows[0]) == fields
    assert owner.get(f"/rescues/{rescue_id}/manifest?format=xml").status_code == 422


@one_database
def test_words_of_a_provider_are_no_formula_in_a_spreadsheet(owner, workshop, witness, letters):
    history.fill(witness, jobs=0, files=0, evals=0, completions=0)
    witness.add_file("x.jsonl", b"{}\n", "fine-tune", refused='=HYPERLINK("http://x")')
    rescue_id = begin(owner, workshop).json()["id"]
    letters.deliver()
    table = owner.get(f"/rescues/{rescue_id}/manifest", params={"format": "csv"}).text
    errors = [row["error"] for row in csv.DictReader(io.StringIO(table))]
    assert """'=HYPERLINK("http://x")""" in errors


@one_database
def test_a_second_rescue_over_a_connection_waits_for_the_first(owner, workshop, witness):
    assert begin(owner, workshop).status_code == 202
    again = begin(owner, workshop)
    assert again.status_code == 409
    assert "at work" in again.json()["detail"]


@one_database
def test_what_is_asked_wrongly_is_said_by_field(owner, workshop):
    for ids in ([], [1.5], ["1"], [0], list(range(1, 60)), None):
        answer = begin(owner, workshop, connection_ids=ids)
        assert answer.status_code == 422, ids
    answer = begin(owner, workshop, connection_ids=[999])
    assert make.problem_fields(answer).keys() == {"connection_ids"}
    assert begin(owner, workshop, everything=True).status_code == 422


@one_database
def test_a_connection_with_a_rescue_at_work_stays_where_it_is(owner, workshop):
    begin(owner, workshop)
    moved = {"base_url": "https://api.openai.com/v1", "api_key": "sk-0123456789abcdef"}
    answer = owner.send("PATCH", f"/connections/{workshop.connection_id}", json=moved)
    assert "Under way at http://127.0.0.1" in make.problem_fields(answer)["base_url"]
    assert "rescue 1" in make.problem_fields(answer)["base_url"]
    assert owner.send("DELETE", f"/connections/{workshop.connection_id}").status_code == 409
    assert connection_of(workshop.connection_id).base_url.startswith("http://127.0.0.1")


def test_the_status_is_that_of_the_part_that_is_least_far():
    def part(stage, **more):
        return RescuePart(stage=stage, is_paused=False, **more)

    assert status_of([part(Stage.USING), part(Stage.LOOKING)]) == "looking"
    assert status_of([part(Stage.DONE)]) == "done"
    paused = part(Stage.FETCHING)
    paused.is_paused = True
    assert status_of([paused, part(Stage.VERIFYING)]) == "fetching"
    assert status_of([paused]) == "paused"
