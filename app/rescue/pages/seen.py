"""A rescue as its page sees it: its rows, what was counted, and what stands still."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from app.connections.models import Connection
from app.core import leases
from app.core.pages import Link
from app.rescue.models import Kind, Outcome, Rescue, RescuePart, Stage
from app.rescue.pages.risks import Loss
from app.rescue.pages.standing import Sums
from app.rescue.tallies import KindTally
from app.rescue.views import Stop

MISSING = (Outcome.REFUSED, Outcome.GONE, Outcome.FAILED, Outcome.DAMAGED)


@dataclass(frozen=True, slots=True)
class Seen:
    """Everything the page is made of."""

    rescue: Rescue
    tallies: Sequence[KindTally]
    sums: Sums
    moment: datetime
    risks: dict[Kind, Loss]
    counts: dict[Kind, int]
    link: Link

    @property
    def connections(self) -> list[Connection]:
        return [part.connection for part in self.rescue.parts]

    @property
    def connection_ids(self) -> list[int]:
        return [part.connection_id for part in self.rescue.parts]

    @property
    def evals_end(self) -> date | None:
        loss = self.risks.get(Kind.EVAL)
        return loss.day if loss else None

    @property
    def is_moving(self) -> bool:
        return any(is_moving(part, self.moment) for part in self.rescue.parts)

    @property
    def today(self) -> date:
        return self.moment.date()


def is_moving(part: RescuePart, moment: datetime) -> bool:
    """True while a worker may be at it: a look that waits for a word is not among them."""
    is_open = part.ended_at is None and part.stage != Stage.LOOKED and not part.is_paused
    return is_open and stop_of(part, moment) is None


def stop_of(part: RescuePart, moment: datetime) -> Stop | None:
    """Why a part stands still; None while it does not, or nobody wants it to go on."""
    if part.ended_at is not None or part.is_paused:
        return None
    name, words = part.connection.name, part.words
    is_poisoned = leases.is_poisoned(part, moment)
    if is_poisoned:
        words = f"Three workers ended over it. {part.last_error or ''} Try now begins again."
    is_key = part.connection.refused_at is not None
    if is_key:
        words = part.connection.words
    if not words:
        return None
    is_later = part.due_at is not None and part.due_at > moment and not is_poisoned
    return Stop(
        part.connection_id,
        f"{name} needs another key" if is_key else f"{name} stands still",
        words,
        "bad" if is_key or is_poisoned else "warn",
        is_key,
        part.due_at if is_later else None,
    )
