"""The two teams whose walls are tried: in a test's own transaction, and in running processes."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from types import SimpleNamespace

import pytest

from app.connections.models import Connection
from app.core import partial
from app.core.database import unit_of_work
from app.evaluations.people.queries import round_by_id
from app.evaluations.people.service import close_round
from app.projects.models import Project
from tests import make
from tests.rescue.history import bring_home
from tests.walls.catcher import Catcher, catching
from tests.walls.evaluated import evaluated
from tests.walls.live import Live, live_server
from tests.walls.world import World, make_world


@pytest.fixture
def world(database, witness, client, monkeypatch) -> World:
    """Two teams and everybody who could knock, in this test's database."""
    # A row whose removal is undone has its bytes still.
    monkeypatch.setattr(partial, "remove", lambda _name: None)
    return make_world(client, witness.url)


@pytest.fixture
def rescued(furnished) -> SimpleNamespace:
    """The furnished team with a rescue that ended, an eval that came home, a round of grading that
    is closed, and a judge's comparing.
    """
    with unit_of_work() as session:
        connection = session.get_one(Connection, furnished.connection_id)
        found, (run,) = bring_home(session, connection, runs=("evalrun_1",))
        project = session.get_one(Project, furnished.project_id)
        ids = evaluated(session, project, connection, "graded")
        round_ = round_by_id(session, ids["round_id"])
        close_round(session, round_, actor_id=furnished.users["owner"])
        return SimpleNamespace(
            **vars(furnished),
            rescue_id=make.make_rescue(session, connection).id,
            rescued_id=run.id,
            rescued_eval_id=found.id,
            rescued_run_id=run.id,
            round_id=ids["round_id"],
            duels_id=ids["duels_id"],
        )


@pytest.fixture(scope="session")
def catchers() -> Iterator[tuple[Catcher, Catcher]]:
    """Two servers on this machine: the first may be called, the second may not."""
    with catching() as allowed, catching() as private:
        yield allowed, private


@pytest.fixture(scope="session")
def _servers(request, tmp_path_factory, catchers, broker_url) -> Iterator[Callable[[str], Live]]:
    with ExitStack() as stack:
        started: dict[str, Live] = {}

        def server(kind: str) -> Live:
            if kind not in started:
                url = None
                if kind == "postgresql":
                    template = request.getfixturevalue("postgres_template")
                    url = request.getfixturevalue("postgres").create("walls", template=template)
                folder = tmp_path_factory.mktemp(f"live-{kind}")
                env = {"REDIS_URL": broker_url, "LUTHIER_ALLOW_HOSTS": catchers[0].host}
                opened = live_server(folder, kind, url=url, **env)
                started[kind] = stack.enter_context(opened)
            return started[kind]

        yield server


@pytest.fixture
def live(request, _servers) -> Live:
    """A running web process, on SQLite unless a test's parameter says otherwise; what one test
    changes in it the next one finds.
    """
    return _servers(getattr(request, "param", "sqlite"))


@pytest.fixture(params=["sqlite", "postgresql"])
def either(request, _servers) -> Live:
    """The same on both databases, for what reaches the storage."""
    return _servers(request.param)
