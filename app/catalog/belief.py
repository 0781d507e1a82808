"""Who is believed about the day a model stops. Several say something of it; all are kept, the one
that counts first.

The instance's owner beats everybody: they write an entry only when they know what no list does (a
contract for dedicated capacity, a mistake in a list), with their name and reason beside it, and
what the others say stays in sight. Then the provider's own date for the model, then its date for
the base the model was tuned on, then the catalogue.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal, NamedTuple, Protocol

from sqlalchemy.orm import Session

from app.catalog import queries
from app.catalog.deadlines import Deadline, known_deadlines
from app.providers.profiles import profiles

Origin = Literal["provider", "base", "owner", "catalogue"]

# Served apart from their base, tuned models may live longer than it.
SERVED = ("deployment", "tuned_model")


class Account(Protocol):
    """A connection, as far as days are concerned."""

    @property
    def id(self) -> int: ...
    @property
    def profile(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Said:
    """A day on which something stops, and who says so, read on which day; an owner's or the
    catalogue's entry is `deadline`.
    """

    day: date
    origin: Origin
    source: str
    source_url: str
    read_on: date
    deadline: Deadline | None = None

    @property
    def words(self) -> str:
        """Who says so, where, and as of when."""
        where = f": {self.source_url}" if self.source_url else ""
        return f"{self.source}, read {in_words(self.read_on)}{where}"

    @property
    def is_earliest(self) -> bool:
        """The platform only promises "not before"."""
        return self.deadline is not None and self.deadline.is_earliest


class Listed(NamedTuple):
    """A model's own date at its provider, None where it has none, and when that was read."""

    day: date | None
    read_at: datetime


@dataclass(frozen=True, slots=True)
class Dates:
    """All that is said of days: the owner's and the catalogue's entries, and by connection and name
    what providers list.
    """

    deadlines: tuple[Deadline, ...]
    listed: Mapping[tuple[int, str], Listed]

    def of_base(self, account: Account, name: str) -> tuple[Said, ...]:
        """What is said of a base model, the one that counts first; empty when nothing is."""
        entries = self._entries(account.profile, name, "base_model")
        return _in_order(entries, self._provider(account, name, "provider"))

    def of_tuned(self, account: Account, name: str, base: str) -> tuple[Said, ...]:
        """What is said of a tuned model. Where the platform serves those longer than their base,
        the base's own day says nothing.
        """
        entries = self._entries(account.profile, name, *SERVED)
        entries += self._entries(account.profile, base, *SERVED) if name != base else ()
        own = self._provider(account, name, "provider")
        if entries:
            return _in_order(entries, own)
        base_entries = self._entries(account.profile, base, "base_model")
        return _in_order(base_entries, own, self._provider(account, base, "base"))

    def of_training(self, account: Account, base: str) -> tuple[Said, ...]:
        """The last days for new jobs on a base, the next first."""
        return self._entries(account.profile, base, "training")

    def is_served_apart(self, profile: str, base: str) -> bool:
        """Whether models tuned on this base are served from deployments with days of their own."""
        return bool(self._entries(profile, base, "deployment"))

    def elsewhere(self, profile: str, base: str) -> tuple[Deadline, ...]:
        """What other platforms say of the same model, the next day first."""
        return tuple(
            one
            for one in self.deadlines
            if one.profile != profile and one.concerns(base) and one.kind != "platform"
        )

    def _entries(self, profile: str, name: str, *kinds: str) -> tuple[Said, ...]:
        return tuple(
            Said(one.day, one.origin, one.source, one.source_url, one.read_on, one)
            for one in self.deadlines
            if one.profile == profile and one.kind in kinds and one.concerns(name)
        )

    def _provider(self, account: Account, name: str, origin: Origin) -> Said | None:
        found = self.listed.get((account.id, name))
        if found is None or found.day is None:
            return None
        label = profiles()[account.profile].label
        whose = f", for {name}" if origin == "base" else ""
        source = f"{label}'s list of models{whose}"
        return Said(found.day, origin, source, "", found.read_at.date())


def _in_order(entries: Collection[Said], *providers: Said | None) -> tuple[Said, ...]:
    def one_by_one() -> Iterator[Said]:
        yield from (one for one in entries if one.origin == "owner")
        yield from (one for one in providers if one is not None)
        yield from (one for one in entries if one.origin == "catalogue")

    return tuple(one_by_one())


def in_words(day: date) -> str:
    """A day as a sentence has it."""
    return f"{day.day} {day:%B %Y}"


def all_dates(session: Session, connection_ids: Collection[int]) -> Dates:
    """All that is said of days, for these connections."""
    listed = {
        (one.connection_id, one.name): Listed(one.shutdown_date, one.read_at)
        for one in queries.listed_models(session, connection_ids)
    }
    return Dates(known_deadlines(session), listed)
