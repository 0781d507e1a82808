"""Runs that are over and have work left: what the tasks about them find to do."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.connections.models import Connection
from app.core import clock
from app.core.database import unit_of_work
from app.datasets.models import DatasetVersion
from app.evaluations.golden.models import GoldenRecording, SuccessionCheck
from app.evaluations.models import Contestant, EvaluationRun
from app.evaluations.reports import service as reports
from app.evaluations.reports import tasks
from app.evaluations.reports.models import Report
from app.evaluations.worst.models import WorstList
from app.projects.models import Project
from tests import make
from tests.evaluations.asked_again import plant_look, plant_schedule
from tests.evaluations.planted import (
    Player,
    make_report,
    plant_evaluation,
    plant_run,
    right_in,
)
from tests.stage import Team
from tests.witness.handle import Witness

Args = tuple[int, ...]


def a_run_without_its_report(team: Team, witness: Witness) -> Args:
    with unit_of_work() as session:
        run_id = _run_that_is_over(session, team).id
        reports.ask(session, run_id)
        return tuple(session.scalars(select(Report.id).where(Report.run_id == run_id)))


def worst_cases_without_their_nearest_rows(team: Team, witness: Witness) -> Args:
    with unit_of_work() as session:
        project = session.get_one(Project, team.project_id)
        connection = session.get_one(Connection, team.connection_id)
        version = session.get_one(DatasetVersion, team.version_id)
        model = make.make_model(session, project, connection, version)
        run = _run_that_is_over(session, team)
        tuned = session.query(Contestant).filter_by(run_id=run.id, place=0).one()
        tuned.job_id = model.job_id
        run_id = run.id
        reports.ask(session, run_id)
        (report_id,) = session.scalars(select(Report.id).where(Report.run_id == run_id))
    tasks.report(report_id)
    with unit_of_work() as session:
        return tuple(session.scalars(select(WorstList.id)))


def a_recording_whose_noise_is_not_reckoned(team: Team, witness: Witness) -> Args:
    with unit_of_work() as session:
        return (_recording(session, _run_that_is_over(session, team, players=1), is_due=True).id,)


def a_successor_without_its_verdict(team: Team, witness: Witness) -> Args:
    with unit_of_work() as session:
        run = _run_that_is_over(session, team)
        moment = clock.now(session)
        check = SuccessionCheck(
            project_id=run.project_id,
            recording_id=_recording(session, run, is_due=False).id,
            run_id=run.id,
            margin=0.02,
            created_at=moment,
            due_at=moment,
        )
        session.add(check)
        session.flush()
        return (check.id,)


def a_model_to_ask_again(team: Team, witness: Witness) -> Args:
    with unit_of_work() as session:
        asked = session.get_one(Connection, team.connection_id)
        kept = plant_evaluation(session, session.get_one(Project, team.project_id))
        run = plant_run(session, kept, Player(make.BASE_MODEL, right_in(90), connection=asked))
        run.created_by = team.users["owner"]
        return (plant_schedule(session, run, weeks=2).id,)


def a_look_to_compare(team: Team, witness: Witness) -> Args:
    with unit_of_work() as session:
        run = _run_that_is_over(session, team)
        schedule, run_id = plant_schedule(session, run), run.id
    make_report(run_id)
    with unit_of_work() as session:
        moment = clock.now(session)
        return (plant_look(session, schedule, run, weeks=1, due_at=moment).id,)


def _run_that_is_over(session: Session, team: Team, *, players: int = 2) -> EvaluationRun:
    project = session.get_one(Project, team.project_id)
    took_part = (Player("tuned", right_in(90)), Player("base", right_in(60)))[:players]
    return plant_run(session, plant_evaluation(session, project), *took_part, repeats=2)


def _recording(session: Session, run: EvaluationRun, *, is_due: bool) -> GoldenRecording:
    moment = clock.now(session)
    due_at = moment if is_due else None
    row = GoldenRecording(
        project_id=run.project_id, run_id=run.id, created_at=moment, due_at=due_at
    )
    session.add(row)
    session.flush()
    return row
