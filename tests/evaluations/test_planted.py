"""What is planted stands as a run's work leaves it."""

from sqlalchemy import func, select

from app.connections.models import Connection
from app.core.database import unit_of_work
from app.evaluations.models import Contestant, GivenAnswer, Grade, Result
from app.projects.models import Project
from tests.evaluations.planted import Player, plant_evaluation, plant_run, right_in


def _silent_at_three(number, _repeat, reference):
    return None if number == 3 else reference


def test_a_planted_runs_sums_are_those_of_its_results(team):
    with unit_of_work() as session:
        project = session.get_one(Project, team.project_id)
        connection = session.get_one(Connection, team.connection_id)
        evaluation = plant_evaluation(session, project)
        run = plant_run(
            session,
            evaluation,
            Player("tuned", right_in(90), connection=connection),
            Player("base", _silent_at_three),
            repeats=2,
        )
        results = session.scalar(select(func.count()).select_from(Result))
        answers = session.scalar(select(func.count()).select_from(GivenAnswer))
        grades = session.scalar(select(func.count()).select_from(Grade))
        assert (results, answers, grades) == (48, 46, 46)
        tuned, base = session.scalars(select(Contestant).order_by(Contestant.place))
        assert (base.graded, base.passed, base.failed) == (22, 22, 2)
        passed = select(func.count()).where(Result.contestant_id == tuned.id, Result.passed)
        assert tuned.passed == session.scalar(passed) > 12
        assert run.spent == tuned.spent + base.spent > 0
