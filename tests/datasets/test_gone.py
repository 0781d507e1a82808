"""Files of a version that are missing or damaged: said in words, never a 500, and made anew."""

import sqlite3
from contextlib import closing

import pytest

from app.core import clock, storage
from app.core.database import unit_of_work
from app.datasets import tasks
from app.datasets.checks.deep.passing import Checks
from app.datasets.derived.slices import derived_path
from app.datasets.gone import IndexGone, telling_of_damage
from app.datasets.index import open_index
from app.datasets.models import Dataset, Derived, DerivedStatus, VersionStatus
from app.datasets.search.making import SearchFile
from app.projects.models import Project
from app.upkeep import service as upkeep
from app.upkeep import tasks as housekeeping
from tests import make
from tests.architecture.routes import every_route
from tests.stage import one_database, read, version_of

pytestmark = one_database

API = "/api/v1"


def cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def without_facts(path):
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DELETE FROM facts WHERE key = 'verdict'")


DAMAGE = (
    lambda path: path.write_bytes(b""),
    lambda path: path.write_bytes(b"x" * path.stat().st_size),
    cut,
    lambda path: path.unlink(),
)
ASKED = {
    "datasets.search": "?q=question",
    "api.versions.search": "?q=question",
    "datasets.content": "?as=openai",
    "api.versions.content": "?as=openai",
}


def read_all(team, browser, script, version_id, *only):
    """The answers of the pages and resources that can be read of a version, by the route's name:
    all of them, or only some. None is a surprise.
    """
    person, program = browser(team.users["owner"]), script(team.users["owner"])
    answers = {}
    for route in every_route():
        is_one = route.ids == ["version_id"] and not route.is_unsafe
        if is_one and (not only or route.name in only):
            asked = ASKED.get(route.name, "")
            if "leaks" in route.name:
                asked = f"?training_version_id={team.version_id}"
            place = route.path.format(version_id=version_id) + asked
            one = person.get(place) if route.is_page else program.get(place.removeprefix(API))
            answers[route.name] = one
    assert {name for name, one in answers.items() if one.status_code >= 500} == set()
    return answers


@pytest.fixture
def made(team, letters):
    """A version with all its files."""
    with unit_of_work() as session:
        project = session.get_one(Project, team.project_id)
        version_id = make.make_version(session, project, make.chat_file(30)).id
    run_out(letters)
    assert {row.status for row in rows_of(version_id)} == {DerivedStatus.READY}
    return version_id


def rows_of(version_id):
    with unit_of_work() as session:
        return session.query(Derived).filter_by(version_id=version_id).all()


def ids_of(version_id):
    with open_index(storage.index_path(version_id)) as index:
        return [row.row_id for row in index.each_row()]


def run_out(letters):
    """Whatever is due, until nothing is."""
    letters.deliver()
    letters.ring(tasks.waiting)
    letters.deliver()


def test_every_page_says_that_the_index_is_gone_and_it_is_made_anew(
    team, browser, script, letters, made
):
    ids, before, index = ids_of(made), version_of(made), storage.index_path(made)
    content = index.read_bytes()
    for damage in DAMAGE:
        index.write_bytes(content)
        damage(index)
        letters.tasks.clear()
        answer = script(team.users["owner"]).get(f"/dataset-versions/{made}/examples")
        assert answer.status_code == 409
        assert "made anew from the stored file" in answer.json()["detail"]
        assert letters.tasks == [("datasets.mend", (made,))]

    answers = read_all(team, browser, script, made)
    for name in ("findings", "search", "content", "verdicts"):
        assert answers[f"api.versions.{name}"].status_code == 409, name
    for name in ("rows", "row", "findings", "figures", "search", "export", "content", "clusters"):
        place = answers[f"datasets.{name}"].headers["location"]
        assert place.endswith(f"/dataset-versions/{made}"), name
    report = answers["datasets.show"].text
    assert "made anew from the stored file" in report
    assert "Wait for a worker" in report
    assert "Every row passes every rule" not in report

    order = {
        "connection_id": team.connection_id,
        "training_version_id": made,
        "base_model": make.BASE_MODEL,
    }
    form = f"/projects/{team.project_id}/jobs/new?training_version_id={made}"
    assert browser(team.users["owner"]).get(form).status_code in {200, 409}
    for path in ("jobs", "jobs/estimate"):
        place = f"/projects/{team.project_id}/{path}"
        refused = script(team.users["owner"]).post(place, json=order)
        assert refused.status_code == 409, path
        assert "made anew from the stored file" in refused.json()["detail"]

    run_out(letters)
    after = version_of(made)
    assert after.status == VersionStatus.READY
    assert (after.report, after.rows) == (before.report, before.rows)
    assert ids_of(made) == ids
    assert {row.status for row in rows_of(made)} == {DerivedStatus.READY}
    read_again = ("datasets.rows", "datasets.search", "api.versions.verdicts")
    answers = read_all(team, browser, script, made, *read_again)
    assert {name: one.status_code for name, one in answers.items()} == dict.fromkeys(
        read_again, 200
    )


@pytest.mark.parametrize("deriver", [Checks(), SearchFile()], ids=lambda one: one.kind)
def test_a_further_file_that_is_gone_or_torn_is_made_anew(
    team, browser, script, letters, made, deriver
):
    path = derived_path(storage.index_path(made), deriver)
    for damage in DAMAGE[1:]:
        damage(path)
        read_all(team, browser, script, made, "datasets.show", "datasets.search", "datasets.leaks")
        assert ("datasets.mend", (made,)) in letters.tasks
        run_out(letters)
        assert path.read_bytes()[:6] == b"SQLite"
    assert version_of(made).status == VersionStatus.READY


def test_a_stored_file_that_is_gone_is_told_with_its_cure_and_uploading_it_again_is_one(
    team, browser, script, letters, made
):
    path = storage.blob_path(version_of(made).sha256)
    content = path.read_bytes()
    path.unlink()
    refused = ("api.versions.source", "api.versions.examples", "datasets.content")
    for only in ((), ("datasets.show", *refused)):
        answers = read_all(team, browser, script, made, *only)
        for name in refused:
            assert answers[name].status_code == 409, name
            assert "upload the same file once more" in answers[name].text
        assert "The stored file is gone" in answers["datasets.show"].text
        path.write_bytes(content[:-1])  # the second time it is there, and damaged
    storage.index_path(made).unlink()
    answers = read_all(team, browser, script, made, "datasets.show", "datasets.rows")
    assert "The stored file is gone" in answers["datasets.show"].text
    run_out(letters)
    assert version_of(made).status == VersionStatus.READY  # there is nothing to make it anew of

    files = {"file": ("again.jsonl", content)}
    sent = script(team.users["owner"]).post(f"/projects/{team.project_id}/datasets", files=files)
    assert sent.status_code == 202
    read_all(team, browser, script, made, "datasets.rows")
    run_out(letters)
    answers = read_all(team, browser, script, made, "datasets.rows", "api.versions.source")
    assert answers["datasets.rows"].status_code == 200
    assert answers["api.versions.source"].content == content


def test_rows_keep_their_ids_when_the_indexes_of_all_versions_are_gone(team, letters, made):
    with unit_of_work() as session:
        project = session.get_one(Project, team.project_id)
        dataset = session.get_one(Dataset, version_of(made).dataset_id)
        content = make.chat_file(40)
        later = make.make_version(session, project, content, dataset=dataset).id
    run_out(letters)
    ids = ids_of(made), ids_of(later)
    assert set(ids[0]) <= set(ids[1])
    for one in (made, later):
        storage.index_path(one).unlink()
    tasks.mend(later)
    tasks.check(later)  # too early: its ids come from the version before
    assert not storage.index_path(later).exists()
    run_out(letters)
    with unit_of_work() as session:
        session.get_one(type(version_of(later)), later).due_at = version_of(made).checked_at
    run_out(letters)
    assert (ids_of(made), ids_of(later)) == ids


def test_an_index_without_its_facts_is_made_anew(team, browser, script, letters, made):
    ids = ids_of(made)
    without_facts(storage.index_path(made))
    read_all(team, browser, script, made)
    run_out(letters)
    assert version_of(made).status == VersionStatus.READY
    assert ids_of(made) == ids


@pytest.mark.parametrize("code", [sqlite3.SQLITE_IOERR, sqlite3.SQLITE_IOERR_READ])
def test_what_the_disk_does_not_hand_out_is_gone(database, code, tmp_path):
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = code
    with pytest.raises(IndexGone), telling_of_damage(tmp_path / "1.sqlite"):
        raise error


def test_a_file_that_is_whole_after_all_is_left_alone(made, letters):
    before = vars(version_of(made)).copy()
    tasks.mend(made)
    after = vars(version_of(made)).copy()
    for values in (before, after):
        values.pop("_sa_instance_state")
    assert after == before


def test_the_housekeeping_finds_what_nobody_has_missed(team, letters, made):
    storage.index_path(made).unlink()
    with unit_of_work() as session:
        row = upkeep.begin(session).id
    housekeeping.keep(row)
    run_out(letters)
    assert storage.index_path(made).is_file()


def test_a_further_file_waits_for_an_index_that_is_gone(made, letters):
    for path in storage.index_path(made).parent.glob(f"{made}.*"):
        path.unlink()
    (row,) = (one for one in rows_of(made) if one.kind == "checks")
    with unit_of_work() as session:
        kept = session.get_one(Derived, row.id)
        kept.status, kept.due_at = DerivedStatus.WAITING, clock.now(session)
    tasks.derive(row.id)
    kept = read(Derived, row.id)
    assert kept.attempts == 0
    assert "made anew" in kept.last_error
    run_out(letters)
    assert {one.status for one in rows_of(made)} == {DerivedStatus.READY}
