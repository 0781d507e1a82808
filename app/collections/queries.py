"""Every select about collections and their rows."""

from collections.abc import Iterator, Sequence

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session, joinedload

from app.collections.models import Collection, CollectionRow

MOST_NAMES = 100
AT_ONCE = 100


def ids_of_collections(project_id: int) -> Select[int]:
    """The ids of a project's collections."""
    return select(Collection.id).where(Collection.project_id == project_id)


def collections_by_ids(
    session: Session, project_id: int, ids: Sequence[int]
) -> Sequence[Collection]:
    """Those of the ids that are collections of the project, in the order of the ids."""
    rows = session.scalars(
        select(Collection)
        .where(Collection.project_id == project_id, Collection.id.in_(ids))
        .options(joinedload(Collection.creator), joinedload(Collection.dataset))
    )
    found = {one.id: one for one in rows}
    return [found[one] for one in ids if one in found]


def collection_by_id(session: Session, collection_id: int) -> Collection | None:
    """The collection with its maker and dataset, whichever project it belongs to: the caller
    checks the fence.
    """
    return session.scalar(
        select(Collection)
        .where(Collection.id == collection_id)
        .options(joinedload(Collection.creator), joinedload(Collection.dataset))
    )


def collection_named(
    session: Session, project_id: int, format_: str, name: str
) -> Collection | None:
    """The project's collection of this format with this name."""
    return session.scalar(
        select(Collection).where(
            Collection.project_id == project_id,
            Collection.format == format_,
            Collection.name == name,
        )
    )


def collection_of_dataset(session: Session, dataset_id: int) -> Collection | None:
    """The collection whose rows become the dataset's versions."""
    query = select(Collection).where(Collection.dataset_id == dataset_id)
    return session.scalar(query.order_by(Collection.id.desc()).limit(1))


def names_of_collections(session: Session, project_id: int) -> Sequence[tuple[str, str]]:
    """Formats and names of a project's collections, the last changed first."""
    rows = session.execute(
        select(Collection.format, Collection.name)
        .where(Collection.project_id == project_id)
        .order_by(Collection.changed_at.desc(), Collection.id.desc())
        .limit(MOST_NAMES)
    )
    return [(row.format, row.name) for row in rows]


def has_collections(session: Session, project_id: int) -> bool:
    """True when the project has any."""
    return session.scalar(ids_of_collections(project_id).limit(1)) is not None


def row_counts(session: Session, collection_ids: Sequence[int]) -> dict[int, int]:
    """How many rows each of these collections has; those without any are left out."""
    found = session.execute(
        select(CollectionRow.collection_id, func.count().label("rows"))
        .where(CollectionRow.collection_id.in_(collection_ids), CollectionRow.removed_at.is_(None))
        .group_by(CollectionRow.collection_id)
    )
    return {row.collection_id: row.rows for row in found}


def row_count(session: Session, collection_id: int) -> int:
    """How many rows a collection has."""
    return row_counts(session, [collection_id]).get(collection_id, 0)


def ids_of_rows(collection_id: int) -> Select[int]:
    """The ids of a collection's rows."""
    return select(CollectionRow.id).where(
        CollectionRow.collection_id == collection_id, CollectionRow.removed_at.is_(None)
    )


def rows_by_ids(session: Session, ids: Sequence[int]) -> Sequence[CollectionRow]:
    """These rows with who saved them, in the order of the ids."""
    rows = session.scalars(
        select(CollectionRow)
        .where(CollectionRow.id.in_(ids))
        .options(joinedload(CollectionRow.creator))
    )
    found = {one.id: one for one in rows}
    return [found[one] for one in ids if one in found]


def row_by_id(session: Session, row_id: int) -> CollectionRow | None:
    """The row with its collection, whichever project it belongs to: the caller checks the fence."""
    return session.scalar(
        select(CollectionRow)
        .where(CollectionRow.id == row_id)
        .options(joinedload(CollectionRow.collection), joinedload(CollectionRow.creator))
    )


def row_with(session: Session, collection_id: int, digest: str) -> CollectionRow | None:
    """The collection's row with this content, also one that was taken out."""
    return session.scalar(
        select(CollectionRow)
        .where(CollectionRow.collection_id == collection_id, CollectionRow.digest == digest)
        .options(joinedload(CollectionRow.collection))
    )


def lines_of(session: Session, collection_id: int) -> Iterator[str]:
    """The rows as they will stand in a file, the first saved first."""
    query = ids_of_rows(collection_id).with_only_columns(CollectionRow.line)
    ordered = query.order_by(CollectionRow.id).execution_options(yield_per=AT_ONCE)
    yield from session.scalars(ordered)
