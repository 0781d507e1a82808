"""A run whose answers say themselves how a judge is to judge them: the witness repeats what it is
told, and a judge's verdict is the first object in its reply, that of the answer shown first.
"""

import json
from collections.abc import Callable

from app.connections.models import Connection
from app.core.database import unit_of_work
from app.evaluations.queries import run_by_id
from app.projects.models import Project
from tests.evaluations.people.rounds import make_pairwise
from tests.evaluations.planted import Player, Says, plant_evaluation, plant_run, questions
from tests.stage import Team


def says(result: str | Callable[[int], str]) -> Says:
    """Answers that have a judge say so where they are shown first."""

    def said(number: int, _repeat: int, _reference: str) -> str:
        result_here = result if isinstance(result, str) else result(number)
        return json.dumps({"reason": f"Case {number}.", "result": result_here})

    return said


FAIR = {"good": says("1"), "bad": says("2")}
"""Whichever is shown first, the good one wins."""
BY_PLACE = {"good": says("1"), "bad": lambda *at: says("1")(*at) + " "}
"""Whichever is shown first wins."""


def plant_pairs(team: Team, *, cases: int = 4, **players: Says) -> tuple[int, int]:
    """The ids of a run of these contestants and of a judge of two."""
    with unit_of_work() as session:
        project = session.get_one(Project, team.project_id)
        connection = session.get_one(Connection, team.connection_id)
        evaluation = plant_evaluation(session, project, questions(cases))
        playing = [Player(name, said) for name, said in (players or FAIR).items()]
        run = plant_run(session, evaluation, *playing)
        judge = make_pairwise(session, project, connection)
        assert run_by_id(session, run.id) is not None
        return run.id, judge.id
