"""What came home becomes datasets, jobs with their curves, and models; nothing twice."""

import base64
import json
from datetime import UTC, datetime

import pytest
from sqlalchemy import func, select

from app.catalog.models import TunedModel
from app.connections.models import Connection
from app.core.database import read_only, unit_of_work
from app.datasets.models import Dataset, DatasetVersion, VersionStatus
from app.jobs import metrics, queries
from app.jobs.models import Job, JobEvent, JobStatus, StartAttempt
from app.projects.models import Project
from app.rescue.models import Kind, Outcome
from app.rescue.using import curves as using_curves
from app.rescue.using import files as using_files
from app.rescue.using import runs as using_runs
from app.rescue.using import use_next
from app.rescue.using.words import why_raw
from tests import make
from tests.rescue import bringing
from tests.rescue.bringing import ASKED, ENDED, LOG, Home, checkpoint, figures, found, lines
from tests.stage import one_database

PREFERENCE = {
    "input": {"messages": [{"role": "user", "content": "Hello"}]},
    "preferred_output": [{"role": "assistant", "content": "Good day"}],
    "non_preferred_output": [{"role": "assistant", "content": "What"}],
}
QUESTION = {"messages": [{"role": "user", "content": "2+2?"}], "answer": "4"}
TABLE = b"step,train_loss,train_accuracy,valid_loss,valid_mean_token_accuracy\n"


@pytest.fixture
def brought(team):
    """What came home over the team's connection."""
    return Home(team.connection_id)


def jobs():
    with read_only() as session:
        ids = session.scalars(select(Job.id).where(Job.rescued_at.is_not(None)).order_by(Job.id))
        return [queries.job_by_id(session, job_id) for job_id in ids]


def models():
    with read_only() as session:
        return session.scalars(select(TunedModel).order_by(TunedModel.id)).all()


def datasets():
    with read_only() as session:
        return session.scalars(select(Dataset).order_by(Dataset.id)).all()


def count(model):
    with read_only() as session:
        return session.scalar(select(func.count()).select_from(model))


def curve(job_id, name="train_loss"):
    with read_only() as session:
        found = metrics.read_after(session, job_id, -1)
    return list(zip(*found[name], strict=True)) if name in found else []


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
    slices = 0

    while not use_next(brought.part, 0.02):
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


def test_the_curve_comes_from_the_result_file_where_no_event_has_it(brought):
    table = TABLE + b"1,1.5,0.5,,\n2,0.9,0.6,0.8,0.7\n3,0.4,0.7,0.6,0.8\n"
    brought.run(bringing.job(result_files=["file-result"]), LOG[0])
    result = brought.file("file-result", table, "step_metrics.csv", purpose="fine-tune-results")

    brought.use()

    (job,) = jobs()
    assert curve(job.id) == [(1, 1.5), (2, 0.9), (3, 0.4)]
    assert curve(job.id, "train_mean_token_accuracy") == [(1, 0.5), (2, 0.6), (3, 0.7)]
    assert curve(job.id, "valid_loss") == [(2, 0.8), (3, 0.6)]
    assert job.best_valid_loss == 0.6
    assert models()[0].best_valid_loss == 0.6
    assert found(result).why_raw.startswith("A run's own figures")
    assert datasets()[1:] == []


def test_azures_table_is_read_by_its_own_names(brought):
    header = "step,train_loss,train_mean_token_accuracy,valid_loss,validation_mean_token_accuracy,"
    table = f"{header}full_valid_loss,full_valid_mean_token_accuracy\n7,1,0.5,0.9,0.6,0.8,0.7\n"
    brought.file("file-result", b"\xef\xbb\xbf" + table.encode(), purpose="fine-tune-results")
    brought.run(bringing.job(result_files=["file-result"]))

    brought.use()

    (job,) = jobs()
    assert curve(job.id, "valid_mean_token_accuracy") == [(7, 0.6)]
    assert curve(job.id, "full_valid_loss") == [(7, 0.8)]


def test_a_table_that_comes_late_still_draws_the_curve(brought):
    brought.run(bringing.job(result_files=["file-result"]))
    late = brought.file("file-result", None, purpose="fine-tune-results")
    brought.use()
    assert curve(jobs()[0].id) == []

    with unit_of_work() as session:
        one = session.get_one(using_files.RescuedObject, late)
        blob = make.make_blob(TABLE + b"1,1.5,0.5,,\n")
        one.sha256, one.size, one.outcome = blob.sha256, blob.size, Outcome.HOME
    brought.use()

    assert curve(jobs()[0].id) == [(1, 1.5)]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0\1\2",
        b"not,a,table\n1,2,3\n",
        b'"step\n',
        b"step\nx\n",
        base64.b64encode(b"step,a"),
    ],
    ids=["empty", "bytes", "no step", "quote", "no number", "encoded"],
)
@one_database
def test_a_table_nobody_can_read_leaves_the_job_without_a_curve(brought, content):
    brought.run(bringing.job(result_files=["file-result"]))
    result = brought.file("file-result", content, purpose="fine-tune-results")

    brought.use()

    assert curve(jobs()[0].id) == []
    assert found(result).used_at is not None


@one_database
def test_events_are_told_once_and_in_order_however_their_pages_overlapped(brought):
    brought.run(bringing.job(), LOG[0], LOG[3], LOG[1], LOG[2], LOG[2], LOG[4], LOG[0], LOG[5])

    brought.use()

    (job,) = jobs()
    assert curve(job.id) == [(1, 1.5), (2, 0.9), (3, 0.4), (4, 0.2)]
    assert job.train_loss == 0.2
    assert count(JobEvent) == 2


@one_database
def test_nested_figures_become_series_by_their_path(brought):
    scores = {"train_reward_mean": 0.4, "graders": [{"name": "exact"}]}
    reward = figures(1, step=1, train_mean_reward=0.4, scores=scores, full_valid_mean_reward=None)
    brought.run(bringing.job(method={"type": "reinforcement"}), reward)

    brought.use()

    (job,) = jobs()
    assert job.method == "reinforcement"
    assert curve(job.id, "train_mean_reward") == [(1, 0.4)]
    assert curve(job.id, "scores.train_reward_mean") == [(1, 0.4)]


@one_database
def test_lines_that_are_no_events_are_passed_over(brought):
    run = brought.run(bringing.job())
    strange = b'[]\nnull\n{"id": 7}\n\xff\xfe\n' + lines(*LOG)
    brought.add(Kind.JOB_EVENTS, "ftjob-1", strange, parent_id="ftjob-1")
    nothing = brought.add(Kind.JOB, "ftjob-9", b'{"object": "list"}')

    brought.use()

    (job,) = jobs()
    assert found(run).job_id == job.id
    assert len(curve(job.id)) == 4
    assert found(nothing).why_raw == "This cannot be read as a run."


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


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (lines(PREFERENCE, PREFERENCE), "Preference rows: becomes a dataset when"),
        (lines(QUESTION, QUESTION), "Reinforcement rows: becomes a dataset when"),
        (lines({"prompt": "a", "completion": "b"}), "Pairs of prompt and completion: becomes"),
        (lines({"item": {"q": "a"}}), "Rows of an evaluation: becomes a dataset when"),
        (lines({"a": 1}), "Rows of no format that Luthier knows."),
        (b"step,train_loss\n1,2\n", "Rows of no format that Luthier knows."),
        (b"PK\x03\x04", "The file is a zip archive"),
        (b"", "An empty file."),
        (b"\n\n", "An empty file."),
        (make.chat_file(), None),
        (b"\xef\xbb\xbf" + make.chat_file(), None),
        (b"broken\n" + make.chat_file(), None),
        (lines(QUESTION) + make.chat_file(), None),
    ],
    ids=lambda value: str(value)[:25],
)
@one_database
def test_what_is_no_dataset_says_why(database, content, why):
    said = why_raw(make.make_blob(content).sha256)
    assert said is None if why is None else said.startswith(why)


def test_rows_that_wait_for_a_format_become_a_dataset_when_it_is_there(brought, team, monkeypatch):
    rows = brought.file("file-rows", lines(PREFERENCE), "pairs.jsonl")
    brought.run(bringing.job(method={"type": "dpo"}))
    brought.use()
    (job,) = jobs()
    assert (found(rows).version_id, job.training_version_id) == (None, None)
    assert job.training_sha256 == found(rows).sha256

    monkeypatch.setattr("app.rescue.using.words.FORMATS", {"chat": None, "preference": None})
    monkeypatch.setattr("app.rescue.using.words.format_of", lambda _: "preference")
    brought.use()
    assert found(rows).version_id is None  # the same rescue looked already

    Home(team.connection_id).use()

    (job,) = jobs()
    assert found(rows).version_id == job.training_version_id is not None
    assert found(rows).why_raw is None


def test_rows_that_come_after_their_job_are_given_to_it(brought):
    brought.run(bringing.job(validation_file="file-held"))
    brought.use()
    assert jobs()[0].training_version_id is None

    rows = brought.file("file-rows", make.chat_file(words="Where is letter"))
    held = brought.file("file-held", lines(PREFERENCE))
    brought.use()

    (job,) = jobs()
    assert job.training_version_id == found(rows).version_id is not None
    assert (job.validation_version_id, job.validation_sha256) == (None, found(held).sha256)


def test_the_same_bytes_are_one_dataset_and_other_bytes_of_a_name_have_another(team, brought):
    known = brought.file("file-known", make.chat_file(), "again.jsonl")  # the team's own rows
    first = brought.file("file-1", make.chat_file(words="One"), "train.jsonl")
    same = brought.file("file-2", make.chat_file(words="One"), "copy.jsonl")
    other = brought.file("file-3", make.chat_file(words="Two"), "train.jsonl")

    brought.use()

    assert found(known).version_id == team.version_id
    assert found(first).version_id == found(same).version_id
    assert found(other).version_id != found(first).version_id
    names = [one.name for one in datasets()]
    assert names == ["Tickets", "train", "train, 2025-03-01 09:30"]


def test_what_becomes_a_dataset_is_checked(brought, letters):
    rows = brought.file("file-rows", make.chat_file(words="Where is letter"))
    brought.use()

    letters.deliver()

    with read_only() as session:
        version = session.get_one(DatasetVersion, found(rows).version_id)
        assert (version.status, version.rows) == (VersionStatus.READY, 12)


def test_models_without_a_job_are_listed_and_get_it_when_it_comes(team, brought, browser):
    name = f"ft:{bringing.BASE}:acme:routing:ftjob-77"
    orphan = brought.add(Kind.MODEL, name, b"{}", facts={"created": ASKED})
    base = brought.add(Kind.MODEL, "gpt-4o", b"{}")
    saved = brought.add(Kind.MODEL, f"ft:{bringing.BASE}:acme:routing:AbCd1234:ckpt-step-4", b"{}")
    brought.run(bringing.job("ftjob-1"), checkpoints=(checkpoint(4),))
    brought.use()

    assert found(base).job_id is None
    assert found(saved).job_id == jobs()[0].id
    (unknown,) = (model for model in models() if model.job_id is None)
    assert unknown.created_at == datetime.fromtimestamp(ASKED, UTC)
    viewer = browser(team.users["viewer"])
    page = viewer.get(f"/models/{unknown.id}")
    assert page.status_code == 200
    assert "its job is not known here" in page.text
    assert viewer.get(f"/projects/{team.project_id}/models").status_code == 200
    assert viewer.get(f"/models/{unknown.id}/try").status_code == 200
    assert viewer.get(f"/projects/{team.project_id}").status_code == 200

    brought.run(bringing.job("ftjob-77", fine_tuned_model=name), LOG[2])
    brought.use()

    assert len(models()) == 2
    (late,) = (model for model in models() if model.id == unknown.id)
    assert late.job_id == jobs()[-1].id
    assert found(orphan).used_at is not None


@one_database
def test_a_model_luthier_made_is_known(team, brought):
    with unit_of_work() as session:
        project = session.get_one(Project, team.project_id)
        connection = session.get_one(Connection, team.connection_id)
        version = session.get_one(DatasetVersion, team.version_id)
        ours = make.make_model(session, project, connection, version)
        name, job_id = "ft:gpt-4o-mini-2024-07-18:acme::abcd1234", ours.job_id
    listed = brought.add(Kind.MODEL, name, b"{}")

    brought.use()

    assert found(listed).job_id == job_id
    assert len(models()) == 1


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
    with read_only() as session:
        connection = session.get_one(Connection, team.connection_id)
        assert connection.due_at is not None
        assert [one.id for one in queries.followed_jobs(session, connection.id)] == [job.id]
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
