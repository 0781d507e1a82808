"""Who won against whom, how sure that is, and the same as a grid; pure."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from app.evidence.base import WinRate
from app.evidence.wins import win_rate
from app.evidence.words import sentence

Outcome = Literal["first", "second", "tie"]
Pair = tuple[int, int]
"""The places of two contestants, the lower first."""
Tallies = Mapping[Pair, Counter[Outcome]]

SHADES = 5


@dataclass(frozen=True, slots=True)
class PairLine:
    """A pair in the table, in words too."""

    rate: WinRate
    sentence: str


@dataclass(frozen=True, slots=True)
class Cell:
    """How often the row's contestant beats the column's: `share` from 0 to 1, ties half a win; None
    where they did not meet. `shade` is from 0 to 5.
    """

    share: float | None
    cases: int
    shade: int


def tallied(outcomes: Iterable[tuple[Pair, Outcome]]) -> Tallies:
    """How often each pair came out how."""
    found: dict[Pair, Counter[Outcome]] = defaultdict(Counter)
    for pair, outcome in outcomes:
        found[pair][outcome] += 1
    return found


def lines_of(tallies: Tallies, names: Mapping[int, str]) -> list[PairLine]:
    """A line for each pair, named by the contestant that wins more often."""
    return [_line(tallies[pair], names[pair[0]], names[pair[1]]) for pair in sorted(tallies)]


def _line(said: Counter[Outcome], first: str, second: str) -> PairLine:
    wins, losses = said["first"], said["second"]
    if losses > wins:
        wins, losses, first, second = losses, wins, second, first
    rate = win_rate(wins, said["tie"], losses, names=(first, second))
    return PairLine(rate, sentence(rate))


def grid_of(tallies: Tallies, places: Sequence[int]) -> list[list[Cell]]:
    """A row and a column for each contestant."""
    return [[_cell(tallies, row, column) for column in places] for row in places]


def _cell(tallies: Tallies, row: int, column: int) -> Cell:
    said = tallies.get((min(row, column), max(row, column)), Counter())
    cases = said.total()
    if row == column or not cases:
        return Cell(None, 0, 0)
    wins = said["first" if row < column else "second"]
    share = (wins + said["tie"] / 2) / cases
    return Cell(share, cases, round(share * SHADES))
