"""What breaks the invariants of evaluations: each plants it and says what is found."""

from app.connections.models import Connection
from app.datasets.models import DatasetVersion
from app.evaluations import service
from app.evaluations.models import (
    Case,
    Contestant,
    EvaluationRun,
    GivenAnswer,
    Result,
    RunJudge,
)
from app.evaluations.models_judges import Judgement
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


def graded_without_a_verdict(at):
    result = answered(at, status="graded")
    return f"result {result.id}: its state does not fit"


def waiting_for_nobody(at):
    return f"result {answered(at, status='judging').id}: its state does not fit"


def an_answer(at):
    given = GivenAnswer(
        project_id=at.team.project_id, digest="d" * 64, text="", calls=[], answered_at=at.moment
    )
    at.session.add(given)
    at.session.flush()
    return given.id


def answered(at, **fields):
    return a_result(at, answer_id=an_answer(at), **fields)


def a_judgement(at, **fields):
    result = answered(at, status="judging")
    judge = RunJudge(run_id=result.run_id, place=0)
    at.session.add(judge)
    at.session.flush()
    ids = {"run_id": result.run_id, "judge_id": judge.id, "result_id": result.id, "name": ""}
    row = Judgement(**ids, **{"status": "waiting", **fields})
    at.session.add(row)
    at.session.flush()
    return row


def judgement_said(row):
    return f"judgement {row.id}: its state does not fit"


def asked_a_judge_unsent(at):
    return judgement_said(a_judgement(at, status="asked"))


def replied_and_asked_again(at):
    row = a_judgement(at)
    row.answer_id = at.session.get_one(Result, row.result_id).answer_id
    return judgement_said(row)


def replied_without_a_reply(at):
    return judgement_said(a_judgement(at, status="answered"))


def judge_failed_without_a_word(at):
    return judgement_said(a_judgement(at, status="failed"))


def judged_without_a_grade(at):
    return judgement_said(a_judgement(at, status="graded", error="Refused."))


def judge_with_another_sum(at):
    row = a_judgement(at, asked=2)
    return f"judge {row.judge_id} of a run: its sum is not that of its questions"


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
        graded_without_a_verdict,
        waiting_for_nobody,
    ],
    "a judge's reply that is kept is asked for no more": [
        asked_a_judge_unsent,
        replied_and_asked_again,
        replied_without_a_reply,
        judge_failed_without_a_word,
        judged_without_a_grade,
    ],
    "a judge's sum is that of its questions": [judge_with_another_sum],
    "a contestant's sums are those of its results": [with_other_sums],
    "a run that is over is done and paid": [done_and_not_paid, done_and_not_answered],
}
