"""The price book: what training costs, who says so, and how old that is."""

import tomllib
from datetime import date
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

BOOK = Path(__file__).with_name("prices.toml")


class TrainingPrice(NamedTuple):
    """US dollars per million trained tokens, where that was read, and when."""

    per_million: float
    source: str
    read_on: date


def training_price(profile: str, base_model: str) -> TrainingPrice | None:
    """The price of tuning this model over this kind of service; None is "unknown"."""
    for known_profile, pattern, price in _book():
        if known_profile == profile and fnmatchcase(base_model, pattern):
            return price
    return None


@lru_cache
def _book() -> tuple[tuple[str, str, TrainingPrice], ...]:
    entries = tomllib.loads(BOOK.read_text())["price"]
    return tuple(
        (
            entry["profile"],
            entry["model"],
            TrainingPrice(entry["per_million"], entry["source"], entry["read_on"]),
        )
        for entry in entries
    )
