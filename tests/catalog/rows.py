"""What tests of days need: models, lists of providers, and a today that does not move."""

from datetime import date, timedelta

from app.auth.models import User
from app.catalog import service as catalog
from app.catalog.deadlines import catalogue
from app.connections.models import Connection
from app.core import clock
from app.datasets.models import DatasetVersion
from app.projects.models import Project
from app.providers.base import BaseModelInfo
from tests import make


def day_of(key: str) -> date:
    """The file's day."""
    return next(one.day for one in catalogue() if one.key == key)


def today(session) -> date:
    return clock.now(session).date()


def listing(name, day=None, methods=("supervised",)):
    """A model as a provider lists it."""
    return BaseModelInfo(name, day, methods, None, None, None)


def lists(session, connection_id, **days):
    """What a connection's provider lists: names (dots and dashes as they are) and days."""
    offered = [
        listing(name, day, () if name.startswith("ft:") else ("supervised",))
        for name, day in days.items()
    ]
    catalog.record_base_models(session, connection_id, offered)


class Shop:
    """A team's rows within an open unit of work."""

    def __init__(self, session, team) -> None:
        self.session = session
        self.project = session.get_one(Project, team.project_id)
        self.openai = session.get_one(Connection, team.connection_id)
        self.version = session.get_one(DatasetVersion, team.version_id)
        self.owner = session.get_one(User, team.users["owner"])
        self.count = 0

    def azure(self) -> Connection:
        return make.make_connection(
            self.session,
            self.project,
            name="Azure",
            base_url="https://acme.openai.azure.com/openai/v1",
            profile="azure",
        )

    def model(self, name, base=make.BASE_MODEL, connection=None):
        """A tuned model; as the start would refuse bases that have stopped, its base is set."""
        self.count += 1
        made = make.make_model(
            self.session,
            self.project,
            connection or self.openai,
            self.version,
            model_name=name,
            key=f"form:model-{self.count}",
        )
        made.base_model = base
        self.session.flush()
        return made

    def job(self, base=make.BASE_MODEL, connection=None):
        """A job that runs."""
        self.count += 1
        return make.make_running_job(
            self.session,
            self.project,
            connection or self.openai,
            self.version,
            run_id=f"ftjob-{self.count}",
            key=f"form:job-{self.count}",
            base_model=base,
        )


def days(number: int) -> timedelta:
    return timedelta(days=number)
