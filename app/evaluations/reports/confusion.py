"""Which labels a contestant confuses: a grid, and the worst pairs. Pure."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from app.evaluations.reports.figures import Figures

FEW = 10
DARKEST = 5
NO_LABEL = "another answer"
WORST = 5

Link = Callable[[str, str], str]
"""The address of the cases of a wanted and a found label; found is empty for none of them."""


@dataclass(frozen=True, slots=True)
class Square:
    """A cell: how many cases, how dark (`h0` to `h5`, the diagonal `hd`), and the same in words."""

    cases: int
    shade: str
    words: str
    url: str


@dataclass(frozen=True, slots=True)
class GridRow:
    label: str
    squares: tuple[Square, ...]


@dataclass(frozen=True, slots=True)
class WorstPair:
    """Two labels, the second answered where the first was right."""

    wanted: str
    found: str
    cases: int
    url: str


@dataclass(frozen=True, slots=True)
class Confusion:
    """A contestant's grid, of some or all `of` labels. The last column is for answers that are none
    of them, where there are such.
    """

    place: int
    name: str
    columns: tuple[str, ...]
    rows: tuple[GridRow, ...]
    of: int
    worst: tuple[WorstPair, ...]


def cells_of(figures: Figures, place: int) -> Counter[tuple[int, int]]:
    """How often each label was answered where each was wanted, by their places from 1."""
    mixed = next((one for one in figures.mixed if one.place == place), None)
    return Counter(
        {(wanted, found): count for wanted, found, count in mixed.cells} if mixed else {}
    )


def confusion_of(
    figures: Figures, place: int, name: str, link: Link, *, is_whole: bool = False
) -> Confusion | None:
    """The labels with the most mistakes, or all. None where answers are no labels."""
    cells = cells_of(figures, place)
    if not cells or not figures.labels:
        return None
    shown = list(range(1, len(figures.labels) + 1))
    if not is_whole and len(shown) > FEW:
        shown = sorted(sorted(shown, key=lambda at: -_mistakes(cells, at))[:FEW])
    has_others = any(found == 0 and wanted in shown for wanted, found in cells)
    columns = [*shown, *([0] if has_others else [])]
    most = max((count for (one, other), count in cells.items() if one != other), default=0)

    def square(wanted: int, found: int) -> Square:
        count = cells[wanted, found]
        one, other = said(figures.labels, wanted), said(figures.labels, found)
        url = link(one, figures.labels[found - 1] if found else "") if count else ""
        return Square(
            count, _shade(count, most, wanted == found), f"{count} of {one} answered {other}", url
        )

    mistakes = Counter({at: n for at, n in cells.items() if at[0] != at[1] and at[0]})
    return Confusion(
        place=place + 1,
        name=name,
        columns=tuple(said(figures.labels, at) for at in columns),
        rows=tuple(
            GridRow(said(figures.labels, wanted), tuple(square(wanted, at) for at in columns))
            for wanted in shown
        ),
        of=len(figures.labels),
        worst=tuple(
            WorstPair(
                said(figures.labels, wanted),
                said(figures.labels, found),
                count,
                link(said(figures.labels, wanted), figures.labels[found - 1] if found else ""),
            )
            for (wanted, found), count in mistakes.most_common(WORST)
        ),
    )


def said(labels: Sequence[str], at: int) -> str:
    """A label by its place from 1; 0 is none of them."""
    return labels[at - 1] if at else NO_LABEL


def _mistakes(cells: Counter[tuple[int, int]], at: int) -> int:
    return sum(n for (one, other), n in cells.items() if one != other and at in {one, other})


def _shade(count: int, most: int, is_diagonal: bool) -> str:
    if not count:
        return "h0"
    if is_diagonal:
        return "hd"
    return f"h{max(1, -(-count * DARKEST // most))}"
