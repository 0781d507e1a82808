"""What must be true: every invariant finds what breaks it, and nothing else."""

import os
import time
from datetime import timedelta
from types import SimpleNamespace

from app import __main__ as commands
from app.auth import service as auth
from app.auth.models import Activity
from app.budgets.models import Spend, SpendState
from app.connections.models import Connection
from app.core import clock, heartbeat, storage
from app.core.database import unit_of_work
from app.core.instance import ONLY, Instance
from app.datasets import tasks as datasets
from app.datasets.derived.queries import derived_of
from app.datasets.derived.slices import derived_path
from app.datasets.models import DatasetVersion, Derived, DerivedStatus, VersionStatus
from app.datasets.search.making import SearchFile
from app.jobs.models import Job, JobStatus, MetricChunk, Orphan, StartAttempt
from app.upkeep import invariants
from tests import make
from tests.jobs.steps import queue_job
from tests.stage import version_of
from tests.upkeep import broken_evaluations

AN_HOUR = timedelta(hours=1)


def order(at, number=1, **fields):
    job = at.session.get_one(Job, at.job)
    job.fence = job.fence or 1
    fields = {"fence": 1, "sent_at": at.moment, **fields}
    at.session.add(StartAttempt(job_id=at.job, number=number, **fields))


def give_run(at, job_id, status=JobStatus.RUNNING):
    job = at.session.get_one(Job, job_id)
    job.status, job.run_id, job.due_at = status, "ftjob-1", None
    job.ended_at = at.moment if job.has_ended else None


def without_a_run(at):
    at.session.get_one(Job, at.job).status = JobStatus.RUNNING
    return f"job {at.job}"


def with_two_runs(at):
    order(at, 1, outcome="started")
    order(at, 2, outcome="found")
    return f"job {at.job}"


def sent_again(at):
    order(at, 1, outcome="unknown")
    order(at, 2)
    return f"job {at.job}"


def rescued(at):
    at.session.get_one(Job, at.job).rescued_at = at.moment
    return f"job {at.job}"


def sharing_a_run(at):
    give_run(at, at.job)
    give_run(at, at.other)
    return "run ftjob-1"


def stray_with_a_job(at):
    give_run(at, at.job)
    at.session.add(
        Orphan(
            project_id=at.team.project_id,
            connection_id=at.team.connection_id,
            job_id=None,
            run_id="ftjob-1",
            base_model="gpt",
            provider_status="running",
            has_ended=False,
            found_at=at.moment,
        )
    )
    return "run ftjob-1"


def never_looked_through(at):
    order(at)
    return f"connection {at.team.connection_id}"


def looked_through_too_late(at):
    order(at)
    at.session.get_one(Connection, at.team.connection_id).orphans_due_at = at.moment - AN_HOUR
    return f"connection {at.team.connection_id}"


def left_unproved(at):
    order(at, sent_at=at.moment - AN_HOUR)
    at.session.get_one(Job, at.job).status = JobStatus.STARTING
    return f"job {at.job}"


def without_a_first_order(at):
    order(at, 2)
    return f"job {at.job}"


def of_a_later_fence(at):
    order(at, fence=7)
    return f"job {at.job}"


def told(at, verb, job_id):
    subject, project = f"job:{job_id}", at.team.project_id
    auth.record(at.session, verb, subject, actor_id=None, project_id=project)


def alive_again(at):
    told(at, "job.succeeded", at.job)
    return f"job {at.job}"


def overlapping_points(at):
    for first, last in ((1, 10), (10, 20)):
        steps = {"first_step": first, "last_step": last, "n": 10, "steps": b"", "points": b""}
        at.session.add(MetricChunk(job_id=at.job, series="train_loss", level=0, **steps))
    return f"job {at.job}"


def asked_for_by_nobody(at):
    at.session.query(Activity).filter_by(subject=f"job:{at.job}").delete()
    return f"job {at.job}"


def cancelled_by_nobody(at):
    at.session.get_one(Job, at.job).cancel_requested_at = at.moment
    return f"job {at.job}"


def ended_in_silence(at):
    give_run(at, at.job, JobStatus.FAILED)
    told(at, "job.succeeded", at.other)
    return f"job {at.job}"


def ordered_unasked(at):
    order(at)
    an_hour_ago = at.moment - AN_HOUR
    at.session.add(
        Instance(id=ONLY, tag="0" * 16, backed_up_at=an_hour_ago, restored_at=an_hour_ago)
    )
    return f"job {at.job}"


def row_of(at):
    return at.session.query(Spend).filter_by(key=f"job:{at.job}").one()


def without_a_row(at):
    at.session.delete(row_of(at))
    return f"job {at.job}: its row of the ledger does not fit"


def set_aside_after_its_end(at):
    give_run(at, at.job, JobStatus.FAILED)
    return f"job {at.job}: its row of the ledger does not fit"


def given_back_too_early(at):
    row_of(at).state = SpendState.RELEASED
    return f"job {at.job}: its row of the ledger does not fit"


def of_a_strange_sum(at):
    row_of(at).reserved += 1
    return f"job {at.job}: another sum than its estimate is set aside"


def less_than_nothing(at):
    fields = {"subject": "", "name": "", "month": at.moment.date(), "created_at": at.moment}
    row = {"key": "run:1:x", "state": SpendState.SPENT, "spent": -1, **fields}
    at.session.add(Spend(project_id=at.team.project_id, **row))
    return "run:1:x is less than nothing"


def with_an_old_lease(at):
    version = at.session.get_one(DatasetVersion, at.team.version_id)
    version.due_at = version.lease_until = at.moment - AN_HOUR
    return f"dataset_versions {at.team.version_id}"


def long_due(at):
    at.session.get_one(Job, at.job).due_at = at.moment - AN_HOUR
    return f"jobs {at.job}"


def further_of(at, kind="checks"):
    (row,) = (one for one in derived_of(at.session, at.team.version_id) if one.kind == kind)
    return row


def without_a_further_row(at):
    at.session.delete(further_of(at))
    return f"version {at.team.version_id}"


def with_further_rows_too_early(at):
    at.session.get_one(DatasetVersion, at.team.version_id).status = VersionStatus.CHECKING
    return f"version {at.team.version_id}"


def due_to_nobody(at):
    further_of(at).due_at = None
    return f"version {at.team.version_id}: checks"


def made_and_still_due(at):
    further_of(at, "search").status = DerivedStatus.READY
    return f"version {at.team.version_id}: search"


def in_a_state_of_its_own(at):
    further_of(at).status = "lost"
    return f"version {at.team.version_id}: checks"


def further_with_an_old_lease(at):
    row = further_of(at)
    row.due_at = row.lease_until = at.moment - AN_HOUR
    return f"dataset_derived {row.id}"


# What breaks each invariant; every one must be here.
BROKEN = {
    "every job is in one state that fits it": [without_a_run],
    "a job is ordered once": [with_two_runs],
    "no order goes out that nobody asked for": [sent_again],
    "a job that was started elsewhere is not started here": [rescued],
    "a run belongs to one job": [sharing_a_run],
    "a run that has its job waits for nobody": [stray_with_a_job],
    "where orders went out, stray runs are looked for": [
        never_looked_through,
        looked_through_too_late,
    ],
    "an order without an answer becomes a person's question": [left_unproved],
    "orders are numbered without a gap": [without_a_first_order, of_a_later_fence],
    "an end is not taken back": [alive_again],
    "points come in the order of their steps": [overlapping_points],
    "what became of a job stands in the activity": [
        asked_for_by_nobody,
        cancelled_by_nobody,
        ended_in_silence,
    ],
    "a restored instance orders nothing unasked": [ordered_unasked],
    "what was ordered is in the ledger, once": [
        without_a_row,
        set_aside_after_its_end,
        given_back_too_early,
        of_a_strange_sum,
        less_than_nothing,
    ],
    "a ready version has a row for each further file": [
        without_a_further_row,
        with_further_rows_too_early,
    ],
    "a further file is made, or due to be": [
        due_to_nobody,
        made_and_still_due,
        in_a_state_of_its_own,
    ],
    **broken_evaluations.BROKEN,
    "no lease is forgotten while a worker lives": [with_an_old_lease, further_with_an_old_lease],
    "nothing is due for two minutes while a worker lives": [long_due],
}


def test_every_invariant_finds_what_breaks_it(team):
    assert BROKEN.keys() == {name for name, _ in invariants.LOOKS}, "plant what breaks it"
    job, other = queue_job(team), queue_job(team, key="form:2")
    with unit_of_work() as session:
        heartbeat.beat(session, "worker")
    for name, look in invariants.LOOKS:
        for plant in BROKEN[name]:
            with unit_of_work() as session:
                moment = clock.now(session)
                at = SimpleNamespace(
                    session=session, moment=moment, team=team, job=job, other=other
                )
                assert look(session)[1] == [], name
                planted = session.begin_nested()
                expected = plant(at)
                session.flush()
                looked_at, broken = look(session)
                planted.rollback()
            assert broken == [expected], plant.__name__
            assert looked_at > 0, plant.__name__


def broken(*, with_hashes=False):
    return {one.name: one.broken for one in invariants.check(with_hashes=with_hashes) if one.broken}


def test_a_version_whose_files_are_not_what_they_were_is_found(team):
    assert broken(with_hashes=True) == {}
    name = "a ready version has its file and its index"
    index = storage.index_path(team.version_id)
    path = storage.blob_path(version_of(team.version_id).sha256)
    content = path.read_bytes()

    path.write_bytes(b"x" * len(content))
    assert broken() == {}
    assert broken(with_hashes=True)[name] == [
        f"version {team.version_id}: its file is not what it was"
    ]
    path.write_bytes(content)
    kept = index.read_bytes()
    index.write_bytes(b"x" * len(kept))
    assert broken(with_hashes=True)[name] == [
        f"version {team.version_id}: its index does not hold its rows"
    ]
    index.write_bytes(kept)
    path.unlink()
    assert "missing" in broken()[name][0]


def test_a_further_file_that_is_gone_and_one_that_nobody_knows_are_found(team):
    with unit_of_work() as session:
        row = make.make_derived(session, team.version_id, "search").id
    name = "a further file has its row, and is there once it is made"
    path = derived_path(storage.index_path(team.version_id), SearchFile())
    path.write_bytes(b"nothing that is made yet minds this")
    assert name not in broken(with_hashes=True)
    path.unlink()
    datasets.derive(row)
    assert broken(with_hashes=True) == {}

    content, lost = path.read_bytes(), f"version {team.version_id}: its file of search"
    path.write_bytes(content[:8192])
    assert broken() == {}
    assert broken(with_hashes=True)[name] == [f"{lost} is missing or damaged"]
    path.unlink()
    assert broken()[name] == [f"{lost} is missing or damaged"]
    path.write_bytes(content)
    with unit_of_work() as session:
        session.delete(session.get_one(Derived, row))
    assert broken()[name] == [f"{lost} has no row"]


def test_what_a_torn_upload_left_is_found_when_nobody_removed_it(team):
    part = storage.folder("blobs") / "torn.part"
    part.write_bytes(b"x")
    assert broken() == {}
    os.utime(part, times=(time.time() - 3 * 86400,) * 2)
    assert broken() == {"what a torn upload left is removed within two days": ["torn.part"]}


def test_the_command_fails_when_an_invariant_does(team, monkeypatch, capsys):
    monkeypatch.setattr(commands, "_expect_database", lambda: None)
    asked = commands.parser().parse_args(["check-invariants"])
    assert asked.do(asked) == 0
    storage.index_path(team.version_id).unlink()
    assert asked.do(asked) == 1
    assert f"version {team.version_id}: its index is missing" in capsys.readouterr().out
