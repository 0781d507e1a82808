"""The worker's part of worst cases."""

from app.core.database import read_only, unit_of_work
from app.core.queue import Work, finds_work, post, task
from app.datasets.gone import Gone, IndexGone
from app.evaluations.worst import service
from app.settings import settings

LATER_SECONDS = 30.0


@finds_work("evaluate")
def waiting() -> list[Work]:
    """Every list whose nearest rows are to be found."""
    with read_only() as session:
        return [("worst_cases.find", row_id) for row_id in service.due_ids(session)]


@task("worst_cases.find", queue="evaluate", time_limit=600)
def find(list_id: int) -> None:
    """Find the training rows nearest to a contestant's worst cases."""
    with unit_of_work() as session:
        work = service.claim(session, list_id)
    if work is None:
        return
    # Here, so that a worker that looks for none carries none of it.
    from app.evaluations.worst import finding  # noqa: PLC0415 - numpy

    try:
        finding.find(work, seconds=settings().slice_seconds)
    except IndexGone as error:
        with unit_of_work() as session:
            service.put_off(session, work, error.message, seconds=LATER_SECONDS)
        post("datasets.mend", error.version_id)
    except Gone as error:
        with unit_of_work() as session:
            service.end(session, work, words=error.message)
