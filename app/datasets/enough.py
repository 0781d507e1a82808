"""How much data is enough for a method, as those say who tune many models; each with its source."""

import tomllib
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

import msgspec

BOOK = Path(__file__).with_suffix(".toml")


@dataclass(frozen=True, slots=True)
class Advice:
    """What somebody says of a method: begin with `least` to `most` rows."""

    method: str
    who: str
    least: int
    most: int
    says: str
    source: str
    url: str
    read_on: date

    def compared(self, rows: int) -> str:
        """Where so many rows stand."""
        if rows < self.least:
            return f"{self.least - rows:,} fewer than {self.who} begins with"
        return "within it" if rows <= self.most else f"more than {self.who} names"


class _Book(msgspec.Struct, forbid_unknown_fields=True):
    advice: tuple[Advice, ...]


@cache
def _book() -> tuple[Advice, ...]:
    return msgspec.convert(tomllib.loads(BOOK.read_text()), _Book).advice


def advice_on(method: str) -> tuple[Advice, ...]:
    """What is said of this method; empty where Luthier knows of nobody who says anything."""
    return tuple(one for one in _book() if one.method == method)


def warning_for(method: str, rows: int) -> str | None:
    """One sentence where there are fewer rows than anybody begins with, else None."""
    found = advice_on(method)
    if not found or any(rows >= one.least for one in found):
        return None
    nearest = min(found, key=lambda one: one.least)
    have = "1 row" if rows == 1 else f"{rows:,} rows"
    return f"{have} to train on; {nearest.who} advises to begin with {nearest.least:,} good ones."
