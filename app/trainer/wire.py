"""OpenAI's shapes: what a run, a file, an event, a checkpoint and a model look like on the wire."""

from collections.abc import Sequence
from typing import Any

from app.trainer.checkpoints import checkpoint_model
from app.trainer.files import StoredFile
from app.trainer.folder import PAUSED, QUEUED, VALIDATING, WAITING, Checkpoint, Control, Spec, State
from app.trainer.journal import Record
from app.trainer.upload import Part
from app.trainer.upload import Record as UploadRecord

ORGANISATION = "luthier"
# OpenAI's for checkpoints, then the two by which reinforcement's are compared.
CHECKPOINT_METRICS = frozenset(
    {
        "step",
        "train_loss",
        "train_mean_token_accuracy",
        "valid_loss",
        "valid_mean_token_accuracy",
        "full_valid_loss",
        "full_valid_mean_token_accuracy",
        "train_mean_reward",
        "full_valid_mean_reward",
    }
)
Json = dict[str, Any]


def job_status(state: State, control: Control) -> str:
    """One that waits for its turn is still to validate its files, as OpenAI's are at first; one
    that goes on after a pause is queued.
    """
    if state.status == WAITING:
        return VALIDATING
    return QUEUED if state.status == PAUSED and not control.pause else state.status


def job(spec: Spec, state: State, control: Control, *, result_files: list[str]) -> Json:
    """A `fine_tuning.job`."""
    numbers = state.hyperparameters or spec.asked
    more = {"grader": spec.grader, "response_format": spec.response_format}
    method = {"hyperparameters": numbers, **{key: value for key, value in more.items() if value}}
    is_succeeded = state.status == "succeeded"
    error = state.error
    return {
        "object": "fine_tuning.job",
        "id": spec.id,
        "created_at": int(spec.created_at),
        "finished_at": state.finished_at,
        "estimated_finish": state.estimated_finish,
        "model": spec.model,
        "fine_tuned_model": spec.tuned_model if is_succeeded else None,
        "organization_id": ORGANISATION,
        "status": job_status(state, control),
        "training_file": spec.training_file,
        "validation_file": spec.validation_file,
        "result_files": result_files,
        "trained_tokens": state.trained_tokens if state.is_ended else None,
        # OpenAI returns these for supervised jobs only.
        "hyperparameters": numbers if spec.method == "supervised" else {},
        "method": {"type": spec.method, spec.method: method},
        "seed": spec.seed,
        "user_provided_suffix": spec.suffix,
        "integrations": spec.integrations,
        "metadata": spec.metadata,
        "error": None
        if error is None
        else {"code": error.code, "message": error.message, "param": error.param},
    }


def event(run_id: str, offset: int, record: Record) -> Json:
    """A `fine_tuning.job.event`; its id carries its place in the run's journal."""
    return {
        "object": "fine_tuning.job.event",
        "id": event_id(run_id, offset),
        "created_at": record["created_at"],
        "level": record["level"],
        "message": record["message"],
        "type": record["type"],
        "data": record["data"] or {},
    }


def event_id(run_id: str, offset: int) -> str:
    """`ftevent-<run>-<offset>`."""
    return f"ftevent-{run_id.removeprefix('ftjob-')}-{offset}"


def event_offset(run_id: str, name: str) -> int:
    """The offset in an event's id. Raises ValueError when the id is not one of this run's."""
    prefix = event_id(run_id, 0)[:-1]
    if not name.startswith(prefix):
        raise ValueError("an event of another job")
    return int(name.removeprefix(prefix))


def checkpoint_id(run_id: str, step: int) -> str:
    """`ftckpt-<run>-<step>`."""
    return f"ftckpt-{run_id.removeprefix('ftjob-')}-{step}"


def checkpoint(spec: Spec, state: State, saved: Checkpoint) -> Json:
    """A `fine_tuning.job.checkpoint`."""
    return {
        "object": "fine_tuning.job.checkpoint",
        "id": checkpoint_id(spec.id, saved.step),
        "created_at": saved.created_at,
        "fine_tuned_model_checkpoint": checkpoint_model(spec, saved.step, state.total_steps),
        "fine_tuning_job_id": spec.id,
        "step_number": saved.step,
        "metrics": {k: v for k, v in saved.metrics.items() if k in CHECKPOINT_METRICS},
    }


def file(stored: StoredFile) -> Json:
    """A `file`."""
    body: Json = {
        "object": "file",
        "id": stored.id,
        "bytes": stored.size,
        "created_at": int(stored.created_at),
        "filename": stored.filename,
        "purpose": stored.purpose,
        "status": "processed",
    }
    return body if stored.expires_at is None else {**body, "expires_at": stored.expires_at}


def upload(record: UploadRecord, stored: StoredFile | None) -> Json:
    """An `upload`; a completed one names its file, for as long as that is there."""
    body: Json = {
        "object": "upload",
        "id": record.id,
        "bytes": record.size,
        "created_at": record.created_at,
        "expires_at": record.expires_at,
        "filename": record.about.filename,
        "purpose": record.about.purpose,
        "status": record.status,
    }
    return body if stored is None else {**body, "file": file(stored)}


def upload_part(upload_id: str, part: Part) -> Json:
    """An `upload.part`."""
    return {
        "object": "upload.part",
        "id": part.id,
        "created_at": part.created_at,
        "upload_id": upload_id,
    }


def model(name: str, created: int, owner: str) -> Json:
    """A `model`; nothing here is ever shut down by anyone but its team."""
    return {
        "object": "model",
        "id": name,
        "created": created,
        "owned_by": owner,
        "shutdown_date": None,
    }


def deleted(name: str, kind: str) -> Json:
    """What a deletion answers."""
    return {"object": kind, "id": name, "deleted": True}


def page(items: Sequence[Json], *, has_more: bool, has_ends: bool = False) -> Json:
    """A list page; some of OpenAI's lists also name their first and last id."""
    body: Json = {"object": "list", "data": list(items), "has_more": has_more}
    if has_ends:
        body |= {
            "first_id": items[0]["id"] if items else None,
            "last_id": items[-1]["id"] if items else None,
        }
    return body
