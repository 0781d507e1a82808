"""What each person chooses to be told of, and how."""

from app.core.database import read_only
from app.notices.choices import queries
from app.notices.choices.defaults import DEFAULTS
from app.notices.choices.forms import BOXES
from app.notices.models import About
from app.notices.telling import Topic
from tests.notices.test_pages import unread
from tests.notices.test_telling import say
from tests.stage import one_database

PAGE = "/account/notices"


def chosen(team, name="owner"):
    with read_only() as session:
        return dict(queries.choices_of(session, team.users[name]))


def test_the_page_shows_the_defaults_and_keeps_what_is_chosen(team, browser):
    owner = browser(team.users["owner"])
    page = owner.get(PAGE).text
    for about, way in BOXES:
        box = page.split(f'id="{BOXES[about, way]}"')[1].split(">")[0]
        assert ("checked" in box) == getattr(DEFAULTS[about], way)
    assert PAGE in owner.get("/account").text
    sent = {BOXES[About.JOB, "in_app"]: "yes", BOXES[About.DATES, "by_mail"]: "yes"}
    for _ in range(2):
        assert owner.post(PAGE, sent).status_code == 303
    assert {about: tuple(ways) for about, ways in chosen(team).items()} == {
        About.OWN_JOB: (False, False),
        About.JOB: (True, False),
        About.NEEDS_DECISION: (False, False),
        About.BUDGET: (False, False),
        About.DATES: (False, True),
        About.DRIFT: (False, False),
    }
    assert chosen(team, "viewer") == DEFAULTS
    assert owner.post(PAGE, {"app_weather": "yes"}).status_code == 422


def test_what_is_chosen_decides_what_asks_to_be_read(team, browser):
    say(team, "a", topic=Topic.JOB_ENDED, person_id=team.users["editor"])
    say(team, "b", topic=Topic.JOB_ENDED)
    say(team, "c")
    owner = browser(team.users["owner"])
    assert unread(browser, team, "owner") == "1 new"
    owner.post(PAGE, {BOXES[About.JOB, "in_app"]: "yes"})
    assert unread(browser, team, "owner") == "2 new"
    owner.post(PAGE, {})
    assert unread(browser, team, "owner") == ""
    assert "Half is spent" in owner.get(f"/projects/{team.project_id}/notices").text
    assert unread(browser, team, "editor") == "2 new"


@one_database
def test_mail_of_a_project_is_switched_off_and_on(team, browser):
    viewer = browser(team.users["viewer"])
    for word, is_mute in (("off", True), ("off", True), ("on", False), ("on", False)):
        assert viewer.post(f"{PAGE}/{team.project_id}/mail-{word}").status_code == 303
        with read_only() as session:
            assert queries.is_mute(session, team.project_id, team.users["viewer"]) == is_mute
        assert ("<span>no mail</span>" in viewer.get(PAGE).text) == is_mute
    outsider = browser(team.users["outsider"])
    assert outsider.post(f"{PAGE}/{team.project_id}/mail-off").status_code == 404
