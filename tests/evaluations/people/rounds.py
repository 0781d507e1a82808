"""A run that people grade: three contestants, and rounds of it."""

from app.evaluations.models import EvaluationRun
from app.evaluations.people import service
from app.evaluations.people.forms import RoundForm
from app.projects.models import Project
from tests.evaluations.planted import Player, plant_evaluation, plant_run, questions, right_in


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


def begin(session, run: EvaluationRun, *, actor_id: int, seed: int = 7, **fields):
    """A round of answers graded one by one, unless `kind` says duels."""
    form = RoundForm(**{"kind": "grades", "per_item": 2, "shows_reference": True, **fields})
    return service.begin_round(session, run, form, actor_id=actor_id, seed=seed)
