"""Notices where people meet them: their page, the home page, the side bar, the API."""

from sqlalchemy import select

from app.connections.models import Connection
from app.core.database import unit_of_work
from app.datasets.models import DatasetVersion
from app.notices import service
from app.notices.models import DateWatch, NoticeRead
from app.notices.occasions import Occasion
from app.projects.models import Project
from tests import make
from tests.notices.steps import days, go_to, look, notices_of, says
from tests.stage import one_database


def at(team, more=""):
    return f"/projects/{team.project_id}/notices{more}"


def unread(browser, team, name):
    return browser(team.users[name]).get(at(team, "/count")).text.strip()


def test_the_page_says_what_stops_when_and_what_hangs_on_it(dated, today, browser):
    says(dated, today + days(30))
    look(dated)
    go_to(today + days(3))
    page = browser(dated.users["viewer"]).get(at(dated)).text
    for words in ("acme-7b stops at", "27 days", "30 when told", "1 tuned model", "Mark read"):
        assert words in page
    day = today + days(30)
    assert f"{day.day} {day:%B %Y}" in page


def test_each_member_reads_for_themselves(dated, today, browser):
    says(dated, today + days(30))
    look(dated)
    (notice,) = notices_of(dated)
    viewer = browser(dated.users["viewer"])
    assert unread(browser, dated, "viewer") == "1 new"
    for _ in range(2):
        assert viewer.post(at(dated, f"/{notice.id}/read")).status_code == 303
    assert unread(browser, dated, "viewer") == ""
    assert unread(browser, dated, "owner") == "1 new"
    assert "Mark read" not in viewer.get(at(dated)).text
    assert browser(dated.users["owner"]).post(at(dated, "/read")).status_code == 303
    assert unread(browser, dated, "owner") == ""
    with unit_of_work() as session:
        assert session.query(NoticeRead).count() == 2


@one_database
def test_what_was_read_is_new_again_when_its_next_distance_comes(dated, today, browser):
    says(dated, today + days(14))
    look(dated)
    browser(dated.users["owner"]).post(at(dated, "/read"))
    go_to(today + days(7))
    look(dated)
    assert unread(browser, dated, "owner") == "1 new"


@one_database
def test_a_notice_that_no_longer_stands_asks_for_nobody(dated, today, browser):
    says(dated, today + days(14))
    look(dated)
    says(dated, today + days(200))
    look(dated)
    assert unread(browser, dated, "owner") == ""
    page = browser(dated.users["owner"]).get(at(dated)).text
    moved = today + days(200)
    assert f"{moved.day} {moved:%B %Y}" in page
    assert "the day moved" in page


def test_the_home_page_asks_whoever_has_not_read_it(dated, today, browser):
    says(dated, today + days(14))
    look(dated)
    home = f"/projects/{dated.project_id}"
    owner, viewer = browser(dated.users["owner"]), browser(dated.users["viewer"])
    assert "in 14 days" in owner.get(home).text
    owner.post(at(dated, "/read"))
    assert "in 14 days" not in owner.get(home).text
    assert "in 14 days" in viewer.get(home).text


@one_database
def test_many_notices_do_not_fill_the_home_page(dated, today, browser):
    dates = [
        Occasion(f"x:{one}", today + days(7), f"x-{one} stops", "", "", "s", "", today)
        for one in range(6)
    ]
    with unit_of_work() as session:
        watch_id = session.scalars(
            select(DateWatch.id).where(DateWatch.project_id == dated.project_id)
        ).one()
        service.record_look(session, service.claim(session, watch_id), dates)
    page = browser(dated.users["owner"]).get(f"/projects/{dated.project_id}").text
    assert page.count("in 7 days") == 1
    assert "5 more to read." in page


def test_a_script_gets_the_notices_of_its_person(dated, today, script, browser):
    says(dated, today + days(30))
    look(dated)
    owner = script(dated.users["owner"])
    (one,) = owner.get(f"/projects/{dated.project_id}/notices").json()["data"]
    assert one["title"].startswith("acme-7b stops at")
    assert (one["day"], one["days_left_then"], one["days_left_now"]) == (
        str(today + days(30)),
        30,
        30,
    )
    assert one["depends_on_it"] == "1 tuned model"
    assert (one["is_current"], one["is_read"], one["moved_to"]) == (True, False, None)
    browser(dated.users["owner"]).post(at(dated, "/read"))
    page = owner.get(f"/projects/{dated.project_id}/notices?current=yes").json()
    assert [row["is_read"] for row in page["data"]] == [True]
    assert page["next"] is None


@one_database
def test_the_names_of_models_are_words_and_nothing_else(dated, today, browser, script):
    """What a provider calls its models is shown as it is and does nothing."""
    name = '"><script>alert(1)</script>{{7*7}} \u202eacme'
    with unit_of_work() as session:
        make.make_model(
            session,
            session.get_one(Project, dated.project_id),
            session.get_one(Connection, dated.account_id),
            session.get_one(DatasetVersion, dated.version_id),
            model_name="acme:evil",
            base_model=name,
            key="form:evil",
        )
    says(dated, today + days(30), name)
    look(dated)
    for page in (at(dated), f"/projects/{dated.project_id}"):
        text = browser(dated.users["owner"]).get(page).text
        assert "<script>alert" not in text
        assert "&lt;script&gt;alert(1)" in text
    (one,) = (
        script(dated.users["owner"]).get(f"/projects/{dated.project_id}/notices").json()["data"]
    )
    assert name in one["title"]


def test_the_page_asks_the_database_as_often_with_many_notices(dated, today, browser, queries):
    says(dated, today + days(30))
    look(dated)
    counts = []
    for gone in (0, 16, 23, 29):
        go_to(today + days(gone))
        look(dated)
        owner = browser(dated.users["owner"])
        owner.get(at(dated))
        with queries() as seen:
            assert owner.get(at(dated)).status_code == 200
        counts.append(seen.count)
    assert len(set(counts)) == 1
