"""The worker's part: a judge is asked about pairs, slice by slice."""

from app.core import instance, leases
from app.core.database import read_only, unit_of_work
from app.core.leases import LeaseLost
from app.core.queue import Work, finds_work, task
from app.evaluations.calibration.service import measure_run
from app.evaluations.duels import work as working
from app.evaluations.duels.judging import judge_pairs
from app.evaluations.duels.models import JudgedDuels


@finds_work("evaluate")
def waiting() -> list[Work]:
    """Every judge with pairs to be asked about."""
    with read_only() as session:
        if instance.held(session) is not None:
            return []
        return [("duels.judge", one) for one in leases.due_ids(session, JudgedDuels)]


@task("duels.judge", queue="evaluate", time_limit=600)
def judge(duels_id: int) -> None:
    """Put the next pairs to a judge."""
    with read_only() as session:
        if instance.held(session) is not None:
            return
    with unit_of_work() as session:
        work = working.claim(session, duels_id)
    if work is None:
        return
    try:
        is_over = judge_pairs(work)
    except LeaseLost:
        return
    if is_over:
        with unit_of_work() as session:
            measure_run(session, work.run_id)
