"""The price book: what training costs, who says so, and how old that is. The instance's owner may
say another price, and one for what the file does not know.
"""

import tomllib
from collections.abc import Iterable
from datetime import date
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path
from typing import Literal, NamedTuple

from sqlalchemy.orm import Session

from app.catalog import queries
from app.catalog.models import OwnersPrice

BOOK = Path(__file__).with_name("prices.toml")
BY_THE_TOKEN = frozenset({"supervised", "dpo"})  # methods; others are billed by the hour


class TrainingPrice(NamedTuple):
    """US dollars per million trained tokens, who says so, and when that was read or said."""

    per_million: float
    source: str
    source_url: str
    read_on: date


class BookPrice(NamedTuple):
    """A line of the book: US dollars per million trained tokens over connections of a profile, for
    base models whose whole name fits the pattern `model`.

    `per_million` None says that the price is not known, whatever the file has. `origin` is owner
    where the instance's owner says so, `by` and `why`; `instead_of` is then what the file has.
    """

    profile: str
    model: str
    per_million: float | None
    source: str
    source_url: str
    read_on: date
    origin: Literal["catalogue", "owner"] = "catalogue"
    by: str = ""
    why: str = ""
    instead_of: float | None = None

    def known(self) -> TrainingPrice | None:
        """What it says of a model that fits; None is "unknown"."""
        if self.per_million is None:
            return None
        return TrainingPrice(self.per_million, self.source, self.source_url, self.read_on)


class PriceBook(NamedTuple):
    """All prices as they hold now, the owner's first."""

    prices: tuple[BookPrice, ...]

    def of(self, profile: str, base_model: str) -> TrainingPrice | None:
        """The price of tuning this model over this kind of service; None is "unknown"."""
        for price in self.prices:
            if price.profile == profile and fnmatchcase(base_model, price.model):
                return price.known()
        return None


def price_book(session: Session) -> PriceBook:
    """The prices of the file as the instance's owner has changed them, with those they added."""
    return with_changes(catalogue(), queries.owners_prices(session))


def training_price(session: Session, profile: str, base_model: str) -> TrainingPrice | None:
    """One price of the book; for many models take the book itself."""
    return price_book(session).of(profile, base_model)


def with_changes(book: Iterable[BookPrice], changes: Iterable[OwnersPrice]) -> PriceBook:
    """The owner's prices, exact names before patterns, then the file's that they left alone."""
    in_file = {(one.profile, one.model): one for one in book}
    said = [
        _owners(one, in_file.pop((one.profile, one.model), None))
        for one in sorted(changes, key=lambda one: ("*" in one.model, -len(one.model)))
    ]
    return PriceBook((*said, *in_file.values()))


def _owners(change: OwnersPrice, before: BookPrice | None) -> BookPrice:
    by = change.maker.name if change.maker else "someone who left"
    return BookPrice(
        profile=change.profile,
        model=change.model,
        per_million=change.per_million,
        source=f"{by}, for this instance: {change.why}",
        source_url=change.source_url or "",
        read_on=change.changed_at.date(),
        origin="owner",
        by=by,
        why=change.why,
        instead_of=before.per_million if before else None,
    )


@lru_cache
def catalogue() -> tuple[BookPrice, ...]:
    """The prices of the program's own file."""
    entries = tomllib.loads(BOOK.read_text())["price"]
    return tuple(BookPrice(**{"source_url": "", **entry}) for entry in entries)
