"""The lists of a project's collections and of one's rows: what they are sorted and filtered by."""

from sqlalchemy import func

from app.collections.models import Collection, CollectionRow, Kind
from app.core.listing import Column, Table, by_id, contains, one_of, since

KINDS = {
    Kind.CHAT: "chat rows",
    Kind.PREFERENCE: "preference pairs",
    Kind.EVALUATION: "evaluation rows",
}

COLLECTIONS = Table(
    noun="collection",
    row_id=Collection.id,
    columns=(
        Column("name", "Collection", func.lower(Collection.name), is_kept=True),
        Column("format", "Rows are", Collection.format),
        Column("rows", "Rows", is_number=True),
        Column("dataset", "Dataset"),
        Column("by", "Begun by"),
        Column("changed", "Last changed", Collection.changed_at, is_number=True, is_down=True),
    ),
    filters=(
        contains("q", "Name", Collection.name),
        one_of(
            "format",
            "Rows are",
            Collection.format,
            [(kind.value, words) for kind, words in KINDS.items()],
        ),
        by_id("by", "Begun by", lambda value: Collection.created_by == value),
    ),
    start="-changed",
)

ROWS = Table(
    noun="row",
    row_id=CollectionRow.id,
    columns=(
        Column("row", "Row", is_kept=True),
        Column("origin", "Made of"),
        Column("by", "Saved by"),
        Column("saved", "Saved", CollectionRow.id, is_number=True, is_down=True),
    ),
    filters=(
        contains("q", "What the row says", CollectionRow.line),
        by_id("by", "Saved by", lambda value: CollectionRow.created_by == value),
        since("since", "Saved since", CollectionRow.created_at),
    ),
    start="-saved",
    beside=("removed",),
)
