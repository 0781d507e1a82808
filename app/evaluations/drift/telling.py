"""What a project's people are told of models that are asked again by themselves."""

from sqlalchemy.orm import Session

from app.evaluations.drift.models import Look, Schedule
from app.evaluations.models import Contestant, Evaluation
from app.evidence.base import Drift
from app.evidence.words import sentence
from app.notices.telling import Topic, tell

LOOKED = "This was look {look}: that it is looked at again and again is allowed for."


def tell_drift(session: Session, row: Schedule, look: Look, found: Drift) -> None:
    """A model answers otherwise than it did."""
    model = session.get_one(Contestant, row.baseline_id).name
    evaluation = session.get_one(Evaluation, row.evaluation_id)
    tell(
        session,
        project_id=row.project_id,
        topic=Topic.DRIFT,
        key=f"look:{look.id}",
        title=f"{model} has drifted: {evaluation.name}",
        text=f"{sentence(found)}. {LOOKED.format(look=found.look)}",
        path=f"/evaluation-runs/{look.run_id}",
        person_id=row.created_by,
        facts={
            "evaluation_id": evaluation.id,
            "evaluation": evaluation.name,
            "run_id": look.run_id,
            "schedule_id": row.id,
            "model": model,
            "difference": found.verdict.difference,
        },
    )


def tell_waits(session: Session, row: Schedule, words: str) -> None:
    """A model is asked no more until somebody decides."""
    model = session.get_one(Contestant, row.baseline_id).name
    evaluation = session.get_one(Evaluation, row.evaluation_id)
    tell(
        session,
        project_id=row.project_id,
        topic=Topic.NEEDS_DECISION,
        key=f"schedule:{row.id}:{row.begins_at:%Y%m%d}:{row.fence}",
        title=f"{model} is not asked again: {evaluation.name}",
        text=words,
        path=f"/evaluations/{evaluation.id}",
        person_id=row.created_by,
        facts={"evaluation_id": evaluation.id, "evaluation": evaluation.name, "model": model},
    )
