"""The worker's part of reports."""

from app.core.database import read_only, unit_of_work
from app.core.queue import Work, finds_work, task
from app.evaluations.reports import making, service


@finds_work("evaluate")
def waiting() -> list[Work]:
    """Every report that is to be made."""
    with read_only() as session:
        return [("evaluations.report", row_id) for row_id in service.due_ids(session)]


@task("evaluations.report", queue="evaluate")
def report(report_id: int) -> None:
    """Draw the board of a run and reckon its evidence."""
    with unit_of_work() as session:
        work = service.claim(session, report_id)
    if work is not None:
        making.make(work)
