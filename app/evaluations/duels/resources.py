"""A judge's comparing as the API gives it."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from app.evaluations.duels.models import JudgedDuels
from app.evaluations.duels.views import ShowView


@dataclass(frozen=True, slots=True)
class DuelsResource:
    """What a judge was asked, how far it is, and what it prefers. `swap` says how often it kept to
    its verdict where pairs were asked about in both orders. Dollars are null where unknown.
    """

    id: int
    run_id: int
    number: int
    version_id: int
    status: str
    paused_by: str | None
    words: str | None
    both_ways: bool
    seed: int
    pairs: int
    questions: int
    judged: int
    malformed: int
    failed: int
    most_usd: float | None
    cap_usd: float | None
    spent_usd: float | None
    rates: list[dict[str, Any]]
    swap: dict[str, Any] | None
    created_by: int | None
    created_at: datetime
    ended_at: datetime | None


def duels_resource(row: JudgedDuels, view: ShowView) -> DuelsResource:
    """The comparing as a page shows it."""
    return DuelsResource(
        row.id,
        row.run_id,
        row.number,
        row.version_id,
        row.status,
        row.paused_by,
        row.words,
        row.both_ways,
        row.seed,
        row.pairs,
        row.questions,
        view.judged,
        view.malformed,
        view.failed,
        view.estimate,
        view.cap,
        view.spent,
        [asdict(one) for one in view.lines],
        asdict(view.swap) if view.swap else None,
        row.created_by,
        row.created_at,
        row.ended_at,
    )
