"""The two teams whose walls are tried: in a test's own transaction, and in running processes."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.walls.catcher import Catcher, catching
from tests.walls.live import Live, live_server
from tests.walls.world import World, make_world


@pytest.fixture
def world(database, witness, client) -> World:
    """Two teams and everybody who could knock, in this test's database."""
    return make_world(client, witness.url)


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
