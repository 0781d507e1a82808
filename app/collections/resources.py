"""Collections and their rows as the API gives them."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.collections.models import Collection, CollectionRow


@dataclass(frozen=True, slots=True)
class CollectionResource:
    """A collection; `dataset_id` is what was made of it last."""

    id: int
    project_id: int
    name: str
    format: str
    rows: int
    dataset_id: int | None
    created_by: int | None
    created_at: datetime
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class RowResource:
    """A row, and in words what it was made of; `conversation_id` null where that is gone."""

    id: int
    collection_id: int
    row: dict[str, Any]
    origin: str
    conversation_id: int | None
    created_by: int | None
    created_at: datetime


def collection_resource(collection: Collection, rows: int) -> CollectionResource:
    """The collection with so many rows as the API gives it."""
    return CollectionResource(
        collection.id,
        collection.project_id,
        collection.name,
        collection.format,
        rows,
        collection.dataset_id,
        collection.created_by,
        collection.created_at,
        collection.changed_at,
    )


def row_resource(row: CollectionRow) -> RowResource:
    """The row as the API gives it."""
    return RowResource(
        row.id,
        row.collection_id,
        json.loads(row.line),
        row.origin,
        row.conversation_id,
        row.created_by,
        row.created_at,
    )
