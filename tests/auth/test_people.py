"""The instance's owner and everybody's accounts."""

import re
import threading

import pytest

from app.auth import passwords, people
from app.auth.models import Activity, User
from app.auth.routes import PEOPLE_PAGE
from app.core import clock
from app.core.database import read_only, unit_of_work
from app.core.errors import Conflict, NotAllowed
from tests import make
from tests.architecture.routes import every_route
from tests.stage import Browser, Script, read

LINK = re.compile(r"http://[^\s\"<]+(/password/[\w-]+)")
ROUTES = [one for one in every_route() if "instance" in one.access and one.is_page]


@pytest.fixture
def ruler(team, browser):
    """The first account owns the instance."""
    assert read(User, team.users["owner"]).is_instance_owner
    return browser(team.users["owner"])


def test_nobody_else_may(team, browser, client):
    assert len(ROUTES) >= 6
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


def test_ownership_is_shared_and_handed_on(team, ruler, browser):
    owner, editor = team.users["owner"], team.users["editor"]
    lone = ruler.post(f"/people/{owner}/unmake-owner")
    assert lone.status_code == 409
    assert "Name somebody else first" in lone.text
    assert ruler.post(f"/people/{editor}/make-owner").status_code == 303
    second = browser(editor)
    assert "owns the instance" in second.get("/people").text
    left = ruler.post(f"/people/{owner}/unmake-owner")
    assert left.headers["location"] == "/projects"
    assert ruler.get("/people").status_code == 403
    assert second.post(f"/people/{owner}/disable").status_code == 303
    refused = second.post(f"/people/{owner}/make-owner")
    assert refused.status_code == 409
    assert "Enable it first" in refused.text
    with read_only() as session:
        told = session.query(Activity.verb).filter(Activity.verb.contains("instance_owner"))
        assert sorted(verb for (verb,) in told) == [
            "user.made_instance_owner",
            "user.unmade_instance_owner",
        ]


def test_two_owners_who_shut_each_other_out_at_once_leave_one(real_database):
    with unit_of_work() as session:
        pair = [make.make_user(session, name).id for name in ("one", "two")]
        people.set_instance_owner(session, user_id=pair[1], is_owner=True, actor_id=pair[0])
    for verb in ("disable", "unmake"):
        together, refused = threading.Barrier(2), []

        def shut_out(actor, other, verb=verb, together=together, refused=refused):
            together.wait()
            try:
                with unit_of_work() as session:
                    if verb == "disable":
                        people.set_disabled(
                            session, user_id=other, is_disabled=True, actor_id=actor
                        )
                    else:
                        people.set_instance_owner(
                            session, user_id=actor, is_owner=False, actor_id=actor
                        )
            except (NotAllowed, Conflict) as error:
                refused.append(error)

        threads = [threading.Thread(target=shut_out, args=way) for way in (pair, pair[::-1])]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(refused) == 1, (real_database, verb)
        with unit_of_work() as session:
            (left,) = session.query(User).filter(User.is_instance_owner, User.disabled_at.is_(None))
            other = next(one for one in pair if one != left.id)
            people.set_disabled(session, user_id=other, is_disabled=False, actor_id=left.id)
            people.set_instance_owner(session, user_id=other, is_owner=True, actor_id=left.id)


def test_open_pages_of_people_hear_and_ask_for_their_rows_alone(team, ruler):
    for path, topic in (("/people", "people"), ("/account", f"account:{team.users['owner']}")):
        assert f'data-topic="{topic}"' in ruler.get(path).text
        rows = ruler.get(path, **{"HX-Request": "true"}).text
        assert rows.strip().startswith("<div")
        assert f'data-topic="{topic}"' in rows
        assert "<h1" not in rows


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


def test_a_password_that_was_changed_is_not_changed_back_by_an_older_link(team, ruler, client):
    """Whoever asked for the link, or found it, had it before the person chose another password."""
    viewer = team.users["viewer"]
    with unit_of_work() as session:
        session.get_one(User, viewer).password_hash = passwords.hashed(make.PASSWORD)
    link = LINK.search(ruler.post(f"/people/{viewer}/reset").text)[1]
    new = "a bow of pernambuco wood"
    changed = Browser(client, viewer).post(
        "/account/password", {"current": make.PASSWORD, "password": new}
    )
    assert changed.headers["location"] == "/account?said=password"
    assert 'name="password"' not in client.get(link).text
    late = {"token": link.rpartition("/")[2], "password": make.PASSWORD}
    assert client.post("/password", data=late).status_code == 422
    login = {"email": "viewer@example.org", "password": new}
    assert client.post("/login", data=login).status_code == 303


def test_the_page_says_how_many_accounts_there_are(team, ruler):
    assert f"{len(team.users)} accounts" in ruler.get("/people").text


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
