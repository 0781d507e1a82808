"""An evaluation with a run, and what people and judges do with it, for the walls."""

from typing import Any

from sqlalchemy.orm import Session

from app.connections.models import Connection
from app.evaluations import queries
from app.evaluations.duels import service as duels
from app.evaluations.duels.forms import DuelsForm
from app.projects.models import Project
from tests.evaluations.byhand.byhand import wait_for_people
from tests.evaluations.people.rounds import begin, make_pairwise, plant_graded


def evaluated(
    session: Session, project: Project, connection: Connection, name: str
) -> dict[str, Any]:
    """The ids that paths have for them."""
    planted = plant_graded(session, project, cases=2, name=name)
    run = queries.run_by_id(session, planted.id)
    assert run is not None
    actor_id = project.created_by or 0
    round_ = begin(session, run, actor_id=actor_id)
    judge = make_pairwise(session, project, connection, f"{name} better")
    form = DuelsForm(grader_id=judge.id, cases=2)
    compared = duels.begin_duels(session, run, form, actor_id=actor_id, key=name)
    wait_for_people(session, planted)
    return {
        "evaluation_id": run.evaluation_id,
        "evaluation_run_id": run.id,
        "round_id": round_.id,
        "duels_id": compared.id,
    }
