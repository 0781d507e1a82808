"""A team whose rows cost something to train on."""

from dataclasses import replace

import pytest

from app.core.database import unit_of_work
from app.projects.models import Project
from tests import make
from tests.budgets.steps import LONG_ROWS
from tests.stage import make_team


def with_long_rows(team):
    with unit_of_work() as session:
        project = session.get_one(Project, team.project_id)
        version = make.make_checked_version(session, project, LONG_ROWS, name="Long")
        return replace(team, version_id=version.id, dataset_id=version.dataset_id)


@pytest.fixture
def paying(team):
    """A team whose provider is never asked, and whose jobs cost about sixty cents."""
    return with_long_rows(team)


@pytest.fixture
def paying_for_real(real_database):
    """The same on a database that really commits."""
    return with_long_rows(make_team(make.PUBLIC_URL, "sk-0123456789abcdef"))
