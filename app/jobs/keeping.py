"""What a run says of itself, kept: lines of its log, points, checkpoints, and the model it made."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app.catalog import service as catalog
from app.connections.models import Connection
from app.connections.service import service_of
from app.core import storage
from app.jobs import metrics, queries
from app.jobs.models import Checkpoint, Job, JobEvent
from app.jobs.points import keep_bests, take_point
from app.providers.base import CheckpointInfo, RunEvent

IDS_AT_ONCE = 500


def keep_events(
    session: Session,
    job: Job,
    events: Sequence[RunEvent],
    moment: datetime,
    *,
    is_raw_kept: bool = False,
) -> None:
    """New lines into the log, new points into the chunks, and everything as it came into the job's
    events file, unless it is kept elsewhere. The newest event comes first.
    """
    if not events:
        return
    fresh = _unknown(session, job, list(reversed(events)))
    series: dict[str, list[metrics.Point]] = {}
    for event in fresh:
        if event.kind == "metrics":
            take_point(job, event.data, series)
            job.training_since = job.training_since or event.at
        else:
            session.add(
                JobEvent(
                    job_id=job.id,
                    event_id=event.event_id,
                    at=event.at or moment,
                    level=event.level[:16],
                    is_ours=False,
                    text=event.message,
                )
            )
    keep_points(session, job, series)
    if not is_raw_kept:
        job.events_bytes = storage.append_line_file(
            str(job.id), keep=job.events_bytes, lines=[_raw_line(event) for event in fresh]
        )
    job.known_event_id = events[0].event_id


def keep_points(session: Session, job: Job, series: dict[str, list[metrics.Point]]) -> None:
    """New points into the chunks, and the figures of the job's row."""
    if series:
        # The series everybody has first: there is room for so many only.
        names = sorted(series, key=lambda name: name.count("."))
        ordered = {name: series[name] for name in names}
        metrics.append(session, job.id, ordered, is_first=job.spark is None)
        keep_bests(job, series)


def _unknown(session: Session, job: Job, events: Sequence[RunEvent]) -> list[RunEvent]:
    """Those that the log does not hold yet, each once."""
    told = [event.event_id for event in events if event.kind != "metrics"]
    known: set[str] = set()
    for start in range(0, len(told), IDS_AT_ONCE):
        known |= queries.known_event_ids(session, job.id, told[start : start + IDS_AT_ONCE])
    fresh = []
    for event in events:
        if event.event_id not in known:
            fresh.append(event)
            known.add(event.event_id)  # some servers tell a thing twice
    return fresh


def keep_checkpoints(
    session: Session, job: Job, found: Sequence[CheckpointInfo], moment: datetime
) -> None:
    """Checkpoints of steps that are not known yet."""
    if not found:
        return
    known = {checkpoint.step for checkpoint in queries.checkpoints_of(session, job.id)}
    session.add_all(
        Checkpoint(
            job_id=job.id,
            step=step,
            name=info.model_name,
            metrics=dict(info.metrics),
            created_at=info.created_at or moment,
        )
        for step, info in {one.step: one for one in found}.items()
        if step not in known
    )


def keep_model(session: Session, job: Job, model_name: str) -> None:
    """The model the job made, with its lineage."""
    catalog.add_tuned_model(
        session,
        project_id=job.project_id,
        connection_id=job.connection_id,
        job_id=job.id,
        dataset_version_id=job.training_version_id,
        model_name=model_name,
        name=job.name,
        base_model=job.base_model,
        best_valid_loss=job.best_valid_loss,
        lineage=lineage_of(session, job),
        created_by=job.created_by,
        made_at=job.ended_at if job.rescued_at is not None else None,
    )


def lineage_of(session: Session, job: Job) -> dict[str, Any]:
    """How a job's model came about, in plain values that outlive everything else."""
    kept = {
        "job_name": job.name,
        "run_id": job.run_id,
        "method": job.method,
        "hyperparameters": job.resolved or job.hyperparameters,
        "seed": job.seed,
        "suffix": job.suffix,
        "training_sha256": job.training_sha256,
        "training_rows": job.training_rows,
        "validation_sha256": job.validation_sha256,
        "validation_rows": job.validation_rows,
        "validation_version_id": job.validation_version_id,
        "trained_tokens": job.trained_tokens,
    }
    if job.rescued_at is not None:
        connection = session.get_one(Connection, job.connection_id)
        kept |= {
            "rescued_from": service_of(connection),
            "training_file_id": job.training_file_id,
            "validation_file_id": job.validation_file_id,
        }
    return kept


def _raw_line(event: RunEvent) -> bytes:
    kept = {
        "id": event.event_id,
        "at": event.at.isoformat() if event.at else None,
        "level": event.level,
        "type": event.kind,
        "message": event.message,
        "data": dict(event.data),
    }
    return json.dumps(kept, ensure_ascii=False).encode()
