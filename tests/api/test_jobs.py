"""`/api/v1/projects/{id}/jobs` and `/jobs/{id}`, field by field."""

import pytest

from app.auth.models import User
from app.connections.models import Connection
from app.core.database import unit_of_work
from app.datasets.models import DatasetVersion
from app.jobs import metrics, service
from app.jobs.models import Job, JobStatus
from app.projects.models import Project
from tests import make
from tests.make import BASE_MODEL, problem_fields
from tests.stage import job_of, one_database

RESOURCE = {
    "id", "status", "provider_status", "run_id", "progress", "error", "model_id",
    "connection_id", "base_model", "method", "training_version_id", "validation_version_id",
    "hyperparameters", "suffix", "seed",
}  # fmt: skip


@pytest.fixture
def sends(team, script):
    return script(team.users["editor"])


@pytest.fixture
def order(team):
    return {
        "connection_id": team.connection_id,
        "base_model": BASE_MODEL,
        "method": "supervised",
        "training_version_id": team.version_id,
    }


@pytest.fixture
def create(team, sends, order):
    """Post a job; keyword arguments change the order."""

    def post(*, key=None, **changes):
        body = {name: value for name, value in {**order, **changes}.items() if value != "leave out"}
        headers = {} if key is None else {"Idempotency-Key": key}
        return sends.post(f"/projects/{team.project_id}/jobs", json=body, headers=headers)

    return post


def test_a_job_is_made_with_201_and_waits_in_the_queue(team, create, letters):
    answer = create(suffix="june", seed=7, hyperparameters={"n_epochs": 3, "batch_size": "auto"})

    assert answer.status_code == 201
    made = answer.json()
    assert made.keys() >= RESOURCE
    assert made["status"] == "queued"
    assert made["run_id"] is None
    assert made["model_id"] is None
    assert made["error"] is None
    assert made["suffix"] == "june"
    assert made["seed"] == 7
    assert made["hyperparameters"] == {
        "n_epochs": 3,
        "batch_size": "auto",
        "learning_rate_multiplier": "auto",
    }
    assert ("jobs.start", (made["id"],)) in letters.tasks


def test_the_method_is_supervised_when_nobody_says(create):
    assert create(method="leave out").json()["method"] == "supervised"


def test_the_same_key_gets_the_first_answer_byte_for_byte(team, create, sends):
    first = create(key="order-1", suffix="one")
    with unit_of_work() as session:
        job = session.get_one(Job, first.json()["id"])
        service.end(session, job, JobStatus.FAILED, error="Meanwhile it failed.")

    again = create(key="order-1", suffix="one")

    assert (again.status_code, again.content) == (201, first.content)
    listed = sends.get(f"/projects/{team.project_id}/jobs").json()["data"]
    assert [job["id"] for job in listed] == [first.json()["id"]]
    assert listed[0]["status"] == "failed"


def test_the_same_key_with_other_content_is_a_conflict(create):
    create(key="order-1", suffix="one")
    other = create(key="order-1", suffix="two")
    assert other.status_code == 409
    assert other.headers["content-type"] == "application/problem+json"


def test_without_a_key_every_request_is_a_job_of_its_own(create):
    assert create().json()["id"] != create().json()["id"]


def test_a_key_of_a_script_is_not_a_nonce_of_a_form(team, create):
    with unit_of_work() as session:
        project = session.get_one(Project, team.project_id)
        connection = session.get_one(Connection, team.connection_id)
        version = session.get_one(DatasetVersion, team.version_id)
        made = make.make_job(session, project, connection, version, key="form:order-1")
    assert create(key="order-1").json()["id"] != made.id


def test_a_refused_order_does_not_use_up_its_key(create):
    assert create(key="order-1", seed="seven").status_code == 422
    assert create(key="order-1", seed=7).status_code == 201


def test_a_version_that_is_not_ready_is_a_conflict(team, create):
    with unit_of_work() as session:
        fresh = make.make_version(session, session.get_one(Project, team.project_id))
    refused = create(training_version_id=fresh.id)
    assert refused.status_code == 409
    assert "received" in refused.json()["detail"]


@one_database
@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"connection_id": "leave out"}, "connection_id"),
        ({"connection_id": 999_999}, "connection_id"),
        ({"connection_id": 2**64}, "connection_id"),
        ({"connection_id": 0}, "connection_id"),
        ({"base_model": "leave out"}, "base_model"),
        ({"base_model": ""}, "base_model"),
        ({"base_model": "x" * 256}, "base_model"),
        ({"method": "dpo"}, "method"),
        ({"training_version_id": "leave out"}, "training_version_id"),
        ({"training_version_id": 999_999}, "training_version_id"),
        ({"training_version_id": "1 or 1=1"}, "training_version_id"),
        ({"validation_version_id": 999_999}, "validation_version_id"),
        ({"validation_split": 0.51}, "validation_split"),
        ({"validation_split": -0.1}, "validation_split"),
        ({"validation_split": "a lot"}, "validation_split"),
        ({"hyperparameters": {"n_epochs": 0}}, "hyperparameters.n_epochs"),
        ({"hyperparameters": {"n_epochs": 51}}, "hyperparameters.n_epochs"),
        ({"hyperparameters": {"n_epochs": 1.5}}, "hyperparameters.n_epochs"),
        ({"hyperparameters": {"n_epochs": "१२"}}, "hyperparameters.n_epochs"),
        ({"hyperparameters": {"n_epochs": True}}, "hyperparameters.n_epochs"),
        ({"hyperparameters": {"batch_size": 2**63}}, "hyperparameters.batch_size"),
        (
            {"hyperparameters": {"learning_rate_multiplier": 0}},
            "hyperparameters.learning_rate_multiplier",
        ),
        (
            {"hyperparameters": {"learning_rate_multiplier": "NaN"}},
            "hyperparameters.learning_rate_multiplier",
        ),
        ({"hyperparameters": {"beta": 0.1}}, "hyperparameters.beta"),
        ({"hyperparameters": []}, "hyperparameters"),
        ({"suffix": "x" * 65}, "suffix"),
        ({"seed": -1}, "seed"),
        ({"seed": 2**31}, "seed"),
        ({"seed": "seven"}, "seed"),
        ({"est_cost": 0}, "est_cost"),
        ({"project_id": 1}, "project_id"),
    ],
)
def test_a_wrong_field_is_422_and_named(create, changes, field):
    refused = create(**changes)
    assert refused.status_code == 422, refused.text
    body = refused.json()
    assert refused.headers["content-type"] == "application/problem+json"
    assert body["status"] == 422
    assert body["title"]
    assert body["detail"]
    assert set(problem_fields(refused)) == {field}
    assert all(problem_fields(refused).values())


def test_several_wrong_fields_are_all_named(create):
    refused = create(seed=-1, suffix="x" * 65, hyperparameters={"n_epochs": 0})
    assert set(problem_fields(refused)) == {"seed", "suffix", "hyperparameters.n_epochs"}


def test_a_split_and_a_validation_version_do_not_go_together(team, create):
    with unit_of_work() as session:
        project = session.get_one(Project, team.project_id)
        held_out = make.make_checked_version(session, project, make.chat_file(11, words="Why"))
    both = create(validation_version_id=held_out.id, validation_split=0.1)
    assert both.status_code == 422
    assert set(problem_fields(both)) == {"validation_split"}
    assert create(validation_version_id=held_out.id).status_code == 201
    assert create(validation_split=0.1).json()["validation_split"] == 0.1
    assert create(validation_version_id=held_out.id, validation_split=0).status_code == 201


def test_training_rows_cannot_measure_their_own_model(team, create):
    same = create(validation_version_id=team.version_id)
    assert set(problem_fields(same)) == {"validation_version_id"}


def test_too_few_rows_are_refused_before_anything_is_sent(team, create):
    with unit_of_work() as session:
        project = session.get_one(Project, team.project_id)
        few = make.make_checked_version(session, project, make.chat_file(9))
    refused = create(training_version_id=few.id)
    assert refused.status_code == 422
    assert "10" in problem_fields(refused)["training_version_id"]


def test_what_belongs_to_another_project_is_not_there(team, create, script):
    with unit_of_work() as session:
        stranger = session.get_one(User, team.users["outsider"])
        theirs = make.make_project(session, stranger, "Theirs")
        connection = make.make_connection(session, theirs)
        version = make.make_checked_version(session, theirs)
    assert set(problem_fields(create(connection_id=connection.id))) == {"connection_id"}
    assert set(problem_fields(create(training_version_id=version.id))) == {"training_version_id"}


def test_a_body_that_is_no_object_is_422(team, sends):
    path = f"/projects/{team.project_id}/jobs"
    for body in (b"[]", b"null", b"{", b'"x"', b"\xff"):
        refused = sends.post(path, content=body, headers={"Content-Type": "application/json"})
        assert refused.status_code in {400, 422}, body
        assert refused.json()["status"] == refused.status_code


@pytest.fixture
def job(team):
    """A job that runs, with three steps of numbers and a line in its log."""
    with unit_of_work() as session:
        project = session.get_one(Project, team.project_id)
        connection = session.get_one(Connection, team.connection_id)
        version = session.get_one(DatasetVersion, team.version_id)
        made = make.make_running_job(session, project, connection, version)
        series = {
            "train_loss": [(1, 3.0), (2, 2.0), (3, 1.0)],
            "valid_loss": [(2, 2.5)],
            "full_valid_loss": [(3, 1.5)],
            "train_mean_token_accuracy": [(1, 0.1), (2, 0.2), (3, 0.3)],
            "valid_mean_token_accuracy": [(2, 0.2)],
        }
        metrics.append(session, made.id, series)
        service.log(session, made, "Order sent once.")
        return made.id


def test_a_job_says_how_far_it_is(sends, job):
    with unit_of_work() as session:
        found = session.get_one(Job, job)
        found.step, found.total_steps = 3, 12
    shown = sends.get(f"/jobs/{job}").json()
    assert shown["status"] == "running"
    assert shown["provider_status"] == "running"
    assert shown["run_id"] == "ftjob-1"
    assert shown["progress"]["step"] == 3
    assert shown["progress"]["total_steps"] == 12
    assert shown["progress"]["share"] == 0.25


def test_asking_for_a_job_makes_its_run_watched(sends, job):
    sends.get(f"/jobs/{job}")
    assert job_of(job).watched_until is not None


def test_metrics_stand_side_by_side_with_null_where_there_is_none(sends, job):
    assert sends.get(f"/jobs/{job}/metrics").json() == {
        "step": [1, 2, 3],
        "train_loss": [3.0, 2.0, 1.0],
        "valid_loss": [None, 2.5, None],
        "full_valid_loss": [None, None, 1.5],
        "train_mean_token_accuracy": [0.1, 0.2, 0.3],
        "last_step": 3,
    }
    behind = sends.get(f"/jobs/{job}/metrics", params={"after_step": 2}).json()
    assert behind["step"] == [3]
    assert behind["last_step"] == 3
    nothing = sends.get(f"/jobs/{job}/metrics", params={"after_step": 3}).json()
    assert nothing["step"] == []
    assert nothing["train_loss"] == []
    assert nothing["last_step"] == 3
    assert sends.get(f"/jobs/{job}/metrics", params={"after_step": "x"}).status_code == 422


def test_events_are_listed_newest_first(sends, job):
    with unit_of_work() as session:
        for n in range(3):
            service.log(session, session.get_one(Job, job), f"Line {n}")
    found = sends.get(f"/jobs/{job}/events", params={"limit": 2}).json()
    assert [line["message"] for line in found["data"]] == ["Line 2", "Line 1"]
    assert found["data"][0].keys() >= {"id", "at", "level", "message"}
    rest = sends.get(f"/jobs/{job}/events", params={"after": found["next"]}).json()
    assert [line["message"] for line in rest["data"]] == ["Line 0", "Order sent once."]
    assert rest["next"] is None


def test_a_job_is_cancelled_once(create, sends):
    job = create().json()["id"]
    answer = sends.post(f"/jobs/{job}/cancel")
    assert answer.status_code == 200
    assert answer.json()["status"] == "cancelled"
    again = sends.post(f"/jobs/{job}/cancel")
    assert again.status_code == 409


def test_the_list_of_jobs_is_read_page_by_page(team, create, sends):
    made = [create().json()["id"] for _ in range(5)]
    path = f"/projects/{team.project_id}/jobs"
    first = sends.get(path, params={"limit": 3}).json()
    rest = sends.get(path, params={"limit": 3, "after": first["next"]}).json()
    assert [job["id"] for job in first["data"] + rest["data"]] == made[::-1]
    assert rest["next"] is None
    assert first["data"][0] == sends.get(f"/jobs/{made[-1]}").json()
