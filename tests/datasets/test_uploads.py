"""Uploads that break off and go on: the protocol, item U14 of the list of odd uploads, and what
becomes of the bytes.
"""

import base64
import hashlib
import os
from datetime import timedelta

import pytest

from app.core import clock, partial, storage
from app.core.database import read_only, unit_of_work
from app.core.errors import DiskFull
from app.datasets import routes_uploads, uploads
from app.datasets.models import Dataset, DatasetVersion, Upload
from tests import make
from tests.stage import one_database, read, version_of

ROWS = make.chat_file(500)
HASH = hashlib.sha256(ROWS).hexdigest()
HALF = len(ROWS) // 2
OCTETS = "application/offset+octet-stream"


def said(**values):
    """The header of these words."""
    pairs = (
        f"{name} {base64.b64encode(value.encode()).decode()}" for name, value in values.items()
    )
    return ",".join(pairs)


class Sender:
    """Somebody who uploads, by a script or by a browser."""

    def __init__(self, who, prefix=""):
        self.who, self.prefix = who, prefix

    def ask(self, method, path, content=b"", **headers):
        named = {name.replace("_", "-"): str(value) for name, value in headers.items()}
        return self.who.send(method, path, content=content, headers=named)

    def begin(self, path, **words):
        answer = self.ask("POST", path, Upload_Length=len(ROWS), Upload_Metadata=said(**words))
        assert answer.status_code == 201, answer.text
        assert answer.headers["upload-offset"] == "0"
        return answer.headers["location"].removeprefix("/api/v1")

    def append(self, place, offset, content, **headers):
        words = {"Content_Type": OCTETS, "Upload_Offset": offset, **headers}
        return self.ask("PATCH", place, content, **words)

    def offset(self, place):
        answer = self.ask("HEAD", place)
        assert (answer.status_code, answer.text) == (200, "")
        assert answer.headers["cache-control"] == "no-store"
        return int(answer.headers["upload-offset"])

    def complete(self, place):
        return self.ask("POST", f"{place}/complete")


@pytest.fixture
def sender(team, script):
    return Sender(script(team.users["editor"]))


@pytest.fixture
def place(team, sender):
    """An upload of ROWS of which nothing is here."""
    return sender.begin(f"/projects/{team.project_id}/uploads", filename="rows.jsonl")


def parts():
    return list(storage.folder("blobs").glob("*.part"))


def datasets():
    with read_only() as session:
        return session.query(Dataset).count()


def upload_of(place):
    return read(Upload, int(place.rpartition("/")[2]))


def test_a_script_sends_a_file_in_two_parts(team, sender, letters):
    path = f"/projects/{team.project_id}/uploads"
    place = sender.begin(path, filename="../june.jsonl", name="June", sha256=HASH, type="any")
    first = sender.append(place, 0, ROWS[:HALF])
    assert (first.status_code, first.headers["upload-offset"]) == (204, str(HALF))
    assert first.headers["tus-resumable"] == "1.0.0"
    assert sender.offset(place) == HALF
    assert sender.append(place, HALF, ROWS[HALF:]).headers["upload-offset"] == str(len(ROWS))

    made = sender.complete(place)

    assert made.status_code == 202
    version = version_of(made.json()["version"]["id"])
    assert (version.sha256, version.size) == (HASH, len(ROWS))
    assert version.file_name == "june.jsonl"
    assert made.json()["name"] == "June"
    assert storage.blob_path(HASH).read_bytes() == ROWS
    assert parts() == []
    letters.deliver()
    assert version_of(version.id).status == "ready"


def test_asked_to_complete_twice_it_is_one_dataset(sender, place):
    sender.append(place, 0, ROWS)
    made = [sender.complete(place).json()["id"] for _ in range(3)]
    assert len(set(made)) == 1
    assert datasets() == 2
    assert sender.offset(place) == len(ROWS)
    assert sender.append(place, len(ROWS), b"x").status_code == 409
    sender.ask("DELETE", place)
    assert datasets() == 2


def test_a_new_version_comes_the_same_way(team, sender):
    place = sender.begin(f"/datasets/{team.dataset_id}/uploads", filename="more.jsonl")
    sender.append(place, 0, ROWS)
    version = version_of(sender.complete(place).json()["version"]["id"])
    assert (version.dataset_id, version.number) == (team.dataset_id, 2)


def test_a_browser_sends_its_cookie_and_its_token(team, browser):
    who = Sender(browser(team.users["editor"]))
    place = who.begin(f"/projects/{team.project_id}/uploads", filename="rows.jsonl", modified="7")
    assert who.append(place, 0, ROWS).status_code == 204
    location = who.complete(place).json()["location"]
    assert version_of(int(location.rpartition("/")[2])).sha256 == HASH
    without = who.who.client.patch(place, content=b"x", headers=who.who.headers)
    assert without.status_code == 403


@one_database
def test_u14_a_byte_too_early_too_late_or_too_many_is_refused(sender, place):
    sender.append(place, 0, ROWS[:HALF])
    for offset in (0, HALF - 1, HALF + 1, len(ROWS), 2**53):
        answer = sender.append(place, offset, ROWS[HALF:])
        assert answer.status_code in {409, 413}, offset
        assert sender.offset(place) == HALF
    assert sender.append(place, HALF - 1, ROWS[HALF:]).status_code == 409
    assert sender.append(place, HALF, ROWS[HALF:] + b"x").status_code == 413
    assert sender.append(place, HALF, ROWS[HALF:]).status_code == 204


@one_database
def test_u14_a_body_without_an_end_stops_at_what_was_declared(sender, place):
    def endless():
        for _ in range(100):
            yield b"x" * 100_000

    assert sender.append(place, 0, endless()).status_code == 413
    assert sender.offset(place) <= len(ROWS)


@one_database
def test_u14_nothing_is_finished_before_its_last_byte(sender, place):
    for content in (b"", ROWS[:HALF]):
        sender.append(place, 0, content)
        refused = sender.complete(place)
        assert refused.status_code == 409
        assert "Send the rest first" in refused.json()["detail"]
    assert datasets() == 1


@one_database
def test_u14_bytes_that_are_not_the_declared_ones_are_refused_and_go(team, sender):
    path = f"/projects/{team.project_id}/uploads"
    place = sender.begin(path, filename="x.jsonl", sha256="0" * 64)
    sender.append(place, 0, ROWS)
    refused = sender.complete(place)
    assert refused.status_code == 422
    assert HASH in refused.json()["errors"][0]["message"]
    assert parts() == []
    assert not storage.is_stored(HASH)
    assert sender.ask("HEAD", place).status_code == 404
    assert datasets() == 1


@one_database
def test_u14_what_is_another_teams_or_nobodys_is_not_there(team, sender, place, script):
    stranger = Sender(script(team.users["outsider"]))
    for who, where in ((stranger, place), (sender, "/uploads/999999"), (sender, "/uploads/0")):
        assert who.append(where, 0, b"x").status_code == 404
        assert who.complete(where).status_code == 404
        assert who.ask("HEAD", where).status_code == 404
        assert who.ask("DELETE", where).status_code == 404
    viewer = Sender(script(team.users["viewer"]))
    assert viewer.append(place, 0, b"x").status_code == 403


ODD_PARTS = [
    (415, {"Content_Type": "application/octet-stream"}),
    (415, {"Content_Type": ""}),
    (412, {"Tus_Resumable": "0.2.2"}),
    (422, {"Upload_Offset": "-1"}),
    (422, {"Upload_Offset": "1e3"}),
    (422, {"Upload_Offset": "9" * 30}),
    (400, {"Upload_Checksum": "crc32 AAAA"}),
    (400, {"Upload_Checksum": "sha1 *"}),
    (460, {"Upload_Checksum": "sha1 AAAA"}),
    (415, {"Content_Encoding": "gzip"}),
]


@one_database
def test_odd_headers_are_refused_and_nothing_is_kept(sender, place):
    for status, words in ODD_PARTS:
        answer = sender.append(place, 0, ROWS, **{"Tus_Resumable": "1.0.0", **words})
        assert answer.status_code == status, (words, answer.text)
        assert answer.headers["tus-resumable"] == "1.0.0"
        assert sender.offset(place) == 0


@one_database
@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "md5"])
def test_a_checksum_of_a_part_is_compared(sender, place, algorithm):
    def checksum(content):
        found = hashlib.new(algorithm, content, usedforsecurity=False).digest()
        return f"{algorithm} {base64.b64encode(found).decode()}"

    sender.append(place, 0, ROWS[:HALF], Upload_Checksum=checksum(ROWS[:HALF]))
    wrong = sender.append(place, HALF, b"y" * 9, Upload_Checksum=checksum(b"x" * 9))
    assert wrong.status_code == 460
    assert sender.offset(place) == HALF
    sender.append(place, HALF, ROWS[HALF:], Upload_Checksum=checksum(ROWS[HALF:]))
    assert version_of(sender.complete(place).json()["version"]["id"]).sha256 == HASH


ODD_BEGINNINGS = [
    (422, {}),
    (422, {"Upload_Length": "-1"}),
    (422, {"Upload_Length": "many"}),
    (422, {"Upload_Defer_Length": "1"}),
    (413, {"Upload_Length": str(65 * 10**9)}),
    (422, {"Upload_Length": "1", "Upload_Metadata": "filename *"}),
    (422, {"Upload_Length": "1", "Upload_Metadata": "filename /w=="}),
    (422, {"Upload_Length": "1", "Upload_Metadata": said(filename="a\0b")}),
    (422, {"Upload_Length": "1", "Upload_Metadata": said(sha256="abc")}),
    (422, {"Upload_Length": "1", "Upload_Metadata": said(modified="yesterday")}),
    (422, {"Upload_Length": "1", "Upload_Metadata": said(name="x" * 121)}),
]


@one_database
def test_what_cannot_be_begun_says_why(team, sender):
    for status, headers in ODD_BEGINNINGS:
        answer = sender.ask("POST", f"/projects/{team.project_id}/uploads", **headers)
        assert answer.status_code == status, (headers, answer.text)
        assert answer.json()["detail"]
    assert parts() == []


@one_database
def test_a_client_may_ask_what_is_spoken_here(team, sender):
    answer = sender.ask("OPTIONS", f"/projects/{team.project_id}/uploads")
    assert answer.status_code == 204
    assert answer.headers["tus-version"] == "1.0.0"
    assert "creation" in answer.headers["tus-extension"]
    assert int(answer.headers["tus-max-size"]) > 10**9


@one_database
def test_a_full_disk_is_507_and_keeps_what_is_there(sender, place, monkeypatch):
    sender.append(place, 0, ROWS[:HALF])

    def full(*_args, words="", **_words):
        raise DiskFull(words)

    with monkeypatch.context() as patch:
        patch.setattr(storage, "check_room", full)
        refused = sender.append(place, HALF, ROWS[HALF:])
    assert refused.status_code == 507
    assert "is kept" in refused.json()["detail"]
    assert sender.offset(place) == HALF
    assert sender.append(place, HALF, ROWS[HALF:]).status_code == 204


@one_database
def test_one_person_begins_no_more_than_twenty(team, sender, monkeypatch):
    monkeypatch.setattr(uploads, "MOST_OPEN", 2)
    path = f"/projects/{team.project_id}/uploads"
    first, _ = sender.begin(path), sender.begin(path)
    refused = sender.ask("POST", path, Upload_Length=1)
    assert refused.status_code == 429
    sender.ask("DELETE", first)
    sender.begin(path)
    assert len(parts()) == 2


class Killed(BaseException):
    """What kill -9 leaves of a step: nothing after it."""


def die(*_args, **_words):
    raise Killed


@pytest.mark.parametrize("point", ["note_hash", "become_blob", "complete"])
def test_killed_at_any_step_of_completing_it_is_completed_later(sender, place, monkeypatch, point):
    sender.append(place, 0, ROWS)
    upload = upload_of(place)
    owner = partial.Partial if point == "become_blob" else uploads
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(owner, point, die)
        routes_uploads._complete(upload, upload.created_by)
    assert sender.offset(place) == len(ROWS)
    made = [sender.complete(place) for _ in range(2)]
    assert {answer.status_code for answer in made} == {202}
    assert made[0].json()["id"] == made[1].json()["id"]
    assert datasets() == 2
    assert parts() == []


def test_an_upload_to_which_nothing_comes_for_a_day_is_forgotten(sender, place, letters):
    from app.datasets import tasks

    sender.append(place, 0, ROWS[:HALF])
    (part,) = parts()
    day = timedelta(days=1, minutes=1)
    assert ("datasets.forget_upload", upload_of(place).id) not in tasks.waiting()

    clock.shift(day.total_seconds())
    assert ("datasets.forget_upload", upload_of(place).id) in tasks.waiting()
    tasks.forget_upload(upload_of(place).id)
    assert part.exists(), "a byte came a moment ago, by the file's own clock"
    assert sender.offset(place) == HALF

    then = part.stat().st_mtime - day.total_seconds()
    os.utime(part, (then, then))
    clock.shift(2 * day.total_seconds())
    tasks.forget_upload(upload_of(place).id)
    assert not part.exists()
    assert sender.ask("HEAD", place).status_code == 404
    tasks.forget_upload(999_999)


def test_an_upload_that_ended_is_forgotten_and_its_dataset_stays(sender, place, letters):
    from app.datasets import tasks

    sender.append(place, 0, ROWS)
    sender.complete(place)
    clock.shift(timedelta(days=1, minutes=1).total_seconds())
    tasks.forget_upload(upload_of(place).id)
    with read_only() as session:
        assert session.query(Upload).count() == 0
        assert session.query(DatasetVersion).count() == 2


def test_what_broke_off_stands_in_the_list_of_a_script_and_on_the_page(team, script, browser):
    who = Sender(browser(team.users["editor"]))
    paths = (f"/projects/{team.project_id}/uploads", f"/datasets/{team.dataset_id}/uploads")
    shown = (f"/projects/{team.project_id}/datasets", f"/datasets/{team.dataset_id}/upload")
    for path, page in zip(paths, shown, strict=True):
        who.begin(path, filename="nothing.jsonl")
        place = who.begin(path, filename="broken.jsonl", modified="1764316800000")
        assert "broken.jsonl" not in who.who.get(page).text, "nothing of it is here"
        who.append(place, 0, ROWS[:HALF])
        text = who.who.get(page).text
        assert "broken.jsonl" in text
        assert "nothing.jsonl" not in text
        assert "Continue (50 %)" in text
        assert f'data-size="{len(ROWS)}" data-modified="1764316800000"' in text
        assert "broken.jsonl" not in browser(team.users["owner"]).get(page).text, "not theirs"

        listed = script(team.users["viewer"]).get(f"/projects/{team.project_id}/uploads").json()
        assert {one["offset"] for one in listed["data"]} >= {0, HALF}

        gone = who.who.post(f"{place}/remove")
        assert (gone.status_code, gone.headers["location"]) == (303, page)
        assert "broken.jsonl" not in who.who.get(page).text.partition("toasts")[0]


@one_database
def test_what_is_begun_and_given_up_is_on_record(team, sender, place):
    from app.auth.models import Activity

    sender.ask("DELETE", place)
    with read_only() as session:
        verbs = [row.verb for row in session.query(Activity).order_by(Activity.id)]
    assert verbs[-2:] == ["upload.begun", "upload.removed"]


def test_uploads_go_with_their_project(team, sender, place):
    from app.projects.models import Project

    with unit_of_work() as session:
        session.delete(session.get_one(Project, team.project_id))
    with read_only() as session:
        assert session.query(Upload).count() == 0
