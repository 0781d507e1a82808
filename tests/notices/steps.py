"""What the tests of notices share: a model with a day on which it stops, and days that pass."""

from datetime import UTC, date, datetime, time, timedelta
from types import SimpleNamespace

from sqlalchemy import select

from app.catalog import service as catalog
from app.connections.models import Connection
from app.core import clock
from app.core.database import read_only, unit_of_work
from app.datasets.models import DatasetVersion
from app.notices import service, tasks
from app.notices.models import DateWatch, Notice
from app.projects.models import Project
from app.providers.base import BaseModelInfo
from tests import make

BASE = "acme-7b"


def furnish(team):
    """The same team with a model on a base whose provider names a day: `account_id`, `model_id`."""
    with unit_of_work() as session:
        project = session.get_one(Project, team.project_id)
        version = session.get_one(DatasetVersion, team.version_id)
        account = make.make_connection(session, project, name="Acme", profile="compatible")
        model = make.make_model(
            session, project, account, version, model_name="acme:1", base_model=BASE
        )
        watched = session.scalars(select(DateWatch).where(DateWatch.project_id == project.id)).all()
        if not watched:  # app/reactions.py was not imported when the project was made
            service.watch(session, project)
        found = SimpleNamespace(**vars(team), account_id=account.id, model_id=model.id)
    # The other connection's platform has days of its own.
    with unit_of_work() as session:
        session.get_one(Connection, team.connection_id).profile = "compatible"
    return found


def says(team, day: date | None, name: str = BASE) -> None:
    """The provider names the day on which the base stops."""
    with unit_of_work() as session:
        info = BaseModelInfo(name, day, ("supervised",), None, None, None)
        catalog.record_base_models(session, team.account_id, [info])


def go_to(day: date, at: time = time(12)) -> None:
    """It is that moment, for this process."""
    wanted = datetime.combine(day, at, UTC)
    clock.shift((wanted - datetime.now(UTC)).total_seconds())


def look(team) -> None:
    """The look at the project's dates, as the timetable has it made."""
    with unit_of_work() as session:
        service.look_soon(session, team.project_id)
        watch_id = session.scalars(
            select(DateWatch.id).where(DateWatch.project_id == team.project_id)
        ).one()
    tasks.look(watch_id)


def told(team) -> list[tuple[int, int]]:
    """Every notice: the distance it was due at, and the days that were left."""
    return [(one.days_ahead, one.left_days) for one in notices_of(team)]


def notices_of(team) -> list[Notice]:
    with read_only() as session:
        query = select(Notice).where(Notice.project_id == team.project_id).order_by(Notice.id)
        return list(session.scalars(query))


def standing(team) -> list[Notice]:
    return [one for one in notices_of(team) if one.is_current]


def days(count: int) -> timedelta:
    return timedelta(days=count)
