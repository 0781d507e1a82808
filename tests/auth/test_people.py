"""The instance's owner and everybody's accounts."""

import re

import pytest

from app.auth.models import User
from app.auth.routes import PEOPLE_PAGE
from app.core import clock
from app.core.database import unit_of_work
from tests import make
from tests.architecture.routes import every_route
from tests.stage import Browser, Script, read

LINK = re.compile(r"http://[^\s\"<]+(/password/[\w-]+)")
ROUTES = [route for route in every_route() if "instance" in route.access]


@pytest.fixture
def ruler(team, browser):
    """The first account owns the instance."""
    assert read(User, team.users["owner"]).is_instance_owner
    return browser(team.users["owner"])


def test_nobody_else_may(team, browser, client):
    assert len(ROUTES) == 4
    for route in ROUTES:
        path = route.path.format(user_id=team.users["viewer"])
        method = next(iter(route.methods))
        for name in ("editor", "viewer", "outsider"):
            answer = browser(team.users[name]).send(method, path)
            assert answer.status_code == 403, (str(route), name)
            assert "People</a>" not in browser(team.users[name]).get("/projects").text
        assert client.request(method, path).status_code in {303, 403}
    assert read(User, team.users["viewer"]).disabled_at is None


def test_an_account_that_is_disabled_is_outside_at_once_and_comes_back(team, ruler, client):
    viewer = team.users["viewer"]
    page, script = Browser(client, viewer), Script(client, viewer)
    reset = LINK.search(ruler.post(f"/people/{viewer}/reset").text)[1]
    assert page.get(f"/projects/{team.project_id}").status_code == 200
    assert ruler.post(f"/people/{viewer}/disable").status_code == 303
    assert "disabled" in ruler.get("/people").text
    assert page.get(f"/projects/{team.project_id}").status_code == 303
    assert script.get("/projects").status_code == 401
    assert 'name="password"' not in client.get(reset).text
    refused = ruler.post(f"/people/{viewer}/reset")
    assert refused.status_code == 409
    assert "Enable it first" in refused.text
    assert ruler.post(f"/people/{viewer}/enable").status_code == 303
    assert script.get("/projects").status_code == 200
    assert page.get(f"/projects/{team.project_id}").status_code == 303


def test_nobody_shuts_themselves_out(team, ruler):
    answer = ruler.post(f"/people/{team.users['owner']}/disable")
    assert answer.status_code == 409
    assert "You cannot disable your own account." in answer.text
    assert ruler.post("/people/999999/disable").status_code == 404
    assert ruler.post("/people/999999/reset").status_code == 404


def test_a_password_link_is_shown_once_and_works_once_for_an_hour(team, ruler, client):
    path = f"/people/{team.users['viewer']}/reset"
    first = ruler.post(path)
    assert first.headers["cache-control"] == "no-store"
    old = LINK.search(first.text)[1]
    assert not LINK.search(ruler.get("/people").text)
    new = LINK.search(ruler.post(path).text)[1]
    fields = {"password": make.PASSWORD}
    for link, status in ((old, 422), (new, 303), (new, 422)):
        token = link.rpartition("/")[2]
        answer = client.post("/password", data={"token": token, **fields})
        assert answer.status_code == status, link
    late = LINK.search(ruler.post(path).text)[1]
    clock.shift(3600 + 1)
    assert 'name="password"' not in client.get(late).text


def test_a_long_list_goes_on(team, ruler):
    with unit_of_work() as session:
        for number in range(PEOPLE_PAGE):
            make.make_user(session, f"person{number}")
    first = ruler.get("/people").text
    following = re.search(r'href="([^"]+)" rel="next"', first)[1]
    second = ruler.get(following).text
    assert "person0@" in first
    assert f"person{PEOPLE_PAGE - 1}@" in second
    assert 'rel="next"' not in second
