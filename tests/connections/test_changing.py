"""A connection is renamed, moved, given another key, removed; and no key goes astray meanwhile."""

import threading

import pytest

import app.reactions  # noqa: F401 - Practice for new projects, and what keeps a connection in place
from app.auth import queries as people
from app.connections.keys import opened_key
from app.connections.models import Connection
from app.connections.practice import refresh_practice
from app.connections.service import change_connection, delete_connection
from app.connections.standing import record_failure
from app.core.database import unit_of_work
from app.core.errors import Conflict, WrongInput
from app.core.secrets import SealBroken
from app.datasets.models import DatasetVersion
from app.jobs.models import UNENDED, JobStatus
from app.projects.models import Project
from app.providers.base import KeyRejected
from app.settings import settings
from tests import make
from tests.stage import connection_of, read

KEY, OTHER_KEY = "sk-0123456789abcdef", "sk-another-key-wxyz"
ELSEWHERE = "https://api.elsewhere.example/v1"


@pytest.fixture
def connection(session):
    return make.make_connection(session, make.make_project(session, make.make_user(session)))


def change(session, connection, **what):
    change_connection(session, connection, actor_id=connection.created_by, **what)


def wrong_field(refused):
    (error,) = refused.value.errors
    return error.field


def test_another_origin_needs_the_key_again_and_says_so_at_the_key(session, connection):
    with pytest.raises(WrongInput) as refused:
        change(session, connection, name="Moved", base_url=ELSEWHERE)

    assert wrong_field(refused) == "api_key"
    assert "given for https://api.openai.com and" in refused.value.message
    assert (connection.name, connection.base_url) == ("OpenAI", make.PUBLIC_URL)
    change(session, connection, base_url=ELSEWHERE, api_key=OTHER_KEY)
    assert opened_key(connection) == OTHER_KEY
    assert connection.profile == "compatible"


def test_even_a_row_pointed_elsewhere_by_hand_does_not_give_up_its_key(session, connection):
    """By construction: the seal is bound to the origin, whatever the service forgets to ask."""
    connection.base_url = ELSEWHERE
    with pytest.raises(SealBroken):
        opened_key(connection)


@pytest.mark.parametrize(
    "url",
    ["https://api.openai.com/v2", "https://api.openai.com:443/v1", "https://API.openai.com/v1"],
)
def test_another_path_or_spelling_of_the_same_server_takes_the_key_along(session, connection, url):
    change(session, connection, base_url=url)
    assert connection.base_url == url
    assert opened_key(connection) == KEY


@pytest.mark.parametrize(
    "url", ["https://api.openai.com:8443/v1", "http://api.openai.com/v1", "https://openai.com/v1"]
)
def test_another_port_scheme_or_host_is_another_server(session, connection, url):
    with pytest.raises(WrongInput) as refused:
        change(session, connection, base_url=url)
    assert wrong_field(refused) == "api_key"


def test_another_key_takes_the_place_of_the_old_and_forgets_its_refusal(session, connection):
    record_failure(session, connection, KeyRejected("No."))
    change(session, connection, api_key=OTHER_KEY)
    assert opened_key(connection) == OTHER_KEY
    assert connection.key_hint == "wxyz"
    assert (connection.refused_at, connection.words, connection.account) == (None, None, None)


def test_a_refusal_of_the_old_key_that_comes_late_does_not_stop_the_new_one(team):
    asked = connection_of(team.connection_id)
    with unit_of_work() as session:
        change(session, session.get_one(Connection, asked.id), api_key=OTHER_KEY)
    with unit_of_work() as session:
        record_failure(session, asked, KeyRejected("No."))
    assert connection_of(asked.id).refused_at is None


def test_who_changed_what_is_on_record_without_the_key(session, connection):
    change(session, connection, name="Main", base_url="https://api.openai.com/v2", api_key=KEY)
    rows = people.activity_of(session, connection.project_id, limit=3)
    assert [row.verb for row in rows] == [
        "connection.key_changed",
        "connection.moved",
        "connection.renamed",
    ]
    assert not any(KEY in str(row.detail) for row in rows)


def test_a_taken_name_changes_nothing(session, connection):
    project = session.get_one(Project, connection.project_id)
    make.make_connection(session, project, name="Main")
    with pytest.raises(WrongInput) as refused:
        change(session, connection, name="Main", api_key=OTHER_KEY)
    assert wrong_field(refused) == "name"
    assert opened_key(connection) == KEY


def test_practice_keeps_its_own_address_and_key(session, monkeypatch):
    monkeypatch.setenv("LUTHIER_TRAINER_URL", "http://127.0.0.1:8001/v1")
    monkeypatch.setenv("LUTHIER_TRAINER_KEY", "a-trainer-key-for-tests")
    settings.cache_clear()
    project = make.make_project(session, make.make_user(session))
    (practice,) = session.query(Connection).filter_by(project_id=project.id)
    for wrong in ({"api_key": OTHER_KEY}, {"base_url": ELSEWHERE, "api_key": OTHER_KEY}):
        with pytest.raises(WrongInput):
            change(session, practice, **wrong)
    with pytest.raises(Conflict):
        delete_connection(session, practice, actor_id=1)
    change(session, practice, name="Workshop")
    monkeypatch.setenv("LUTHIER_TRAINER_URL", "http://127.0.0.1:8002/v1")
    settings.cache_clear()
    refresh_practice(session)
    assert (practice.name, practice.base_url) == ("Workshop", "http://127.0.0.1:8002/v1")


def test_an_unused_connection_is_removed_and_a_used_one_says_what_uses_it(team):
    with unit_of_work() as session:
        project = session.get_one(Project, team.project_id)
        spare = make.make_connection(session, project, name="Spare")
        used = session.get_one(Connection, team.connection_id)
        version = session.get_one(DatasetVersion, team.version_id)
        for number in (1, 2):
            make.make_running_job(session, project, used, version, key=f"form:{number}")
        delete_connection(session, spare, actor_id=team.users["owner"])
        with pytest.raises(Conflict) as refused:
            delete_connection(session, used, actor_id=team.users["owner"])
    assert refused.value.message == "OpenAI stays: 2 jobs came over it."
    assert read(Connection, team.connection_id).name == "OpenAI"


def test_a_connection_with_jobs_under_way_stays_where_it_is_and_names_them(team):
    with unit_of_work() as session:
        project = session.get_one(Project, team.project_id)
        connection = session.get_one(Connection, team.connection_id)
        version = session.get_one(DatasetVersion, team.version_id)
        for number in range(7):
            job = make.make_running_job(session, project, connection, version, key=f"form:{number}")
            job.name = f"intents-{number}"
    for moved in (
        {"base_url": ELSEWHERE, "api_key": OTHER_KEY},
        {"base_url": "https://api.openai.com/v2"},
    ):
        with unit_of_work() as session, pytest.raises(WrongInput) as refused:
            change(session, session.get_one(Connection, team.connection_id), **moved)
        assert wrong_field(refused) == "base_url"
        assert "Under way at https://api.openai.com, and" in refused.value.message
        assert "intents-0, intents-1, " in refused.value.message
        assert "intents-4 and 2 more." in refused.value.message
    with unit_of_work() as session:
        connection = session.get_one(Connection, team.connection_id)
        change(session, connection, base_url="https://API.openai.com/v1", api_key=OTHER_KEY)
    assert opened_key(connection_of(team.connection_id)) == OTHER_KEY


@pytest.mark.parametrize("status", sorted(JobStatus))
def test_only_what_has_not_ended_keeps_it_there(team, status):
    with unit_of_work() as session:
        project = session.get_one(Project, team.project_id)
        connection = session.get_one(Connection, team.connection_id)
        version = session.get_one(DatasetVersion, team.version_id)
        make.make_running_job(session, project, connection, version).status = status
    moved = {"base_url": ELSEWHERE, "api_key": OTHER_KEY}
    with unit_of_work() as session:
        connection = session.get_one(Connection, team.connection_id)
        if status in UNENDED:
            with pytest.raises(WrongInput):
                change(session, connection, **moved)
        else:
            change(session, connection, **moved)


def test_a_job_asked_for_at_the_same_moment_is_seen_or_waits(real_database, monkeypatch):
    """Either the job is first, and the connection stays; or it is for the new address."""
    with unit_of_work() as session:
        owner = make.make_user(session)
        project = make.make_project(session, owner)
        connection = make.make_connection(session, project)
        version = make.make_checked_version(session, project)
    refused = []

    def move():
        try:
            with unit_of_work() as session:
                change(
                    session,
                    session.get_one(Connection, connection.id),
                    base_url=ELSEWHERE,
                    api_key=OTHER_KEY,
                )
        except WrongInput as error:
            refused.append(error)

    with unit_of_work() as session:
        make.make_job(session, project, connection, version)
        moving = threading.Thread(target=move)
        moving.start()
        moving.join(0.3)  # it waits for this unit of work
        assert moving.is_alive()
    moving.join(30)
    assert len(refused) == 1
    assert connection_of(connection.id).base_url == make.PUBLIC_URL
