"""The worker's part: what is evaluated once a job has ended, and which checkpoint to take."""

from app.core import instance
from app.core.database import read_only, unit_of_work
from app.core.queue import Work, finds_work, task
from app.evaluations.after import advising, queries, service
from app.evaluations.after.models import JobEvaluation


@finds_work("evaluate")
def waiting() -> list[Work]:
    """Every one whose job has ended, or whose run has. A restored instance starts nothing."""
    with read_only() as session:
        if instance.held(session) is not None:
            return []
        return [("evaluations.after", one) for one in queries.due(session)]


@task("evaluations.after", queue="evaluate")
def after(row_id: int) -> None:
    """Start the run, or say what it came to."""
    with read_only() as session:
        row = session.get(JobEvaluation, row_id)
        if row is None or instance.held(session) is not None:
            return
        has_begun = row.run_id is not None
    if has_begun:
        advising.advise(row_id)
        return
    with unit_of_work() as session:
        service.begin(session, row_id)
