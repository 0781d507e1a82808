"""The worker's part: models that are to be asked again, and what the times before came to."""

from app.core import instance
from app.core.database import read_only, unit_of_work
from app.core.queue import Work, finds_work, task
from app.evaluations.drift import comparing, looking, queries


@finds_work("evaluate")
def waiting() -> list[Work]:
    """Every schedule whose moment has come, every look whose run is over. A restored instance
    starts nothing.
    """
    with read_only() as session:
        looks = [("drift.compare", one) for one in queries.due_looks(session)]
        if instance.held(session) is not None:
            return looks
        return [*looks, *(("drift.look", one) for one in queries.due_schedules(session))]


@task("drift.look", queue="evaluate")
def look(schedule_id: int) -> None:
    """Ask a model again, or say why nobody was asked."""
    with unit_of_work() as session:
        if instance.held(session) is None:
            looking.look(session, schedule_id)


@task("drift.compare", queue="evaluate")
def compare(look_id: int) -> None:
    """Hold what it answered against what it answered before."""
    with unit_of_work() as session:
        comparing.compare(session, look_id)
