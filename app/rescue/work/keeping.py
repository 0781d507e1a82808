"""Keeping what a slice brought: many lines of the manifest in a few statements."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session

from app.core import clock, storage
from app.core.database import insert_new
from app.core.storage import Blob
from app.rescue import queries
from app.rescue.models import Kind, Outcome, RescuedObject
from app.rescue.work.lines import Line
from app.rescue.work.working import Work

IDS_AT_ONCE = 1_000
LOGS = {Kind.EVAL_ITEMS, Kind.JOB_EVENTS, Kind.CHECKPOINTS}

Key = tuple[str, str]
Values = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Known:
    """What the manifest says of an object already: see `queries.known_objects`."""

    id: int
    outcome: str
    sha256: str | None
    announced: int | None
    rank: int
    name: str
    facts: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Found:
    """A line beside what is known of its object, and the hash of what its list brought."""

    line: Line
    known: Known | None
    sha256: str | None

    @property
    def is_new(self) -> bool:
        return self.known is None

    @property
    def is_changed(self) -> bool:
        """Whether its list brought something that does not lie here yet."""
        if self.sha256 is None:
            return False
        if self.known is None:
            return True
        if self.line.is_begun:
            is_here = self.known.sha256 is not None and storage.is_stored(self.known.sha256)
            return self.known.outcome == Outcome.WAITING and not is_here
        return (self.known.sha256, self.known.outcome) != (self.sha256, Outcome.HOME)

    @property
    def is_told_anew(self) -> bool:
        """Whether the list says more or other things of a known object than the manifest does."""
        line, known = self.line, self.known
        if known is None:
            return False
        said = (line.name, line.announced, line.rank, dict(line.facts))
        return said != (known.name, known.announced, known.rank, known.facts)


def look_up(session: Session, connection_id: int, lines: Sequence[Line]) -> list[Found]:
    """Lay what is known beside each line; of equal ones the first counts."""
    once: dict[Key, Line] = {}
    for line in lines:
        once.setdefault((line.kind, line.object_id), line)
    known = _known(session, connection_id, once)
    return [
        Found(line, known.get(key), hashlib.sha256(line.raw).hexdigest() if line.raw else None)
        for key, line in once.items()
        if key in known or not line.is_for_the_named
    ]


def _known(session: Session, connection_id: int, keys: Iterable[Key]) -> dict[Key, Known]:
    of_kind: dict[str, list[str]] = {}
    for kind, object_id in keys:
        of_kind.setdefault(kind, []).append(object_id)
    return {
        (kind, object_id): Known(*rest)
        for kind, ids in of_kind.items()
        for start in range(0, len(ids), IDS_AT_ONCE)
        for object_id, rest in queries.known_objects(
            session, connection_id, kind, ids[start : start + IDS_AT_ONCE]
        )
    }


def store(raw: bytes) -> Blob:
    """Keep a small object as a blob. Raises DiskFull."""
    with storage.Incoming() as incoming:
        incoming.write(raw)
        return incoming.keep()


def keep_found(
    session: Session, work: Work, found: Sequence[Found], *, has_admin_key: bool
) -> None:
    """Write the lines of some pages: those that are new, those that say something else, and what
    they lead to. The bytes of what changed lie here already.
    """
    moment = clock.now(session)
    new = [one.line for one in found if one.is_new]
    fresh = [_begun(one, moment) for one in found if one.is_new]
    insert_lines(session, work, new, fresh, moment)
    followers = [follower for one in found for follower in one.line.follows]
    if not has_admin_key:
        followers = [line for line in followers if line.kind is not Kind.PERMISSIONS]
    insert_lines(session, work, followers, [{}] * len(followers), moment)
    changed = [
        {"id": one.known.id, **_told(one), **_begun(one, moment)}
        for one in found
        if one.known and one.is_changed
    ]
    told = [
        {"id": one.known.id, **_told(one)}
        for one in found
        if one.known and one.is_told_anew and not one.is_changed
    ]
    update_objects(session, changed)
    update_objects(session, told)
    again = [one for one in found if one.known and (one.is_changed or one.line.is_open)]
    for kind in LOGS:
        ids = [line.object_id for one in again for line in one.line.follows if line.kind is kind]
        _fetch_again(session, work, kind, ids)


def insert_lines(
    session: Session, work: Work, lines: Sequence[Line], more: Sequence[Values], moment: datetime
) -> None:
    """Add lines to the manifest, with `more` columns each; what it has already stays as it is."""
    if not lines:
        return
    always = {
        "project_id": work.part.project_id,
        "connection_id": work.part.connection_id,
        "rescue_id": work.part.rescue_id,
        "tries": 0,
        "listed_at": moment,
        "size": None,
        "lines": None,
        "sha256": None,
        "retry_at": None,
        "fetched_at": None,
        "verified_at": None,
        "used_at": None,
    }
    rows = [
        {
            **always,
            "kind": line.kind,
            "object_id": line.object_id,
            "parent_id": line.parent_id,
            "name": line.name,
            "rank": line.rank,
            "outcome": line.outcome,
            "announced": line.announced,
            "facts": dict(line.facts),
            "error": line.error,
            **columns,
        }
        for line, columns in zip(lines, more, strict=True)
    ]
    session.execute(insert_new(session, RescuedObject), rows)


def _begun(found: Found, moment: datetime) -> Values:
    """The columns of what its list brought whole, or began."""
    line = found.line
    if line.raw is None:
        return {}
    return {
        "outcome": Outcome.WAITING if line.is_begun else Outcome.HOME,
        "size": len(line.raw),
        "lines": 1 if line.is_begun else None,
        "sha256": found.sha256,
        "error": None,
        "tries": 0,
        "retry_at": None,
        "fetched_at": moment,
        "verified_at": None,
        "used_at": None,
    }


def _told(found: Found) -> Values:
    line = found.line
    return {
        "name": line.name,
        "announced": line.announced,
        "rank": line.rank,
        "facts": dict(line.facts),
    }


def update_objects(session: Session, rows: Sequence[Values]) -> None:
    """Change rows by their ids; all name the same columns."""
    if rows:
        session.execute(update(RescuedObject), rows)


def _fetch_again(session: Session, work: Work, kind: Kind, ids: Sequence[str]) -> None:
    for start in range(0, len(ids), IDS_AT_ONCE):
        session.execute(
            update(RescuedObject)
            .where(
                RescuedObject.connection_id == work.part.connection_id,
                RescuedObject.kind == kind,
                RescuedObject.object_id.in_(ids[start : start + IDS_AT_ONCE]),
                RescuedObject.outcome != Outcome.DAMAGED,
            )
            .values(outcome=Outcome.WAITING, tries=0, retry_at=None)
            .execution_options(synchronize_session=False)
        )
