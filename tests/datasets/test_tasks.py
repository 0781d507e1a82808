"""The check of a version: slice by slice, by any worker, at most once."""

import json

import pytest

from app.auth.models import Activity
from app.core import clock, leases, storage
from app.core.database import read_only, unit_of_work
from app.core.errors import Conflict
from app.datasets import service, tasks
from app.datasets.index import open_index
from app.datasets.models import Dataset, DatasetVersion, VersionStatus
from app.projects.models import Project
from app.settings import settings
from tests import make
from tests.stage import version_of


@pytest.fixture
def fresh(team):
    """A version that waits for its check; say its content."""

    def upload(content, *, dataset_id=None):
        with unit_of_work() as session:
            project = session.get_one(Project, team.project_id)
            dataset = session.get_one(Dataset, dataset_id) if dataset_id else None
            return make.make_version(session, project, content, dataset=dataset).id

    return upload


@pytest.fixture
def tiny_slices(monkeypatch):
    monkeypatch.setenv("LUTHIER_SLICE_SECONDS", "0")
    settings.cache_clear()


def run_out(version_id):
    """The worker died, and its lease ran out."""
    with unit_of_work() as session:
        version = session.get_one(DatasetVersion, version_id)
        version.lease_until = version.created_at


def test_a_version_is_ready_after_one_delivery(fresh, letters):
    version_id = fresh(make.chat_file(30))

    letters.deliver()

    version = version_of(version_id)
    assert version.status == VersionStatus.READY
    assert (version.rows, version.errors, version.format) == (30, 0, "chat")
    assert version.report["system_prompt"] == make.SYSTEM
    assert version.report["histogram"]
    assert (version.due_at, version.lease_until, version.progress) == (None, None, None)
    assert version.checked_at is not None
    assert f"version:{version_id}" in letters.nudges
    with read_only() as session:
        row = (
            session.query(Activity)
            .filter_by(verb="dataset.checked", subject=f"version:{version_id}")
            .one()
        )
    assert (row.detail["status"], row.detail["rows"]) == ("ready", 30)


def test_a_check_goes_slice_by_slice(fresh, letters, tiny_slices):
    version_id = fresh(make.chat_file(3_000))
    seen = []
    while letters.tasks:
        letters.tasks.clear()
        tasks.check(version_id)
        version = version_of(version_id)
        seen.append((version.status, (version.progress or {}).get("offset", version.size)))

    assert seen[-1][0] == VersionStatus.READY
    assert len(seen) > 3
    assert {status for status, _ in seen[:-1]} == {VersionStatus.CHECKING}
    offsets = [offset for _, offset in seen]
    assert offsets == sorted(offsets)
    assert version_of(version_id).rows == 3_000


def test_a_slice_that_died_is_made_again_and_changes_nothing(
    fresh, letters, tiny_slices, monkeypatch
):
    content = make.chat_file(500) + b"broken\n" + make.chat_file(20, words="Again")
    whole, torn = fresh(content), fresh(content)
    letters.deliver()

    with unit_of_work() as session:
        version = session.get_one(DatasetVersion, torn)
        version.status, version.progress, version.report = VersionStatus.RECEIVED, None, None
        version.due_at = clock.now(session)
    storage.index_path(torn).unlink()

    def die(*_args, **_words):
        raise KeyboardInterrupt

    for _ in range(2):
        with monkeypatch.context() as patch:
            patch.setattr(tasks.service, "record_slice", die)
            patch.setattr(tasks.service, "record_check", die)
            with pytest.raises(KeyboardInterrupt):
                tasks.check(torn)
        run_out(torn)
    letters.tasks.append(("datasets.check", (torn,)))
    letters.deliver()

    one, two = version_of(whole), version_of(torn)
    assert two.status == one.status
    assert one.rows == 521
    assert (two.rows, two.tokens, two.errors) == (one.rows, one.tokens, one.errors)
    assert two.report == one.report


def test_checking_again_what_is_done_does_nothing(fresh, letters):
    version_id = fresh(make.chat_file())
    letters.deliver()
    before = vars(version_of(version_id)).copy()
    tasks.check(version_id)
    tasks.check(999_999)
    after = vars(version_of(version_id)).copy()
    for values in (before, after):
        values.pop("_sa_instance_state")
    assert after == before


def test_only_one_of_two_workers_gets_the_slice(fresh):
    version_id = fresh(make.chat_file())
    with unit_of_work() as session:
        assert service.claim_check(session, version_id) is not None
        assert service.claim_check(session, version_id) is None


def test_a_late_verdict_with_an_old_fence_is_not_kept(fresh, letters):
    version_id = fresh(make.chat_file())
    with unit_of_work() as session:
        late = service.claim_check(session, version_id)
    run_out(version_id)
    letters.deliver()
    tasks.check(version_id)
    ready = version_of(version_id)
    with unit_of_work() as session:
        service.record_slice(session, late, late.progress)
    assert version_of(version_id).status == ready.status
    assert version_of(version_id).progress is None


def test_what_waits_is_rung_for(fresh, letters):
    version_id = fresh(make.chat_file())
    letters.tasks.clear()
    letters.ring(tasks.waiting)
    assert letters.tasks == [("datasets.check", (version_id,))]


def test_after_three_dead_workers_a_check_waits_for_a_person(fresh, letters, team, browser):
    version_id = fresh(make.chat_file())
    for _ in range(leases.POISON_AFTER):
        with unit_of_work() as session:
            assert service.claim_check(session, version_id) is not None
        run_out(version_id)
    letters.tasks.clear()
    letters.ring(tasks.waiting)
    tasks.check(version_id)
    assert letters.tasks == []
    assert version_of(version_id).status == VersionStatus.CHECKING
    editor = browser(team.users["editor"])
    page = editor.get(f"/dataset-versions/{version_id}")
    assert page.status_code == 200
    assert "gave up" in page.text

    assert editor.post(f"/dataset-versions/{version_id}/retry").status_code == 303
    letters.deliver()

    assert version_of(version_id).status == VersionStatus.READY
    assert editor.post(f"/dataset-versions/{version_id}/retry").status_code == 409


def test_progress_forgives_earlier_deaths(fresh, letters, tiny_slices):
    version_id = fresh(make.chat_file(3_000))
    for _ in range(2):
        with unit_of_work() as session:
            assert service.claim_check(session, version_id) is not None
        run_out(version_id)
    tasks.check(version_id)
    assert version_of(version_id).attempts == 0


def test_rows_keep_their_ids_in_the_next_version(fresh, letters, team):
    rows = make.chat_file(20).splitlines(keepends=True)
    changed = json.loads(rows[3])
    changed["messages"][2]["content"] = "exchange"
    second = [
        *rows[:3],
        json.dumps(changed).encode() + b"\n",
        *rows[5:],
        make.chat_row("New?", "x"),
    ]
    old = fresh(b"".join(rows))
    letters.deliver()
    new = fresh(b"".join(second), dataset_id=version_of(old).dataset_id)
    letters.deliver()

    assert version_of(new).number == 2
    with (
        open_index(storage.index_path(old)) as before,
        open_index(storage.index_path(new)) as after,
    ):
        known = [row.row_id for row in before.rows(0, 100)]
        kept = [row.row_id for row in after.rows(0, 100)]
    assert kept[:3] == known[:3]
    assert kept[3] == known[3]  # the same question with another answer
    assert kept[4:19] == known[5:]
    assert kept[19] not in known
    assert len(set(kept)) == len(kept)


def test_a_rejected_version_says_why_and_hands_no_ids_down(fresh, letters, team, browser):
    version_id = fresh(b"this,is,a,table\n1,2,3,4\n" * 20)
    letters.deliver()
    version = version_of(version_id)
    assert version.status == VersionStatus.REJECTED
    assert version.reason
    viewer = browser(team.users["viewer"])
    page = viewer.get(f"/dataset-versions/{version_id}")
    assert page.status_code == 200
    assert version.reason.split(".")[0] in page.text


def test_a_check_that_did_not_give_up_cannot_be_retried(fresh, team):
    version_id = fresh(make.chat_file())
    with unit_of_work() as session, pytest.raises(Conflict):
        service.retry_check(
            session, session.get_one(DatasetVersion, version_id), actor_id=team.users["owner"]
        )
