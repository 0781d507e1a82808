"""What many pages share: the state of a form, and what went wrong."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from app.core.errors import FieldError


@dataclass(frozen=True)
class FormState:
    """What was typed and what is wrong with it, by field; the key "" is about the whole form."""

    values: Mapping[str, str] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ChartColumn:
    """One column of a chart: `value` from 0 to the highest tick, and the same in words."""

    label: str
    value: float
    words: str


@dataclass(frozen=True, slots=True)
class ColumnChart:
    """Columns side by side, and the marks of their axis with their words, the lowest first."""

    columns: tuple[ChartColumn, ...]
    ticks: tuple[tuple[float, str], ...]


@dataclass(frozen=True, slots=True)
class Dot:
    """One point of a chart, in hundredths of its width and height, with the ends of its interval;
    `across` and `up` are its values in words. The middle of its mark is `mark_x` and `mark_y`
    pixels beside it, and a line leads there where `is_led`.
    """

    label: str
    name: str
    x: float
    y: float
    low: float
    high: float
    across: str
    up: str
    is_base: bool = False
    mark_x: float = 12
    mark_y: float = 0
    is_led: bool = False


@dataclass(frozen=True, slots=True)
class DotChart:
    """Points, and the marks of both axes: where, in hundredths, and what in words."""

    dots: tuple[Dot, ...]
    x_ticks: tuple[tuple[float, str], ...]
    y_ticks: tuple[tuple[float, str], ...]


@dataclass(frozen=True, slots=True)
class ErrorView:
    """`message` is one sentence for a person, `errors` what is wrong by field, `reference` what the
    log knows this failure by. The ways on, each empty where there is none: `again_url` asks the
    same once more, `plain_url` without its query, `back_url` is the page before.
    """

    status: int
    title: str
    message: str
    errors: tuple[FieldError, ...]
    reference: str | None
    again_url: str
    plain_url: str
    back_url: str
