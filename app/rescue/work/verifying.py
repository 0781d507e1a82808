"""Verifying: every stored byte is read again and compared with the hash it came under."""

import hashlib
import time
from collections.abc import Iterator
from contextlib import closing
from typing import NamedTuple

from sqlalchemy import update
from sqlalchemy.orm import Session

from app.core import clock, storage
from app.core.database import read_only, unit_of_work
from app.core.gather import gather
from app.rescue import queries
from app.rescue.models import Outcome, RescuedObject
from app.rescue.work.working import Rest, Work, hold
from app.settings import settings

AT_ONCE = 4
RECORD_SECONDS = 1.0
READ_AT_ONCE = 500
DAMAGED = "What lies here is not what came: its bytes have another hash. Fetch it again."
LOST = "Its bytes do not lie here any more. Fetch it again."


class Stored(NamedTuple):
    """An object whose bytes should lie here."""

    id: int
    sha256: str


class Read(NamedTuple):
    """An object read again; `words` say what is wrong with it."""

    stored: Stored
    words: str | None


def verify(work: Work) -> Rest | None:
    """Read for a slice: what is new, or everything where somebody asked. None when all is read.
    Raises LeaseLost.
    """
    place = work.part.place
    is_everything = bool(place.get("everything"))
    after = [int(place.get("after", 0))]
    ends_at = time.monotonic() + settings().slice_seconds
    is_done = [False]

    def stored() -> Iterator[Stored]:
        while True:
            with read_only() as session:
                rows = queries.stored_objects(
                    session,
                    work.part.connection_id,
                    after=after[0],
                    limit=READ_AT_ONCE,
                    with_verified=is_everything,
                )
            for row in rows:
                if time.monotonic() > ends_at:
                    return
                after[0] = row.id
                yield Stored(row.id, row.sha256 or "")
            if len(rows) < READ_AT_ONCE:
                is_done[0] = True
                return

    with closing(gather(read, stored(), at_once=AT_ONCE, every=RECORD_SECONDS)) as batches:
        for batch in batches:
            with unit_of_work() as session:
                part = hold(session, work)
                _record(session, batch)
                if part.is_paused:
                    return Rest()
    with unit_of_work() as session:
        hold(session, work).place = {"everything": is_everything, "after": after[0]}
    return None if is_done[0] else Rest()


def read(stored: Stored) -> Read:
    """Hash a stored file, in pieces."""
    found = hashlib.sha256()
    try:
        for piece in storage.read_blob(stored.sha256):
            found.update(piece)
    except OSError:
        return Read(stored, LOST)
    return Read(stored, None if found.hexdigest() == stored.sha256 else DAMAGED)


def _record(session: Session, batch: list[Read]) -> None:
    moment = clock.now(session)
    for words in {one.words for one in batch}:
        ids = [one.stored.id for one in batch if one.words == words]
        values = {"outcome": Outcome.HOME, "verified_at": moment}
        if words is not None:
            values = {"outcome": Outcome.DAMAGED, "verified_at": moment, "error": words}
        session.execute(
            update(RescuedObject)
            .where(RescuedObject.id.in_(ids))
            .values(**values)
            .execution_options(synchronize_session=False)
        )
