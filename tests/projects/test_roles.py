"""Who may do what: every route of a project, asked by everybody, about ours and about theirs."""

import pytest

from app.catalog import service as catalog
from app.connections.models import Connection
from app.core import clock
from app.core.database import unit_of_work
from app.datasets.models import DatasetVersion
from app.projects import service as projects
from app.projects.models import Project, Role
from app.projects.queries import open_invitations
from tests import make
from tests.architecture.routes import every_route
from tests.stage import Browser, Script, one_database

MAY = {
    "viewer": {"view"},
    "editor": {"view", "edit", "spend"},
    "owner": {"view", "edit", "spend", "manage"},
}
ROUTES = [
    route for route in every_route() if set(route.access) & {"view", "edit", "spend", "manage"}
]
QUERY = {
    "datasets.upload": {"name": "x.jsonl"},
    "datasets.upload_version": {"name": "x.jsonl"},
    "datasets.findings": {"rule": "x"},
}
SAFE_ONES = [route for route in ROUTES if not route.is_unsafe]
UNSAFE_ONES = [route for route in ROUTES if route.is_unsafe]


def method_of(route):
    return next(iter(route.methods - {"HEAD", "OPTIONS"}))


@pytest.fixture
def ids(team):
    """What the routes' paths need, all of it ours."""
    with unit_of_work() as session:
        project = session.get_one(Project, team.project_id)
        connection = session.get_one(Connection, team.connection_id)
        version = session.get_one(DatasetVersion, team.version_id)
        model = make.make_model(session, project, connection, version, model_name="ft:x")
        job = make.make_running_job(session, project, connection, version, key="form:2")
        catalog.record_base_models(session, connection.id, [])
        helper = make.make_user(session, "helper")
        projects.add_member(session, project=project, user=helper, role=Role.VIEWER, actor_id=None)
        projects.invite(session, project=project, role=Role.VIEWER, actor_id=team.users["owner"])
        waiting = open_invitations(session, project.id, clock.now(session))
        return {
            "user_id": helper.id,
            "invitation_id": waiting[0].id,
            "project_id": project.id,
            "connection_id": connection.id,
            "dataset_id": version.dataset_id,
            "version_id": version.id,
            "job_id": job.id,
            "model_id": model.id,
        }


@pytest.fixture
def people(team, client):
    """Everybody with a browser and a token."""
    return {
        role: (Browser(client, user_id), Script(client, user_id))
        for role, user_id in team.users.items()
    }


def ask(route, ids, who):
    """One request as this person would send it: with their token or their cookie and form."""
    browser, script = who
    path = route.path.format(**ids)
    if route.is_page:
        return browser.send(method_of(route), path, params=QUERY.get(route.name))
    return script.client.request(method_of(route), path, headers=script.headers, json={})


ASKS_A_PROVIDER = {"api.base_models.index", "jobs.new", "connections.test", "api.connections.test"}


@one_database
def test_a_member_is_refused_exactly_what_the_role_does_not_hold(ids, people):
    for route in ROUTES:
        if route.name in ASKS_A_PROVIDER:
            continue
        (word,) = set(route.access)
        for role, rights in MAY.items():
            if word in rights and route.is_unsafe:
                continue  # what it does is for other tests
            status = ask(route, ids, people[role]).status_code
            if word in rights:
                assert status in {200, 303}, (str(route), role, status)
            else:
                assert status == 403, (str(route), role, status)


@one_database
def test_an_unsafe_route_lets_in_who_may(ids, people):
    """Nothing useful is sent, so what answers is the form's own refusal and never 403 or 404."""
    for route in UNSAFE_ONES:
        (word,) = set(route.access)
        for role in ("editor", "owner"):
            takes_away = "DELETE" in route.methods or route.path.endswith("/remove")
            if takes_away or route.path.endswith(("cancel", "example")):
                continue  # done once, it is another answer: other tests
            if word in MAY[role]:
                status = ask(route, ids, people[role]).status_code
                assert status in {200, 201, 202, 303, 400, 409, 422, 502}, (
                    str(route),
                    role,
                    status,
                )


@one_database
def test_to_an_outsider_nothing_of_a_project_exists(ids, people):
    for route in ROUTES:
        answer = ask(route, ids, people["outsider"])
        assert answer.status_code == 404, str(route)


@one_database
def test_what_does_not_exist_looks_like_what_is_anothers(ids, people):
    missing = ask_text(ROUTES, dict.fromkeys(ids, 999_999), people["owner"])
    foreign = ask_text(ROUTES, ids, people["outsider"])
    for route, (status, text) in missing.items():
        assert status == 404, route
        if route.startswith(("GET /api", "POST /api")):
            assert text == foreign[route][1]


def ask_text(routes, ids, who):
    answers = {str(route): ask(route, ids, who) for route in routes}
    return {name: (answer.status_code, answer.text) for name, answer in answers.items()}


@one_database
def test_ids_beyond_counting_are_nobodys(ids, people):
    for number in (0, -1, 2**53, 2**63, 2**64, 10**30):
        for route in ROUTES:
            if number in {-1, 2**64} or route.name in {"api.jobs.show", "jobs.show"}:
                status = ask(route, dict.fromkeys(ids, number), people["owner"]).status_code
                assert status == 404, (str(route), number, status)
    for text in ("x", "1 or 1=1", "null", "1.5", "١"):
        for kind in (0, 1):
            path = ("/jobs/", "/jobs/")[kind] + text
            assert people["owner"][kind].get(path).status_code == 404


@one_database
def test_nobody_is_sent_to_the_door_by_pages_and_gets_401_from_the_api(ids, client):
    for route in ROUTES:
        path = route.path.format(**ids)
        answer = client.request(method_of(route), path, params=QUERY.get(route.name))
        if route.is_page:
            assert answer.status_code == 303, str(route)
            assert answer.headers["location"].startswith("/login"), str(route)
        else:
            assert answer.status_code == 401, str(route)
            assert answer.headers["content-type"] == "application/problem+json"


@one_database
def test_a_token_opens_no_page_and_a_cookie_no_api(ids, people):
    browser, script = people["owner"]
    for route in SAFE_ONES:
        path = route.path.format(**ids)
        headers = script.headers if route.is_page else browser.headers
        status = script.client.get(path, headers=headers, params=QUERY.get(route.name)).status_code
        assert status == (303 if route.is_page else 401), str(route)


@one_database
def test_a_role_that_is_lowered_counts_at_once(team, ids, people):
    from app.projects.models import Membership

    browser, script = people["editor"]
    assert script.post(f"/jobs/{ids['job_id']}/cancel").status_code == 200
    with unit_of_work() as session:
        session.get_one(Membership, (team.project_id, team.users["editor"])).role = Role.VIEWER
    assert script.post(f"/jobs/{ids['job_id']}/cancel").status_code == 403
    with unit_of_work() as session:
        session.delete(session.get_one(Membership, (team.project_id, team.users["editor"])))
    assert script.get(f"/jobs/{ids['job_id']}").status_code == 404
    assert browser.get(f"/jobs/{ids['job_id']}").status_code == 404


@one_database
def test_ids_of_two_projects_cannot_be_mixed(team, ids, people):
    """A member of one project cannot reach another's things by way of their own."""
    with unit_of_work() as session:
        stranger = make.make_user(session, "stranger")
        theirs = make.make_project(session, stranger, "Theirs")
        connection = make.make_connection(session, theirs)
        version = make.make_checked_version(session, theirs)
    form = {
        "connection_id": connection.id,
        "base_model": "x",
        "training_version_id": version.id,
        "nonce": "n",
    }
    browser, _ = people["owner"]
    answer = browser.post(f"/projects/{team.project_id}/jobs", form)
    assert answer.status_code == 422
    assert "has no such" in answer.text


def test_the_matrix_covers_the_whole_program():
    assert len(ROUTES) > 45
