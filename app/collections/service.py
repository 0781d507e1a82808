"""Decisions about collections: what is kept in them, and the dataset that becomes of them."""

import hashlib
import json
from datetime import timedelta
from typing import Any, NamedTuple

from sqlalchemy import delete as delete_from
from sqlalchemy.orm import Session

from app.auth import service as auth
from app.collections import queries
from app.collections.models import Collection, CollectionRow, Kind
from app.core import clock
from app.core.errors import Conflict, NotFound, WrongInput
from app.core.storage import Blob
from app.datasets import queries as datasets
from app.datasets import service as uploads
from app.datasets.models import DatasetVersion
from app.datasets.sources import Reading
from app.formats.base import JsonObject, Unreadable
from app.formats.reading import read_object
from app.formats.registry import FORMATS
from app.projects.models import Project

MOST_ROWS = 10_000
LONGEST_ROW = 2_000_000
PUT_BACK_WITHIN = timedelta(days=1)


class Saved(NamedTuple):
    """A row of a collection; `is_new` is False where the same row was there before."""

    row: CollectionRow
    is_new: bool


class Made(NamedTuple):
    """The dataset version with a collection's rows; `is_new` is False where the newest version of
    its dataset had exactly these already.
    """

    version: DatasetVersion
    is_new: bool


def create(
    session: Session, *, project_id: int, actor_id: int, name: str, kind: Kind
) -> Collection:
    """A new collection without rows. Raises WrongInput where the name is taken."""
    _check_name(session, project_id, kind, name)
    moment = clock.now(session)
    collection = Collection(
        project_id=project_id,
        name=name,
        format=kind,
        created_by=actor_id,
        created_at=moment,
        changed_at=moment,
    )
    session.add(collection)
    session.flush()
    _record(session, collection, "collection.created", actor_id)
    return collection


def named(session: Session, *, project_id: int, actor_id: int, name: str, kind: Kind) -> Collection:
    """The collection of this name, made where there is none."""
    session.get_one(Project, project_id, with_for_update=True)  # two presses make one collection
    return queries.collection_named(session, project_id, kind, name) or create(
        session, project_id=project_id, actor_id=actor_id, name=name, kind=kind
    )


def rename(session: Session, collection: Collection, *, name: str, actor_id: int) -> None:
    """Give it another name; the dataset that was made of it keeps its own. Raises WrongInput where
    the name is taken.
    """
    if name == collection.name:
        return
    _check_name(session, collection.project_id, collection.format, name)
    collection.name = name
    _record(session, collection, "collection.renamed", actor_id)


def _check_name(session: Session, project_id: int, format_: str, name: str) -> None:
    if queries.collection_named(session, project_id, format_, name) is not None:
        raise WrongInput.field("name", f"The project has a collection of {format_} rows so called.")


def delete(session: Session, collection: Collection, *, actor_id: int) -> None:
    """Forget it with its rows; what was made of it stays."""
    _record(session, collection, "collection.deleted", actor_id)
    session.delete(collection)
    session.flush()


def check_row(format_: str, row: JsonObject) -> str:
    """The row as the line it will be. Raises WrongInput with what makes it no row of the format."""
    try:
        line = json.dumps(row, ensure_ascii=False)
        value = read_object(line.encode())
    except Unreadable as error:
        raise WrongInput.field("row", f"{error.finding.reason} {error.finding.cure}") from error
    except (RecursionError, UnicodeEncodeError) as error:
        raise WrongInput.field("row", "This cannot be written as a row.") from error
    if len(line.encode()) > LONGEST_ROW:
        raise WrongInput.field("row", f"The row is longer than {LONGEST_ROW:,} bytes.")
    found = FORMATS[format_].findings(value)
    wrong = next((one for one in found if one.severity == "error"), None)
    if wrong is not None:
        raise WrongInput.field("row", f"{wrong.reason} {wrong.cure}")
    return line


def save(
    session: Session,
    collection: Collection,
    row: JsonObject,
    *,
    actor_id: int,
    origin: str,
    conversation_id: int | None = None,
) -> Saved:
    """Keep a row, once however often it is saved. `origin` says in words what it was made of.

    Raises WrongInput where it is no row of the collection's format, and Conflict where the
    collection is full.
    """
    line = check_row(collection.format, row)
    digest = hashlib.sha256(line.encode()).hexdigest()
    session.get_one(Collection, collection.id, with_for_update=True)
    moment = clock.now(session)
    before = queries.row_with(session, collection.id, digest)
    if before is not None and before.removed_at is None:
        return Saved(before, is_new=False)
    _check_room(session, collection)
    if before is not None:
        session.delete(before)
        session.flush()
    kept = CollectionRow(
        project_id=collection.project_id,
        collection_id=collection.id,
        collection=collection,
        line=line,
        digest=digest,
        origin=origin,
        conversation_id=conversation_id,
        created_by=actor_id,
        created_at=moment,
    )
    session.add(kept)
    collection.changed_at = moment
    session.flush()
    _record(session, collection, "collection.row_saved", actor_id)
    return Saved(kept, is_new=True)


def _check_room(session: Session, collection: Collection) -> None:
    if queries.row_count(session, collection.id) >= MOST_ROWS:
        raise Conflict(
            f"A collection has at most {MOST_ROWS:,} rows. Make a dataset of this one, and begin "
            "another."
        )


def remove_row(session: Session, row: CollectionRow, *, actor_id: int) -> None:
    """Take a row out; for a day it can be put back."""
    if row.removed_at is not None:
        return
    moment = clock.now(session)
    session.execute(
        delete_from(CollectionRow).where(
            CollectionRow.collection_id == row.collection_id,
            CollectionRow.removed_at < moment - PUT_BACK_WITHIN,
        )
    )
    row.removed_at = row.collection.changed_at = moment
    _record(session, row.collection, "collection.row_removed", actor_id)


def put_back(session: Session, row: CollectionRow, *, actor_id: int) -> None:
    """Have a row again that was taken out. Raises Conflict where the collection is full."""
    if row.removed_at is None:
        return
    session.get_one(Collection, row.collection_id, with_for_update=True)
    _check_room(session, row.collection)
    row.removed_at = None
    row.collection.changed_at = clock.now(session)
    _record(session, row.collection, "collection.row_put_back", actor_id)


def make_version(session: Session, collection_id: int, blob: Blob, *, actor_id: int) -> Made:
    """The stored rows as a dataset, or as the next version of the one made of this collection
    before: none where its newest version has exactly these. Raises NotFound.
    """
    collection = session.get(Collection, collection_id, with_for_update=True)
    if collection is None:
        raise NotFound
    newest = None
    if collection.dataset_id is not None:
        newest = datasets.newest_version(session, collection.dataset_id)
    if newest is not None and newest.came_as == blob:
        return Made(newest, is_new=False)
    version = uploads.receive_upload(
        session,
        project_id=collection.project_id,
        actor_id=actor_id,
        blob=blob,
        file_name=f"{collection.name}.jsonl",
        name=collection.name,
        dataset=newest.dataset if newest else None,
        reading=Reading(format=collection.format),
    )
    collection.dataset_id = version.dataset_id
    session.flush()
    return Made(version, is_new=True)


def _record(
    session: Session, collection: Collection, verb: str, actor_id: int, **detail: Any
) -> None:
    auth.record(
        session,
        verb,
        f"collection:{collection.id}",
        actor_id=actor_id,
        project_id=collection.project_id,
        name=collection.name,
        **detail,
    )
