"""What a project can talk to: tuned models, their checkpoints, and what its connections list."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.catalog.models import BaseModel, ModelRef, TunedModel
from app.connections.models import Connection
from app.jobs.models import Checkpoint, Job

MOST_OFFERED = 200


class Offered(NamedTuple):
    """A model that can be talked to: its name at the connection, what it is (tuned, base,
    checkpoint, or only listed), and what people call it.
    """

    connection_id: int
    model: str
    kind: str
    title: str


def offered(session: Session, project_id: int) -> Sequence[Offered]:
    """What a project can talk to, as far as it is known: tuned models, the newest first; what its
    connections list, and what its models were tuned from; checkpoints.
    """
    tuned = session.execute(
        select(ModelRef.connection_id, ModelRef.name, TunedModel.name, TunedModel.base_model)
        .join(TunedModel.ref)
        .where(TunedModel.project_id == project_id, TunedModel.archived_at.is_(None))
        .order_by(TunedModel.id.desc())
        .limit(MOST_OFFERED)
    ).all()
    bases = session.execute(
        select(BaseModel.connection_id, BaseModel.name, BaseModel.can_tune)
        .join(BaseModel.connection)
        .where(Connection.project_id == project_id)
        .order_by(BaseModel.can_tune.desc(), BaseModel.connection_id, BaseModel.name)
        .limit(MOST_OFFERED)
    ).all()
    saved = session.execute(
        select(Job.connection_id, Checkpoint.name, Job.name, Checkpoint.step)
        .join(Checkpoint, Checkpoint.job_id == Job.id)
        .where(Job.project_id == project_id, Job.archived_at.is_(None))
        .order_by(Checkpoint.id.desc())
        .limit(MOST_OFFERED)
    ).all()
    found = [Offered(place, name, "tuned", title) for place, name, title, _ in tuned]
    found += [
        Offered(place, name, "checkpoint", f"{job}, step {step:,}")
        for place, name, job, step in saved
    ]
    found += [Offered(place, base, "base", base) for place, _, _, base in tuned]
    found += [
        Offered(place, name, "base" if can_tune else "listed", name)
        for place, name, can_tune in bases
    ]
    # A job's last checkpoint may bear the tuned model's own name, and lists name tuned models too.
    return list({(one.connection_id, one.model): one for one in reversed(found)}.values())[::-1]
