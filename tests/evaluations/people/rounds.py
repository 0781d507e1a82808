"""A run that people grade: three contestants, and rounds of it."""

from sqlalchemy.orm import Session

from app.connections.models import Connection
from app.evaluations.models import EvaluationRun
from app.evaluations.people import service
from app.evaluations.people.forms import RoundForm
from app.grading import service as grading
from app.grading.models import LibraryGrader
from app.grading.queries import version_of
from app.projects.models import Project
from tests.evaluations.planted import Player, plant_evaluation, plant_run, questions, right_in

# The witness knows it, and the price book what its answers cost.
JUDGE = "ft:gpt-4o-mini-2024-07-18:acme::abcd1234"


def plant_graded(session, project: Project, *, cases: int = 5, name: str = "Held-out questions"):
    """A run of so many cases: a contestant that is always right, one mostly, one seldom."""
    evaluation = plant_evaluation(session, project, questions(cases), name=name)
    return plant_run(
        session,
        evaluation,
        Player(f"{name} sure", right_in(100)),
        Player(f"{name} fair", right_in(70, seed=1)),
        Player(f"{name} poor", right_in(20, seed=2)),
    )


def make_pairwise(
    session: Session, project: Project, connection: Connection, name: str = "better", **more
) -> LibraryGrader:
    """A judge of two in the library, asked over this connection."""
    body = {"type": "pairwise", "name": name, "model": JUDGE, "rubric": "Be right."}
    actor_id = project.created_by or 0
    grader = grading.create_grader(
        session, project_id=project.id, actor_id=actor_id, body={**body, **more}
    )
    version = version_of(session, grader)
    assert version is not None
    version.connection_id = connection.id
    session.flush()
    return grader


def begin(session, run: EvaluationRun, *, actor_id: int, seed: int = 7, **fields):
    """A round of answers graded one by one, unless `kind` says duels."""
    form = RoundForm(**{"kind": "grades", "per_item": 2, "shows_reference": True, **fields})
    return service.begin_round(session, run, form, actor_id=actor_id, seed=seed)
