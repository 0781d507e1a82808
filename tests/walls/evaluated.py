"""An evaluation with a run, and what people and judges do with it, for the walls."""

from typing import Any

from sqlalchemy.orm import Session

from app.evaluations.people import queries
from app.projects.models import Project
from tests.evaluations.people.rounds import begin, plant_graded


def evaluated(session: Session, project: Project, name: str) -> dict[str, Any]:
    """The ids that paths have for them."""
    planted = plant_graded(session, project, cases=2, name=name)
    run = queries.run_by_id(session, planted.id)
    assert run is not None
    round_ = begin(session, run, actor_id=project.created_by or 0)
    return {"evaluation_id": run.evaluation_id, "run_id": run.id, "round_id": round_.id}
