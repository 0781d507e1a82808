"""Sealed accounts: a key opens for its own row and address alone."""

import base64

import pytest

from app.connections.keyring import check_keys, reseal_keys
from app.connections.keys import opened_key
from app.connections.models import Connection
from app.connections.resources import resource
from app.connections.service import change_connection, open_connection
from app.connections.standing import record_answer, record_failure
from app.core.database import unit_of_work
from app.core.errors import WrongInput
from app.projects.models import Project
from app.providers.base import KeyRejected, ProviderUnavailable, RequestRejected
from app.settings import settings
from tests import make
from tests.conftest import forget

KEY = "sk-0123456789abcdef"


@pytest.fixture
def connection(session):
    return make.make_connection(session, make.make_project(session, make.make_user(session)))


def test_the_key_is_sealed_and_only_its_end_is_shown(connection):
    assert KEY.encode() not in connection.sealed_key
    assert connection.key_hint == "cdef"
    with open_connection(connection) as provider:
        assert provider.wire.api_key == KEY


def test_a_short_key_shows_nothing_of_itself(session):
    project = make.make_project(session, make.make_user(session))
    assert make.make_connection(session, project, api_key="abcd1234").key_hint == "…"


def test_a_changed_address_does_not_get_the_key(connection):
    connection.base_url = "https://collector.evil.example/v1"
    with pytest.raises(KeyRejected):
        open_connection(connection)


def test_a_key_copied_to_another_row_does_not_open(session, connection):
    project = session.get_one(Project, connection.project_id)
    other = make.make_connection(session, project, name="Other", api_key="sk-other-key-here")
    other.sealed_key = connection.sealed_key
    with pytest.raises(KeyRejected):
        open_connection(other)


def test_a_failure_is_kept_in_words_until_the_provider_answers(session, connection):
    record_failure(session, connection, ProviderUnavailable("OpenAI does not answer."))
    assert connection.refused_at is None
    assert connection.words == "OpenAI does not answer."
    record_failure(session, connection, KeyRejected("Refused.", said="No."))
    assert connection.refused_at is not None
    assert connection.words == 'OpenAI does not accept this key: "No."'
    record_answer(session, connection.id)
    record_failure(session, connection, KeyRejected("Refused.", said="No."))
    assert connection.words == 'OpenAI no longer accepts this key: "No."'
    record_failure(session, connection, ProviderUnavailable("OpenAI does not answer."))
    assert connection.refused_at is not None, "who does not answer says nothing of the key"
    assert connection.words == 'OpenAI no longer accepts this key: "No."'
    record_failure(session, connection, RequestRejected("Not this."))
    assert connection.refused_at is None
    record_answer(session, connection.id)
    assert (connection.words, connection.not_before) == (None, None)
    assert connection.checked_at is not None


def test_an_owner_adds_a_connection_by_form_and_the_key_is_not_echoed(team, browser):
    owner = browser(team.users["owner"])
    path = f"/projects/{team.project_id}/connections"
    form = {"name": "Elsewhere", "base_url": make.PUBLIC_URL, "api_key": KEY + "x"}

    wrong = owner.post(path, {**form, "base_url": "http://10.0.0.1/v1"})
    made = owner.post(path, form)

    assert wrong.status_code == 422
    assert form["api_key"] not in wrong.text
    assert "10.0.0.1" in wrong.text
    assert made.status_code == 303
    shown = owner.get(path).text
    assert "Elsewhere" in shown
    assert form["api_key"] not in shown
    taken = owner.post(path, form)
    assert taken.status_code == 422
    with unit_of_work() as session:
        assert session.query(Connection).filter_by(project_id=team.project_id).count() == 2


def test_without_its_secret_an_instance_asks_for_keys_and_forgives_when_it_is_back(
    session, connection, monkeypatch
):
    secret = settings().secret.get_secret_value()
    monkeypatch.setenv("LUTHIER_SECRET", base64.urlsafe_b64encode(bytes(range(100, 132))).decode())
    forget()
    check_keys(session)
    assert resource(connection).status == "unreadable"
    assert (connection.not_before, connection.due_at) == (None, None), "no probe could help"
    with pytest.raises(WrongInput):
        change_connection(session, connection, actor_id=1, base_url=f"{make.PUBLIC_URL}/v2")
    monkeypatch.setenv("LUTHIER_SECRET", secret)
    forget()
    check_keys(session)
    assert resource(connection).status == "unchecked"


def test_keys_are_sealed_anew_and_those_no_secret_opens_are_counted(session, connection):
    project = session.get_one(Project, connection.project_id)
    lost = make.make_connection(session, project, name="Lost")
    lost.sealed_key, before = b"x" * 60, connection.sealed_key
    assert reseal_keys(session) == (1, 1)
    assert connection.sealed_key != before
    assert opened_key(connection) == KEY
    assert lost.sealed_key == b"x" * 60
