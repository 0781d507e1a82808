"""The first steps: how far a project is, where that is done, and whom it is shown to."""

import pytest

from app.auth.models import User
from app.connections.models import Connection
from app.core.database import unit_of_work
from app.datasets.models import DatasetVersion
from app.jobs.models import Job, JobStatus
from app.projects.models import Project
from tests import make
from tests.stage import Browser


@pytest.fixture
def owner(team, browser):
    return browser(team.users["owner"])


def bar(owner, project_id):
    answer = owner.get(f"/projects/{project_id}/tour", **{"HX-Request": "true"})
    assert answer.status_code == 200
    return answer.text


def test_progress_is_read_from_what_there_is(team, owner):
    with unit_of_work() as session:
        person = session.get_one(User, team.users["owner"])
        empty = make.make_project(session, person, "Empty").id
    assert "Step 2 of 5: Upload." in bar(owner, empty)
    assert "Step 3 of 5: Configure." in bar(owner, team.project_id)
    with unit_of_work() as session:
        project = session.get_one(Project, team.project_id)
        connection = session.get_one(Connection, team.connection_id)
        version = session.get_one(DatasetVersion, team.version_id)
        job = make.make_running_job(session, project, connection, version, key="form:9")
        job_id, name = job.id, job.name
    assert f"Watch {name}" in bar(owner, team.project_id)
    assert f"/jobs/{job_id}" in bar(owner, team.project_id)
    with unit_of_work() as session:
        session.get_one(Job, job_id).status = JobStatus.FAILED
    assert "Step 3 of 5: Configure." in bar(owner, team.project_id)
    with unit_of_work() as session:
        project = session.get_one(Project, team.project_id)
        connection = session.get_one(Connection, team.connection_id)
        version = session.get_one(DatasetVersion, team.version_id)
        model = make.make_model(session, project, connection, version, model_name="ft:x", key="m")
        model_id = model.id
    assert "Step 5 of 5: Use." in bar(owner, team.project_id)
    assert f"/models/{model_id}/try" in bar(owner, team.project_id)


def test_on_the_page_of_the_step_the_bar_says_so(team, owner):
    here = f"http://testserver/projects/{team.project_id}/jobs/new"
    headers = {"HX-Request": "true", "HX-Current-URL": here}
    text = owner.get(f"/projects/{team.project_id}/tour", **headers).text
    assert "You are here." in text


def test_put_away_it_is_gone_from_every_page_and_home_brings_it_back(team, owner):
    home, datasets = f"/projects/{team.project_id}", f"/projects/{team.project_id}/datasets"
    assert 'id="tour-bar"' in owner.get(datasets).text
    assert 'id="step-next"' in owner.get(home).text
    owner.post("/account/tour", {"is_touring": "no", "next": home})
    assert 'id="tour-bar"' not in owner.get(datasets).text
    assert 'id="step-next"' not in owner.get(home).text
    assert 'id="tour-back"' in owner.get(home).text
    owner.post("/account/tour", {"is_touring": "yes", "next": home})
    assert 'id="tour-bar"' in owner.get(datasets).text


def test_a_viewer_has_no_steps_to_take(team, client):
    viewer = Browser(client, team.users["viewer"])
    assert 'id="tour-bar"' not in viewer.get(f"/projects/{team.project_id}/datasets").text
    assert 'id="step-next"' not in viewer.get(f"/projects/{team.project_id}").text


def test_the_projects_stand_beside_each_other_with_what_happens_in_them(team, owner):
    with unit_of_work() as session:
        person = session.get_one(User, team.users["owner"])
        make.make_project(session, person, "Quiet one")
        project = session.get_one(Project, team.project_id)
        connection = session.get_one(Connection, team.connection_id)
        version = session.get_one(DatasetVersion, team.version_id)
        make.make_running_job(session, project, connection, version, key="form:9")
    text = owner.get("/projects").text
    assert "1 job</a>" in text
    assert text.index("Support routing</span>") < text.index("Quiet one</span></a></th>")
