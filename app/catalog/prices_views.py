"""What the page of prices shows to the instance's owner, and what the API gives of it."""

from dataclasses import dataclass
from datetime import date
from typing import Literal

from app.catalog.prices import BookPrice, PriceBook
from app.core.views import FormState
from app.providers.profiles import profiles


@dataclass(frozen=True, slots=True)
class PriceRow:
    """A price as it holds now, US dollars per million trained tokens; None is "not known". `before`
    is the file's where the owner says another.
    """

    profile: str
    platform: str
    model: str
    per_million: float | None
    source: str
    source_url: str
    read_on: date
    age_days: int
    is_owners: bool
    before: float | None


@dataclass(frozen=True, slots=True)
class PricesView:
    """The book. Fields of `form`: profile, model, per_million, why, source_url."""

    rows: tuple[PriceRow, ...]
    form: FormState
    profiles: tuple[tuple[str, str], ...]


def prices_view(book: PriceBook, form: FormState, today: date) -> PricesView:
    """The page."""
    return PricesView(
        rows=tuple(_row(price, today) for price in by_platform(book)),
        form=form,
        profiles=tuple((name, one.label) for name, one in profiles().items()),
    )


def by_platform(book: PriceBook) -> list[BookPrice]:
    """The prices by platform; within one, in the order in which they are looked up."""
    return sorted(book.prices, key=lambda price: price.profile)


def _row(price: BookPrice, today: date) -> PriceRow:
    return PriceRow(
        profile=price.profile,
        platform=profiles()[price.profile].label,
        model=price.model,
        per_million=price.per_million,
        source=price.source,
        source_url=price.source_url,
        read_on=price.read_on,
        age_days=(today - price.read_on).days,
        is_owners=price.origin == "owner",
        before=price.instead_of,
    )


@dataclass(frozen=True, slots=True)
class PriceResource:
    """What training costs over connections of a profile, for base models whose whole name fits
    `model`: US dollars per million trained tokens, null where nobody knows. The first that fits a
    model holds. `origin` is owner where the instance's owner says so; `instead_of` is then the
    file's price.
    """

    profile: str
    model: str
    per_million: float | None
    source: str
    source_url: str | None
    read_on: date
    origin: Literal["catalogue", "owner"]
    by: str | None
    why: str | None
    instead_of: float | None


def price_resource(price: BookPrice) -> PriceResource:
    """A price as the API gives it."""
    return PriceResource(
        profile=price.profile,
        model=price.model,
        per_million=price.per_million,
        source=price.source,
        source_url=price.source_url or None,
        read_on=price.read_on,
        origin=price.origin,
        by=price.by or None,
        why=price.why or None,
        instead_of=price.instead_of,
    )
