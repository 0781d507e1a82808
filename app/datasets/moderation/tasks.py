"""The worker's part: rows are put before a provider slice by slice."""

from app.core.database import unit_of_work
from app.core.queue import task
from app.datasets.moderation import service
from app.datasets.moderation.asking import moderate_rows
from app.settings import settings


@task("datasets.moderate", time_limit=600)
def moderate(moderation_id: int) -> None:
    """Ask about the next rows of a version."""
    with unit_of_work() as session:
        work = service.claim(session, moderation_id)
    if work is None:
        return
    made = moderate_rows(work, seconds=settings().slice_seconds)
    with unit_of_work() as session:
        service.record(session, work, made)
