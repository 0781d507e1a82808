"""What a job's page shows of its settings, files and checkpoints: frozen when they were made."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.connections.service import capabilities_of
from app.datasets.models import DatasetVersion
from app.jobs.models import Checkpoint, Job
from app.providers.values import MARK_LETTERS


@dataclass(frozen=True, slots=True)
class Fact:
    """One frozen setting: the provider's name for it, its value, and what it was asked to be."""

    name: str
    value: str
    note: str | None = None


@dataclass(frozen=True, slots=True)
class FileFact:
    """A file of a job; `version_id` None for rows split off, and for what is no dataset here;
    `rows` None where nobody counted them.
    """

    label: str
    title: str
    version_id: int | None
    rows: int | None
    size: int | None
    sha256: str | None


@dataclass(frozen=True, slots=True)
class CheckpointRow:
    """A model saved on the way; losses are of the full validation set where that was measured."""

    step: int
    train_loss: float | None
    valid_loss: float | None
    accuracy: float | None
    name: str
    is_best: bool


def settings_of(job: Job) -> tuple[Fact, ...]:
    """Every setting, as asked for and as the provider settled it."""
    resolved = job.resolved or {}
    facts = [
        Fact("Method", job.method),
        Fact("Base model", job.base_model),
        Fact("Connection", job.connection.name),
    ]
    for name, asked in job.hyperparameters.items():
        settled = resolved.get(name)
        if asked == "auto":
            value = "auto" if settled in {None, "auto"} else _plain(settled)
            facts.append(Fact(name, value, "from auto" if value != "auto" else None))
        else:
            facts.append(Fact(name, _plain(asked)))
    facts.append(Fact("seed", str(job.seed) if job.seed is not None else "chosen by the provider"))
    facts.append(Fact("suffix", job.suffix or "none", _mark_of(job)))
    return tuple(facts)


def _mark_of(job: Job) -> str | None:
    """What stands behind the suffix in the tuned model's name where an order is known by it."""
    if job.rescued_at is not None or capabilities_of(job.connection).tagging != "suffix":
        return None
    return f"marked {job.op_key[:MARK_LETTERS]}"


def _plain(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def files_of(job: Job) -> tuple[FileFact, ...]:
    """The rows the job trains on and those it is measured on."""
    training = job.training_version
    if job.validation_split and training is not None:
        title = f"{training.dataset.name}, version {training.number}"
        part = f"{job.validation_split:.0%} split off" if job.training_sha256 else "to be split"
        rows = job.training_rows or training.rows or 0
        return (
            FileFact("Training", title, training.id, rows, None, job.training_sha256),
            FileFact(
                "Validation", part, None, job.validation_rows or 0, None, job.validation_sha256
            ),
        )
    files = (
        _file("Training", training, job.training_file_id, job.training_sha256),
        _file("Validation", job.validation_version, job.validation_file_id, job.validation_sha256),
    )
    return tuple(file for file in files if file is not None)


def _file(
    label: str, version: DatasetVersion | None, file_id: str | None, sha256: str | None
) -> FileFact | None:
    """The version, or by its id at the provider a file that is no dataset here."""
    if version is not None:
        title = f"{version.dataset.name}, version {version.number}"
        return FileFact(label, title, version.id, version.rows, version.size, version.sha256)
    return FileFact(label, file_id, None, None, None, sha256) if file_id else None


def checkpoint_rows(checkpoints: Sequence[Checkpoint]) -> tuple[CheckpointRow, ...]:
    """The checkpoints with their losses, the lowest marked."""

    def loss_of(checkpoint: Checkpoint) -> float | None:
        return checkpoint.metrics.get("full_valid_loss", checkpoint.metrics.get("valid_loss"))

    losses = [loss for checkpoint in checkpoints if (loss := loss_of(checkpoint)) is not None]
    best = min(losses, default=None)
    return tuple(
        CheckpointRow(
            step=checkpoint.step,
            train_loss=checkpoint.metrics.get("train_loss"),
            valid_loss=loss_of(checkpoint),
            accuracy=checkpoint.metrics.get(
                "full_valid_mean_token_accuracy",
                checkpoint.metrics.get("valid_mean_token_accuracy"),
            ),
            name=checkpoint.name,
            is_best=best is not None and loss_of(checkpoint) == best,
        )
        for checkpoint in checkpoints
    )
