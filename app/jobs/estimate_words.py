"""An estimate as pages say it: its price with a range, and its notes in words."""

from dataclasses import dataclass
from datetime import date

from app.jobs.estimates import Estimate


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars. `total` for the whole job; None is unknown, 0 is known to be free; `least` and
    `most` the range around it where there is one. `source` and `read_on` say where the price comes
    from and how old it is.
    """

    per_million: float | None
    total: float | None
    least: float | None
    most: float | None
    source: str
    source_url: str
    read_on: date | None


def price_of(guess: Estimate | None) -> Price:
    """What it costs, as far as it is known; a range only where there is more than one sum in it."""
    if guess is None:
        return Price(None, None, None, None, "", "", None)
    is_range = guess.total is not None and guess.least != guess.most
    return Price(
        guess.per_million,
        guess.total,
        guess.least if is_range else None,
        guess.most if is_range else None,
        guess.source or "",
        guess.source_url or "",
        guess.read_on,
    )


def tokens_words(guess: Estimate) -> str:
    """Which tokenizer counted, and what it left out."""
    how = (
        "not the model's own tokenizer"
        if guess.is_foreign
        else "from a part of the rows"
        if guess.is_sampled
        else "estimate"
    )
    tools = f", without {guess.tool_tokens:,} of tools" if guess.tool_tokens else ""
    return f"{guess.encoding}, {how}{tools}"


def epochs_words(guess: Estimate) -> str | None:
    """What auto may take; None where a number was asked for."""
    if not guess.is_auto:
        return None
    if guess.fewest_epochs == guess.most_epochs:
        return "auto, a guess"
    return f"auto, a guess: {guess.fewest_epochs} to {guess.most_epochs}"


def cut_words(guess: Estimate) -> str | None:
    """How many rows the provider cuts off, and where."""
    if not guess.cut_rows:
        return None
    rows = "1 row" if guess.cut_rows == 1 else f"{guess.cut_rows:,} rows"
    return f"{rows} at {guess.row_cap:,} tokens"
