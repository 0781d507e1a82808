"""The worker's part: cases are read and put to contestants, and answers to judges, slice by
slice.
"""

from app.core import instance, leases
from app.core.database import read_only, unit_of_work
from app.core.leases import LeaseLost
from app.core.queue import Work, finds_work, post, task
from app.datasets.gone import Gone, IndexGone
from app.evaluations.calibration.service import measure_run
from app.evaluations.models import Contestant, Evaluation, RunJudge
from app.evaluations.work import answering, cases, claiming, judgements, judging
from app.settings import settings

LATER_SECONDS = 30.0


@finds_work("evaluate")
def waiting() -> list[Work]:
    """Every evaluation whose cases are to be read, every contestant with something to answer, every
    judge with something to say.
    """
    with read_only() as session:
        reading = leases.due_ids(session, Evaluation)
        if instance.held(session) is not None:
            return [("evaluations.read_cases", one) for one in reading]
        asking = leases.due_ids(session, Contestant)
        judging = leases.due_ids(session, RunJudge)
    return [
        *(("evaluations.read_cases", one) for one in reading),
        *(("evaluations.answer", one) for one in asking),
        *(("evaluations.judge", one) for one in judging),
    ]


@task("evaluations.read_cases", queue="evaluate", time_limit=600)
def read_cases(evaluation_id: int) -> None:
    """Read an evaluation's cases from where they come."""
    with unit_of_work() as session:
        work = cases.claim(session, evaluation_id)
    if work is None:
        return
    try:
        cases.read_cases(work, seconds=settings().slice_seconds)
    except LeaseLost:
        return
    except Gone as error:
        with unit_of_work() as session:
            cases.put_off(session, work, error.message, seconds=LATER_SECONDS)
        if isinstance(error, IndexGone):
            post("datasets.mend", error.version_id)


@task("evaluations.answer", queue="evaluate", time_limit=600)
def answer(contestant_id: int) -> None:
    """Put the next cases of a run to a contestant, and grade what it answers."""
    with read_only() as session:
        if instance.held(session) is not None:
            return
    with unit_of_work() as session:
        work = claiming.claim(session, contestant_id)
    if work is None:
        return
    try:
        answering.work_on(work)
    except LeaseLost:
        return
    except Gone as error:
        with unit_of_work() as session:
            claiming.put_off(session, work, error.message, seconds=LATER_SECONDS)
        if isinstance(error, IndexGone):
            post("datasets.mend", error.version_id)


@task("evaluations.judge", queue="evaluate", time_limit=600)
def judge(judge_id: int) -> None:
    """Ask a judge of a run about the next answers. With the last of them it is measured against
    what people said.
    """
    with read_only() as session:
        if instance.held(session) is not None:
            return
    with unit_of_work() as session:
        work = judgements.claim(session, judge_id)
    if work is None:
        return
    try:
        is_over = judging.work_on(work)
    except LeaseLost:
        return
    if is_over:
        with unit_of_work() as session:
            measure_run(session, work.run_id)
