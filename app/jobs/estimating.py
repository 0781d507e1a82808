"""What training on a version would cost: over one connection as a form asks for it, and over all of
a project's.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy.orm import Session

from app.catalog import queries as catalog
from app.catalog.prices import BY_THE_TOKEN, PriceBook, TrainingPrice, price_book
from app.connections.models import Connection
from app.connections.service import capabilities_of
from app.datasets.billable import Billable, billable
from app.datasets.models import DatasetVersion
from app.jobs.estimates import AUTO, Estimate, estimate
from app.providers.profiles import profiles


@dataclass(frozen=True, slots=True)
class Offer:
    """What one base model would cost, trained on a version with auto epochs and no split."""

    connection: Connection
    base_model: str
    method: str
    estimate: Estimate


def estimate_of(
    version: DatasetVersion,
    connection: Connection,
    base_model: str,
    *,
    method: str,
    book: PriceBook,
    n_epochs: object = AUTO,
    split: float | None = None,
    counted: Callable[..., Billable] = billable,
) -> Estimate:
    """The tokens as the model counts and cuts them, at the book's price."""
    rule = profiles()[connection.profile].rule_for(base_model)
    encoding = rule.encoding if rule else None
    cap = rule.row_token_cap if rule else None
    found = counted(version, encoding=encoding, cap=cap)
    return estimate(
        rows=version.rows or 0,
        billable=found,
        tool_tokens=(version.report or {}).get("definition_tokens", 0),
        row_cap=cap,
        is_foreign=found.encoding != encoding,
        n_epochs=n_epochs,
        split=split,
        price=_by_the_token(book.of(connection.profile, base_model), method),
    )


def _by_the_token(price: TrainingPrice | None, method: str) -> TrainingPrice | None:
    """Reinforcement is billed by the hour, and for its graders; what is free is free."""
    if price is not None and (method in BY_THE_TOKEN or price.per_million == 0):
        return price
    return None


def offers_for(session: Session, version: DatasetVersion) -> list[Offer]:
    """Every base model of the project's connections that takes rows like these, the cheapest first,
    unknown prices last.
    """
    known: dict[str, Any] = {"book": price_book(session), "counted": cache(billable)}
    found = [
        Offer(
            model.connection,
            model.name,
            method,
            estimate_of(version, model.connection, model.name, method=method, **known),
        )
        for model in catalog.base_models_in(session, version.project_id)
        if (method := _method_for(model.connection, version)) is not None
    ]
    return sorted(found, key=_by_price)


def _method_for(connection: Connection, version: DatasetVersion) -> str | None:
    methods = capabilities_of(connection).methods
    return next((one.name for one in methods if version.format in one.formats), None)


def _by_price(offer: Offer) -> tuple[bool, float, str, str]:
    total = offer.estimate.total
    return total is None, total or 0, offer.connection.name, offer.base_model
