"""Jump to anything: what a person may see is found by its name, and nothing else is."""

import pytest

from app.auth.models import User
from app.connections.models import Connection
from app.core.database import unit_of_work
from app.datasets.models import DatasetVersion
from app.projects import service as projects
from app.projects.models import Project
from tests import make
from tests.stage import Browser

HOSTILE = "<img src=x onerror=alert(1)><div hx-get=/logout hx-trigger=load>"


@pytest.fixture
def things(team):
    """One of each kind that holds the word "june"; another team has them too."""
    with unit_of_work() as session:
        project = session.get_one(Project, team.project_id)
        connection = session.get_one(Connection, team.connection_id)
        version = session.get_one(DatasetVersion, team.version_id)
        make.make_model(session, project, connection, version, model_name="ft:gpt:acme::xk12")
        make.make_running_job(session, project, connection, version, key="j", suffix="june-run")
        make.make_version(session, project, name="Rows of June")
        make.make_connection(session, project, name="Juneau")
        stranger = make.make_user(session, "stranger")
        theirs = make.make_project(session, stranger, "June of another team")
        make.make_version(session, theirs, name="June secrets")
        make.make_connection(session, theirs, name="June's account")
    return team


@pytest.fixture
def ask(things, browser):
    owner = browser(things.users["owner"])

    def ask(words="", **more):
        answer = owner.client.get("/jump", params={"q": words, **more}, headers=owner.headers)
        assert answer.status_code == 200, answer.text
        return answer.text

    return ask


def test_every_kind_is_found_by_words_in_any_size_and_order(ask):
    text = ask("JUNE")
    for name in ("june-run", "Rows of June", "Juneau"):
        assert name in text
    assert "Rows of June" in ask("june rows")
    assert "Rows of June" not in ask("june march")


def test_ids_that_were_copied_from_a_provider_lead_to_job_and_model(ask):
    assert "june-run" in ask("ftjob-1")
    assert "/models/" in ask("ft:gpt:acme::xk12")


def test_what_belongs_to_another_team_is_not_there(ask, things, client):
    assert "another team" not in ask("june")
    assert "secrets" not in ask("june")
    outsider = Browser(client, things.users["outsider"])
    found = outsider.get(f"/jump?q=june&project={things.project_id}").text
    assert "june-run" not in found
    assert "Rows of June" not in found


def test_rights_that_are_taken_away_take_the_finds_along(ask, things, browser):
    viewer = browser(things.users["viewer"])
    assert "june-run" in viewer.get("/jump?q=june").text
    with unit_of_work() as session:
        projects.remove_member(
            session,
            project=session.get_one(Project, things.project_id),
            user_id=things.users["viewer"],
            actor_id=things.users["owner"],
        )
    assert "june-run" not in viewer.get("/jump?q=june").text


def test_signs_that_searches_know_are_only_signs(ask):
    for sign in ("%", "_", "\\", "/", "'", "\x00%", '"', "%%_"):
        assert "june-run" not in ask(sign) or sign in "june-run"


def test_hostile_names_are_text(ask, things):
    with unit_of_work() as session:
        project = session.get_one(Project, things.project_id)
        make.make_version(session, project, name=HOSTILE)
    text = ask("img")
    assert "<img" not in text
    assert "&lt;img" in text
    assert "<b>" not in ask("<b>none</b>")


def test_before_a_word_is_typed_the_newest_things_come_first(ask, things):
    text = ask(project=things.project_id)
    assert text.index("june-run") < text.index("Datasets") < text.index("New job")


def test_a_viewer_is_offered_no_deed_that_would_be_refused(things, browser):
    viewer = browser(things.users["viewer"])
    assert "New job" not in viewer.get(f"/jump?project={things.project_id}").text


def test_a_long_search_is_refused_and_a_strange_project_ignored(things, browser):
    owner = browser(things.users["owner"])
    assert owner.get(f"/jump?q={'x' * 101}").status_code == 422
    assert owner.get("/jump?project=999999").status_code == 200


def test_a_search_asks_once_a_kind_however_much_there_is(ask, things, queries):
    ask("june")
    with queries() as few:
        ask("june")
    with unit_of_work() as session:
        project = session.get_one(Project, things.project_id)
        owner = session.get_one(User, things.users["owner"])
        for n in range(20):
            make.make_version(session, project, name=f"June rows {n}")
            make.make_project(session, owner, f"June project {n}")
    with queries() as many:
        text = ask("june")
    assert many.count == few.count
    assert text.count('role="option"') < 40
