"""A run's report is asked for whenever the run begins, pauses, goes on or ends."""

from sqlalchemy import select

from app.core.database import unit_of_work
from app.evaluations import service
from app.evaluations.models import EvaluationRun, RunStatus
from app.evaluations.reports import tasks
from app.evaluations.reports.models import Report
from app.projects.models import Project
from tests.evaluations.planted import Player, plant_evaluation, plant_run, questions, right_in


def report_of(run_id):
    with unit_of_work() as session:
        return session.scalar(select(Report).where(Report.run_id == run_id))


def test_a_run_that_pauses_goes_on_and_stops_is_reckoned_each_time(team):
    with unit_of_work() as session:
        project = session.get_one(Project, team.project_id)
        kept = plant_evaluation(session, project, questions(30))
        players = Player("tuned", right_in(90)), Player("base", right_in(40, 2))
        run_id = plant_run(session, kept, *players, status=RunStatus.RUNNING, answered=20).id
    owner = {"actor_id": team.users["owner"]}
    with unit_of_work() as session:
        service.pause_run(session, run_id, **owner)
    tasks.report(report_of(run_id).id)
    assert report_of(run_id).figures["reckoned_from"]["answers"] == 40

    with unit_of_work() as session:
        service.resume_run(session, run_id, **owner)
    tasks.report(report_of(run_id).id)
    assert report_of(run_id).figures is None
    assert report_of(run_id).due_at is not None  # while it runs it is looked at again

    with unit_of_work() as session:
        service.stop_run(session, run_id, **owner)
    tasks.report(report_of(run_id).id)
    assert report_of(run_id).figures["reckoned_from"]["answers"] == 40
    assert report_of(run_id).due_at is None
    with unit_of_work() as session:
        assert session.get_one(EvaluationRun, run_id).status == RunStatus.STOPPED
