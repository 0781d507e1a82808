"""The stage of a test that kills: empty, with nothing started but its database, its broker and the
witness.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.core import migrate
from app.settings import settings
from tests import broker, postgres
from tests.conftest import SECRET, forget
from tests.faults.stage import IS_FULL, LEASES, WAITS, Stage
from tests.stage import make_team
from tests.witness import handle

FULL_SECONDS = 2400


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """They start whole programs; at the real waits they take their time."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.processes)
            if IS_FULL:
                item.add_marker(pytest.mark.timeout(FULL_SECONDS))


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file with every table and no rows."""
    path = tmp_path_factory.mktemp("template") / "luthier.sqlite"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATABASE_URL", f"sqlite:///{path}")
        settings.cache_clear()
        migrate.upgrade()
    settings.cache_clear()
    return path


def _address_of_database(request: pytest.FixtureRequest, home: Path) -> tuple[str | None, object]:
    kind = request.param
    if kind == "sqlite":
        home.mkdir(parents=True)
        shutil.copy(request.getfixturevalue("sqlite_template"), home / "luthier.sqlite")
        return None, None
    if kind == "mortal":
        return request.getfixturevalue("mortal_postgres")
    return request.getfixturevalue("postgres_url"), request.getfixturevalue("postgres")


@pytest.fixture
def mortal_postgres(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, postgres.Postgres]]:
    """A server of this test alone with one migrated database, which it may kill."""
    with postgres.running() as server:
        url = server.create("luthier")
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("DATABASE_URL", url)
            settings.cache_clear()
            migrate.upgrade()
        settings.cache_clear()
        yield url, server


@pytest.fixture
def stage(
    request: pytest.FixtureRequest,
    home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    letters: object,
) -> Iterator[Stage]:
    """An instance with a team, whose provider is a witness of this test alone; see `on`."""
    url, server = _address_of_database(request, home)
    with broker.mortal() as bell, handle.running(tmp_path) as witness:
        env = {
            "LUTHIER_SECRET": SECRET,
            "LUTHIER_ALLOW_HOSTS": witness.host,
            "LUTHIER_WAIT_DIVISOR": str(WAITS),
            "LUTHIER_LEASE_DIVISOR": str(LEASES),
            "LUTHIER_STARTS_PER_HOUR": "100000",
            "REDIS_URL": bell.url,
            **({"DATABASE_URL": url} if url else {}),
        }
        for name, value in env.items():
            monkeypatch.setenv(name, value)
        forget()
        team = make_team(witness.url, handle.KEY)
        made = Stage(home, env, witness, bell, server, url, team)
        try:
            yield made
        finally:
            made.clear_away()
            forget()
