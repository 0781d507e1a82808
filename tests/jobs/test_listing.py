"""The list of jobs: found, ordered and chosen by its address, for people and for scripts."""

import re
from urllib.parse import urlencode

import pytest
from sqlalchemy import func, select, text
from starlette.requests import Request

from app.auth.models import Activity
from app.connections.models import Connection
from app.core import keyset
from app.core.database import unit_of_work
from app.datasets.models import DatasetVersion
from app.jobs.listing import JOBS
from app.jobs.models import Job, JobStatus
from app.projects.models import Project
from tests import make
from tests.make import problem_fields
from tests.stage import job_of, one_database

STATES = (JobStatus.SUCCEEDED, JobStatus.RUNNING, JobStatus.FAILED, JobStatus.QUEUED)


@pytest.fixture
def jobs(team):
    """Eight jobs: two in each of four states, the second four of the editor."""
    with unit_of_work() as session:
        project = session.get_one(Project, team.project_id)
        connection = session.get_one(Connection, team.connection_id)
        version = session.get_one(DatasetVersion, team.version_id)
        made = []
        for n in range(8):
            job = make.make_job(session, project, connection, version, key=f"form:{n}")
            job.name, job.status = f"intents-v{n}", STATES[n % 4]
            job.best_valid_loss = None if n % 4 == 3 else 1 - n / 10
            job.estimate = {"per_million": 5.0, "billed_tokens": 1_000_000, "total": 5.0}
            job.step, job.total_steps = (n, 10) if n % 4 != 3 else (None, None)
            if n >= 4:
                job.created_by = team.users["editor"]
            made.append(job)
        session.flush()
        return [job.id for job in made]


@pytest.fixture
def owner(team, browser):
    return browser(team.users["owner"])


@pytest.fixture
def listed(team, owner):
    """The names on the page, in order."""

    def read(query="", **headers):
        answer = owner.get(f"/projects/{team.project_id}/jobs{query}", **headers)
        assert answer.status_code == 200, answer.text
        return re.findall(r'id="job-\d+">([^<]+)<', answer.text)

    return read


def test_the_newest_come_first_and_the_heads_say_so(team, jobs, owner, listed):
    assert listed() == [f"intents-v{n}" for n in range(7, -1, -1)]
    text = owner.get(f"/projects/{team.project_id}/jobs").text
    assert text.count('aria-sort="descending"') == 1
    assert f'href="/projects/{team.project_id}/jobs?sort=created"' in text
    assert f'href="/projects/{team.project_id}/jobs?sort=best"' in text
    assert "8 jobs" in text


def test_sorting_filtering_and_columns_follow_the_address(team, jobs, owner, listed):
    assert listed("?sort=best")[:2] == ["intents-v6", "intents-v5"]
    assert listed("?sort=-cost")[0] == "intents-v6"
    assert listed("?status=running,failed&sort=name") == [f"intents-v{n}" for n in (1, 2, 5, 6)]
    assert listed("?status=running&status=failed&sort=name") == [
        f"intents-v{n}" for n in (1, 2, 5, 6)
    ]
    assert listed(f"?by={team.users['editor']}&sort=name") == [f"intents-v{n}" for n in range(4, 8)]
    assert listed(f"?dataset={team.dataset_id}&connection={team.connection_id}&q=V3") == [
        "intents-v3"
    ]
    assert listed("?since=2090-01-01") == listed("?dataset=999999") == []
    text = owner.get(f"/projects/{team.project_id}/jobs?column=name,run").text
    assert "Run id</th>" in text
    assert "Cost so far<svg" not in text


def test_the_row_says_what_it_cost_and_how_long_it_will_take(team, jobs, owner):
    with unit_of_work() as session:
        job = session.get_one(Job, jobs[5])
        job.training_since, job.step, job.total_steps = job.created_at, 5, 10
    text = owner.get(f"/projects/{team.project_id}/jobs?status=running&q=v5").text
    assert "$2.50" in text
    assert "step 5 of 10" in text
    assert re.search(r"\d+ (s|min) left", text)
    assert ">none yet<" in owner.get(f"/projects/{team.project_id}/jobs?q=v7").text


def test_the_fragment_is_the_same_list_without_its_filters(team, jobs, owner, listed):
    path = "?status=running&chosen=1"
    part = owner.get(f"/projects/{team.project_id}/jobs{path}", **{"HX-Request": "true"}).text
    assert "<html" not in part
    assert 'id="filters"' not in part
    assert listed(path) == listed(path, **{"HX-Request": "true"})
    assert f'hx-get="/projects/{team.project_id}/jobs?status=running&amp;chosen=1"' in part


def test_whatever_is_fetched_anew_can_be_found_again_by_the_focus(team, jobs, owner):
    """htmx gives the focus back to what carries the same id, and to nothing else."""
    path = f"/projects/{team.project_id}/jobs?status=running,queued&q=v&sort=best"
    part = owner.get(path, **{"HX-Request": "true"}).text
    reached = re.findall(r"<(?:a|button|select|input)\b(?![^>]*type=\"hidden\")[^>]*>", part)
    assert len(reached) > 20
    assert [tag for tag in reached if " id=" not in tag] == []


@one_database
def test_a_page_that_cannot_be_is_refused_with_words(team, owner, listed, jobs):
    for query in ("sort=password", "status=done", "page=-1", "after=-1", "column=x", "id=1"):
        answer = owner.get(f"/projects/{team.project_id}/jobs?{query}")
        assert answer.status_code == 422, query
        assert "<html" in answer.text
    hostile = '"><img src=x onerror=alert(1)>'
    answer = owner.client.get(
        f"/projects/{team.project_id}/jobs", params={"q": hostile}, headers=owner.headers
    )
    assert answer.status_code == 200
    assert "<img" not in answer.text
    assert "No job matches" in answer.text


@one_database
def test_a_list_too_long_to_count_is_drawn_all_the_same(team, jobs, listed, owner, monkeypatch):
    monkeypatch.setattr(keyset, "MOST_COUNTED", 3)
    assert len(listed()) == 8
    assert len(listed("?sort=name&after=1")) == 7
    assert "Jobs, more than" in owner.get(f"/projects/{team.project_id}/jobs").text


def test_a_list_in_any_order_asks_as_often_with_few_as_with_many(team, jobs, owner, queries):
    path = f"/projects/{team.project_id}/jobs?sort=best"
    counts = {}
    for query in ("&q=v3", f"&after={jobs[0]}"):
        for _ in range(2):
            with queries() as seen:
                assert owner.get(path + query).status_code == 200
        counts[query] = seen.count
    assert max(counts.values()) <= 20, counts


def test_the_api_takes_the_same_words(team, jobs, script):
    sends = script(team.users["viewer"])
    path = f"/projects/{team.project_id}/jobs"

    def names(**query):
        answer = sends.get(path, params=query)
        assert answer.status_code == 200, answer.text
        return [job["name"] for job in answer.json()["data"]], answer.json()["next"]

    assert names(sort="name", status="running,failed")[0] == [f"intents-v{n}" for n in (1, 2, 5, 6)]
    seen, cursor = [], {}
    while True:
        page, following = names(sort="-best", limit=3, **cursor)
        seen += page
        if following is None:
            break
        cursor = {"after": following}
    assert len(seen) == len(set(seen)) == 8
    assert set(seen[-2:]) == {"intents-v3", "intents-v7"}
    for query, field in (
        ({"sort": "password"}, "sort"),
        ({"stauts": "running"}, "stauts"),
        ({"limit": 201}, "limit"),
        ({"status": "x"}, "status"),
    ):
        answer = sends.get(path, params=query)
        assert (answer.status_code, list(problem_fields(answer))) == (422, [field])


def test_the_apis_description_names_the_words(client):
    described = client.get("/api/openapi.json").json()["paths"]
    words = described["/api/v1/projects/{project_id}/jobs"]["get"]["parameters"]
    assert {"sort", "status", "q", "since", "archived", "after", "limit"} <= {
        word["name"] for word in words
    }


def test_many_are_archived_at_once_and_those_that_run_stay(team, jobs, owner, listed):
    path, chosen = f"/projects/{team.project_id}/jobs/chosen", ",".join(map(str, jobs[:4]))
    asked = owner.get(f"{path}?do=archive&chosen={chosen}").text
    assert "Archive 2 jobs?" in asked
    assert "is running and stays" in asked
    assert owner.get(f"{path}?do=archive&chosen={chosen}", **{"HX-Request": "true"}).text.lstrip(
    ).startswith("<dialog")  # fmt: skip

    done = owner.post(path, {"do": "archive", "chosen": chosen})
    assert done.status_code == 303
    told = done.headers["location"].partition("?")[2]
    assert f"chosen={jobs[1]}%2C{jobs[3]}" in told or f"chosen={jobs[1]},{jobs[3]}" in told
    assert "2 archived; 2 stay as they are." in owner.get(done.headers["location"]).text
    assert [job_of(job).archived_at is None for job in jobs[:4]] == [False, True, False, True]
    assert listed("?archived=yes") == ["intents-v2", "intents-v0"]
    assert len(listed()) == 6
    with unit_of_work() as session:
        verbs = [
            row.verb for row in session.query(Activity).filter(Activity.verb == "job.archived")
        ]
    assert len(verbs) == 2

    owner.post(path, {"do": "unarchive", "chosen": str(jobs[0])})
    assert job_of(jobs[0]).archived_at is None


def test_many_are_cancelled_after_their_cost_was_said(team, jobs, owner):
    path = f"/projects/{team.project_id}/jobs/chosen"
    chosen = f"{jobs[5]},{jobs[7]},{jobs[4]}"
    asked = owner.get(f"{path}?do=cancel&chosen={chosen}").text
    assert "Cancel 2 jobs?" in asked
    assert "5 of 10 steps are done and billed, about $2.50." in asked
    told = owner.post(path, {"do": "cancel", "chosen": chosen}).headers["location"]
    assert "2 asked to stop; 1 stays as it is." in owner.get(told).text
    assert job_of(jobs[5]).cancel_requested_at is not None
    assert job_of(jobs[7]).status == JobStatus.CANCELLED
    assert job_of(jobs[4]).cancel_requested_at is None


@one_database
def test_what_is_chosen_is_looked_up_inside_the_project(team, jobs, owner, browser):
    path = f"/projects/{team.project_id}/jobs/chosen"
    with unit_of_work() as session:
        stranger = make.make_user(session, "stranger")
        theirs = make.make_project(session, stranger, "Theirs")
        connection = make.make_connection(session, theirs)
        version = make.make_checked_version(session, theirs)
        job_id = make.make_job(session, theirs, connection, version).id
    assert owner.get(f"{path}?do=archive&chosen={job_id}").status_code == 303
    owner.post(path, {"do": "cancel", "chosen": str(job_id)})
    assert job_of(job_id).cancel_requested_at is None
    for form in ({"do": "delete", "chosen": "1"}, {"do": "archive", "chosen": "x"}, {}):
        assert owner.post(path, form).status_code == 422, form
    viewer = browser(team.users["viewer"])
    assert viewer.post(path, {"do": "archive", "chosen": str(jobs[0])}).status_code == 403
    page = viewer.get(f"/projects/{team.project_id}/jobs?chosen={jobs[0]}").text
    assert 'name="chosen"' not in page.replace('type="hidden"', "")[page.index("<tbody") :]
    assert 'id="choose-all"' not in page


def test_a_script_archives_one_and_brings_it_back(team, jobs, script):
    sends = script(team.users["editor"])
    assert sends.post(f"/jobs/{jobs[0]}/archive").json()["archived_at"] is not None
    assert sends.post(f"/jobs/{jobs[0]}/archive").status_code == 200
    assert sends.post(f"/jobs/{jobs[1]}/archive").status_code == 409
    listed = sends.get(f"/projects/{team.project_id}/jobs", params={"archived": "yes"}).json()
    assert [job["id"] for job in listed["data"]] == [jobs[0]]
    assert sends.post(f"/jobs/{jobs[0]}/unarchive").json()["archived_at"] is None


@pytest.fixture
def crowd(team, session, jobs):
    """Enough jobs that no database would rather read them all."""
    columns = [column.name for column in Job.__table__.columns if column.name != "id"]
    others = {"op_key": "'op-' || n.n", "request_key": "'key-' || n.n"}
    values = ", ".join(others.get(name, name) for name in columns)
    session.execute(
        text(
            "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 3000) "  # noqa: S608
            f"INSERT INTO jobs ({', '.join(columns)}) SELECT {values} FROM jobs, n WHERE id = :one"
        ),
        {"one": jobs[0]},
    )
    session.execute(text("ANALYZE jobs"))
    return team.project_id


ORDERS = {
    "the newest": {},
    "behind a row": {"after": 2000},
    "in front of one": {"before": 200},
    "by loss": {"sort": "best"},
    "by name": {"sort": "-name"},
    "a text": {"q": "mini", "sort": "base_model"},
}


def test_the_list_is_read_from_its_index_alone(database, session, crowd, queries):
    """SQLite finds these orders in it; PostgreSQL the usual one without sorting, and the others
    once its vacuum has been by, which no test's transaction can wait for.
    """
    from app.core.keyset import page_of
    from app.jobs.queries import ids_of_jobs

    first = session.scalar(select(func.min(Job.id)).where(Job.project_id == crowd))
    for words, order in ORDERS.items():
        if database == "postgresql" and "sort" in order:
            continue
        query = {key: str(first + n) if isinstance(n, int) else n for key, n in order.items()}
        request = Request(
            {"type": "http", "query_string": urlencode(query).encode(), "headers": []}
        )
        with queries() as seen:
            page_of(session, ids_of_jobs(crowd), JOBS.read(request), limit=25)
        statement, values = seen.asked[-1]
        explain = "EXPLAIN QUERY PLAN " if database == "sqlite" else "EXPLAIN "
        plan = str(session.connection().exec_driver_sql(explain + statement, values).all())
        if database == "sqlite":
            assert "COVERING INDEX ix_jobs_listed" in plan, (words, plan)
        else:
            assert "Index" in plan, (words, plan)
            assert "Sort" not in plan, (words, plan)
