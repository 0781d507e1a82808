"""The calendar of a project, as a page and as JSON."""

import pytest

from app.catalog.models import BaseModel
from app.core import clock
from app.core.database import unit_of_work
from tests import make
from tests.catalog.rows import Shop, day_of, days, lists, today
from tests.make import problem_fields
from tests.stage import one_database

MINI = make.BASE_MODEL


@pytest.fixture
def reads(team, browser):
    """The calendar's page as a viewer sees it; words are its query."""
    viewer = browser(team.users["viewer"])

    def read(**query):
        path = f"/projects/{team.project_id}/calendar"
        return viewer.client.get(path, params=query, headers=viewer.headers)

    return read


@pytest.fixture
def asks(team, script):
    sends = script(team.users["viewer"])

    def ask(**query):
        answer = sends.get(f"/projects/{team.project_id}/deadlines", params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    return ask


def test_the_page_says_what_is_next_who_says_so_and_what_hangs_on_it(team, reads):
    with unit_of_work() as session:
        shop = Shop(session, team)
        shop.model("ft:m")
        job = shop.job()
    shown = reads().text
    last = day_of("openai-gpt-4")
    assert f"{MINI} and 1 more stop on {last.day} {last:%B %Y}, in 47 days." in shown
    assert "copies of OpenAI&#39;s deprecations page" in shown
    assert 'href="https://www.w3cschool.cn' in shown
    assert f'href="/jobs/{job.id}"' in shown
    assert "The catalogue" in shown
    assert "What stops, and when" in shown


def test_azures_days_stand_beside_openais_for_the_same_model(team, reads, asks):
    with unit_of_work() as session:
        Shop(session, team).model("ft:m")
    shown = reads().text
    served, trained = day_of("azure-gpt-4o-deployments"), day_of("azure-gpt-4o-training")
    assert "Azure OpenAI" in shown
    assert f"tuned models served until {served.day} {served:%B %Y}" in shown
    assert f"new jobs at least until {trained.day} {trained:%B %Y}" in shown
    base = next(one for one in asks() if one["kind"] == "base_model" and one["connection_id"])
    azure = {one["kind"]: one["day"] for one in base["elsewhere"]}
    assert azure["deployment"] == served.isoformat()
    assert {one["profile"] for one in base["elsewhere"]} == {"azure"}


def test_old_information_is_said_to_be_old(team, reads):
    with unit_of_work() as session:
        shop = Shop(session, team)
        shop.model("ft:m")
        lists(session, shop.openai.id, **{MINI: today(session) + days(90)})
    assert "Some of this is old" not in reads().text
    with unit_of_work() as session:
        found = session.query(BaseModel).filter_by(connection_id=team.connection_id).one()
        found.read_at -= days(31)
    shown = reads().text
    assert "Some of this is old" in shown
    assert "OpenAI&#39;s list of models, for gpt-4o-mini-2024-07-18: read 31 days ago" in shown


def test_what_has_stopped_stands_apart(team, reads, asks):
    assert "2 to come" not in reads().text
    gone = [one["name"] for one in asks(past="yes")]
    assert "OpenAI's hosted Evals can only be read" in gone
    assert all(one["left_days"] < 0 for one in asks(past="yes"))
    assert all(one["left_days"] >= 0 for one in asks())
    shown = reads(past="yes").text
    assert "Evals can only be read" in shown
    assert "Stopped already" in shown
    assert "Evals can only be read" not in reads().text


def test_the_list_is_sorted_filtered_and_paged_by_its_address(team, asks, script):
    with unit_of_work() as session:
        shop = Shop(session, team)
        for n in range(5):
            shop.model(f"ft:{n}")
        azure = shop.azure()
        shop.model("azure.ft-1", connection=azure)
    assert {one["kind"] for one in asks(kind="tuned_model,deployment")} == {
        "tuned_model",
        "deployment",
    }
    assert {one["connection_id"] for one in asks(connection=str(azure.id))} == {azure.id}
    assert all("evals" in one["name"].lower() for one in asks(q="EVALS"))
    by_day = [one["day"] for one in asks(sort="-day")]
    assert by_day == sorted(by_day, reverse=True)

    sends, path = script(team.users["viewer"]), f"/projects/{team.project_id}/deadlines"
    seen, after = [], None
    while True:
        page = sends.get(path, params={"limit": 4, **({"after": after} if after else {})}).json()
        assert len(page["data"]) <= 4
        seen += [one["key"] for one in page["data"]]
        after = page["next"]
        if after is None:
            break
    assert seen == [one["key"] for one in asks(limit=200)]


@one_database
def test_words_it_does_not_know_are_refused(team, script):
    sends, path = script(team.users["viewer"]), f"/projects/{team.project_id}/deadlines"
    for query in ("kind=moon", "past=no", "connection=x", "sort=moon", "after=9999", "moon=1"):
        answer = sends.get(f"{path}?{query}")
        assert answer.status_code == 422, query
        assert problem_fields(answer).keys() == {query.partition("=")[0]}


@one_database
def test_a_project_of_ones_own_machines_has_nothing_that_stops(team, reads, asks):
    with unit_of_work() as session:
        shop = Shop(session, team)
        shop.openai.profile = "luthier"
        shop.model("ft:m")
    shown = reads().text
    assert "Nothing here stops by itself" in shown
    assert "1 model on your own machines stays as long as you keep it" in shown
    assert asks() == []


@one_database
def test_a_model_of_which_nobody_knows_the_day_is_not_left_out(team, reads):
    with unit_of_work() as session:
        Shop(session, team).model("ft:m", base="gpt-unheard-of")
    assert "No day known" in reads().text


@one_database
def test_on_the_day_itself_it_says_today_and_the_day_after_it_has_passed(team, browser):
    def seen():
        return browser(team.users["viewer"]).get(f"/projects/{team.project_id}/calendar").text

    with unit_of_work() as session:
        Shop(session, team).model("ft:m")
        ahead = (day_of("openai-gpt-4") - today(session)).days
    clock.shift(ahead * 86_400)
    assert f"{MINI} and 1 more stop on" in seen()
    assert ", today." in seen()
    clock.shift((ahead + 1) * 86_400)
    assert "Nothing of this project has a day on which it stops." in seen()


@one_database
def test_names_are_words_and_nothing_else(team, reads):
    with unit_of_work() as session:
        shop = Shop(session, team)
        shop.model("ft:m").name = "<b onclick=x>"
        lists(session, shop.openai.id, **{"ft:<i>:<u>": today(session) + days(1)})
    shown = reads().text
    assert "&lt;b onclick" in shown
    assert "<b onclick" not in shown
    assert "<u>" not in shown
