"""`/api/v1/projects/{id}/datasets` and versions, field by field."""

import hashlib
import json

import pytest

from app.core import storage
from app.settings import settings
from tests.make import chat_file, chat_row, problem_fields
from tests.stage import one_database


@pytest.fixture
def sends(team, script):
    return script(team.users["editor"])


def upload(sends, path, content, *, file_name="rows.jsonl", name=None):
    fields = {} if name is None else {"name": name}
    return sends.post(path, files={"file": (file_name, content)}, data=fields)


def blobs():
    """Every file under the blobs, parts included."""
    return [path for path in storage.folder("blobs").rglob("*") if path.is_file()]


def test_an_upload_answers_202_at_once_and_is_ready_after_the_check(team, sends, letters):
    content = chat_file(20, words="How much is")

    answer = upload(sends, f"/projects/{team.project_id}/datasets", content, name="Questions")

    assert answer.status_code == 202
    made = answer.json()
    assert made["name"] == "Questions"
    assert made["version"].keys() >= {
        "id", "number", "status", "format", "rows", "tokens", "sha256", "findings",
    }  # fmt: skip
    assert made["version"]["number"] == 1
    assert made["version"]["status"] == "received"
    assert made["version"]["sha256"] == hashlib.sha256(content).hexdigest()
    assert made["version"]["rows"] is None
    letters.deliver()
    ready = sends.get(f"/dataset-versions/{made['version']['id']}").json()
    assert ready["status"] == "ready"
    assert ready["format"] == "chat"
    assert ready["rows"] == 20
    assert ready["tokens"] > 20
    assert ready["findings"]["error"] == 0
    assert ready["findings"]["warning"] >= 0
    shown = sends.get(f"/datasets/{made['id']}").json()
    assert shown["version"] == ready
    newest = sends.get(f"/projects/{team.project_id}/datasets").json()["data"][0]
    assert newest == shown


def test_a_dataset_without_a_name_is_called_like_its_file(team, sends):
    path = f"/projects/{team.project_id}/datasets"
    assert upload(sends, path, chat_file(), file_name="june.jsonl").json()["name"] == "june"


def test_a_new_version_belongs_to_its_dataset(team, sends, letters):
    path = f"/datasets/{team.dataset_id}/versions"
    answer = upload(sends, path, chat_file(13))
    assert answer.status_code == 202
    assert answer.json()["id"] == team.dataset_id
    assert answer.json()["version"]["number"] == 2
    letters.deliver()
    assert sends.get(f"/datasets/{team.dataset_id}").json()["version"]["rows"] == 13


def test_findings_tell_row_field_rule_reason_and_cure(team, sends, letters):
    bad = b'{"messages": [{"role": "wizard", "content": "x"}]}\n'
    content = chat_file(3) + bad + chat_file(2, words="Is it")
    path = f"/projects/{team.project_id}/datasets"
    version = upload(sends, path, content).json()["version"]["id"]
    letters.deliver()

    counted = sends.get(f"/dataset-versions/{version}").json()
    found = sends.get(f"/dataset-versions/{version}/findings").json()

    assert counted["rows"] == 6
    assert counted["findings"]["error"] >= 1
    about = [one for one in found["data"] if one["row"] == 4 and one["severity"] == "error"]
    assert about
    for one in found["data"]:
        assert one.keys() >= {"row", "field", "rule", "severity", "reason", "cure"}
        assert one["severity"] in {"error", "warning", "hint"}
        assert one["reason"]
        assert one["cure"]


def test_findings_are_read_page_by_page(team, sends, letters):
    content = b'{"messages": []}\n' * 7 + chat_file(12)
    path = f"/projects/{team.project_id}/datasets"
    version = upload(sends, path, content).json()["version"]["id"]
    letters.deliver()

    whole = sends.get(f"/dataset-versions/{version}/findings", params={"limit": 200}).json()
    seen, cursor = [], 0
    while cursor is not None:
        found = sends.get(
            f"/dataset-versions/{version}/findings", params={"limit": 2, "after": cursor}
        ).json()
        seen += found["data"]
        cursor = found["next"]

    assert len(whole["data"]) >= 7
    assert seen == whole["data"]
    assert whole["next"] is None


def test_examples_come_in_the_order_of_the_file(team, sends):
    path = f"/dataset-versions/{team.version_id}/examples"

    found = sends.get(path, params={"offset": 3, "limit": 2}).json()

    assert [one["row"] for one in found["data"]] == [4, 5]
    assert found["next"] == 5
    assert found["data"][0]["example"]["messages"][1]["content"] == "Where is parcel 3?"
    assert sends.get(path, params={"offset": 10}).json()["next"] is None
    assert sends.get(path, params={"offset": 10**9}).json() == {"data": [], "next": None}
    assert sends.get(path, params={"limit": 201}).status_code == 422
    assert sends.get(path, params={"offset": -1}).status_code == 422


def test_examples_are_narrowed_and_sorted_as_on_their_page(team, sends, letters):
    content = chat_file(11) + b"this is not JSON\n" + chat_file(1, words="Where " * 40)
    path = f"/projects/{team.project_id}/datasets"
    version = upload(sends, path, content).json()["version"]["id"]
    letters.deliver()
    path = f"/dataset-versions/{version}/examples"

    def rows(**asked):
        page = sends.get(path, params={**asked, "limit": 4}).json()
        seen = page["data"]
        while page["next"] is not None:
            more = {**asked, "limit": 4, "after": page["next"]}
            page = sends.get(path, params=more).json()
            seen += page["data"]
        return [one["row"] for one in seen]

    assert rows(findings="error") == rows(rule="read.json") == [12]
    assert rows(at_least=50) == [13]
    assert rows(sort="-tokens")[0] == 13
    assert sorted(rows(sort="-tokens", holds="system")) == [*range(1, 12), 13]
    assert rows(findings="none", at_most=0) == []
    assert set(problem_fields(sends.get(path, params={"findings": "some"}))) == {"findings"}
    assert set(problem_fields(sends.get(path, params={"row": 3}))) == {"row"}


def test_content_gives_the_exact_bytes_and_no_browser_runs_them(team, sends):
    answer = sends.get(f"/dataset-versions/{team.version_id}/content")

    assert answer.content == chat_file()
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]


def test_a_rejected_file_keeps_its_report(team, sends, letters):
    path = f"/projects/{team.project_id}/datasets"
    version = upload(sends, path, b"\xff\xfe{\x00}\x00\n\x00" * 4).json()["version"]["id"]
    letters.deliver()

    shown = sends.get(f"/dataset-versions/{version}").json()

    assert shown["status"] == "rejected"
    assert shown["reason"]
    assert sends.get(f"/dataset-versions/{version}/findings").status_code == 200


def test_before_the_check_there_is_nothing_to_read(team, sends):
    path = f"/projects/{team.project_id}/datasets"
    version = upload(sends, path, chat_file()).json()["version"]["id"]
    for part in ("findings", "examples"):
        early = sends.get(f"/dataset-versions/{version}/{part}")
        assert early.status_code == 409
        assert early.json()["detail"]


@one_database
@pytest.mark.parametrize(
    ("file_name", "label"),
    [
        ("../../etc/passwd", "passwd"),
        ("..\\..\\x.jsonl", "x.jsonl"),
        ("/etc/cron.d/x", "x"),
        ("C:\\data\\rows.jsonl", "rows.jsonl"),
        ("a\u202egnp.jsonl", "agnp.jsonl"),
        ("...", "..."),
        ("x" * 300 + ".jsonl", "x" * 255),
    ],
)
def test_a_file_name_is_a_label_and_nothing_more(team, sends, file_name, label):
    before = set(blobs())
    content = chat_row("Who are you?", file_name)
    made = upload(
        sends, f"/projects/{team.project_id}/datasets", content, file_name=file_name, name="x"
    )
    assert made.status_code == 202
    assert made.json()["version"]["file_name"] == label
    sha256 = hashlib.sha256(content).hexdigest()
    assert set(blobs()) - before == {storage.blob_path(sha256)}


def test_a_file_beyond_the_limit_is_413_and_nothing_stays(team, sends, monkeypatch):
    monkeypatch.setenv("LUTHIER_UPLOAD_LIMIT", "1000")
    settings.cache_clear()
    before = set(blobs())

    refused = upload(sends, f"/projects/{team.project_id}/datasets", b"x" * 1001)

    assert refused.status_code == 413
    assert set(blobs()) == before


def test_a_form_without_a_file_is_told_so(team, sends):
    path = f"/projects/{team.project_id}/datasets"
    refused = sends.post(path, files={"name": (None, "x")})
    assert refused.status_code == 422
    assert set(problem_fields(refused)) == {"file"}
    assert sends.post(path, content=b"{}").status_code == 400
    two = [("file", ("a", b"1")), ("file", ("b", b"2"))]
    assert sends.post(path, files=two).status_code == 400


def test_a_name_that_cannot_be_is_told_by_field(team, sends):
    path = f"/projects/{team.project_id}/datasets"
    refused = upload(sends, path, chat_file(), name="x" * 121)
    assert refused.status_code == 422
    assert set(problem_fields(refused)) == {"name"}


def test_rows_that_nobody_can_read_are_counted_and_shown_as_null(team, sends, letters):
    content = chat_file(11) + b"this is not JSON\n"
    path = f"/projects/{team.project_id}/datasets"
    version = upload(sends, path, content).json()["version"]["id"]
    letters.deliver()
    last = sends.get(f"/dataset-versions/{version}/examples", params={"offset": 11}).json()["data"]
    assert last[0]["row"] == 12
    assert last[0]["example"] is None
    assert json.dumps(last[0])
