"""Accounts and tokens from the command line."""

import io

import pytest

from app import __main__ as commands
from app.auth import passwords, queries
from app.core.database import read_only, unit_of_work
from app.core.errors import ProductError
from app.projects import queries as projects
from tests import make
from tests.make import PASSWORD


@pytest.fixture
def do(database, monkeypatch, capsys):
    """Run a command in this process; what it prints."""
    monkeypatch.setattr(commands, "_expect_database", lambda: None)
    monkeypatch.setattr(commands, "_join_the_running_instance", lambda: None)

    def run(*words):
        asked = commands.parser().parse_args(words)
        assert asked.do(asked) == 0
        return capsys.readouterr().out

    return run


@pytest.fixture
def slug(database):
    with unit_of_work() as session:
        return make.make_project(session, make.make_user(session)).slug


def test_a_person_gets_a_link_that_works_once_and_a_role(do, slug, client):
    link = do("create-user", "Bert@Example.org", "--project", slug, "--role", "editor").strip()

    assert link.startswith("http://127.0.0.1:8000/password/")
    token = link.rpartition("/")[2]
    form = {"token": token, "password": PASSWORD}
    assert client.post("/password", data=form).status_code == 303
    assert client.post("/password", data=form).status_code == 422
    with read_only() as session:
        bert = queries.user_by_email(session, "bert@example.org")
        (membership,) = projects.memberships_of(session, bert.id)
    assert membership.role == "editor"
    assert not bert.is_instance_owner


def test_a_script_gives_the_password_on_standard_input(do, slug, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO(PASSWORD + "\n"))
    told = do("create-user", "bert@example.org", "--password-stdin")
    assert PASSWORD not in told
    with read_only() as session:
        bert = queries.user_by_email(session, "bert@example.org")
    assert passwords.matches(bert.password_hash, PASSWORD)


def test_a_short_password_makes_nobody(do, slug, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("short\n"))
    with pytest.raises(ProductError):
        do("create-user", "bert@example.org", "--password-stdin")
    with pytest.raises(SystemExit):
        do("create-user", "bert@example.org", "--project", "nowhere")
    with read_only() as session:
        assert queries.user_by_email(session, "bert@example.org") is None


def test_a_token_is_printed_alone_and_works(do, slug, client):
    token = do("create-token", "anna@example.org").strip()
    assert token.startswith("lut_")
    assert len(token.split()) == 1
    answer = client.get("/api/v1/projects", headers={"Authorization": f"Bearer {token}"})
    assert [one["slug"] for one in answer.json()["data"]] == [slug]
    with pytest.raises(SystemExit):
        do("create-token", "nobody@example.org")
