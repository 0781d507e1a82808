"""Rows gather in collections, which become datasets and their next versions."""

import json

import pytest

from app.core import clock, storage
from app.datasets.models import VersionStatus
from tests.make import chat_file, chat_row, problem_fields
from tests.stage import one_database, version_of

ROWS = {
    "chat": json.loads(chat_row("Where is my <b>parcel</b>?", "delivery")),
    "preference": {
        "input": {"messages": [{"role": "user", "content": "Where is my parcel?"}]},
        "preferred_output": [{"role": "assistant", "content": "On its way."}],
        "non_preferred_output": [{"role": "assistant", "content": "Dunno."}],
    },
    "evaluation": {"item": {"question": "Where is my parcel?", "answer": "delivery"}},
}


@pytest.fixture
def sends(team, script):
    return script(team.users["editor"])


@pytest.fixture
def editor(team, browser):
    return browser(team.users["editor"])


@pytest.fixture
def begin(team, sends):
    """A new collection's id."""

    def begin(kind="chat", name="Good answers"):
        made = sends.post(
            f"/projects/{team.project_id}/collections", json={"name": name, "format": kind}
        )
        assert made.status_code == 201, made.text
        return made.json()["id"]

    return begin


@pytest.fixture
def add(sends):
    """Keep a row; the answer."""
    return lambda kept, row: sends.post(f"/collections/{kept}/rows", json={"row": row})


def test_rows_become_a_dataset_and_its_next_version_and_the_same_rows_no_other(
    team, sends, editor, begin, add, letters
):
    kept, rows = begin(), [json.loads(line) for line in chat_file(12).splitlines()]
    for row in rows:
        assert add(kept, row).status_code == 201
    made = sends.post(f"/collections/{kept}/dataset")
    assert made.status_code == 202
    dataset = made.json()
    letters.deliver()

    version = version_of(dataset["version"]["id"])
    assert (version.status, version.format, version.rows) == (VersionStatus.READY, "chat", 12)
    assert dataset["name"] == "Good answers"
    lines = storage.blob_path(version.sha256).read_text().splitlines()
    assert [json.loads(line) for line in lines] == rows
    assert sends.post(f"/collections/{kept}/dataset").json()["version"]["id"] == version.id

    add(kept, ROWS["chat"])
    following = sends.post(f"/collections/{kept}/dataset").json()
    letters.deliver()
    assert (following["id"], following["version"]["number"]) == (dataset["id"], 2)
    assert version_of(following["version"]["id"]).rows == 13
    assert sends.get(f"/collections/{kept}").json()["dataset_id"] == dataset["id"]
    told = editor.get(f"/dataset-versions/{version.id}/collection").text
    assert f'href="/collections/{kept}"' in told
    assert editor.get(f"/dataset-versions/{team.version_id}/collection").text.strip() == ""


@pytest.mark.parametrize("kind", ROWS)
@one_database
def test_a_collection_of_each_format_becomes_a_dataset_of_it(
    team, sends, editor, begin, add, letters, kind
):
    kept = begin(kind)
    assert add(kept, ROWS[kind]).json()["row"] == ROWS[kind]
    page = editor.get(f"/collections/{kept}").text
    assert "my &lt;b&gt;parcel" in page if kind == "chat" else "my parcel" in page
    made = sends.post(f"/collections/{kept}/dataset").json()
    letters.deliver()
    assert version_of(made["version"]["id"]).format == kind


@pytest.mark.parametrize(
    ("kind", "row", "words"),
    [
        ("chat", ROWS["evaluation"], "not a key of a chat row"),
        ("evaluation", {"item": {}}, "The item has no fields."),
        ("evaluation", {"item": {"a": 0}, "b": 1}, "not a key of an evaluation row"),
        ("preference", ROWS["chat"], "not a key of a preference row"),
        ("evaluation", {"item": {"a": "x" * 2_000_000}}, "longer than 2,000,000 bytes"),
    ],
)
@one_database
def test_what_is_no_row_of_the_format_is_refused_with_the_cure(
    team, sends, begin, add, kind, row, words
):
    kept = begin(kind)
    refused = add(kept, row)
    assert refused.status_code == 422
    assert words in problem_fields(refused)["row"]
    assert sends.get(f"/collections/{kept}/rows").json()["data"] == []


def test_a_row_stands_there_once_and_can_be_taken_out_and_put_back(team, sends, editor, begin, add):
    kept = begin()
    first, second = (add(kept, ROWS["chat"]).json()["id"] for _ in range(2))
    assert first == second

    out = editor.post(f"/collection-rows/{first}/remove")
    assert "Put it back" in editor.get(out.headers["location"]).text
    assert sends.get(f"/collections/{kept}").json()["rows"] == 0
    assert sends.post(f"/collections/{kept}/dataset").status_code == 409
    assert editor.post(f"/collection-rows/{first}/put-back").status_code == 303
    (row,) = sends.get(f"/collections/{kept}/rows").json()["data"]
    assert (row["id"], row["row"]) == (first, ROWS["chat"])

    sends.send("DELETE", f"/collection-rows/{first}")
    again = add(kept, ROWS["chat"]).json()["id"]
    assert sends.get(f"/collections/{kept}").json()["rows"] == 1
    sends.send("DELETE", f"/collection-rows/{again}")
    other = add(kept, json.loads(chat_row("And now?", "refund"))).json()["id"]
    clock.shift(2 * 86_400)
    sends.send("DELETE", f"/collection-rows/{other}")
    assert sends.post(f"/collection-rows/{again}/put-back").status_code == 404
    assert sends.post(f"/collection-rows/{other}/put-back").status_code == 200


@one_database
def test_names_are_taken_once_a_format(team, sends, editor, begin):
    kept, other = begin(), begin(name="Others")
    begin("evaluation")
    path = f"/projects/{team.project_id}/collections"
    refused = editor.post(path, {"name": "Good answers", "format": "chat"})
    assert refused.status_code == 422
    assert "so called" in refused.text
    assert editor.post(f"/collections/{other}/rename", {"name": "Good answers"}).status_code == 422
    assert editor.post(f"/collections/{other}/rename", {"name": "Better"}).status_code == 303
    names = [one["name"] for one in sends.get(path, params={"sort": "name"}).json()["data"]]
    assert names == ["Better", "Good answers", "Good answers"]
    assert sends.send("DELETE", f"/collections/{kept}").status_code == 204
    assert editor.get(f"/collections/{kept}").status_code == 404


@one_database
def test_viewers_read_and_are_offered_nothing_they_may_not_do(team, browser, begin, add):
    kept = begin()
    add(kept, ROWS["chat"])
    viewer = browser(team.users["viewer"])
    page = viewer.get(f"/collections/{kept}").text
    assert "my &lt;b&gt;parcel&lt;/b&gt;" in page
    for words in ("Make a dataset", "Take it out", "Rename", "Delete"):
        assert words not in page
    index = viewer.get(f"/projects/{team.project_id}/collections").text
    assert "Good answers" in index
    assert "New collection" not in index
