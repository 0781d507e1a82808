"""What tests of several columns at once stand on."""

import pytest

from app.connections.models import Connection
from app.core.database import unit_of_work
from app.projects.models import Project
from tests import make
from tests.make import BASE_MODEL
from tests.playground.steps import TUNED
from tests.stage import take_turns


@pytest.fixture(autouse=True)
def _one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    take_turns(monkeypatch, "app.connections.allowance", "app.playground.relay")


@pytest.fixture
def tuned(workshop):
    """The workshop's one tuned model, whose answers have a price."""
    with unit_of_work() as session:
        project = session.get_one(Project, workshop.project_id)
        connection = session.get_one(Connection, workshop.connection_id)
        version = make.make_checked_version(session, project, name="More")
        make.make_model(session, project, connection, version, model_name=TUNED)
    return TUNED


@pytest.fixture
def both(workshop, tuned):
    """The columns of a tuned model and its base."""
    return [
        {"connection_id": workshop.connection_id, "model": name} for name in (tuned, BASE_MODEL)
    ]


@pytest.fixture
def sends(workshop, script):
    """A script of the editor's."""
    return script(workshop.users["editor"])


@pytest.fixture
def editor(workshop, browser):
    """The editor's browser."""
    return browser(workshop.users["editor"])
