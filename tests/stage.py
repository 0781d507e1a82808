"""Fixtures for tests of the product: a team at work, its browsers and scripts, a witness to ask."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Any, Self

import pytest
from sqlalchemy import Engine, event
from sqlalchemy.orm import Session

from app.auth import service as auth
from app.auth.access import cookie_name
from app.auth.models import User, UserSession
from app.catalog import deadlines
from app.connections.models import Connection
from app.core import clock, database, secrets
from app.datasets.models import DatasetVersion
from app.evaluations.golden.models import GoldenRecording
from app.jobs.models import Job
from app.projects.models import Project
from app.settings import settings
from tests import make
from tests.evaluations.making import make_evaluation, make_evaluation_run
from tests.witness import handle

# For what is the same on both databases and asked with many values.
one_database = pytest.mark.parametrize("database", ["sqlite"], indirect=True)

WRITTEN_ON = date(2026, 11, 28)
ROLES = ("owner", "editor", "viewer", "outsider")


@dataclass(frozen=True)
class Team:
    """Ids of a project with people in every role, a connection, and twelve checked rows."""

    project_id: int
    connection_id: int
    version_id: int
    dataset_id: int
    users: dict[str, int]


class Browser:
    """A person's browser: sends the session's cookie, and its token with every form."""

    def __init__(self, client: Any, user_id: int) -> None:
        self.client = client
        with database.unit_of_work() as session:
            self.token = auth.sign_in(session, user_id)
            found = session.get_one(UserSession, secrets.fingerprint(self.token))
            self.csrf = found.csrf

    @property
    def headers(self) -> dict[str, str]:
        return {"Cookie": f"{cookie_name()}={self.token}"}

    def get(self, path: str, **headers: str) -> Any:
        return self.client.get(path, headers={**self.headers, **headers})

    def post(self, path: str, data: dict[str, Any] | None = None, **headers: str) -> Any:
        fields = {"csrf": self.csrf, **(data or {})}
        return self.client.post(path, data=fields, headers={**self.headers, **headers})

    def send(self, method: str, path: str, **words: Any) -> Any:
        """Anything else; the token goes into the header."""
        headers = {**self.headers, "X-CSRF-Token": self.csrf, **words.pop("headers", {})}
        return self.client.request(method, path, headers=headers, **words)


class Script:
    """A script with somebody's API token."""

    def __init__(self, client: Any, user_id: int) -> None:
        self.client = client
        with database.unit_of_work() as session:
            self.token = auth.create_token(session, session.get_one(User, user_id), name="tests")

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    def get(self, path: str, **words: Any) -> Any:
        return self.client.get(f"/api/v1{path}", headers=self.headers, **words)

    def post(self, path: str, **words: Any) -> Any:
        return self.send("POST", path, **words)

    def send(self, method: str, path: str, **words: Any) -> Any:
        headers = {**self.headers, **words.pop("headers", {})}
        return self.client.request(method, f"/api/v1{path}", headers=headers, **words)


@pytest.fixture(autouse=True)
def _days_keep_their_distance(monkeypatch: pytest.MonkeyPatch) -> None:
    """The catalogue's days lie as far ahead as when these tests were written: no test stops on the
    day OpenAI does.
    """
    later = datetime.now(UTC).date() - WRITTEN_ON
    found = tuple(one._replace(day=one.day + later) for one in deadlines.catalogue())
    monkeypatch.setattr(deadlines, "_book", lambda: found)


@pytest.fixture(autouse=True)
def _clock_as_it_is() -> Iterator[None]:
    yield
    clock.shift(0)


@pytest.fixture
def stopped_clock(monkeypatch: pytest.MonkeyPatch) -> datetime:
    """The program's clock stands still until the test shifts it, however slow the machine is."""
    moment = datetime.now(UTC)
    monkeypatch.setattr(clock, "now", lambda _session: moment + clock._offset)
    return moment


@pytest.fixture(scope="session")
def _stage_witness(tmp_path_factory):
    with handle.running(tmp_path_factory.mktemp("witness")) as witness:
        yield witness


@pytest.fixture
def witness(_stage_witness, monkeypatch):
    """A provider's server as new, which connections of this test may reach; do not kill it."""
    _stage_witness.reset()
    monkeypatch.setenv("LUTHIER_ALLOW_HOSTS", _stage_witness.host)
    settings.cache_clear()
    return _stage_witness


def make_team(url: str, key: str) -> Team:
    """A project with people in every role, and one account at the provider of that address."""
    with database.unit_of_work() as session:
        users = {role: make.make_user(session, role) for role in ROLES}
        project = make.make_project(
            session, users["owner"], editor=users["editor"], viewer=users["viewer"]
        )
        connection = make.make_connection(session, project, base_url=url, api_key=key)
        version = make.make_checked_version(session, project)
        return Team(
            project.id,
            connection.id,
            version.id,
            version.dataset_id,
            {role: user.id for role, user in users.items()},
        )


@pytest.fixture
def team(database) -> Team:
    """A team whose provider is never asked."""
    return make_team(make.PUBLIC_URL, "sk-0123456789abcdef")


@pytest.fixture
def furnished(team) -> SimpleNamespace:
    """The same team with a job that ended, its model, and an endpoint that notices go to."""
    with database.unit_of_work() as session:
        project = session.get_one(Project, team.project_id)
        connection = session.get_one(Connection, team.connection_id)
        version = session.get_one(DatasetVersion, team.version_id)
        model = make.make_model(session, project, connection, version)
        endpoint = make.make_endpoint(session, project)
        conversation = make.make_conversation(session, project, connection)
        saved = make.make_collected_row(session, project)
        grader = make.make_grader(session, project)
        evaluation = make_evaluation(session, project, version)
        run = make_evaluation_run(session, evaluation, connection)
        golden = GoldenRecording(project_id=project.id, run_id=run.id, created_at=run.created_at)
        session.add(golden)
        session.flush()
        return SimpleNamespace(
            **vars(team),
            golden_id=golden.id,
            job_id=model.job_id,
            model_id=model.id,
            endpoint_id=endpoint.id,
            conversation_id=conversation.id,
            collection_id=saved.collection_id,
            grader_id=grader.id,
            evaluation_id=evaluation.id,
            evaluation_run_id=run.id,
        )


@pytest.fixture
def workshop(database, witness) -> Team:
    """A team whose provider is the witness."""
    return make_team(witness.url, handle.KEY)


def take_turns(monkeypatch: pytest.MonkeyPatch, *places: str) -> None:
    """Whoever writes beside each other in these modules waits its turn: the one transaction that a
    test shares holds one at a time. The browser's journeys have them write at once.
    """
    turn = threading.Lock()

    @contextmanager
    def alone() -> Iterator[Session]:
        with turn, database.unit_of_work() as session:
            yield session

    for place in places:
        monkeypatch.setattr(f"{place}.unit_of_work", alone)


@pytest.fixture
def browser(client):
    """Sign a person in: `browser(team.users["viewer"])`."""
    return lambda user_id: Browser(client, user_id)


@pytest.fixture
def script(client):
    """A script of a person: `script(team.users["owner"])`."""
    return lambda user_id: Script(client, user_id)


@pytest.fixture(params=["sqlite", "postgresql"])
def real_database(request, monkeypatch, letters, tmp_path) -> Iterator[str]:
    """A migrated database of this test alone that really commits: for what happens in parallel."""
    if request.param == "postgresql":
        monkeypatch.setenv("DATABASE_URL", request.getfixturevalue("postgres_url"))
    else:
        request.getfixturevalue("empty_sqlite")
    settings.cache_clear()
    database.engine.cache_clear()
    yield request.param
    database.engine().dispose()
    database.engine.cache_clear()


class Queries:
    """Counts statements sent to a database while it is open."""

    def __init__(self, engine: Engine) -> None:
        self.engine, self.asked = engine, []

    def __enter__(self) -> Self:
        event.listen(self.engine, "before_cursor_execute", self._note)
        return self

    def __exit__(self, *_: object) -> None:
        event.remove(self.engine, "before_cursor_execute", self._note)

    def _note(self, _connection, _cursor, statement: str, values: Any, *_: object) -> None:
        if not statement.startswith(("SAVEPOINT", "RELEASE", "ROLLBACK", "BEGIN", "PRAGMA")):
            self.asked.append((statement, values))

    @property
    def count(self) -> int:
        return len(self.asked)


@pytest.fixture
def queries(database, _engines):
    """Count what the program asks the database while a block runs: see `Queries`."""
    return lambda: Queries(_engines(database))


def read(model: Any, row_id: Any) -> Any:
    """The row as it stands now."""
    with database.read_only() as session:
        return session.get_one(model, row_id)


def job_of(job_id: int) -> Job:
    return read(Job, job_id)


def version_of(version_id: int) -> DatasetVersion:
    return read(DatasetVersion, version_id)


def connection_of(connection_id: int) -> Connection:
    return read(Connection, connection_id)


def project_of(project_id: int) -> Project:
    return read(Project, project_id)


def run_together(call: Callable[[], None], times: int) -> None:
    """Call it that often at once, in threads; all must end."""
    threads = [threading.Thread(target=call) for _ in range(times)]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + 60
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
        assert not thread.is_alive()
