"""What a page says of a version's further files: which are made, how far the others are."""

from collections.abc import Sequence
from datetime import datetime

from app.core.leases import is_poisoned
from app.datasets.derived.base import Making
from app.datasets.models import DatasetVersion, Derived, DerivedStatus
from app.datasets.views import FurtherLine, FurtherView

TITLES = {
    "checks": ("Near copies, quality, safety", {"comparing": "comparing rows"}),
    "search": ("Search", {}),
}


def further(
    version: DatasetVersion, rows: Sequence[Derived], moment: datetime, *, can_edit: bool
) -> FurtherView:
    """The further files of a version that are known here."""
    lines = tuple(_line(row, moment) for row in rows if row.kind in TITLES)
    return FurtherView(version.id, lines, can_edit, f"version:{version.id}")


def _line(row: Derived, moment: datetime) -> FurtherLine:
    title, phases = TITLES[row.kind]
    making = Making.from_json(row.progress)
    is_made = row.status == DerivedStatus.READY
    is_stuck = not is_made and is_poisoned(row, moment)
    words = phases.get(making.phase, "reading rows")
    if row.status == DerivedStatus.WAITING:
        words = "waits for a worker"
    if is_stuck:
        words = "gave up: three workers died over it"
    return FurtherLine(row.kind, title, row.last_error or words, making.share, is_made, is_stuck)
