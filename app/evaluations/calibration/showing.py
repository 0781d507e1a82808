"""A run's judges with what was found of each."""

from sqlalchemy.orm import Session

from app.evaluations.calibration import queries, service, views


def judges_of(session: Session, run_id: int) -> tuple[views.JudgeView, ...]:
    """The graders of a run that ask a model, and the judges that compared its contestants; each
    version once.
    """
    graders = [row[1:] for row in queries.graders_of(session, run_id)]
    judges = {
        version.id: views.judge(version, calibration, service.NEVER)
        for version, calibration in [*graders, *queries.comparing_judges_of(session, run_id)]
        if service.asks_a_model(version)
    }
    return tuple(judges.values())
