"""What the pages of contestants head to head show."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from app.budgets.money import dollars
from app.core.views import FormState
from app.evaluations.duels.models import DuelsStatus, DuelStatus, JudgedDuels
from app.evaluations.duels.wins import Cell, PairLine
from app.evaluations.people.views import RoundLine, RunHead, name_of
from app.evidence.base import OrderSwap

BADGES = {
    DuelsStatus.RUNNING: ("running", "Asking"),
    DuelsStatus.PAUSED: ("paused", "Paused"),
    DuelsStatus.DONE: ("succeeded", "Done"),
    DuelsStatus.STOPPED: ("cancelled", "Stopped"),
}


@dataclass(frozen=True, slots=True)
class DuelsLine:
    """A judge's comparing in the list. `badge` is its shape and word."""

    id: int
    number: int
    judge: str
    badge: tuple[str, str]
    judged: int
    questions: int
    spent: float | None
    by: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class PriceView:
    """What so many questions are to cost, in dollars; None unknown."""

    questions: int
    about: float | None
    most: float | None


@dataclass(frozen=True, slots=True)
class IndexView:
    """A run's comparings by judges and by people, and the form for the next: `judges` are
    (grader's id, name), `contestants` (id, name).
    """

    head: RunHead
    judged: tuple[DuelsLine, ...]
    rounds: tuple[RoundLine, ...]
    judges: tuple[tuple[int, str], ...]
    contestants: tuple[tuple[int, str], ...]
    can_edit: bool
    form: FormState
    price: PriceView | None


@dataclass(frozen=True, slots=True)
class Said:
    """What the judge said of a pair, in words; `fault` is why nothing."""

    id: int
    case: int
    first: str
    second: str
    first_text: str
    second_text: str
    was_first: bool
    words: str
    reason: str
    fault: str | None


@dataclass(frozen=True, slots=True)
class ShowView:
    """A judge's comparing. Money is in dollars, None unknown. `swap` is there where pairs were
    asked about in both orders; `topic` while anything can change.
    """

    head: RunHead
    duels_id: int
    number: int
    judge: str
    model: str
    grader_id: int
    badge: tuple[str, str]
    paused: str | None
    both_ways: bool
    pairs: int
    questions: int
    judged: int
    malformed: int
    failed: int
    estimate: float | None
    cap: float | None
    spent: float | None
    by: str
    created_at: datetime
    lines: tuple[PairLine, ...]
    names: tuple[str, ...]
    grid: Sequence[Sequence[Cell]]
    swap: OrderSwap | None
    said: tuple[Said, ...]
    next_after: int | None
    can_spend: bool
    is_over: bool
    is_paused: bool
    topic: str
    form: FormState


def line(row: JudgedDuels, counts: Mapping[str, int]) -> DuelsLine:
    """A comparing in the list."""
    return DuelsLine(
        row.id,
        row.number,
        row.version.grader.name,
        BADGES[DuelsStatus(row.status)],
        counts.get(DuelStatus.JUDGED, 0),
        sum(counts.get(status, 0) for status in DuelStatus),
        None if row.estimate is None else dollars(row.spent),
        name_of(row.creator),
        row.created_at,
    )
