"""What the charts of a version are drawn from, and the strip that says how it is."""

from collections.abc import Mapping
from dataclasses import dataclass, field

Query = Mapping[str, str | int]


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of a histogram: `low` <= value < `high`."""

    low: int
    high: int
    count: int


@dataclass(frozen=True, slots=True)
class Histogram:
    """`ticks` are the values of the vertical axis, from 0 upwards; the last is the axis' top.
    `median` and `total` stand in the heading.
    """

    bars: tuple[Bar, ...]
    ticks: tuple[int, ...]
    median: int
    total: int


@dataclass(frozen=True, slots=True)
class Share:
    """One line of a chart: how many rows, and which share of them all. `query` asks the rows page
    for them; empty where it cannot.
    """

    words: str
    rows: int
    share: float
    note: str = ""
    query: Query = field(default_factory=dict)
    is_small: bool = False


@dataclass(frozen=True, slots=True)
class Shares:
    """Lines one below the other, each with its bar."""

    lines: tuple[Share, ...]


@dataclass(frozen=True, slots=True)
class Ranked:
    """Columns from the largest to the smallest, and the values of the vertical axis."""

    lines: tuple[Share, ...]
    ticks: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Figure:
    """A chart with its table. `noun` is what stands along it. `is_row_length`: the rows page can be
    asked for the rows of a bar.
    """

    key: str
    title: str
    noun: str
    drawn: Histogram | Ranked | Shares
    aside: str = ""
    note: str = ""
    is_row_length: bool = False

    @property
    def kind(self) -> str:
        """How it is drawn."""
        return type(self.drawn).__name__.lower()


@dataclass(frozen=True, slots=True)
class Sign:
    """One sign of the health strip: tone good, warn, bad or empty."""

    tone: str
    label: str
    value: str
    small: str
