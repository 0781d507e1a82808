"""A run that people answer by hand, beside a model that the witness plays."""

from typing import Any

from sqlalchemy.orm import Session

from app.core.database import unit_of_work
from app.evaluations.byhand import service
from app.evaluations.models import Contestant, ContestantKind, EvaluationRun
from app.evaluations.queries import run_by_id
from app.evaluations.work.claiming import prepare
from tests import make
from tests.evaluations.steps import begin, start
from tests.stage import Team

ROWS = 12


def begun(team: Team, letters: Any, **people: Any) -> int:
    """A run of a model and people: the model has answered, people have not; its id."""
    evaluation_id = begin(team)
    letters.deliver()
    run_id = start(team, evaluation_id, make.BASE_MODEL, {"people": people})
    letters.deliver()
    return run_id


def wait_for_people(session: Session, run: EvaluationRun) -> Contestant:
    """People, who have not answered yet, as the last contestant of a run that was planted."""
    place = session.query(Contestant).filter_by(run_id=run.id).count()
    row = Contestant(
        run_id=run.id,
        place=place,
        kind=ContestantKind.PEOPLE,
        name="People",
        by_people={"cases": None, "seed": 1},
    )
    session.add(row)
    session.flush()
    prepare(session, run, row)
    session.flush()
    return row


def people_of(run_id: int) -> Any:
    """The contestant that is people."""
    with unit_of_work() as session:
        run = run_by_id(session, run_id)
        assert run is not None
        return next(one for one in run.contestants if one.kind == "people")


def claim(run_id: int, user_id: int, after: int = 0) -> int | None:
    with unit_of_work() as session:
        return service.claim_next(session, run_id, user_id=user_id, after=after)


def give(run_id: int, number: int, text: str, user_id: int) -> None:
    with unit_of_work() as session:
        service.give(session, run_id, number, text, user_id=user_id)


def end_wait(run_id: int, user_id: int) -> int:
    with unit_of_work() as session:
        return service.end_wait(session, run_id, actor_id=user_id)


def answer_all(run_id: int, user_id: int) -> None:
    """Answer what is left, each with its own question's words: the grader passes those."""
    while (number := claim(run_id, user_id)) is not None:
        give(run_id, number, f"Where is parcel {number - 1}?", user_id)
