"""A team with a date."""

from datetime import date

import pytest

from app.core import clock
from app.core.database import read_only
from tests.notices.steps import furnish


@pytest.fixture
def dated(team):
    """The team with a model whose base has no day yet."""
    return furnish(team)


@pytest.fixture
def today(database) -> date:
    """Today, for the database."""
    with read_only() as session:
        return clock.now(session).date()
