"""A page asks the database as often with many rows as with a few."""

import pytest

from app.auth.models import User
from app.connections.models import Connection
from app.core.database import unit_of_work
from app.datasets.models import DatasetVersion
from app.jobs.models import Job, JobStatus
from app.projects.models import Project
from tests import make
from tests.evaluations.planted import Player, plant_evaluation, plant_run, right_in

STATES = (JobStatus.RUNNING, JobStatus.FAILED, JobStatus.SUCCEEDED, JobStatus.IN_DOUBT)
PAGES = (
    "", "/datasets", "/collections", "/jobs", "/models", "/connections", "/graders",
    "/evaluations", "/playground/history", "/budget",
)  # fmt: skip


def fill(team, first, last):
    """More of everything, made by several people, in all states."""
    with unit_of_work() as session:
        project = session.get_one(Project, team.project_id)
        connection = session.get_one(Connection, team.connection_id)
        version = session.get_one(DatasetVersion, team.version_id)
        people = [team.users[role] for role in ("owner", "editor")]
        for n in range(first, last):
            fresh = make.make_version(session, project, name=f"Rows {n}")
            fresh.created_by = people[n % 2]
            make.make_conversation(session, project, connection, f"Question {n}")
            saved = make.make_collected_row(session, project, f"Kept {n}")
            saved.collection.created_by = people[n % 2]
            saved.collection.dataset_id = fresh.dataset_id
            make.make_grader(session, project, f"Grader {n}").created_by = people[n % 2]
            asked = plant_evaluation(session, project, name=f"Questions {n}")
            asked.created_by = people[n % 2]
            plant_run(session, asked, Player("tuned", right_in(90), connection=connection))
            fresh.status = ("received", "rejected")[n % 2]
            key = f"form:{n}"
            if n % 4 == 2:
                made = make.make_model(
                    session, project, connection, version, model_name=f"ft:{n}", key=key
                )
                made.created_by = people[n % 2]
                continue
            job = make.make_running_job(session, project, connection, version, key=key)
            job.status, job.created_by = STATES[n % 4], people[n % 2]
            job.spark = {"train": [[1, 2.0], [2, 1.0]], "valid": []}
            if job.status == JobStatus.FAILED:
                job.ended_at = job.created_at
        owner = session.get_one(User, team.users["owner"])
        for n in range(first, last):
            make.make_project(session, owner, f"More {n}")


@pytest.fixture
def counted(team, browser, queries):
    """How many statements each address takes."""
    owner = browser(team.users["owner"])

    def count(paths):
        found = {}
        for path in paths:
            owner.get(path)  # what a first look notes, and what is read once a process
            with queries() as seen:
                answer = owner.get(path)
            assert answer.status_code == 200, path
            found[path] = seen.count
        return found

    return count


def test_pages_ask_as_often_with_a_full_page_as_with_a_few_rows(team, counted):
    paths = [f"/projects/{team.project_id}{page}" for page in PAGES]
    fill(team, 0, 4)
    few = counted([*paths, "/projects"])
    fill(team, 4, 24)
    many = counted([*paths, "/projects"])
    assert many == few
    assert max(many.values()) <= 22


def test_the_apis_lists_ask_as_often_with_thirty_rows_as_with_three(team, script, queries):
    sends = script(team.users["owner"])
    lists = (*PAGES[1:-2], "/conversations", "/budget/spends")
    paths = ["/projects", *(f"/projects/{team.project_id}{page}" for page in lists)]

    def count():
        found = {}
        for path in paths:
            sends.get(path)
            with queries() as seen:
                answer = sends.get(path, params={"limit": 200})
            assert answer.status_code == 200
            found[path] = seen.count
        return found

    fill(team, 0, 4)
    few = count()
    fill(team, 4, 34)
    assert count() == few


def test_a_jobs_page_asks_as_often_whatever_its_log_holds(team, counted):
    from app.jobs import metrics, service

    with unit_of_work() as session:
        job = make.make_running_job(
            session,
            session.get_one(Project, team.project_id),
            session.get_one(Connection, team.connection_id),
            session.get_one(DatasetVersion, team.version_id),
        )
        job_id = job.id
    paths = [f"/jobs/{job_id}", f"/jobs/{job_id}/progress", f"/jobs/{job_id}/metrics"]
    few = counted(paths)
    with unit_of_work() as session:
        job = session.get_one(Job, job_id)
        for n in range(30):
            service.log(session, job, f"Line {n}")
        points = [(step, 1.0 / step) for step in range(1, 10_000)]
        metrics.append(session, job_id, {"train_loss": points, "valid_loss": points[::10]})
    assert counted(paths) == few
