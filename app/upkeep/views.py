"""What the storage page shows."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.core import storage
from app.core.storage import Room
from app.upkeep.models import Housekeeping

# What is on the disk, in words: the kind, its name, and what becomes of it.
KINDS = {
    "blobs": ("Uploaded files", "kept while a dataset or a job names them"),
    "indexes": ("Indexes of datasets", "made by the checks; rows and filters read them"),
    "events": ("Logs of jobs", "every line that providers sent"),
    "runs": ("Runs and models of the trainer here", "kept: models answer from them"),
    "database": ("Database", "rows, and the points of every curve"),
    "copies": ("Copies from before an upgrade or a restore", "the last three databases are kept"),
    "logs": ("Logs of the processes", "8 MB and one older file each"),
    "broker": ("Broker", "wake-up calls only"),
}
WASTE = {
    "parts": ("Uploads that broke off", "older than a day; removed daily by themselves"),
    "orphans": ("Stored files that no dataset or job names", "older than a day"),
    "indexes": ("Indexes of versions that are gone", "older than a day"),
    "events": ("Logs of jobs that are gone", "older than a day"),
    "aside": ("Files set aside by a restore", "older than 30 days"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """Some bytes, what they are, and what is worth knowing of them."""

    name: str
    note: str
    bytes: int
    files: int | None = None


@dataclass(frozen=True)
class StorageView:
    """The disk, what is on it as of `measured_at` (None: not measured yet), and what may go.

    `state` is idle, measuring, pruning or waiting (for a backup to end).
    """

    room: Room
    used_share: float
    reserve: int
    measured_at: datetime | None
    kinds: tuple[Line, ...]
    projects: tuple[Line, ...]
    largest: tuple[Line, ...]
    waste: tuple[Line, ...]
    waste_bytes: int
    waste_files: int
    state: str
    removed_files: int
    pruned_at: datetime | None
    freed: int | None
    topic: str = "storage"


def storage_view(row: Housekeeping | None, moment: datetime, reserve: int) -> StorageView:
    """The page, from what was measured last and the disk as it is now."""
    report: dict[str, Any] = (row.report if row else None) or {}
    room = storage.room()
    waste = tuple(
        Line(*WASTE[kind], one["bytes"], one["files"])
        for kind, one in report.get("waste", {}).items()
    )
    sizes = sorted(report.get("sizes", {}).items(), key=lambda one: -one[1])
    return StorageView(
        room=room,
        used_share=(room.total - room.free) / room.total,
        reserve=reserve,
        measured_at=row.measured_at if row else None,
        kinds=tuple(Line(*KINDS[kind], size) for kind, size in sizes),
        projects=tuple(
            Line(one["name"], "", one["bytes"], one["files"]) for one in report.get("projects", ())
        ),
        largest=tuple(
            Line(f"{one['name']}, version {one['number']}", one["project"], one["bytes"])
            for one in report.get("largest", ())
        ),
        waste=waste,
        waste_bytes=sum(one.bytes for one in waste),
        waste_files=sum(one.files or 0 for one in waste),
        state=_state(row, moment),
        removed_files=((row.progress if row else None) or {}).get("files", 0),
        pruned_at=row.pruned_at if row else None,
        freed=row.freed if row else None,
    )


def _state(row: Housekeeping | None, moment: datetime) -> str:
    if row is None:
        return "measuring"
    if row.is_pruning:
        return "waiting" if (row.progress or {}).get("waits") else "pruning"
    is_due = row.due_at is not None and row.due_at <= moment
    return "measuring" if is_due or row.measured_at is None else "idle"
