"""What the page of a contestant's worst cases shows."""

from dataclasses import dataclass

from app.core.list_views import ListView
from app.evaluations.reports.cases import Cell
from app.evaluations.reports.views import Chip, RunHead


@dataclass(frozen=True, slots=True)
class NearRow:
    """A training row near a case. `is_right` where it says what the reference says, None where
    that cannot be told; `contradicts` is what the checks of its version found.
    """

    line: int
    url: str
    likeness: str
    question: str
    answer: str
    is_right: bool | None
    contradicts: str


@dataclass(frozen=True, slots=True)
class WorstRow:
    """A case with the rows nearest to it. `says` is what they come to, `next` what to do about it;
    both are empty until they are found.
    """

    number: int
    rank: int
    url: str
    question: str
    reference: str | None
    cell: Cell
    answer: str
    score: str
    is_lost: bool
    says: str
    next: str
    near: tuple[NearRow, ...]


@dataclass(frozen=True, slots=True)
class WorstStanding:
    """How far the looking is: `looked` of `cases`. `why` says in words why there is nothing."""

    head: RunHead
    number: int
    lead: str
    why: str
    looked: int
    cases: int
    is_looking: bool
    chips: tuple[Chip, ...]


@dataclass(frozen=True, slots=True)
class WorstView:
    """A contestant's worst cases. `choices` are all contestants with the addresses of theirs."""

    standing: WorstStanding
    name: str
    choices: tuple[tuple[int, str, str], ...]
    version: tuple[int, str] | None
    list: ListView | None
    rows: tuple[WorstRow, ...]
    collection: str
    most_collected: int
    can_edit: bool
    query: str

    @property
    def head(self) -> RunHead:
        """What stands over every page of the run."""
        return self.standing.head
