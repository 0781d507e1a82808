"""The strip of days on the home page: what stops when, for those whom it concerns."""

from datetime import timedelta

import pytest

from app.catalog.deadlines import BOOK, catalogue
from app.catalog.stopping import calendar
from app.catalog.strip import strip
from app.connections.models import Connection
from app.core.database import unit_of_work
from tests.catalog.rows import Shop, day_of, today


def shown(session, team, day):
    return strip(calendar(session, team.project_id), day)


@pytest.fixture
def before():
    """A day before the last that is near."""
    return day_of("openai-evals") - timedelta(days=8)


def test_every_day_in_the_book_has_a_source_and_a_name_of_its_own():
    every = catalogue()
    assert len(every) == BOOK.read_text().count("[[deadline]]")
    assert len({one.key for one in every}) == len(every)
    assert all(one.source and one.source_url.startswith("https://") for one in every)
    assert all(one.models or one.kind == "platform" for one in every)
    assert [one.day for one in every] == sorted(one.day for one in every)


def test_a_project_hears_of_the_days_of_its_own_connections_alone(team, before):
    with unit_of_work() as session:
        ours = shown(session, team, before)
        assert "OpenAI's hosted Evals close" in [one.title for one in ours.stops]
        assert not [one for one in ours.stops if "Azure" in one.title]
        session.get_one(Connection, team.connection_id).profile = "luthier"
        assert shown(session, team, before) is None


def test_a_day_that_has_passed_is_left_out_and_the_day_itself_is_today(team, before):
    with unit_of_work() as session:
        evals = shown(session, team, before).stops[0]
        last = shown(session, team, evals.day).stops[0]
        assert (last.title, last.left_days, last.at) == (evals.title, 0, 0)
        after = shown(session, team, evals.day + timedelta(days=1))
        assert evals.title not in [one.title for one in after.stops]
        assert shown(session, team, day_of("azure-o4-mini-deployments")) is None


def test_the_strip_is_to_scale_and_names_its_months(team, before):
    with unit_of_work() as session:
        view = shown(session, team, before)
    span = (view.until - before).days
    for one in view.stops:
        assert one.at == pytest.approx(100 * one.left_days / span, abs=0.1)
    assert len(view.months) == 2
    assert view.stops[0].is_near
    assert not view.stops[-1].is_near


def test_what_of_the_project_stops_is_counted(team, before):
    with unit_of_work() as session:
        Shop(session, team).model("ft:x")
        told = {one.title: one.mine for one in shown(session, team, before).stops}
    assert told["gpt-4o and gpt-4.1 stop at OpenAI"] == "One tuned model of yours."
    assert told["OpenAI's hosted Evals close"] == ""


def test_the_home_page_shows_the_strip_with_its_sources(team, browser):
    with unit_of_work() as session:
        left = shown(session, team, today(session)).stops
    page = browser(team.users["viewer"]).get(f"/projects/{team.project_id}").text
    assert "What stops, and when" in page
    assert all(one.title.replace("'", "&#39;") in page for one in left)
    assert "deprecations page" in page
