"""Made-up evidence for the kit: intervals, points, a grid, two texts in one."""

from dataclasses import dataclass

from app.core.views import Dot, DotChart
from app.core.word_diff import Piece
from app.evaluations.reports.confusion import Confusion, GridRow, Square, WorstPair
from app.evaluations.reports.scores import Bar

HERE = "#k-evidence"
COUNTS = ((37, 3, 0), (4, 35, 1), (0, 6, 32))
SHADES = (("hd", "h3", "h0"), ("h4", "hd", "h1"), ("h2", "h5", "hd"))
LABELS = ("card_arrival", "card_delivery_estimate", "get_physical_card")


@dataclass(frozen=True, slots=True)
class EvidenceSample:
    """One of each part that shows evidence."""

    bars: tuple[tuple[str, Bar, bool], ...]
    dots: DotChart
    grid: Confusion
    pieces: tuple[Piece, ...]


def sample() -> EvidenceSample:
    """The made-up values."""
    return EvidenceSample(
        bars=(
            ("tuned", Bar(863.8, 900, 931.5), False),
            ("few-shot", Bar(650, 695.8, 738.1), True),
        ),
        dots=DotChart(
            (
                Dot("1", "base", 12, 20, 14, 26, "$0.01", "74.8 % (73.2 to 76.3)", is_base=True),
                Dot("2", "tuned", 30, 84, 81, 87, "$0.02", "93.4 % (92.5 to 94.2)"),
                Dot("3", "few-shot", 96, 62, 58, 66, "$0.33", "88.1 % (86.9 to 89.2)", True),
            ),
            ((0, "$0"), (50, "$0.20"), (100, "$0.40")),
            ((0, "70 %"), (50, "85 %"), (100, "100 %")),
        ),
        grid=Confusion(
            1,
            "tuned",
            LABELS,
            tuple(
                GridRow(
                    label,
                    tuple(
                        Square(n, shade, f"{n} of {label} answered {other}", HERE if n else "")
                        for n, shade, other in zip(counts, shades, LABELS, strict=True)
                    ),
                )
                for label, counts, shades in zip(LABELS, COUNTS, SHADES, strict=True)
            ),
            3,
            (WorstPair(LABELS[2], LABELS[1], 6, HERE),),
        ),
        pieces=(
            Piece("same", "card_"),
            Piece("gone", "arrival"),
            Piece("new", "delivery_estimate"),
        ),
    )
