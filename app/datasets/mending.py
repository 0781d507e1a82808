"""Make anew what was derived of a version and is lost: its index, and the files beside it.

That they are whole is nobody's promise but the disk's. Who finds one gone says so with a letter,
and the housekeeping looks once a day; everything of it follows from the stored file.
"""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import delete
from sqlalchemy.orm import Session

from app.auth import service as auth
from app.core import clock, storage
from app.core.events import announce
from app.core.queue import enqueue
from app.datasets import parts, queries
from app.datasets.derived.queries import derived_of, made_of
from app.datasets.derived.registry import DERIVERS
from app.datasets.derived.slices import derived_path
from app.datasets.gone import Gone, IndexGone, is_torn, stored_file
from app.datasets.index import connect_finished, open_index
from app.datasets.models import Dataset, DatasetVersion, Derived, DerivedStatus, VersionStatus

INDEX = "index"


class Kept(NamedTuple):
    """A version whose check has spoken, and which of its further files are made."""

    version_id: int
    sha256: str
    size: int
    kinds: tuple[str, ...]


Lost = dict[int, frozenset[str]]  # by version: `index`, which is all of it, or kinds of files


def kept_with(session: Session, version_id: int) -> list[Kept]:
    """What should be there of a version and of those before it."""
    return _kept(session, queries.judged_up_to(session, version_id))


def kept_after(session: Session, version_id: int) -> list[Kept]:
    """What should be there of the next few versions of the instance."""
    return _kept(session, queries.judged_after(session, version_id))


def _kept(session: Session, versions: Sequence[DatasetVersion]) -> list[Kept]:
    made = made_of(session, [one.id for one in versions])
    return [Kept(one.id, one.sha256, one.size, tuple(made.get(one.id, ()))) for one in versions]


def lost_of(kept: Sequence[Kept], *, suspect: int | None = None) -> Lost:
    """What is missing of these, and can be made anew; of the `suspect` every byte is looked at."""
    found = {one.version_id: _lost(one, is_close=one.version_id == suspect) for one in kept}
    return {version_id: names for version_id, names in found.items() if names}


def _lost(one: Kept, *, is_close: bool) -> frozenset[str]:
    try:
        stored_file(one.sha256, one.size)
    except Gone:
        return frozenset()  # there is nothing to make it of
    index = storage.index_path(one.version_id)
    if not _is_whole(index, is_close=is_close) or (is_close and not _has_facts(index)):
        return frozenset({INDEX})
    return missing(index, one.kinds, is_close=is_close)


def made_kinds(derived: Sequence[Derived]) -> list[str]:
    """The kinds of further files that are made."""
    return [row.kind for row in derived if row.status == DerivedStatus.READY]


def missing(index: Path, kinds: Sequence[str], *, is_close: bool = False) -> frozenset[str]:
    """Which of these further files, as far as they are known here, cannot be read."""
    files = {kind: derived_path(index, DERIVERS[kind]) for kind in kinds if kind in DERIVERS}
    return frozenset(kind for kind, path in files.items() if not _is_whole(path, is_close=is_close))


def _is_whole(path: Path, *, is_close: bool) -> bool:
    try:
        with closing(connect_finished(path)) as connection:
            return not is_close or connection.execute("PRAGMA quick_check(1)").fetchone() == ("ok",)
    except IndexGone:
        return False
    except sqlite3.DatabaseError as error:
        if is_torn(error):
            return False
        raise


def _has_facts(index: Path) -> bool:
    try:
        with open_index(index) as opened:
            return bool(opened.facts)
    except IndexGone:
        return False


def make_anew(session: Session, lost: Lost) -> None:
    """Forget what is left of the lost files, and let workers make them. A version without its index
    is checked again, the earlier before the later: a row's id comes from the version before.
    """
    for version_id in sorted(lost):
        version = session.get_one(DatasetVersion, version_id, with_for_update=True)
        if not version.is_final:  # somebody has seen to it
            continue
        index = storage.index_path(version_id)
        if INDEX in lost[version_id]:
            _check_again(session, version, index)
        else:
            _derive_again(session, version_id, index, lost[version_id])
        announce(session, f"version:{version_id}", f"project:{version.project_id}")


def _check_again(session: Session, version: DatasetVersion, index: Path) -> None:
    session.execute(delete(Derived).where(Derived.version_id == version.id))
    for path in (index, *(derived_path(index, one) for one in DERIVERS.values())):
        parts.discard(path)
    version.status, version.progress = VersionStatus.RECEIVED, None
    version.due_at, version.lease_until, version.attempts = clock.now(session), None, 0
    enqueue(session, "datasets.check", version.id)
    auth.record(
        session,
        "dataset.remade",
        f"version:{version.id}",
        actor_id=None,
        project_id=version.project_id,
        name=session.get_one(Dataset, version.dataset_id).name,
        number=version.number,
    )


def _derive_again(session: Session, version_id: int, index: Path, kinds: frozenset[str]) -> None:
    for row in derived_of(session, version_id):
        if row.kind not in kinds or row.status != DerivedStatus.READY:
            continue
        parts.discard(derived_path(index, DERIVERS[row.kind]))
        row.status, row.progress = DerivedStatus.WAITING, None
        row.due_at, row.lease_until, row.attempts = clock.now(session), None, 0
        enqueue(session, "datasets.derive", row.id)
