"""Rows that stand in the file twice: the same content, however it is written down."""

from collections.abc import Iterator

from app.datasets.checks.base import Located, Seen
from app.formats.base import Finding

_GROUPS = """
    SELECT hash, min(n), count(*) FROM rows WHERE flags & 1 = 0
    GROUP BY hash HAVING count(*) > 1 ORDER BY min(n)
"""
_COPIES = "SELECT line FROM rows WHERE hash = ? AND n > ? AND flags & 1 = 0 ORDER BY n"


class ExactDuplicates:
    """Equal rows by their 128-bit hash."""

    name = "duplicates"

    def findings(self, seen: Seen) -> Iterator[Located]:
        """One warning for every copy, naming the first row it equals."""
        for digest, n, _ in seen.index.execute(_GROUPS):
            (first,) = seen.index.execute("SELECT line FROM rows WHERE n = ?", (n,)).fetchone()
            finding = Finding(
                "duplicate.exact",
                None,
                "warning",
                f"The same row as row {first:,}. Training sees it twice and weighs it double.",
                "Keep one of them, unless the weight is meant.",
            )
            for (line,) in seen.index.execute(_COPIES, (digest, n)):
                yield line, finding
