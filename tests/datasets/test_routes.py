"""The dataset pages: uploads as browsers send them, the report, rows."""

import hashlib

import pytest

from app.core import storage
from app.core.database import read_only, unit_of_work
from app.datasets.models import Dataset, DatasetVersion
from app.projects.models import Project
from app.settings import settings
from tests import make
from tests.stage import one_database, version_of


@pytest.fixture
def editor(team, browser):
    return browser(team.users["editor"])


def blobs():
    return {path for path in storage.folder("blobs").rglob("*") if path.is_file()}


def put(browser, path, content, **query):
    return browser.send("PUT", path, params={"name": "rows.jsonl", **query}, content=content)


def test_a_dropped_file_is_stored_as_it_is(team, editor, letters):
    content = make.chat_file(15)

    answer = put(
        editor,
        f"/projects/{team.project_id}/datasets/upload",
        content,
        size=len(content),
        title="June",
    )

    assert answer.status_code == 202
    location = answer.json()["location"]
    version = version_of(int(location.rpartition("/")[2]))
    assert version.sha256 == hashlib.sha256(content).hexdigest()
    assert storage.blob_path(version.sha256).read_bytes() == content
    assert (version.size, version.status, version.number) == (len(content), "received", 1)
    assert "June" in editor.get(location).text
    letters.deliver()
    assert "15" in editor.get(location).text


def test_a_wrong_size_is_refused_and_nothing_stays(team, editor):
    before = blobs()
    path = f"/projects/{team.project_id}/datasets/upload"
    for size in (1, 10**9):
        refused = put(editor, path, make.chat_file(), size=size)
        assert refused.status_code == 422
    assert blobs() == before
    with read_only() as session:
        assert session.query(DatasetVersion).count() == 1


def test_a_file_beyond_the_limit_is_413(team, editor, monkeypatch):
    monkeypatch.setenv("LUTHIER_UPLOAD_LIMIT", "1000")
    settings.cache_clear()
    before = blobs()
    refused = put(editor, f"/projects/{team.project_id}/datasets/upload", b"x" * 1001)
    assert refused.status_code == 413
    assert blobs() == before


def test_a_plain_form_uploads_too(team, editor):
    path = f"/projects/{team.project_id}/datasets/upload"
    data = {"csrf": editor.csrf, "name": "By hand"}
    answer = editor.client.post(
        path, headers=editor.headers, files={"file": ("x.jsonl", make.chat_file())}, data=data
    )
    assert answer.status_code == 303
    assert "By hand" in editor.get(answer.headers["location"]).text


def test_the_same_bytes_are_stored_once(team, editor):
    path = f"/projects/{team.project_id}/datasets/upload"
    made = {put(editor, path, make.chat_file(44)).json()["location"] for _ in range(3)}
    assert len(made) == 3
    assert sum(make.chat_file(44) == path.read_bytes() for path in blobs()) == 1


@one_database
@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("../../../etc/passwd", "passwd"),
        ("..\\..\\boot.ini", "boot.ini"),
        ("x\ny.jsonl", "x y.jsonl"),
        ("\u202ednoces.jsonl", "dnoces.jsonl"),
        ("..", ".."),
        ("/", "unnamed.jsonl"),
        ("é" * 400, "é" * 255),
    ],
)
def test_names_are_labels(team, editor, name, label):
    answer = put(
        editor, f"/projects/{team.project_id}/datasets/upload", b"{}\n", name=name, title="t"
    )
    assert answer.status_code == 202
    version = version_of(int(answer.json()["location"].rpartition("/")[2]))
    assert version.file_name == label


def test_a_new_version_is_dropped_on_its_dataset(team, editor):
    assert editor.get(f"/datasets/{team.dataset_id}/upload").status_code == 200
    answer = put(editor, f"/datasets/{team.dataset_id}/upload", make.chat_file(14))
    version = version_of(int(answer.json()["location"].rpartition("/")[2]))
    assert (version.dataset_id, version.number) == (team.dataset_id, 2)


@one_database
def test_the_report_shows_the_beginning_of_a_long_row(team, editor):
    with unit_of_work() as session:
        project = session.get_one(Project, team.project_id)
        content = make.chat_row("Where? " * 200, "delivery") + make.chat_file(12)
        version_id = make.make_checked_version(session, project, content).id
    report, rows = (
        editor.get(f"/dataset-versions/{version_id}{more}").text for more in ("", "/rows")
    )
    assert "The whole row 1<" in report
    assert "The whole row 2<" not in report
    assert (report.count("Where? "), rows.count("Where? ")) == (57, 200)


def test_the_report_shows_what_the_check_found(team, editor, letters):
    bad = b'{"messages": [{"role": "wizard", "content": "abracadabra"}]}\n'
    path = f"/projects/{team.project_id}/datasets/upload"
    where = put(editor, path, make.chat_file(12) + bad * 60).json()["location"]
    letters.deliver()
    version_id = int(where.rpartition("/")[2])

    text = editor.get(where).text

    assert "Where is parcel 0?" in text
    assert "13" in text
    with read_only() as session:
        assert session.get_one(DatasetVersion, version_id).errors >= 60
    from app.datasets.index import open_index

    with open_index(storage.index_path(version_id)) as opened:
        groups = opened.finding_groups()
    rule = max(groups, key=lambda group: group.count).rule
    assert f"/dataset-versions/{version_id}/findings?rule={rule}" in text
    shown = editor.get(f"/dataset-versions/{version_id}/findings?rule={rule}").text
    assert f"Rule: {rule}" in shown
    assert "1 to 50 of 60 findings" in shown
    unknown = editor.get(f"/dataset-versions/{version_id}/findings?rule=%3Cx%3E")
    assert unknown.status_code == 200
    assert "No finding matches." in unknown.text


def test_rows_are_browsed_and_jumped_to(team, editor):
    path = f"/dataset-versions/{team.version_id}/rows"
    assert "Where is parcel 0?" in editor.get(path).text
    jumped = editor.get(f"{path}?row=12").text
    assert "Where is parcel 11?" in jumped
    assert "Where is parcel 0?" not in jumped
    for odd in ("0", "13", "-1", "x", "१", "9" * 30, "1e3"):
        answer = editor.get(f"{path}?row={odd}")
        assert answer.status_code == 200
        assert "There is no row" in answer.text
    assert editor.get(f"{path}?after=1000000").status_code == 200
    assert editor.get(f"{path}?sort=answer&after=1000000").status_code == 422


def test_before_the_verdict_the_pages_wait(team, editor):
    path = f"/projects/{team.project_id}/datasets/upload"
    where = put(editor, path, make.chat_file()).json()["location"]
    assert "hx-trigger" in editor.get(f"{where}/progress").text
    assert editor.get(f"{where}/rows").status_code == 303
    assert editor.get(f"{where}/findings").status_code == 303


@one_database
def test_the_example_comes_with_its_held_out_questions(team, editor):
    answer = editor.send("POST", f"/projects/{team.project_id}/datasets/example")
    assert answer.status_code == 303
    training = version_of(int(answer.headers["location"].rpartition("/")[2]))
    with read_only() as session:
        dataset = session.get_one(Dataset, training.dataset_id)
        held_out = session.get_one(Dataset, dataset.held_out_id)
    assert "CC BY 4.0" in dataset.licence
    assert "held-out" in held_out.name
