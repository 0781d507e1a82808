"""Files that came home become datasets or say why not; models stand there with what is known."""

from datetime import UTC, datetime

import pytest

from app.connections.models import Connection
from app.core.database import read_only, unit_of_work
from app.datasets.models import DatasetVersion, VersionStatus
from app.projects.models import Project
from app.rescue.models import Kind
from app.rescue.using.words import why_raw
from tests import make
from tests.rescue import bringing
from tests.rescue.bringing import ASKED, LOG, Home, checkpoint, datasets, found, jobs, lines, models
from tests.stage import one_database

PREFERENCE = {
    "input": {"messages": [{"role": "user", "content": "Hello"}]},
    "preferred_output": [{"role": "assistant", "content": "Good day"}],
    "non_preferred_output": [{"role": "assistant", "content": "What"}],
}
QUESTION = {"messages": [{"role": "user", "content": "2+2?"}], "answer": "4"}


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (lines(PREFERENCE, PREFERENCE), None),
        (lines(QUESTION, QUESTION), None),
        (lines({"prompt": "a", "completion": "b"}), None),
        (lines({"item": {"q": "a"}}), None),
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


def test_rows_that_waited_for_a_format_become_a_dataset_by_the_next_rescue(
    brought, team, monkeypatch
):
    rows = brought.file("file-rows", lines(PREFERENCE), "pairs.jsonl")
    brought.run(bringing.job(method={"type": "dpo"}))
    waiting = "Preference rows: becomes a dataset when Luthier has that format."
    with monkeypatch.context() as earlier:
        earlier.setattr("app.rescue.using.files.why_raw", lambda _: waiting)
        brought.use()
    (job,) = jobs()
    assert (found(rows).version_id, job.training_version_id) == (None, None)
    assert job.training_sha256 == found(rows).sha256

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
    held = brought.file("file-held", lines({"a": 1}))
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
