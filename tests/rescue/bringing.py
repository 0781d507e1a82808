"""A team's history as it lies in the manifest, in OpenAI's own shapes."""

import json
from typing import Any

from sqlalchemy import func, select

from app.catalog.models import TunedModel
from app.connections.models import Connection
from app.core.database import read_only, unit_of_work
from app.datasets.models import Dataset
from app.jobs import metrics, queries
from app.jobs.models import Job
from app.rescue.models import Kind, RescuedObject, RescuePart
from app.rescue.using import use_next
from tests import make

BASE = "gpt-4o-mini-2024-07-18"
ASKED, ENDED = 1_740_821_400, 1_740_825_000  # 2025-03-01, an hour


def job(run_id: str = "ftjob-1", **fields: Any) -> dict[str, Any]:
    """A job as it is listed once it has succeeded."""
    dials = {"n_epochs": 3, "batch_size": 1, "learning_rate_multiplier": 1.8}
    return {
        "object": "fine_tuning.job",
        "id": run_id,
        "model": BASE,
        "created_at": ASKED,
        "finished_at": ENDED,
        "fine_tuned_model": f"ft:{BASE}:acme:routing:{run_id[-8:]}",
        "status": "succeeded",
        "training_file": "file-rows",
        "validation_file": None,
        "result_files": [],
        "trained_tokens": 60_000,
        "error": {},
        "user_provided_suffix": "routing",
        "seed": 7,
        "hyperparameters": dials,
        "method": {"type": "supervised", "supervised": {"hyperparameters": dials}},
        "metadata": None,
        **fields,
    }


def message(number: int, text: str) -> dict[str, Any]:
    """A line of a log."""
    return event(number, text, "message", {})


def figures(number: int, **data: Any) -> dict[str, Any]:
    """The figures of a step."""
    return event(number, f"Step {data.get('step')}", "metrics", {"total_steps": 4, **data})


def event(number: int, text: str, kind: str, data: dict[str, Any]) -> dict[str, Any]:
    return {
        "object": "fine_tuning.job.event",
        "id": f"ftevent-{number}",
        "created_at": ASKED + number,
        "level": "info",
        "message": text,
        "type": kind,
        "data": data,
    }


def checkpoint(step: int, **metrics: float) -> dict[str, Any]:
    """A saved model."""
    return {
        "object": "fine_tuning.job.checkpoint",
        "id": f"ftckpt-{step}",
        "created_at": ASKED + step,
        "fine_tuned_model_checkpoint": f"ft:{BASE}:acme:routing:AbCd1234:ckpt-step-{step}",
        "fine_tuning_job_id": "ftjob-1",
        "metrics": {"step": step, **metrics},
        "step_number": step,
    }


def lines(*objects: Any) -> bytes:
    """JSONL."""
    return b"".join(json.dumps(one).encode() + b"\n" for one in objects)


LOG = (
    message(9, "The job has successfully completed"),
    figures(4, step=4, train_loss=0.2, full_valid_loss=0.4, valid_loss=0.5),
    figures(3, step=3, train_loss=0.4, full_valid_loss=0.3),
    figures(2, step=2, train_loss=0.9),
    figures(1, step=1, train_loss=1.5, train_mean_token_accuracy=0.5),
    message(0, "Created fine-tuning job: ftjob-1"),
)


class Home:
    """What came home over one connection, and the using of it."""

    def __init__(self, connection_id: int) -> None:
        self.connection_id = connection_id
        with unit_of_work() as session:
            connection = session.get_one(Connection, connection_id)
            self.rescue_id = make.make_rescue(session, connection).id

    def add(self, kind: Kind, object_id: str, content: bytes | None, **fields: Any) -> int:
        """An object of the manifest, home with its content; its id."""
        with unit_of_work() as session:
            connection = session.get_one(Connection, self.connection_id)
            made = make.make_rescued_object(session, connection, kind, object_id, content, **fields)
            return made.id

    def file(self, file_id: str, content: bytes | None, name: str = "", **facts: Any) -> int:
        """A file; its purpose is fine-tune unless `purpose` says another."""
        facts = {"purpose": "fine-tune", "created_at": ASKED, **facts}
        return self.add(Kind.FILE, file_id, content, name=name or file_id, facts=facts)

    def run(self, found: dict[str, Any], *events: Any, checkpoints: Any = ()) -> int:
        """A job with its followers."""
        run_id = found["id"]
        made = self.add(Kind.JOB, run_id, json.dumps(found).encode())
        if events:
            self.add(Kind.JOB_EVENTS, run_id, lines(*events), parent_id=run_id)
        if checkpoints:
            self.add(Kind.CHECKPOINTS, run_id, lines(*checkpoints), parent_id=run_id)
        return made

    def use(self) -> None:
        """All of it."""
        while not use_next(self.part, 60):
            pass

    @property
    def part(self) -> RescuePart:
        with read_only() as session:
            parts = session.query(RescuePart)
            return parts.filter_by(rescue_id=self.rescue_id, connection_id=self.connection_id).one()


def found(object_id: int) -> RescuedObject:
    """The object's row as it is now."""
    with read_only() as session:
        return session.get_one(RescuedObject, object_id)


def jobs() -> list[Job]:
    """The rescued jobs with all that their pages show."""
    with read_only() as session:
        ids = session.scalars(select(Job.id).where(Job.rescued_at.is_not(None)).order_by(Job.id))
        return [queries.job_by_id(session, job_id) for job_id in ids]


def models() -> list[TunedModel]:
    """All tuned models."""
    with read_only() as session:
        return session.scalars(select(TunedModel).order_by(TunedModel.id)).all()


def datasets() -> list[Dataset]:
    """All datasets."""
    with read_only() as session:
        return session.scalars(select(Dataset).order_by(Dataset.id)).all()


def count(model: Any) -> int:
    """How many rows there are."""
    with read_only() as session:
        return session.scalar(select(func.count()).select_from(model))


def curve(job_id: int, name: str = "train_loss") -> list[tuple[int, float]]:
    """The points of a series."""
    with read_only() as session:
        found = metrics.read_after(session, job_id, -1)
    return list(zip(*found[name], strict=True)) if name in found else []
