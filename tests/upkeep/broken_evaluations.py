"""What breaks the invariants of evaluations: each plants it and says what is found."""

from app.connections.models import Connection
from app.datasets.models import DatasetVersion
from app.evaluations import service
from app.evaluations.models import Case, Contestant, EvaluationRun, Result
from app.projects.models import Project
from tests.evaluations.making import make_evaluation, make_evaluation_run


def a_run(at):
    project = at.session.get_one(Project, at.team.project_id)
    version = at.session.get_one(DatasetVersion, at.team.version_id)
    evaluation = make_evaluation(at.session, project, version)
    connection = at.session.get_one(Connection, at.team.connection_id)
    return make_evaluation_run(at.session, evaluation, connection)


def a_result(at, **fields):
    run = a_run(at)
    contestant = at.session.query(Contestant).filter_by(run_id=run.id).one()
    case = at.session.query(Case).filter_by(evaluation_id=run.evaluation_id).one()
    ids = {"run_id": run.id, "contestant_id": contestant.id, "case_id": case.id}
    result = Result(**ids, **{"status": "waiting", **fields})
    at.session.add(result)
    at.session.flush()
    return result


def on_its_way_unsent(at):
    return f"result {a_result(at, status='asked').id}: its state does not fit"


def graded_without_an_answer(at):
    return f"result {a_result(at, status='graded', passed=True).id}: its state does not fit"


def failed_without_a_word(at):
    return f"result {a_result(at, status='failed').id}: its state does not fit"


def with_other_sums(at):
    contestant_id = a_result(at, asked=2).contestant_id
    return f"contestant {contestant_id}: its sums are not those of its results"


def done_and_not_paid(at):
    run = a_run(at)
    run.status = "done"
    return f"run {run.id}: its row of the ledger does not fit"


def done_and_not_answered(at):
    run_id = a_result(at).run_id
    contestant = at.session.query(Contestant).filter_by(run_id=run_id).one()
    contestant.expected = 1
    run = at.session.get_one(EvaluationRun, run_id)
    run.status = "done"
    service.count(at.session, run)
    return f"run {run_id}: it is done, and something is not answered"


BROKEN = {
    "an answer that is kept is asked for no more": [
        on_its_way_unsent,
        graded_without_an_answer,
        failed_without_a_word,
    ],
    "a contestant's sums are those of its results": [with_other_sums],
    "a run that is over is done and paid": [done_and_not_paid, done_and_not_answered],
}
