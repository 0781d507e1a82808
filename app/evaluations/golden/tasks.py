"""The worker's part: what recordings and checks came to, once their runs are over."""

from app.core.database import read_only
from app.core.queue import Work, finds_work, task
from app.evaluations.golden import queries, reckoning


@finds_work("evaluate")
def waiting() -> list[Work]:
    """Every recording and every check that is over and not reckoned."""
    with read_only() as session:
        return [
            *(("golden.noise", one) for one in queries.due_recordings(session)),
            *(("golden.verdict", one) for one in queries.due_checks(session)),
        ]


@task("golden.noise", queue="evaluate")
def noise(recording_id: int) -> None:
    """How much a recorded model differs from itself."""
    reckoning.reckon_noise(recording_id)


@task("golden.verdict", queue="evaluate")
def verdict(check_id: int) -> None:
    """Whether a successor is no worse than the margin allows."""
    reckoning.reckon_verdict(check_id)
