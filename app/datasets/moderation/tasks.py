"""The worker's part: rows are put before a provider slice by slice."""

from app.core.database import unit_of_work
from app.core.leases import LeaseLost
from app.core.queue import post, task
from app.datasets.gone import Gone, IndexGone
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
    try:
        for made in moderate_rows(work, seconds=settings().slice_seconds):
            with unit_of_work() as session:
                service.record(session, work, made)
    except LeaseLost:
        return
    except Gone as error:
        with unit_of_work() as session:
            service.put_off(session, work, error.message)
        if isinstance(error, IndexGone):
            post("datasets.mend", work.version_id)
