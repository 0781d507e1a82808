"""What stops, and when: providers' dates as data, who says so, and how old that is. The instance's
owner may change a day, add one, and strike one out.
"""

import tomllib
from collections.abc import Iterable
from datetime import date
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path
from typing import Literal, NamedTuple, cast

from sqlalchemy.orm import Session

from app.catalog import queries
from app.catalog.models import OwnersDate

BOOK = Path(__file__).with_name("deadlines.toml")

Kind = Literal["platform", "training", "base_model", "tuned_model", "deployment"]


class Deadline(NamedTuple):
    """A day on which something stops for connections of a profile; with patterns in `models` for
    these base models alone. `source` says where that was read, and when; `is_earliest` that the
    platform only promises "not before".

    `origin` is owner where the instance's owner says so, `by` and `why`; `instead_of` is then what
    the file has.
    """

    day: date
    key: str
    profile: str
    kind: Kind
    title: str
    text: str
    source: str
    source_url: str
    read_on: date
    models: tuple[str, ...] = ()
    is_earliest: bool = False
    origin: Literal["catalogue", "owner"] = "catalogue"
    by: str = ""
    why: str = ""
    instead_of: date | None = None

    def concerns(self, base_model: str) -> bool:
        """Whether this base model is among what stops."""
        return any(fnmatchcase(base_model, pattern) for pattern in self.models)


def catalogue() -> tuple[Deadline, ...]:
    """The days of the program's own file."""
    return _book()


def known_deadlines(session: Session) -> tuple[Deadline, ...]:
    """The days of the file as the instance's owner has changed them, with those they added."""
    return with_changes(catalogue(), queries.owners_dates(session))


def with_changes(book: Iterable[Deadline], changes: Iterable[OwnersDate]) -> tuple[Deadline, ...]:
    """The file's days with the owner's changes; a change of what the file no longer has says
    nothing.
    """
    found = {one.key: one for one in book}
    for change in changes:
        if change.day is None:
            found.pop(change.key, None)
        elif change.is_added or change.key in found:
            found[change.key] = _owners(change, change.day, found.get(change.key))
    return tuple(sorted(found.values()))


def _owners(change: OwnersDate, day: date, before: Deadline | None) -> Deadline:
    by = change.maker.name if change.maker else "someone who left"
    return (before or _added(change, day))._replace(
        day=day,
        origin="owner",
        source=f"{by}, for this instance: {change.why}",
        source_url=change.source_url or "",
        read_on=change.changed_at.date(),
        by=by,
        why=change.why,
        is_earliest=False,
        instead_of=before.day if before else None,
    )


def _added(change: OwnersDate, day: date) -> Deadline:
    return Deadline(
        day=day,
        key=change.key,
        profile=change.profile or "",
        kind=cast("Kind", change.kind),
        title=change.title or "",
        text="",
        source="",
        source_url="",
        read_on=day,
        models=tuple(change.models or ()),
    )


def read_book(path: Path = BOOK) -> tuple[Deadline, ...]:
    """The days of a file, the first of all first."""
    entries = tomllib.loads(path.read_text())["deadline"]
    return tuple(
        sorted(Deadline(**{**entry, "models": tuple(entry.get("models", ()))}) for entry in entries)
    )


_book = lru_cache(read_book)
