"""The worker's part: look at each project's dates every hour and at midnight, tell what is due, and
forget what was sent a month ago.
"""

from app.core import clock, leases
from app.core.database import read_only, unit_of_work
from app.core.queue import Work, finds_work, task
from app.notices import service
from app.notices.models import DateWatch
from app.notices.occasions import occasions_of
from app.notices.sending.service import forget_old


@finds_work("ingest")
def waiting() -> list[Work]:
    """Every project whose dates are to be looked at."""
    with read_only() as session:
        return [("notices.look", row_id) for row_id in leases.due_ids(session, DateWatch)]


@task("notices.look", queue="ingest")
def look(watch_id: int) -> None:
    """Tell a project what is due of its dates. A worker that dies on the way has told nothing, and
    the next begins anew.
    """
    with unit_of_work() as session:
        work = service.claim(session, watch_id)
    if work is None:
        return
    with read_only() as session:
        dates = occasions_of(session, work.project_id, since=clock.now(session).date())
    with unit_of_work() as session:
        service.record_look(session, work, dates)
        forget_old(session, work.project_id)
