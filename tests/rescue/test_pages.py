"""The pages of rescues: what stands on them in every state, and for whom."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.auth.models import User
from app.connections.models import Connection
from app.core import clock
from app.core.database import unit_of_work
from app.projects.models import Project
from app.rescue.models import Kind, Outcome, Rescue, RescuePart, Stage
from tests import make
from tests.stage import one_database, read

pytestmark = one_database

EVALS = (
    (Kind.EVAL, "eval_1", {"content": b'{"id":"eval_1"}'}),
    (Kind.EVAL_ITEMS, "evalrun_1", {"content": b"{}\n", "parent_id": "eval_1"}),
)
WAITING = tuple((Kind.FILE, f"file-{n}", {"announced": 1_000_000}) for n in range(3))
LOST = (
    (Kind.FILE, "file-no", {"outcome": Outcome.REFUSED, "error": "OpenAI: disabled for free."}),
    (Kind.FILE, "file-old", {"outcome": Outcome.GONE, "error": "No such file."}),
)


@pytest.fixture
def made(team):
    """Make a rescue of the team with objects, which nobody works at; its id."""

    def make_one(objects=(), connection=None, **part):
        with unit_of_work() as session:
            mine = connection or session.get_one(Connection, team.connection_id)
            for kind, object_id, fields in objects:
                make.make_rescued_object(session, mine, kind, object_id, **fields)
            if part.get("stage") == Stage.DONE:
                now = clock.now(session)
                part = {"looked_at": now, "fetched_at": now, "ended_at": now, **part}
            return make.make_rescue(session, mine, **part).id

    return make_one


@pytest.fixture
def shown(team, browser):
    """A page as somebody sees it."""

    def get(path, role="owner", **headers):
        answer = browser(team.users[role]).get(path, **headers)
        assert answer.status_code == 200, answer.text
        return answer.text

    return get


def first_project(session, team):
    return session.get_one(Project, team.project_id)


def read_user(session, team):
    return session.get_one(User, team.users["owner"])


def read_parts(session, rescue):
    query = select(RescuePart).where(RescuePart.rescue_id == rescue.id)
    return session.scalars(query.order_by(RescuePart.id)).all()


def deeds(page):
    """The buttons of a rescue's page."""
    return [part.partition('"')[0] for part in page.split('id="do-')[1:]]


@pytest.mark.parametrize(
    ("part", "says", "buttons"),
    [
        ({"stage": Stage.LOOKING}, "Looking around: 5 objects found so far.", ["pause"]),
        (
            {"stage": Stage.LOOKED},
            "5 objects are there. 3 are still to be fetched, 3.0 MB as announced.",
            ["go"],
        ),
        ({"stage": Stage.FETCHING}, "2 of 5 objects are home. Evals went first", ["pause"]),
        ({"stage": Stage.FETCHING, "is_paused": True}, "Paused. 2 of 5", ["resume"]),
        (
            {"stage": Stage.FETCHING, "words": "The disk is full."},
            "stands still",
            ["resume", "pause"],
        ),
        ({"stage": Stage.VERIFYING}, "Now every byte of them is read again.", ["pause"]),
        ({"stage": Stage.USING}, "Now jobs, datasets and models are made", ["pause"]),
    ],
)
def test_the_first_sentence_says_how_things_stand_and_the_buttons_what_next(
    made, shown, part, says, buttons
):
    page = shown(f"/rescues/{made(EVALS + WAITING, **part)}")
    assert says in page
    assert deeds(page) == buttons
    assert 'data-topic="rescue:' in page


def test_an_ended_rescue_asks_for_nothing_more_and_says_what_is_missing(made, shown):
    page = shown(f"/rescues/{made(EVALS + LOST, stage=Stage.DONE)}")
    assert "2 of 4 objects are home" in page
    assert "2 could not be had" in page
    assert deeds(page) == ["ask_again", "verify"]
    assert 'data-topic="rescue:' not in page
    assert "OpenAI: disabled for free." in page


def test_a_rescue_without_a_miss_looks_for_what_is_new(made, shown):
    page = shown(f"/rescues/{made(EVALS, stage=Stage.DONE)}")
    assert "All 2 objects are home, 18 bytes, every byte read again." in page
    assert "Look for what is new" in page
    assert "Your OpenAI history is home" in page


def test_a_viewer_sees_all_of_it_and_no_button(made, shown):
    page = shown(f"/rescues/{made(EVALS + WAITING, stage=Stage.LOOKED)}", role="viewer")
    assert "5 objects are there." in page
    assert deeds(page) == []


def test_a_refused_key_is_told_in_the_providers_words_with_a_way_to_change_it(team, made, shown):
    with unit_of_work() as session:
        connection = session.get_one(Connection, team.connection_id)
        connection.refused_at = clock.now(session)
        connection.words = 'OpenAI no longer accepts this key: "expired".'
    page = shown(f"/rescues/{made(WAITING, stage=Stage.FETCHING, words='The key is refused.')}")
    assert "OpenAI needs another key" in page
    assert "no longer accepts this key: &#34;expired&#34;." in page
    assert f'href="/connections/{team.connection_id}"' in page


def test_a_rescue_that_three_workers_ended_over_waits_for_a_person(team, made, shown):
    with unit_of_work() as session:
        late = clock.now(session) - timedelta(hours=1)
    page = shown(f"/rescues/{made(stage=Stage.FETCHING, attempts=3, due_at=late)}")
    assert "Three workers ended over it." in page
    assert deeds(page) == ["resume", "pause"]


def test_what_is_to_come_stands_beside_the_room_there_is(made, shown):
    much = ((Kind.FILE, "file-big", {"announced": 10**15}),)
    page = shown(f"/rescues/{made(much, stage=Stage.LOOKED)}")
    assert "Still to come: 1.0 PB, as announced." in page
    assert "are missing: it stops before the disk is full" in page


def test_time_left_is_said_only_once_it_was_measured(team, made, shown):
    rescue_id = made(WAITING, stage=Stage.FETCHING)
    assert " left</small>" not in shown(f"/rescues/{rescue_id}")
    with unit_of_work() as session:
        connection = session.get_one(Connection, team.connection_id)
        now = clock.now(session)
        for n in range(60):
            at = now - timedelta(seconds=n)
            make.make_rescued_object(
                session, connection, Kind.FILE, f"file-home-{n}", b"x" * 1000, fetched_at=at
            )
    assert " left</small>" in shown(f"/rescues/{rescue_id}")


def test_a_kind_that_cannot_be_listed_says_why_and_an_admin_key_may_be_added(team, made, shown):
    why = {Kind.EVAL: {"words": "This server has no evals."}}
    page = shown(f"/rescues/{made(stage=Stage.FETCHING, kinds=why)}")
    assert "This server has no evals." in page
    assert "Needs an admin key of the organisation." in page
    assert f'href="/connections/{team.connection_id}#admin"' in page


def test_a_line_says_which_of_its_kinds_could_not_be_listed(made, shown):
    jobs = ((Kind.JOB, "ftjob-1", {"content": b"{}"}),)
    why = {Kind.PERMISSIONS: {"words": "Needs an admin key."}}
    page = shown(f"/rescues/{made(jobs, stage=Stage.FETCHING, kinds=why)}")
    assert "1 job of any state. Permissions: Needs an admin key." in page


def test_several_connections_each_say_how_far_they_are(team, made, shown):
    with unit_of_work() as session:
        first = session.get_one(Connection, team.connection_id)
        second = make.make_connection(session, first_project(session, team), name="Research")
        rescue = make.make_rescue(session, first, second, stage=Stage.FETCHING)
        parts = {part.connection_id: part for part in read_parts(session, rescue)}
        parts[second.id].stage = Stage.VERIFYING
        rescue_id = rescue.id
    page = shown(f"/rescues/{rescue_id}")
    assert "2 connections" in page
    assert "Reading every byte again." in page


def test_what_came_home_can_be_used_at_once(team, made, shown):
    with unit_of_work() as session:
        connection = session.get_one(Connection, team.connection_id)
        raw = make.make_rescued_object(session, connection, Kind.FILE, "file-a", b"a")
        data = make.make_rescued_object(session, connection, Kind.FILE, "file-b", b"b")
        data.version_id = team.version_id
        assert raw.version_id is None
    page = shown(f"/rescues/{made(EVALS, stage=Stage.DONE)}")
    assert "1 eval with every answer" in page
    assert "1 file became a dataset" in page
    assert "1 file stay as they came, to be read." in page


def test_the_panel_alone_is_the_page_without_its_frame(made, shown):
    path = f"/rescues/{made(EVALS + WAITING, stage=Stage.FETCHING)}"
    panel = shown(path, **{"HX-Request": "true"})
    assert panel.lstrip().startswith('<div id="rescue"')
    assert "2 of 5 objects are home" in panel


# Beginning


def test_a_rescue_begins_with_a_look_over_the_chosen_connections(team, browser, letters):
    editor = browser(team.users["editor"])
    page = editor.get(f"/projects/{team.project_id}/rescue").text
    assert f'name="connection-{team.connection_id}"' in page
    answer = editor.post(
        f"/projects/{team.project_id}/rescue",
        {f"connection-{team.connection_id}": "yes", "completions": "yes"},
    )
    assert answer.status_code == 303
    rescue = read(Rescue, int(answer.headers["location"].rpartition("/")[2]))
    assert rescue.with_completions
    assert letters.tasks[-1][0] == "rescue.step"


def test_without_a_choice_the_form_says_so(team, browser):
    owner = browser(team.users["owner"])
    answer = owner.post(f"/projects/{team.project_id}/rescue", {"connection-999999": "yes"})
    assert answer.status_code == 422
    assert "Choose at least one connection." in answer.text


def test_a_second_rescue_over_the_same_connection_is_told_which_one_works(team, made, browser):
    first = made(stage=Stage.FETCHING)
    owner = browser(team.users["owner"])
    answer = owner.post(
        f"/projects/{team.project_id}/rescue", {f"connection-{team.connection_id}": "yes"}
    )
    assert answer.status_code == 409
    assert f"Rescue {first} is at work" in answer.text


def test_a_connection_that_cannot_give_a_history_says_why(team, shown):
    with unit_of_work() as session:
        project = first_project(session, team)
        make.make_connection(session, project, name="Elsewhere", profile="azure")
    page = shown(f"/projects/{team.project_id}/rescue")
    assert "Elsewhere" in page


def test_a_project_without_a_connection_is_shown_the_way_to_one(team, browser):
    with unit_of_work() as session:
        project = make.make_project(session, read_user(session, team), "Fresh")
        project_id = project.id
    page = browser(team.users["owner"]).get(f"/projects/{project_id}/rescue").text
    assert "First, a connection with a history" in page
    assert f'href="/projects/{project_id}/connections"' in page


def test_a_connections_page_offers_its_history_and_then_shows_it(team, made, shown):
    path = f"/connections/{team.connection_id}"
    assert f'hx-get="{path}/rescue"' in shown(path)
    assert "Bring its history home" in shown(f"{path}/rescue")
    rescue_id = made(EVALS + WAITING, stage=Stage.FETCHING)
    slot = shown(f"{path}/rescue")
    assert f'href="/rescues/{rescue_id}"' in slot
    assert "2 of 5 objects are home" in slot


def test_the_side_bar_says_how_far_a_rescue_at_work_is(team, made, shown):
    side = f"/projects/{team.project_id}/side"
    assert "%" not in shown(side)
    made(EVALS + WAITING, stage=Stage.FETCHING)
    assert "40 %" in shown(side)


@pytest.mark.parametrize("deed", ["go", "pause", "resume", "ask_again", "verify"])
def test_every_button_does_what_it_says(team, made, browser, deed):
    stages = {"go": Stage.LOOKED, "ask_again": Stage.DONE, "verify": Stage.DONE}
    part = {"is_paused": True} if deed == "resume" else {}
    rescue_id = made(EVALS, stage=stages.get(deed, Stage.FETCHING), **part)
    answer = browser(team.users["editor"]).post(f"/rescues/{rescue_id}/{deed}")
    assert answer.status_code == 303
    with unit_of_work() as session:
        (found,) = read_parts(session, session.get_one(Rescue, rescue_id))
    assert (found.stage, found.is_paused) == {
        "go": (Stage.FETCHING, False),
        "pause": (Stage.FETCHING, True),
        "resume": (Stage.FETCHING, False),
        "ask_again": (Stage.LOOKING, False),
        "verify": (Stage.VERIFYING, False),
    }[deed]
