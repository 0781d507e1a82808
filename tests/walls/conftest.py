"""The two teams whose walls are tried."""

import pytest

from tests.walls.world import World, make_world


@pytest.fixture
def world(database, witness, client) -> World:
    """Two teams and everybody who could knock, in this test's database."""
    return make_world(client, witness.url)
