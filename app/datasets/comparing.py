"""Two versions held against each other: what of the one stands in the other, in words."""

from pathlib import Path

from app.core import storage
from app.datasets.checks.deep.leaks import Files, Leaks, leaks
from app.datasets.index import deep_path
from app.datasets.models import DatasetVersion, VersionStatus

NO_SUCH = "This project has no such version."
THE_SAME = "These are the same rows: choose another version."
NOT_READY = "A version is compared once its check is through and no error refused it."
NOT_YET = "The rows are still being looked at for what they say. Try again in a moment."


def compared(validation: DatasetVersion, training: DatasetVersion) -> Leaks | str:
    """What of a validation set stands in the training set, or why that cannot be said."""
    if validation.sha256 == training.sha256:
        return THE_SAME
    if {validation.status, training.status} != {VersionStatus.READY}:
        return NOT_READY
    mine, theirs = _files(validation), _files(training)
    if not (mine.checks.is_file() and theirs.checks.is_file()):
        return NOT_YET
    return leaks(mine, theirs)


def said(found: Leaks) -> str:
    """It in one sentence."""
    if not found.total:
        return "No validation row stands in the training rows."
    rows = f"{found.rows:,} validation row{'s' if found.rows != 1 else ''}"
    kinds = (
        (found.same, "the same"),
        (found.near, "nearly the same"),
        (found.question, "the same question, answered otherwise"),
    )
    parts = ", ".join(f"{count:,} {words}" for count, words in kinds if count)
    verb = "stands" if found.total == 1 else "stand"
    return f"{found.total:,} of {rows} {verb} in the training rows: {parts}."


def _files(version: DatasetVersion) -> Files:
    index: Path = storage.index_path(version.id)
    return Files(storage.blob_path(version.sha256), index, deep_path(index))
