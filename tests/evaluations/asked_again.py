"""Schedules and their looks put straight into the database."""

from datetime import timedelta
from typing import Any

from sqlalchemy.orm import Session

from app.core import clock
from app.evaluations.drift.comparing import DRIFT, ESTIMATE
from app.evaluations.drift.models import Every, Look, Schedule, ScheduleStatus
from app.evaluations.models import Contestant, EvaluationRun
from app.evidence.comparison import compare
from app.evidence.looks import drift
from app.evidence.proportions import proportion


def plant_schedule(
    session: Session, run: EvaluationRun, *, weeks: int = 3, **columns: Any
) -> Schedule:
    """The first contestant of a run is asked again every week, next when so many weeks have passed
    since it began fifteen days ago.
    """
    baseline = session.query(Contestant).filter_by(run_id=run.id, place=0).one()
    moment = clock.now(session)
    begins_at = run.created_at = run.ended_at = moment - timedelta(days=15)
    made = Schedule(
        project_id=run.project_id,
        evaluation_id=run.evaluation_id,
        baseline_id=baseline.id,
        every=Every.WEEK,
        begins_at=begins_at,
        status=ScheduleStatus.ACTIVE,
        created_by=run.created_by,
        created_at=moment,
        due_at=begins_at + weeks * timedelta(weeks=1),
        **columns,
    )
    session.add(made)
    session.flush()
    return made


def plant_look(
    session: Session,
    schedule: Schedule,
    run: EvaluationRun | None = None,
    *,
    weeks: int,
    passed: tuple[int, int] | None = None,
    **columns: Any,
) -> Look:
    """A time it was asked again: so many of 200 cases `passed` now, and before, once compared."""
    found: dict[str, Any] = {}
    if passed is not None:
        anew, then = ([number < count for number in range(200)] for count in passed)
        verdict = compare(anew, then, names=("it", "it, as in run 1"), measure="passes")
        found["drift"] = DRIFT.dump_python(drift(verdict, look=weeks), mode="json")
        found["scores"] = [
            ESTIMATE.dump_python(proportion(count, 200), mode="json") for count in passed
        ]
    made = Look(
        schedule_id=schedule.id,
        moment=schedule.begins_at + weeks * timedelta(weeks=1),
        run_id=run.id if run else None,
        created_at=schedule.created_at,
        **found,
        **columns,
    )
    session.add(made)
    session.flush()
    return made
