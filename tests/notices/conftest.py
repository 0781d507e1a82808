"""A team with a date, and a receiver of what it is told."""

from datetime import date

import pytest

from app.core import clock
from app.core.database import read_only, unit_of_work
from app.notices.endpoints import service as endpoints
from app.notices.models import EndpointKind, Topic
from app.settings import settings
from tests.notices.outgoing import PATH
from tests.notices.steps import furnish
from tests.trainer.receiver import Receiver


@pytest.fixture
def dated(team):
    """The team with a model whose base has no day yet."""
    return furnish(team)


@pytest.fixture
def today(database) -> date:
    """Today, for the database."""
    with read_only() as session:
        return clock.now(session).date()


@pytest.fixture
def receiver(home, monkeypatch):
    found = Receiver()
    monkeypatch.setenv("LUTHIER_ALLOW_HOSTS", found.host)
    monkeypatch.setenv("LUTHIER_WAIT_DIVISOR", "1")  # the clock is moved by hand
    settings.cache_clear()
    yield found
    found.close()


@pytest.fixture
def add(team, receiver):
    """Make an endpoint: its id and its secret."""

    def make(path=PATH, kind=EndpointKind.WEBHOOK, topics=tuple(Topic)):
        with unit_of_work() as session:
            made, secret = endpoints.create_endpoint(
                session,
                project_id=team.project_id,
                actor_id=team.users["owner"],
                name="Deploys",
                kind=kind,
                url=receiver.url(path),
                topics=topics,
            )
            return made.id, secret

    return make
