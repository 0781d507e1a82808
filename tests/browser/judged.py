"""What people and a judge said of a run, beside a running instance: no worker is asked for it."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.connections.models import Connection
from app.evaluations import queries
from app.evaluations.duels import service as duels
from app.evaluations.duels.forms import DuelsForm
from app.evaluations.duels.models import Duel, DuelsStatus
from app.evaluations.models import EvaluationRun
from app.evaluations.people import service as rounds
from app.evaluations.people.forms import GradeForm
from app.projects.models import Project
from tests.evaluations.people.rounds import begin, make_pairwise


def judge(session: Session, planted: EvaluationRun, words: str) -> dict[str, str]:
    """A closed round, one in pairs that waits, and a judge that was asked: their pages by name."""
    run = queries.run_by_id(session, planted.id)
    assert run is not None
    project = session.get_one(Project, run.project_id)
    actor_id = project.created_by or 0
    closed = begin(session, run, actor_id=actor_id, cases=3, question=words)
    for number in range(1, closed.items + 1):
        label = ("right", "wrong")[number % 2]
        form = GradeForm(number=number, label=label, note=words)
        rounds.give(session, closed, form, user_id=actor_id)
    rounds.close_round(session, closed, actor_id=actor_id)
    waiting = begin(session, run, actor_id=actor_id, kind="duels", cases=3, question=words)
    connection = session.scalars(select(Connection).order_by(Connection.id)).first()
    assert connection is not None
    grader = make_pairwise(session, project, connection, f"Better {words}"[:120])
    form = DuelsForm(grader_id=grader.id, cases=12, both_ways=True)
    asked = duels.begin_duels(session, run, form, actor_id=actor_id, key="beside", seed=1)
    for at, one in enumerate(session.query(Duel).filter_by(duels_id=asked.id, outcome=None)):
        one.status, one.reason = "judged", words
        one.outcome, one.fault = (None, words) if at % 3 == 0 else ("first", None)
    duels.end(session, asked, DuelsStatus.DONE)
    at = f"/evaluation-runs/{run.id}"
    return {
        "rounds": f"{at}/rounds",
        "round": f"/grading-rounds/{closed.id}",
        "round-open": f"/grading-rounds/{waiting.id}",
        "round-grade": f"/grading-rounds/{waiting.id}/grade",
        "head-to-head": f"{at}/duels",
        "duels": f"/duels/{asked.id}",
        "judges": f"{at}/judges",
    }
