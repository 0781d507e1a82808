"""A rescue over a witness's history, and how far it is."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

import app.reactions  # noqa: F401 - what a new key wakes
from app.connections.models import Connection
from app.core import clock, storage
from app.core.database import read_only, unit_of_work
from app.rescue import queries, service, tasks
from app.rescue.models import Kind, Rescue, RescuedObject, RescuePart
from app.rescue.tallies import KindTally, tally_by_kind
from tests.rescue.bringing import Home
from tests.stage import Team

MOST_SLICES = 300


@dataclass
class Rescuing:
    """A rescue over one connection of a team, worked at by this process."""

    team: Team
    rescue_id: int
    part_id: int

    @property
    def part(self) -> RescuePart:
        with read_only() as session:
            return session.get_one(RescuePart, self.part_id)

    @property
    def objects(self) -> list[RescuedObject]:
        with read_only() as session:
            found = queries.objects_over([self.team.connection_id])
            return list(session.scalars(found.order_by(RescuedObject.id)))

    def outcomes(self, kind: Kind) -> dict[str, str]:
        """What became of the objects of a kind, by their ids."""
        return {one.object_id: one.outcome for one in self.objects if one.kind == kind}

    def tallies(self) -> dict[str, KindTally]:
        with read_only() as session:
            rescue = queries.rescue_by_id(session, self.rescue_id)
            assert rescue is not None
            return {one.label: one for one in tally_by_kind(session, rescue)}

    def ask(self, what: Callable[..., None]) -> None:
        """Do what a person asks of it: `service.go` and the like."""
        with unit_of_work() as session:
            rescue = queries.rescue_by_id(session, self.rescue_id)
            assert rescue is not None
            what(session, rescue, actor_id=self.team.users["owner"])

    def step(self) -> None:
        """One slice, as a worker does it when it is rung for."""
        tasks.step(self.part_id)

    def work(self, until: Callable[[RescuePart], bool] | None = None) -> RescuePart:
        """Slice by slice until nothing is left to do, or a condition holds. Waits pass at once."""
        shifted = 0.0
        for _ in range(MOST_SLICES):
            part = self.part
            if until(part) if until else part.due_at is None:
                return part
            with read_only() as session:
                left = (part.due_at - clock.now(session)).total_seconds() if part.due_at else 0
            if left > 0:
                shifted += left + 0.001
                clock.shift(shifted)
            self.step()
        raise AssertionError(f"It does not end: {part.stage}, {part.place}, {part.words}")


def summary(objects: list[RescuedObject]) -> dict[tuple[str, str], tuple[Any, ...]]:
    """Outcome, bytes and hash by kind and id; of a completion those of its first line, the others
    are its messages.
    """
    return {(one.kind, one.object_id): (one.outcome, *_content(one)) for one in objects}


def _content(one: RescuedObject) -> tuple[int | None, str | None]:
    if one.kind != Kind.COMPLETION or one.sha256 is None:
        return one.size, one.sha256
    first = content_of(one).partition(b"\n")[0]
    return len(first), hashlib.sha256(first).hexdigest()


def content_of(one: RescuedObject) -> bytes:
    """The bytes that lie here."""
    return b"".join(storage.read_blob(one.sha256 or ""))


def promised(rows: list[dict[str, Any]]) -> dict[tuple[str, str], tuple[Any, ...]]:
    """The same of what the witness says is there; base models are nobody's history."""
    return {
        (row["kind"], row["id"]): (row["outcome"], row.get("bytes"), row.get("sha256"))
        for row in rows
        if row["kind"] != "model" or row["id"].startswith("ft:")
    }


def begin_rescue(team: Team, *, look_only: bool = False, with_completions: bool = True) -> Rescuing:
    """A new rescue over a team's connection."""
    with unit_of_work() as session:
        connection = session.get_one(Connection, team.connection_id)
        rescue: Rescue = service.begin(
            session,
            project_id=team.project_id,
            actor_id=team.users["owner"],
            connections=[connection],
            with_completions=with_completions,
            is_asked_for=not look_only,
        )
        return Rescuing(team, rescue.id, rescue.parts[0].id)


@pytest.fixture
def begin() -> Callable[..., Rescuing]:
    """Begin a rescue over a team's connection: `begin(workshop, look_only=True)`."""
    return begin_rescue


@pytest.fixture
def brought(team):
    """What came home over the team's connection, to be used."""
    return Home(team.connection_id)
