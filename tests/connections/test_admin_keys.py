"""An admin key beside a connection's own: sealed, for its own row and address alone."""

import base64
import logging

import pytest

from app.auth import queries as people
from app.connections.keyring import reseal_keys
from app.connections.keys import ADMIN_UNREADABLE, opened_admin_key, opened_key
from app.connections.service import (
    NO_ADMIN_KEY,
    change_connection,
    open_connection,
    remove_admin_key,
)
from app.core.errors import WrongInput
from app.core.http import HttpOptions
from app.core.secrets import SealBroken
from app.projects.models import Project
from app.providers.base import NotPermitted
from app.settings import settings
from tests import make
from tests.conftest import forget
from tests.stage import connection_of

KEY, ADMIN_KEY, OTHER = "sk-0123456789abcdef", "sk-admin-0123456789wxyz", "sk-admin-other-6789"
ELSEWHERE = "https://api.elsewhere.example/v1"


@pytest.fixture
def connection(session):
    made = make.make_connection(session, make.make_project(session, make.make_user(session)))
    change(session, made, admin_key=ADMIN_KEY)
    return made


def change(session, connection, **what):
    change_connection(session, connection, actor_id=connection.created_by, **what)


def test_it_is_sealed_and_opens_for_what_an_admin_asks_alone(connection):
    assert ADMIN_KEY.encode() not in connection.sealed_admin_key
    assert connection.admin_key_hint == "wxyz"
    assert connection.admin_key_set_at is not None
    with open_connection(connection, as_admin=True) as provider:
        assert provider.wire.api_key == ADMIN_KEY
    with open_connection(connection) as provider:
        assert provider.wire.api_key == KEY


def test_neither_key_opens_in_the_others_place(connection):
    connection.sealed_key, connection.sealed_admin_key = (
        connection.sealed_admin_key,
        connection.sealed_key,
    )
    with pytest.raises(SealBroken):
        opened_key(connection)
    with pytest.raises(SealBroken):
        opened_admin_key(connection)


def test_it_opens_for_its_own_row_and_origin_alone(session, connection):
    project = session.get_one(Project, connection.project_id)
    other = make.make_connection(session, project, name="Other")
    other.sealed_admin_key = connection.sealed_admin_key
    connection.base_url = ELSEWHERE
    for lost in (other, connection):
        with pytest.raises(NotPermitted, match="cannot be opened"):
            open_connection(lost, as_admin=True)


def test_without_one_nothing_is_asked_as_admin(session, connection):
    remove_admin_key(session, connection, actor_id=connection.created_by)
    with pytest.raises(NotPermitted, match=NO_ADMIN_KEY):
        open_connection(connection, as_admin=True)
    assert (connection.admin_key_hint, connection.admin_key_set_at) == (None, None)


@pytest.mark.parametrize("url", ["https://api.openai.com/v2", "https://API.openai.com:443/v1"])
def test_another_path_or_spelling_of_its_server_takes_it_along(session, connection, url):
    change(session, connection, base_url=url)
    assert (opened_key(connection), opened_admin_key(connection)) == (KEY, ADMIN_KEY)


def test_another_server_never_sees_it(session, connection):
    change(session, connection, base_url=ELSEWHERE, api_key=KEY)
    assert opened_admin_key(connection) is None
    assert connection.admin_key_hint is None
    change(session, connection, base_url=make.PUBLIC_URL, api_key=KEY, admin_key=OTHER)
    assert opened_admin_key(connection) == OTHER


def test_who_set_and_removed_it_is_on_record_without_it(session, connection):
    change(session, connection, admin_key=OTHER)
    for _ in range(2):
        remove_admin_key(session, connection, actor_id=connection.created_by)
    rows = people.activity_of(session, connection.project_id, limit=3)
    assert [row.verb for row in rows] == [
        "connection.admin_key_removed",
        "connection.admin_key_changed",
        "connection.admin_key_changed",
    ]
    assert not any("sk-admin" in str(row.detail) for row in rows)


def test_it_is_sealed_anew_with_the_others_and_counted_where_it_is_lost(session, connection):
    before = connection.sealed_admin_key
    assert reseal_keys(session) == (2, 0)
    assert connection.sealed_admin_key != before
    assert opened_admin_key(connection) == ADMIN_KEY
    connection.sealed_admin_key = b"x" * 60
    assert reseal_keys(session) == (1, 1)
    assert connection.sealed_admin_key == b"x" * 60


def test_practice_has_none(session, connection):
    connection.is_practice = True
    session.flush()
    with pytest.raises(WrongInput) as refused:
        change(session, connection, admin_key=OTHER)
    assert [error.field for error in refused.value.errors] == ["admin_key"]


def test_an_owner_sets_replaces_and_forgets_it_on_the_page(team, browser, caplog):
    caplog.set_level(logging.DEBUG)
    owner, path = browser(team.users["owner"]), f"/connections/{team.connection_id}"
    assert "who calls which tuned model" in owner.get(path).text

    wrong = owner.post(f"{path}/admin-key", {"admin_key": "sk-admin with spaces"})
    assert wrong.status_code == 422
    assert "copy it again" in wrong.text
    for key in (ADMIN_KEY, OTHER):
        assert owner.post(f"{path}/admin-key", {"admin_key": key}).status_code == 303
        shown = owner.get(path).text
        assert f"ends in {key[-4:]}" in shown
        assert key not in shown
    assert opened_admin_key(connection_of(team.connection_id)) == OTHER
    assert owner.post(f"{path}/admin-key/forget").status_code == 303
    assert "6789" not in owner.get(path).text
    assert connection_of(team.connection_id).sealed_admin_key is None
    assert "sk-admin" not in caplog.text


def test_editors_see_its_end_and_cannot_change_it(team, browser):
    owner, editor = browser(team.users["owner"]), browser(team.users["editor"])
    path = f"/connections/{team.connection_id}"
    owner.post(f"{path}/admin-key", {"admin_key": ADMIN_KEY})

    shown = editor.get(path).text

    assert "ends in wxyz" in shown
    assert "New admin key" not in shown
    assert editor.post(f"{path}/admin-key", {"admin_key": OTHER}).status_code == 403
    assert editor.post(f"{path}/admin-key/forget").status_code == 403
    assert opened_admin_key(connection_of(team.connection_id)) == ADMIN_KEY


def test_scripts_set_and_forget_it_and_never_read_it(team, script):
    sends, path = script(team.users["owner"]), f"/connections/{team.connection_id}"
    assert sends.get(path).json()["admin_key"] is None

    answer = sends.send("PATCH", path, json={"admin_key": ADMIN_KEY})

    assert answer.status_code == 200
    assert ADMIN_KEY not in answer.text
    told = answer.json()["admin_key"]
    assert (told["hint"], told["words"]) == ("wxyz", None)
    assert opened_admin_key(connection_of(team.connection_id)) == ADMIN_KEY
    for _ in range(2):
        assert sends.send("DELETE", f"{path}/admin-key").status_code == 204
    assert sends.get(path).json()["admin_key"] is None


def test_under_another_secret_page_and_api_say_that_it_must_be_entered_again(
    team, browser, script, monkeypatch
):
    sends, path = script(team.users["owner"]), f"/connections/{team.connection_id}"
    sends.send("PATCH", path, json={"admin_key": ADMIN_KEY})
    owner = browser(team.users["owner"])
    monkeypatch.setenv("LUTHIER_SECRET", base64.urlsafe_b64encode(bytes(range(100, 132))).decode())
    forget()

    assert sends.get(path).json()["admin_key"]["words"] == ADMIN_UNREADABLE
    assert ADMIN_UNREADABLE in owner.get(path).text
    assert settings().secret is not None


def test_a_gate_of_ones_own_takes_the_place_of_the_allowance(connection):
    asked = []
    with open_connection(connection, HttpOptions(gate=lambda: asked.append(1))) as provider:
        provider.wire.http.gate()
    assert asked == [1]
    with open_connection(connection, HttpOptions()) as provider:
        assert type(provider.wire.http.gate).__name__ == "Allowance"
