"""What a job will probably cost, from what is known before it starts."""

from dataclasses import dataclass
from datetime import date

from app.catalog.prices import TrainingPrice

TARGET_EPOCHS = 3
FEWEST_EXAMPLES, MOST_EXAMPLES, MOST_EPOCHS = 100, 25_000, 25
AUTO = "auto"


@dataclass(frozen=True, slots=True)
class Estimate:
    """Tokens by o200k_base and the cookbook's rule; dollars; None is unknown. `epochs` is a guess
    where auto chooses.
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


def estimate(
    *, rows: int, tokens: int, n_epochs: object, split: float | None, price: TrainingPrice | None
) -> Estimate:
    """The receipt's numbers: trained tokens times epochs times the price."""
    share = 1 - (split or 0)
    rows, tokens = round(rows * share), round(tokens * share)
    is_auto = not isinstance(n_epochs, int)
    epochs = likely_epochs(rows) if is_auto else int(str(n_epochs))
    billed = tokens * epochs
    return Estimate(
        rows=rows,
        tokens=tokens,
        epochs=epochs,
        is_auto=is_auto,
        billed_tokens=billed,
        per_million=price.per_million if price else None,
        total=billed * price.per_million / 1e6 if price else None,
        source=price.source if price else None,
        read_on=price.read_on if price else None,
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
