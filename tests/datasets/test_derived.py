"""Further files of a version: each made by any worker, at most once, whatever dies meanwhile."""

import multiprocessing
import os
import signal
import sqlite3
from contextlib import closing

import pytest

from app.core import leases, storage
from app.core.database import read_only, unit_of_work
from app.core.errors import Conflict, DiskFull
from app.datasets import parts, tasks
from app.datasets import service as datasets
from app.datasets.checks.base import DEEP_FINDINGS
from app.datasets.checks.deep.passing import Checks
from app.datasets.derived import service
from app.datasets.derived.base import Making
from app.datasets.derived.slices import derive_slice, derived_path
from app.datasets.index import connect_finished
from app.datasets.models import DatasetVersion, Derived, DerivedStatus
from app.projects.models import Project
from app.settings import settings
from tests import make
from tests.datasets.making import check, derive
from tests.formats.rows import question
from tests.stage import read

TWICE = [question(f"Where is the {number}th card that I asked for?") for number in range(40)] * 2


class Numbers:
    """Writes down every row, one a step."""

    kind, ending, version = "checks", "numbers", 1
    schema = "CREATE TABLE numbers(n INTEGER);\n"

    def work(self, part, making, until):
        part.connection.execute("INSERT INTO numbers VALUES(?)", (making.n,))
        return making.advanced(n=making.n + 1, is_done=making.n == 9)


def numbers_in(made):
    with closing(made):
        return [n for (n,) in made.execute("SELECT n FROM numbers ORDER BY rowid")]


@pytest.fixture
def checked(tmp_path):
    return check(tmp_path, TWICE)


@pytest.fixture
def fresh(team):
    """A version that waits for its check; say its content."""

    def upload(content):
        with unit_of_work() as session:
            project = session.get_one(Project, team.project_id)
            return make.make_version(session, project, content).id

    return upload


@pytest.fixture
def derived(team):
    """The row of the second pass of the team's version."""
    with unit_of_work() as session:
        return make.make_derived(session, team.version_id).id


def test_a_version_that_is_ready_gets_its_files_and_one_that_is_refused_none(fresh, letters):
    good, bad = fresh(b"\n".join(TWICE)), fresh(b"no rows\n")
    letters.deliver()
    letters.ring(tasks.waiting)
    letters.deliver()
    with read_only() as session:
        rows = session.query(Derived).filter(Derived.version_id.in_((good, bad))).all()
    assert {(row.version_id, row.status) for row in rows} == {(good, DerivedStatus.READY)}
    for row in rows:
        assert (row.due_at, row.lease_until, row.progress) == (None, None, None)
    assert derived_path(storage.index_path(good), Checks()).is_file()
    assert f"version:{good}" in letters.nudges


def test_only_one_of_two_workers_gets_the_slice_and_a_late_one_changes_nothing(derived):
    with unit_of_work() as session:
        late = service.claim(session, derived)
        assert service.claim(session, derived) is None
        session.get_one(Derived, derived).lease_until = session.get_one(Derived, derived).due_at
    tasks.derive(derived)
    with unit_of_work() as session:
        service.record_slice(session, late, Making(n=3))
        service.record_made(session, late)
    assert read(Derived, derived).status == DerivedStatus.READY


def test_nobody_takes_a_file_while_what_people_wait_for_first_is_free(team, fresh, derived):
    with unit_of_work() as session:
        search = make.make_derived(session, team.version_id, "search").id
    newer = fresh(b"\n".join(TWICE))
    ids = [("datasets.check", newer), ("datasets.derive", search), ("datasets.derive", derived)]
    assert tasks.waiting() == ids
    with unit_of_work() as session:
        assert service.claim(session, search) is None
        assert service.claim(session, derived) is None
        assert datasets.claim_check(session, newer)
        assert service.claim(session, derived) is None
        assert service.claim(session, search)
        assert service.claim(session, derived)


def test_a_kind_this_code_does_not_know_is_left_alone(team, derived):
    with unit_of_work() as session:
        session.get_one(Derived, derived).kind = "colours"
    assert ("datasets.derive", derived) not in tasks.waiting()
    tasks.derive(derived)
    assert read(Derived, derived).status == DerivedStatus.WAITING


def test_a_full_disk_is_waited_out(derived, monkeypatch):
    def no_room(_place):
        raise DiskFull("The disk is full.")

    with monkeypatch.context() as patch:
        patch.setattr(storage, "check_room", no_room)
        tasks.derive(derived)
    row = read(Derived, derived)
    assert row.last_error == service.WAITS_FOR_ROOM
    assert row.attempts == 0
    assert row.due_at is not None


def test_a_person_wakes_what_gave_up(team, derived):
    with unit_of_work() as session:
        version = session.get_one(DatasetVersion, team.version_id)
        with pytest.raises(Conflict):
            service.try_again(session, version, actor_id=team.users["owner"])
        session.get_one(Derived, derived).attempts = leases.POISON_AFTER
        service.try_again(session, version, actor_id=team.users["owner"])
    tasks.derive(derived)
    assert read(Derived, derived).status == DerivedStatus.READY


def test_the_second_pass_goes_slice_by_slice(derived, monkeypatch):
    monkeypatch.setenv("LUTHIER_SLICE_SECONDS", "0")
    settings.cache_clear()
    seen = []
    while (row := read(Derived, derived)).status != DerivedStatus.READY:
        seen.append((row.progress or {}).get("share", 0.0))
        tasks.derive(derived)
    assert len(seen) > 2
    assert seen == sorted(seen)


def test_a_slice_that_died_is_made_again_and_nothing_stands_twice(checked):
    class Dying(Numbers):
        def work(self, part, making, until):
            made = super().work(part, making, until)
            if making.n == 4:
                raise KeyboardInterrupt
            return made

    with pytest.raises(KeyboardInterrupt):
        derive(checked, Dying())
    assert numbers_in(derive(checked, Numbers())) == list(range(10))


def _die(blob, index):
    class Dying(Checks):
        def work(self, part, making, until):
            super().work(part, making, until)
            os.kill(os.getpid(), signal.SIGKILL)

    derive_slice(Dying(), blob, index, Making(), seconds=0, alive=lambda: None)


def test_a_killed_process_leaves_nothing_that_a_whole_pass_has_not(tmp_path):
    whole, killed = check(tmp_path, TWICE), check(tmp_path, TWICE, name="2")
    process = multiprocessing.get_context("spawn").Process(
        target=_die, args=(killed.blob, killed.path)
    )
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    dumps = []
    for one in (whole, killed):
        with closing(derive(one, Checks())) as made:
            dumps.append(list(made.iterdump()))
    assert dumps[0] == dumps[1]


def test_while_another_is_at_the_slice_nothing_happens(checked):
    target = derived_path(checked.path, Numbers())
    before = Making(n=7)
    with parts.writing(target, Numbers.schema, 1):
        after = derive_slice(
            Numbers(), checked.blob, checked.path, before, seconds=0, alive=lambda: None
        )
    assert after == before


@pytest.mark.parametrize("finished", [True, False])
def test_a_torn_file_and_one_of_an_earlier_schema_are_made_anew(checked, finished):
    class Later(Numbers):
        version = 2

    target = derived_path(checked.path, Numbers())
    derive(checked, Numbers()).close()
    assert numbers_in(derive(checked, Later())) == list(range(10))
    with closing(connect_finished(target)) as made:
        assert parts.version_of(made) == 2
    place = target if finished else parts.part_path(target)
    target.unlink()
    place.write_bytes(b"SQLite format 3\0 and then nothing that makes sense" * 99)
    assert numbers_in(derive(checked, Numbers())) == list(range(10))


def test_its_findings_go_on_where_the_index_ends(checked):
    with closing(derive(checked, Checks())) as made:
        ids = [one for (one,) in made.execute("SELECT id FROM findings ORDER BY id")]
        assert ids == list(range(DEEP_FINDINGS, DEEP_FINDINGS + len(ids)))
        lines = [line or 0 for (line,) in made.execute("SELECT line FROM findings ORDER BY id")]
        assert lines == sorted(lines)
        with pytest.raises(sqlite3.OperationalError):
            made.execute("DELETE FROM findings")
