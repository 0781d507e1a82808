"""The stage of a test that kills: empty, with nothing started but its database, its broker and the
witness.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.faults.stage import IS_FULL, Stage, begun, mortal_postgres
from tests.postgres import Postgres

FULL_SECONDS = 9000  # an hour of faults is one
BUSY_SECONDS = 900  # a dozen interpreters start on two cores


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """They start whole programs; at the real waits they take their time."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.processes)
            item.add_marker(pytest.mark.fault)
            item.add_marker(pytest.mark.timeout(FULL_SECONDS if IS_FULL else BUSY_SECONDS))


@pytest.fixture
def mortal() -> Iterator[tuple[str, Postgres]]:
    """A PostgreSQL of this test alone, which it may kill."""
    with mortal_postgres() as made:
        yield made


def _database(request: pytest.FixtureRequest, home: Path) -> tuple[str | None, Any]:
    if request.param == "mortal":
        url, server = request.getfixturevalue("mortal")
        return str(url), server
    if request.param == "postgresql":
        return request.getfixturevalue("postgres_url"), request.getfixturevalue("postgres")
    home.mkdir(parents=True)
    shutil.copy(request.getfixturevalue("sqlite_template"), home / "luthier.sqlite")
    return None, None


@pytest.fixture
def stage(request: pytest.FixtureRequest, home: Path, letters: object) -> Iterator[Stage]:
    """An instance with a team, whose provider is a witness of this test alone; see `on`. Letters of
    the test's own process are lost: the clock finds what is due.
    """
    with begun(home, *_database(request, home)) as made:
        yield made
