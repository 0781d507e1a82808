"""What stops, and when: providers' dates as data, who says so, and how old that is."""

import tomllib
from datetime import date
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

BOOK = Path(__file__).with_name("deadlines.toml")


class Deadline(NamedTuple):
    """A day on which something stops for connections of a profile; with patterns in `models` for
    what is tuned on these alone. `source` says where that was read, and when.
    """

    day: date
    profile: str
    models: tuple[str, ...]
    title: str
    text: str
    source: str
    read_on: date

    def concerns(self, base_model: str) -> bool:
        """Whether a model tuned on this base is among what stops."""
        return any(fnmatchcase(base_model, pattern) for pattern in self.models)


def deadlines(profiles: frozenset[str], *, since: date) -> tuple[Deadline, ...]:
    """The days that concern connections of these profiles, the next first; past ones are left
    out.
    """
    return tuple(known for known in _book() if known.profile in profiles and known.day >= since)


@lru_cache
def _book() -> tuple[Deadline, ...]:
    entries = tomllib.loads(BOOK.read_text())["deadline"]
    return tuple(
        sorted(Deadline(**{**entry, "models": tuple(entry.get("models", ()))}) for entry in entries)
    )
