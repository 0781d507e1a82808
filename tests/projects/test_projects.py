"""Projects: made, named, furnished, joined."""

import pytest

from app.connections import queries as connections
from app.connections.practice import refresh_practice
from app.connections.service import open_connection
from app.core.database import read_only, unit_of_work
from app.projects import queries, service
from app.projects.models import Membership, Role
from app.settings import settings
from tests import make


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Support routing", "support-routing"),
        ("  Ünïcode & Co. ", "unicode-co"),
        ("日本", "project"),
        ("---", "project"),
        ("x" * 200, "x" * 60),
        ("a" * 59 + " b", "a" * 59),
    ],
)
def test_a_slug_is_the_name_in_plain_letters(name, slug):
    assert service.slug_of(name) == slug


def test_a_slug_is_free_even_among_its_like(session):
    anna = make.make_user(session)
    slugs = [make.make_project(session, anna, name).slug for name in ("A", "A 2", "A", "A_", "a%")]
    assert slugs == ["a", "a-2", "a-3", "a-4", "a-5"]


def test_who_makes_a_project_owns_it_by_form_too(team, browser):
    outsider = browser(team.users["outsider"])

    answer = outsider.post("/projects", {"name": "Mine"})

    assert answer.status_code == 303
    assert outsider.get(answer.headers["location"]).status_code == 200
    project_id = int(answer.headers["location"].rpartition("/")[2])
    with read_only() as session:
        member = session.get_one(Membership, (project_id, team.users["outsider"]))
    assert member.role == Role.OWNER
    assert "Mine" in outsider.get("/projects").text


def test_a_wrong_name_keeps_what_was_typed(team, browser):
    answer = browser(team.users["outsider"]).post("/projects", {"name": "x" * 121})
    assert answer.status_code == 422
    assert "x" * 121 in answer.text
    assert "At most 120 characters." in answer.text


def test_somebody_who_belongs_nowhere_is_asked_to_make_a_project(team, browser):
    outsider = browser(team.users["outsider"])
    assert outsider.get("/").headers["location"] == "/projects/new"
    assert outsider.get("/projects/new").status_code == 200
    owner = browser(team.users["owner"])
    assert owner.get("/").headers["location"] == f"/projects/{team.project_id}"


def test_a_member_is_added_once_and_may_change_role(session):
    anna, bert = make.make_user(session), make.make_user(session, "bert")
    project = make.make_project(session, anna)
    for role in (Role.VIEWER, Role.EDITOR):
        service.add_member(session, project=project, user=bert, role=role, actor_id=anna.id)
        session.flush()
    found = queries.membership(session, bert.id, project.id)
    assert found.role == Role.EDITOR


def test_a_new_project_has_the_trainer_of_this_machine(database, monkeypatch):
    import app.reactions  # noqa: F401 - furnishes new projects

    monkeypatch.setenv("LUTHIER_TRAINER_URL", "http://127.0.0.1:8001/v1")
    monkeypatch.setenv("LUTHIER_TRAINER_KEY", "the-first-trainer-key")
    settings.cache_clear()
    with unit_of_work() as session:
        project = make.make_project(session, make.make_user(session))
        (practice,) = connections.connections_of(session, project.id)
        assert (practice.name, practice.is_practice) == ("Practice", True)
    monkeypatch.setenv("LUTHIER_TRAINER_URL", "http://127.0.0.1:9001/v1")
    monkeypatch.setenv("LUTHIER_TRAINER_KEY", "another-trainer-key")
    settings.cache_clear()
    with unit_of_work() as session:
        refresh_practice(session)
    with read_only() as session:
        (practice,) = connections.connections_of(session, project.id)
    assert practice.base_url == "http://127.0.0.1:9001/v1"
    open_connection(practice).close()
