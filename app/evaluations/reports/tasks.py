"""The worker's part of reports."""

from app.core.database import read_only, unit_of_work
from app.core.queue import Work, finds_work, post, task
from app.evaluations.reports import making, service


@finds_work
def waiting() -> list[Work]:
    """Every report that is to be made."""
    with read_only() as session:
        return [("evaluations.report", row_id) for row_id in service.due_ids(session)]


@task("evaluation_reports.due", queue="evaluate")
def due() -> None:
    """Ring for what is due."""
    for name, row_id in waiting():
        post(name, row_id)


@task("evaluations.report", queue="evaluate")
def report(report_id: int) -> None:
    """Draw the board of a run and reckon its evidence."""
    with unit_of_work() as session:
        work = service.claim(session, report_id)
    if work is not None:
        making.make(work)
