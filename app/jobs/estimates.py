"""What a job will probably cost, from what is known before it starts."""

from dataclasses import dataclass
from datetime import date

from app.catalog.prices import TrainingPrice
from app.datasets.billable import Billable

TARGET_EPOCHS = 3
FEWEST_EXAMPLES, MOST_EXAMPLES, MOST_EPOCHS = 100, 25_000, 25
AUTO = "auto"


@dataclass(frozen=True, slots=True)
class Estimate:
    """Tokens by the cookbook's rule as `encoding` counts them, which is the model's own tokenizer
    unless `is_foreign`; dollars, and `least` to `most`, the range they lie in; None is unknown.

    `epochs` is a guess where auto chooses, between `fewest_epochs` and `most_epochs`. `cut_rows`
    are longer than the `row_cap` tokens that the provider trains on, and bills. `tool_tokens` are
    those of tool definitions, which providers render as they please: only `most` has them.
    `is_sampled`: a part of the rows was counted, the rest estimated.
    """

    rows: int
    tokens: int
    epochs: int
    is_auto: bool
    billed_tokens: int
    per_million: float | None
    total: float | None
    source: str | None
    read_on: date | None
    source_url: str | None
    fewest_epochs: int
    most_epochs: int
    least: float | None
    most: float | None
    tool_tokens: int
    cut_rows: int
    row_cap: int | None
    encoding: str
    is_foreign: bool
    is_sampled: bool


def estimate(
    *,
    rows: int,
    billable: Billable,
    tool_tokens: int,
    row_cap: int | None,
    is_foreign: bool,
    n_epochs: object,
    split: float | None,
    price: TrainingPrice | None,
) -> Estimate:
    """The receipt's numbers: trained tokens times epochs times the price."""
    share = 1 - (split or 0)
    rows, tokens = round(rows * share), round(billable.tokens * share)
    tool_tokens = round(tool_tokens * share)
    is_auto = not isinstance(n_epochs, int)
    epochs = n_epochs if isinstance(n_epochs, int) else likely_epochs(rows)
    fewest, most = epoch_range(rows) if is_auto else (epochs, epochs)

    def dollars(billed: int) -> float | None:
        return billed * price.per_million / 1e6 if price else None

    return Estimate(
        rows=rows,
        tokens=tokens,
        epochs=epochs,
        is_auto=is_auto,
        billed_tokens=tokens * epochs,
        per_million=price.per_million if price else None,
        total=dollars(tokens * epochs),
        source=price.source if price else None,
        read_on=price.read_on if price else None,
        source_url=price.source_url if price else None,
        fewest_epochs=fewest,
        most_epochs=most,
        least=dollars(tokens * fewest),
        most=dollars((tokens + tool_tokens) * most),
        tool_tokens=tool_tokens,
        cut_rows=round(billable.cut_rows * share),
        row_cap=row_cap,
        encoding=billable.encoding,
        is_foreign=is_foreign,
        is_sampled=billable.is_sampled,
    )


def likely_epochs(rows: int) -> int:
    """What auto probably takes: three, more for few rows, fewer for many.

    Source: OpenAI cookbook, "Data preparation and analysis for chat model fine-tuning", default
    epochs.
    """
    if rows * TARGET_EPOCHS < FEWEST_EXAMPLES:
        return min(MOST_EPOCHS, FEWEST_EXAMPLES // max(rows, 1)) or 1
    if rows * TARGET_EPOCHS > MOST_EXAMPLES:
        return max(1, MOST_EXAMPLES // rows)
    return TARGET_EPOCHS


def epoch_range(rows: int) -> tuple[int, int]:
    """The fewest and the most epochs that the same source leaves auto: 100 to 25,000 rows seen, 1
    to 25 epochs. What auto takes is published nowhere.
    """
    likely = likely_epochs(rows)
    fewest = min(likely, max(1, FEWEST_EXAMPLES // max(rows, 1)))
    most = min(MOST_EPOCHS, MOST_EXAMPLES // max(rows, 1))
    return fewest, max(likely, most)
