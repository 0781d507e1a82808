"""The calendar other programs read: what is in it, and who may read it for how long."""

import re
from datetime import UTC, timedelta
from urllib.parse import urlsplit

import pytest
import vobject
from icalendar import Calendar

from app.auth.models import User
from app.core import clock, logs
from app.core.database import read_only, unit_of_work
from app.core.orm import Base
from app.notices.ics import Entry, calendar_text
from app.notices.models import CalendarLink
from app.projects import service as projects
from app.projects.models import Project, Role
from tests.notices.steps import days, go_to, look, says
from tests.stage import one_database

LINK = re.compile(r"http://[^\s\"<]+/calendar/[\w-]+\.ics")
HOSTILE = "a; b, c\\d\r\nEND:VEVENT\nX-EVIL:1 \x00\x1b\u2028" + "ü🎻" * 60


@pytest.fixture
def linked(dated, browser):
    """Make a person's link: `linked("viewer")` is its path."""

    def make(name):
        answer = browser(dated.users[name]).post(f"/projects/{dated.project_id}/calendar-link")
        assert answer.status_code == 200
        return urlsplit(LINK.search(answer.text)[0]).path

    return make


def events_of(body):
    """Read by another program than the one that wrote it."""
    return vobject.readOne(body).contents.get("vevent", [])


def test_the_feed_is_read_by_another_program(dated, today, client, linked):
    says(dated, today + days(47))
    answer = client.get(linked("viewer"))
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
    assert "set-cookie" not in answer.headers
    (event,) = events_of(answer.text)
    assert event.summary.value.startswith("acme-7b stops at")
    assert event.dtstart.value == today + days(47)
    assert event.dtend.value == today + days(48)
    for words in ("Hangs on it: 1 tuned model.", "list of models", "read on"):
        assert words in event.description.value
    ahead = [one.trigger.value for one in event.contents["valarm"]]
    nine = timedelta(hours=9)
    assert ahead == [nine - days(one) for one in (90, 60, 30, 14, 7, 1)]


def test_the_event_keeps_its_name_and_counts_its_moves(dated, today, client, linked):
    path = linked("viewer")
    says(dated, today + days(47))
    look(dated)
    (before,) = events_of(client.get(path).text)
    says(dated, today + days(80))
    (moved,) = events_of(client.get(path).text)
    go_to(today + days(1))
    look(dated)
    (after,) = events_of(client.get(path).text)
    assert before.uid.value == moved.uid.value == after.uid.value
    assert [int(one.sequence.value) for one in (before, moved, after)] == [0, 1, 1]
    assert after.dtstart.value == today + days(80)
    assert before.dtstamp.value < after.dtstamp.value
    assert events_of(client.get(linked("owner")).text)[0].uid.value == after.uid.value


@one_database
def test_what_has_stopped_stays_for_a_year(dated, today, client, linked):
    path = linked("viewer")
    says(dated, today + days(1))
    go_to(today + days(300))
    assert len(events_of(client.get(path).text)) == 1
    go_to(today + days(400))
    assert events_of(client.get(path).text) == []


@one_database
def test_a_program_that_has_it_already_is_told_so(dated, today, client, linked):
    says(dated, today + days(47))
    path = linked("viewer")
    first = client.get(path)
    tag = {"If-None-Match": first.headers["etag"]}
    assert first.headers["cache-control"] == "private, max-age=900"
    again = client.get(path, headers=tag)
    assert (again.status_code, again.content) == (304, b"")
    says(dated, today + days(48))
    assert client.get(path, headers=tag).status_code == 200


def test_a_link_is_shown_once_and_kept_as_a_fingerprint(dated, browser, linked):
    path = linked("viewer")
    token = path.split("/")[-1].removesuffix(".ics")
    again = browser(dated.users["viewer"]).get(f"/projects/{dated.project_id}/calendar-link").text
    assert token not in again
    assert "Make another address" in again
    with read_only() as session:
        for table in Base.metadata.sorted_tables:
            for row in session.execute(table.select()):
                assert token not in repr(tuple(row)), table.name


@one_database
def test_another_link_takes_its_place_and_a_revoked_one_is_worth_nothing(
    dated, client, browser, linked
):
    first, viewer = linked("viewer"), browser(dated.users["viewer"])
    others = linked("owner")
    second = linked("viewer")
    assert [client.get(path).status_code for path in (first, second)] == [404, 200]
    viewer.post(f"/projects/{dated.project_id}/calendar-link/revoke")
    viewer.post(f"/projects/{dated.project_id}/calendar-link/revoke")
    assert [client.get(path).status_code for path in (second, others)] == [404, 200]
    with read_only() as session:
        assert session.query(CalendarLink).count() == 1


def test_whoever_is_sent_away_reads_no_longer_and_a_new_welcome_does_not_bring_it_back(
    dated, client, linked
):
    path, owners = linked("viewer"), linked("owner")
    with unit_of_work() as session:
        project = session.get_one(Project, dated.project_id)
        member = {"user_id": dated.users["viewer"], "actor_id": dated.users["owner"]}
        projects.remove_member(session, project=project, **member)
    assert client.get(path).status_code == 404
    clock.shift(60)
    with unit_of_work() as session:
        project = session.get_one(Project, dated.project_id)
        viewer = session.get_one(User, dated.users["viewer"])
        projects.add_member(session, project=project, user=viewer, role=Role.VIEWER, actor_id=None)
    assert client.get(path).status_code == 404
    assert client.get(owners).status_code == 200


@one_database
def test_whoever_is_shut_out_of_the_instance_reads_no_longer(dated, client, linked):
    path = linked("viewer")
    with unit_of_work() as session:
        session.get_one(User, dated.users["viewer"]).disabled_at = clock.now(session)
    assert client.get(path).status_code == 404


@one_database
def test_a_token_is_not_written_into_the_log(dated, client, linked, capfd, monkeypatch):
    path = linked("viewer")
    monkeypatch.setenv("LUTHIER_LOG_LEVEL", "DEBUG")
    logs.configure()
    client.get(path)
    client.get(path, headers={"Host": "elsewhere.example"})
    written = "".join(capfd.readouterr())
    assert path.split("/")[-1].removesuffix(".ics") not in written


def test_a_calendar_keeps_to_the_format_whatever_stands_in_it():
    moment = clock.datetime(2026, 11, 28, 12, tzinfo=UTC)
    day = moment.date()
    entry = Entry("u@luthier", day, HOSTILE, HOSTILE, "http://127.0.0.1/x", 3, moment)
    body = calendar_text(HOSTILE, (entry,), (30, 1))
    assert body.endswith(b"END:VCALENDAR\r\n")
    assert b"\n" not in body.replace(b"\r\n", b"")
    lines = body.split(b"\r\n")
    assert max(map(len, lines)) <= 75
    for line in lines:
        line.decode()  # no character is cut in two
    assert sum(line == b"BEGIN:VEVENT" for line in lines) == 1
    assert not [line for line in lines if line.startswith((b"X-EVIL", b"\x00"))]
    (event,) = events_of(body.decode())
    assert event.summary.value.startswith("a; b, c\\d END:VEVENT X-EVIL:1")
    assert event.description.value.splitlines()[:2] == ["a; b, c\\d", "END:VEVENT"]
    assert Calendar.from_ical(body).errors == []
