"""What went wrong is said on a page that shows a way on; those signed in keep what stands around
it.
"""

import re

import pytest

from app.settings import settings
from tests.stage import one_database

HTML = {"accept": "text/html"}


@pytest.fixture
def owner(team, browser):
    return browser(team.users["owner"])


@pytest.fixture
def here():
    return settings().base_url


def ways(answer):
    """Where the page leads on: (id, address)."""
    listed = answer.text.partition('aria-label="Ways on"')[2].partition("</ul>")[0]
    return {one[1]: one[0] for one in re.findall(r'href="([^"]*)" id="([^"]*)"', listed)}


def has_shell(answer):
    return 'id="side"' in answer.text and 'id="palette"' in answer.text


@one_database
def test_a_page_that_is_not_there_keeps_the_shell_of_who_is_signed_in(team, owner, client):
    for path in ("/jobs/99999", "/no-such-page"):
        answer = owner.get(path, **HTML)
        assert answer.status_code == 404
        assert has_shell(answer)
        assert "Nothing here" in answer.text
        assert "again" not in ways(answer)  # it would be missing once more
    stranger = client.get("/no-such-page", headers=HTML)
    assert stranger.status_code == 404
    assert not has_shell(stranger)
    assert "Sign in" in stranger.text


@one_database
def test_another_teams_thing_and_none_look_alike(team, browser):
    outsider = browser(team.users["outsider"])
    pages = [
        outsider.get(path, **HTML).text for path in (f"/projects/{team.project_id}", "/projects/99")
    ]
    blotted = [re.sub(r"\b[0-9a-f]{16}\b", "reference", page) for page in pages]
    assert blotted[0] == blotted[1]
    assert "Support routing" not in pages[0]


@one_database
def test_who_may_not_is_told_whom_to_ask(team, browser):
    viewer = browser(team.users["viewer"])
    answer = viewer.get(f"/projects/{team.project_id}/jobs/new", **HTML)
    assert answer.status_code == 403
    assert has_shell(answer)
    assert "Your role in this project is viewer" in answer.text
    assert ways(answer)["members"] == f"/projects/{team.project_id}/members"


@one_database
def test_wrong_words_in_an_address_are_named_and_the_page_is_offered_plain(team, owner):
    path = f"/projects/{team.project_id}/jobs"
    answer = owner.get(f"{path}?sort=weather", **HTML)
    assert answer.status_code == 422
    assert ways(answer)["plain"] == path
    wrong = answer.text.partition('aria-label="What is wrong"')[2].partition("</ul>")[0]
    assert "sort" in wrong


@one_database
def test_a_surprise_asks_nothing_of_the_database_and_can_be_tried_again(owner, monkeypatch):
    def surprise(*_: object) -> None:
        raise RuntimeError("nobody thought of this")

    monkeypatch.setattr("app.dashboard.routes.overview", surprise)
    monkeypatch.setattr("app.dashboard.errors.shell_if_signed_in", surprise)
    answer = owner.get("/projects?x=1", **HTML)
    assert answer.status_code == 500
    assert "nobody thought of this" not in answer.text
    assert not has_shell(answer)
    assert answer.headers["x-request-id"] in answer.text
    assert ways(answer)["again"] == "/projects?x=1"


@one_database
def test_the_way_back_leads_to_our_own_pages_only(team, owner, here):
    home = f"/projects/{team.project_id}"
    host = {"host": here.partition("//")[2]}
    for referer, wanted in (
        (f"{here}{home}?q=1", f"{home}?q=1"),
        (f"{here}/jobs/99999", None),  # itself
        ("https://evil.example/projects", None),
        (f"{here}//evil.example", None),
        (f"javascript:alert({home})", None),
        ("", None),
    ):
        answer = owner.get("/jobs/99999", referer=referer, **HTML, **host)
        assert ways(answer).get("back") == wanted, referer


@one_database
def test_a_form_that_is_refused_offers_the_way_back_and_no_repeat(team, owner, here):
    origin = f"{here}/projects/new"
    host = {"host": here.partition("//")[2]}
    answer = owner.client.post(
        "/projects",
        data={"name": "x"},
        headers={**owner.headers, **HTML, **host, "referer": origin},
    )
    assert answer.status_code == 403
    assert "too old" in answer.text
    assert set(ways(answer)) == {"back", "projects-all"}


@one_database
def test_a_script_gets_problem_details_in_the_same_words(owner):
    answer = owner.get("/jobs/99999", accept="application/json")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["title"] == "Nothing here"
