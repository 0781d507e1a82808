"""What tests of runs begin with: an evaluation of a dataset's rows, and a run of it."""

from typing import Any

from app.core.database import unit_of_work
from app.evaluations import queries, service
from app.evaluations.forms import EvaluationForm, RunForm
from app.evaluations.models import Contestant, EvaluationRun, Grade, Result, RunJudge
from app.evaluations.models_judges import Judgement
from app.evaluations.tasks import answer, judge
from app.projects.models import Project
from tests import make
from tests.stage import Team
from tests.waiting import eventually

ECHO = {
    "type": "string_check",
    "name": "echoes",
    "operation": "like",
    "input": "{{ sample.output_text }}",
    "reference": "{{ item.question }}",
}


def add_grader(team: Team, body: dict[str, Any], connection_id: int | None = None) -> int:
    """A grader of the project, whose judges are asked over this connection; its id."""
    from app.grading import service as grading

    with unit_of_work() as session:
        owner = team.users["owner"]
        made = grading.create_grader(
            session,
            project_id=team.project_id,
            actor_id=owner,
            body=body,
            connection_id=connection_id,
        )
        return made.id


def add_version(team: Team, content: bytes, name: str = "Held out") -> int:
    """A checked version of a dataset; its id."""
    with unit_of_work() as session:
        project = session.get_one(Project, team.project_id)
        return make.make_checked_version(session, project, content, name=name).id


def begin(team: Team, *, name: str = "Held-out questions", **form: Any) -> int:
    """An evaluation whose cases are to be read; its id."""
    if "graders" not in form:
        form["graders"] = [add_grader(team, {**ECHO, "name": f"{name} echoes"})]
    if "pasted" not in form:
        form.setdefault("version_id", team.version_id)
    with unit_of_work() as session:
        made = service.create_evaluation(
            session,
            project_id=team.project_id,
            actor_id=team.users["owner"],
            form=EvaluationForm.model_validate({"name": name, **form}),
        )
        return made.id


def start(team: Team, evaluation_id: int, *models: Any, key: str = "form:1", **form: Any) -> int:
    """A run over the team's connection, of these models or contestants; its id."""
    contestants = [
        one if isinstance(one, dict) else {"connection_id": team.connection_id, "model": one}
        for one in models or (make.BASE_MODEL,)
    ]
    with unit_of_work() as session:
        evaluation = queries.evaluation_by_id(session, evaluation_id)
        made = service.start_run(
            session,
            evaluation,
            actor_id=team.users["owner"],
            form=RunForm.model_validate({"contestants": contestants, **form}),
            request_key=key,
        )
        return made.id


def work_through(run_id: int) -> None:
    """Do what is due until the run is over or waits for a person, as the clock has it done."""

    def is_settled() -> bool:
        run = run_of(run_id)
        for one in run.contestants:
            answer(one.id)
        for one in run.judges:
            judge(one.id)
        return run_of(run_id).status != "running"

    eventually(is_settled)


def run_of(run_id: int) -> EvaluationRun:
    """The run as it stands, with its contestants."""
    with unit_of_work() as session:
        return queries.run_by_id(session, run_id)


def results_of(run_id: int) -> list[Result]:
    """A run's results, by contestant, case and repeat."""
    with unit_of_work() as session:
        found = session.query(Result).filter_by(run_id=run_id).order_by(Result.id).all()
        return list(found)


def grades_of(run_id: int) -> list[Grade]:
    """What was said of them."""
    with unit_of_work() as session:
        return list(session.query(Grade).filter_by(run_id=run_id).order_by(Grade.result_id).all())


def judgements_of(run_id: int) -> list[Judgement]:
    """What its judges were asked, by their order."""
    with unit_of_work() as session:
        return list(session.query(Judgement).filter_by(run_id=run_id).order_by(Judgement.id).all())


def add_up(run_id: int) -> None:
    """Whether a run's sums are those of its results, and its judges' those of their questions."""
    with unit_of_work() as session:
        for one in session.query(RunJudge).filter_by(run_id=run_id).all():
            asked = session.query(Judgement).filter_by(judge_id=one.id).all()
            assert one.asked == sum(row.asked for row in asked)
        for one in session.query(Contestant).filter_by(run_id=run_id).all():
            results = session.query(Result).filter_by(contestant_id=one.id).all()
            assert one.expected == len(results)
            assert one.graded == sum(row.status == "graded" for row in results)
            assert one.failed == sum(row.status == "failed" for row in results)
            assert one.passed == sum(bool(row.passed) for row in results)
            assert one.asked == sum(row.asked for row in results)
