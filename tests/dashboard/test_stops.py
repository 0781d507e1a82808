"""What stops, and when: shown where a project has something it concerns, and nowhere else."""

from datetime import date, timedelta

import pytest

from app.catalog.deadlines import BOOK, deadlines
from app.connections.models import Connection
from app.core import clock
from app.core.database import unit_of_work
from app.dashboard.stops import stops
from app.datasets.models import DatasetVersion
from app.projects.models import Project
from tests import make

BEFORE = date(2026, 11, 22)


def known(session, project_id, profile, today=BEFORE):
    account = Connection(profile=profile, name="x")
    return stops(session, project_id, [account], today)


def test_every_day_in_the_book_has_a_source_and_was_read_before_it():
    every = deadlines(frozenset({"openai", "azure"}), since=date(2026, 1, 1))
    assert len(every) == BOOK.read_text().count("[[deadline]]")
    assert all(one.source and one.read_on < one.day for one in every)
    assert [one.day for one in every] == sorted(one.day for one in every)


def test_a_project_hears_of_the_days_of_its_own_connections_alone(team):
    with unit_of_work() as session:
        assert known(session, team.project_id, "luthier") is None
        ours = known(session, team.project_id, "openai")
        assert "OpenAI's hosted Evals close" in [one.title for one in ours.stops]
        assert not [one for one in ours.stops if "Azure" in one.title]


def test_a_day_that_has_passed_is_left_out_and_the_day_itself_is_today(team):
    with unit_of_work() as session:
        evals = known(session, team.project_id, "openai").stops[0]
        last = known(session, team.project_id, "openai", evals.day).stops[0]
        assert (last.title, last.left_days, last.at) == (evals.title, 0, 0)
        after = known(session, team.project_id, "openai", evals.day + timedelta(days=1))
        assert evals.title not in [one.title for one in after.stops]
        assert known(session, team.project_id, "openai", date(2030, 1, 1)) is None


def test_the_strip_is_to_scale_and_names_its_months(team):
    with unit_of_work() as session:
        view = known(session, team.project_id, "openai")
    span = (view.until - BEFORE).days
    for one in view.stops:
        assert one.at == pytest.approx(100 * one.left_days / span, abs=0.1)
    assert [month.name for month in view.months] == ["Dec", "Jan"]
    assert view.stops[0].is_near
    assert not view.stops[-1].is_near


def test_what_of_the_project_stops_is_counted(team):
    with unit_of_work() as session:
        project = session.get_one(Project, team.project_id)
        connection = session.get_one(Connection, team.connection_id)
        version = session.get_one(DatasetVersion, team.version_id)
        make.make_model(session, project, connection, version, model_name="ft:x")
        told = {one.title: one.mine for one in known(session, project.id, "openai").stops}
        assert told["gpt-4o and gpt-4.1 stop at OpenAI"] == "One tuned model of yours."
        assert told["OpenAI's hosted Evals close"] == ""


def test_the_home_page_shows_the_strip_with_its_sources(team, browser):
    with unit_of_work() as session:
        today = clock.now(session).date()
    page = browser(team.users["viewer"]).get(f"/projects/{team.project_id}").text
    left = deadlines(frozenset({"openai"}), since=today)
    assert ("What stops, and when" in page) is bool(left)
    assert all(one.title.replace("'", "&#39;") in page for one in left)
