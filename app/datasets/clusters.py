"""Rows that say the same, or nearly: the clusters that the deeper checks left beside the index."""

from collections.abc import Sequence

from app.core.listing import Asked, Column, Table
from app.datasets.index import Index, Row
from app.datasets.models import DatasetVersion
from app.datasets.rows import cards
from app.datasets.shelves import Shelf, Shelves
from app.datasets.views import ClusterRow

CLUSTERS = Table(
    noun="cluster",
    row_id="id",
    columns=(
        Column("cluster", "Cluster", "id", is_kept=True),
        Column("rows", "Rows", is_number=True),
        Column("alike", "Alike"),
        Column("lines", "First rows"),
        Column("says", "The first says"),
    ),
    filters=(),
    start="cluster",
)
SHOWN = 4
MOST_ROWS = 10_000


def clusters_asked_for(index: Index, asked: Asked) -> Shelves:  # noqa: ARG001 - in one order
    """A version's clusters, the largest first."""
    return Shelves(index.connection, "deep.clusters", "id", (), [Shelf((), count(index))], "id")


def count(index: Index) -> int:
    """How many clusters there are; 0 while the deeper checks are not done."""
    return int(index.deep_facts.get("duplicates", {}).get("clusters", 0))


def cluster_rows(
    version: DatasetVersion, index: Index, ids: Sequence[int]
) -> tuple[ClusterRow, ...]:
    """These clusters as lines of a table, in that order."""
    return tuple(_cluster_row(version, index, one) for one in ids)


def rows_of(index: Index, cluster: int, limit: int = MOST_ROWS) -> list[Row]:
    """The first rows of a cluster, in the order of the file."""
    if not count(index):
        return []
    query = "SELECT n FROM deep.cluster_rows WHERE cluster = ? ORDER BY n LIMIT ?"
    return index.rows_at(n for (n,) in index.connection.execute(query, (cluster, limit)))


def _cluster_row(version: DatasetVersion, index: Index, cluster: int) -> ClusterRow:
    query = "SELECT kind, rows FROM deep.clusters WHERE id = ?"
    kind, size = index.connection.execute(query, (cluster,)).fetchone()
    rows = rows_of(index, cluster, SHOWN)
    first = cards(version, index, rows[:1])[0]
    return ClusterRow(cluster, kind, size, tuple(row.line for row in rows), first)
