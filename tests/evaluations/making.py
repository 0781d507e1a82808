"""An evaluation and a run of it, made as the program makes them."""

from sqlalchemy.orm import Session

from app.connections.models import Connection
from app.datasets.models import DatasetVersion
from app.evaluations import service as evaluations
from app.evaluations.forms import ContestantForm, EvaluationForm, RunForm
from app.evaluations.models import Case, Evaluation, EvaluationRun, EvaluationStatus
from app.projects.models import Project
from tests import make


def make_evaluation(
    session: Session, project: Project, version: DatasetVersion, name: str = "Held out"
) -> Evaluation:
    """An evaluation with one case, and a grader that nothing else uses."""
    grader = make.make_grader(session, project, f"{name} right")
    made = evaluations.create_evaluation(
        session,
        project_id=project.id,
        actor_id=project.created_by or 0,
        form=EvaluationForm(name=name, version_id=version.id, graders=[grader.id]),
    )
    messages = [{"role": "user", "content": f"Where is {name}?"}]
    item = {"question": f"Where is {name}?", "answer": "delivery"}
    session.add(
        Case(evaluation_id=made.id, number=1, messages=messages, item=item, reference="delivery")
    )
    made.status, made.cases, made.due_at = EvaluationStatus.READY, 1, None
    session.flush()
    return made


def make_evaluation_run(
    session: Session, evaluation: Evaluation, connection: Connection, *, key: str = "form:1"
) -> EvaluationRun:
    """A run that asks one model, and that no worker has begun."""
    asked = ContestantForm(connection_id=connection.id, model=make.BASE_MODEL)
    return evaluations.start_run(
        session,
        evaluation,
        actor_id=evaluation.created_by,
        form=RunForm(contestants=[asked]),
        request_key=f"{key}:{evaluation.id}",
    )
