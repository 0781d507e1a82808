"""Runs that came home become jobs with their curves and models; nothing is made twice."""

import itertools
import json
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from app.catalog.models import TunedModel
from app.connections.models import Connection
from app.core.database import read_only, unit_of_work
from app.datasets.models import Dataset, DatasetVersion
from app.jobs import queries, sweeps
from app.jobs.models import Job, JobEvent, JobStatus, StartAttempt
from app.projects.models import Project
from app.rescue import using
from app.rescue.models import Kind
from app.rescue.using import curves as using_curves
from app.rescue.using import files as using_files
from app.rescue.using import runs as using_runs
from app.rescue.using import use_next
from tests import make
from tests.rescue import bringing
from tests.rescue.bringing import (
    ASKED,
    ENDED,
    LOG,
    Home,
    checkpoint,
    count,
    curve,
    found,
    jobs,
    models,
)
from tests.stage import one_database


def test_a_job_comes_with_its_rows_its_curve_its_log_and_its_model(brought, letters):
    rows = brought.file("file-rows", make.chat_file(words="Where is letter"), "support.jsonl")
    held = brought.file("file-held", make.chat_file(words="Who has letter"), "held.jsonl")
    run = brought.run(
        bringing.job(validation_file="file-held"),
        *LOG,
        checkpoints=(checkpoint(2, train_loss=0.9), checkpoint(4, full_valid_loss=0.4)),
    )

    brought.use()

    (job,) = jobs()
    assert found(run).job_id == job.id
    assert (job.name, job.status) == ("routing", JobStatus.SUCCEEDED)
    assert job.ended_at == datetime.fromtimestamp(ENDED, UTC)
    assert job.training_version_id == found(rows).version_id
    assert job.validation_version_id == found(held).version_id
    assert job.training_version.dataset.name == "support"
    assert curve(job.id) == [(1, 1.5), (2, 0.9), (3, 0.4), (4, 0.2)]
    assert (job.best_valid_loss, job.best_valid_step, job.train_loss) == (0.3, 3, 0.2)
    assert (job.step, job.total_steps) == (4, 4)
    assert len(job.spark["train"]) == 4
    with read_only() as session:
        log = queries.events_of(session, job.id, limit=10)
        assert [line.text for line in log] == [LOG[0]["message"], LOG[-1]["message"]]
        assert [one.step for one in queries.checkpoints_of(session, job.id)] == [4, 2]
    (model,) = models()
    assert (model.job_id, model.best_valid_loss) == (job.id, 0.3)
    assert model.created_at == job.ended_at
    assert ("datasets.check", (found(rows).version_id,)) in letters.tasks
    assert count(StartAttempt) == 0


def test_used_twice_it_is_there_once(brought):
    brought.file("file-rows", make.chat_file(words="Where is letter"))
    brought.add(Kind.MODEL, f"ft:{bringing.BASE}:acme::Orphan12", b"{}")
    brought.run(bringing.job(), *LOG, checkpoints=(checkpoint(4),))
    brought.use()
    before = [count(kind) for kind in (Job, Dataset, TunedModel, JobEvent)]

    with unit_of_work() as session:  # as if the marks had been lost with a worker
        for one in session.query(using_files.RescuedObject):
            one.used_at = None
    brought.use()

    assert [count(kind) for kind in (Job, Dataset, TunedModel, JobEvent)] == before
    assert curve(jobs()[0].id) == [(1, 1.5), (2, 0.9), (3, 0.4), (4, 0.2)]


def test_killed_between_any_two_steps_it_goes_on_and_makes_nothing_twice(brought, monkeypatch):
    monkeypatch.setattr(using_files, "AT_ONCE", 1)
    for n in range(3):
        brought.file(f"file-{n}", make.chat_file(words=f"Letter {n}"))
        run_id = f"ftjob-0000000{n}"
        brought.run(bringing.job(run_id, training_file=f"file-{n}"), *LOG)
    # A clock that goes on by a second whenever it is asked: as many steps a slice on any machine.
    clock = SimpleNamespace(monotonic=itertools.count().__next__)
    monkeypatch.setattr(using, "time", clock)
    slices = 0

    while not use_next(brought.part, 6):
        slices += 1

    assert slices > 1
    assert [job.training_version.dataset.name for job in jobs()] == ["file-0", "file-1", "file-2"]
    assert all(curve(job.id) for job in jobs())
    assert len(models()) == 3


def test_a_run_that_luthier_started_is_linked_and_not_doubled(team, brought):
    with unit_of_work() as session:
        project = session.get_one(Project, team.project_id)
        connection = session.get_one(Connection, team.connection_id)
        version = session.get_one(DatasetVersion, team.version_id)
        ours = make.make_running_job(session, project, connection, version, run_id="ftjob-1").id
        doubted = make.make_job(session, project, connection, version, key="form:2")
        doubted.status = JobStatus.IN_DOUBT
        tag, doubted_id = doubted.op_key, doubted.id
    run = brought.run(bringing.job(), *LOG)
    tagged = brought.run(bringing.job("ftjob-2", metadata={"luthier_op": tag}))

    brought.use()

    assert jobs() == []
    assert (found(run).job_id, found(tagged).job_id) == (ours, doubted_id)
    assert curve(ours) == []


def test_the_same_run_over_two_keys_is_one_job(team, brought):
    with unit_of_work() as session:
        project = session.get_one(Project, team.project_id)
        second = make.make_connection(session, project, name="Second key").id
        elsewhere = make.make_connection(
            session, project, name="Elsewhere", base_url="https://eu.example.org/v1"
        ).id
    homes = [brought, Home(second), Home(elsewhere)]
    runs = []
    for one in homes:
        one.file("file-rows", make.chat_file(words="Where is letter"))
        runs.append(one.run(bringing.job(), *LOG))

    for one in homes:
        one.use()

    first, other = jobs()
    assert [found(run).job_id for run in runs] == [first.id, first.id, other.id]
    assert first.training_version_id == other.training_version_id  # the same bytes
    assert len(models()) == 2


def test_a_run_that_went_on_is_brought_up_to_date(brought):
    run = brought.run(bringing.job(status="running", fine_tuned_model=None, finished_at=None))
    brought.use()
    (job,) = jobs()
    assert (job.status, job.ended_at, job.due_at) == (JobStatus.RUNNING, None, None)

    with unit_of_work() as session:
        one = session.get_one(using_files.RescuedObject, run)
        blob = make.make_blob(json.dumps(bringing.job()).encode())
        one.sha256, one.size, one.used_at = blob.sha256, blob.size, None
    brought.use()

    (job,) = jobs()
    assert job.status == JobStatus.SUCCEEDED
    assert job.ended_at == datetime.fromtimestamp(ENDED, UTC)
    assert len(models()) == 1


@one_database
def test_a_job_without_an_end_ended_with_the_last_line_of_its_log(brought):
    failed = bringing.job(status="failed", finished_at=None, fine_tuned_model=None)
    brought.run(failed, bringing.message(90, "Stopped"), bringing.message(5, "Begun"))

    brought.use()

    (job,) = jobs()
    assert job.ended_at == datetime.fromtimestamp(ASKED + 90, UTC)
    assert job.error == "The provider gave no reason."


@one_database
def test_a_second_rescue_over_what_is_used_reads_no_body(brought, team, monkeypatch):
    brought.file("file-rows", make.chat_file(words="Where is letter"))
    brought.run(bringing.job(), *LOG)
    brought.use()

    def refuse(*_):
        raise AssertionError("A body was read again.")

    monkeypatch.setattr("app.core.storage.blob_path", refuse)
    Home(team.connection_id).use()


def test_a_run_at_work_is_looked_at_by_the_next_sweep(brought, team):
    brought.run(bringing.job(status="running", fine_tuned_model=None, finished_at=None), LOG[3])
    brought.use()

    (job,) = jobs()
    with unit_of_work() as session:
        connection = session.get_one(Connection, team.connection_id)
        assert connection.due_at is not None
        watch = sweeps.claim_sweep(session, connection.id)
        assert [run.job_id for run in watch.runs] == [job.id]
    assert job.known_event_id == "ftevent-2"


def test_a_run_that_another_part_adopts_at_this_moment_is_found_the_next_time(brought, monkeypatch):
    brought.run(bringing.job(), *LOG)
    again = brought.add(Kind.JOB, "ftjob-1-again", json.dumps(bringing.job()).encode())
    brought.use()
    look, answers = using_runs._known, [{}]
    monkeypatch.setattr(
        using_runs, "_known", lambda *asked: answers.pop() if answers else look(*asked)
    )
    with unit_of_work() as session:
        session.get_one(using_files.RescuedObject, again).used_at = None

    brought.use()

    (job,) = jobs()
    assert answers == []
    assert found(again).job_id == job.id


def test_a_step_that_dies_leaves_nothing_half_done(brought, monkeypatch):
    brought.run(bringing.job(), *LOG)
    keep = using_curves.keep_events

    def dies(session, *words, **more):
        keep(session, *words, **more)
        session.flush()
        raise KeyboardInterrupt

    monkeypatch.setattr(using_curves, "keep_events", dies)
    with pytest.raises(KeyboardInterrupt):
        brought.use()
    assert curve(jobs()[0].id) == []
    monkeypatch.setattr(using_curves, "keep_events", keep)

    brought.use()

    assert len(curve(jobs()[0].id)) == 4
    assert count(JobEvent) == 2


def test_words_no_row_could_hold_are_left_out_or_cut(brought, team, browser):
    long = "x" * 300
    odd = bringing.job(
        training_file=long,
        validation_file=f"{long}\0",
        user_provided_suffix="s\0" * 100,
        seed=2**70,
        trained_tokens=-(2**70),
        method={"type": long, long: {"hyperparameters": {long: 1, "a": [1], "b": None}}},
        model=long,
        created_at=-5,
        finished_at=10**30,
        status=long,
        result_files=[long, 7, None],
        error={"code": "x", "message": "\ud800" + long * 100},
        metadata={"luthier_op": long},
    )
    strange = bringing.event(1, "\0", "metrics", {"step": 2**62, "a\0b": 1.0, long: 2, "n": 1e308})
    run = brought.run(odd, strange, bringing.message(2, "\0" * 9), checkpoints=({"id": long},))
    brought.file("f" * 200, make.chat_file(words="Odd"), "train.jsonl", created_at=None)
    brought.file("g" * 200, make.chat_file(words="Even"), f"{'train'}.jsonl", created_at="soon")
    brought.file("file-t", b"step,a\0b,train_loss\n1,2,3\n", purpose="fine-tune-results")
    brought.add(Kind.MODEL, f"ft:{'b' * 100}:o:{'s' * 140}:i", b"{}", facts={"created": "x"})

    brought.use()

    assert found(run).job_id == jobs()[0].id
    viewer = browser(team.users["viewer"])
    for page in (f"/jobs/{jobs()[0].id}", *(f"/models/{model.id}" for model in models())):
        assert viewer.get(page).status_code == 200
    for part in ("", "/jobs", "/models", "/datasets"):
        assert viewer.get(f"/projects/{team.project_id}{part}").status_code == 200
