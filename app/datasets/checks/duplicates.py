"""Rows that stand in the file twice: the same content, however it is written down."""

from collections.abc import Iterator

from app.datasets.checks.base import Located, Seen
from app.datasets.index import Flag
from app.formats.base import Finding

_GROUPS = "SELECT hash, min(n) FROM rows GROUP BY hash HAVING count(*) > 1 ORDER BY min(n)"
_COPIES = "SELECT line, flags FROM rows WHERE hash = ? ORDER BY n"


class ExactDuplicates:
    """Equal rows by their 128-bit hash."""

    name = "duplicates"

    def findings(self, seen: Seen) -> Iterator[Located]:
        """One warning for every copy, naming the first row it equals."""
        for digest, _ in seen.index.execute(_GROUPS):
            copies = seen.index.execute(_COPIES, (digest,))
            first, flags = next(copies)
            if flags & Flag.UNREADABLE:
                continue
            finding = Finding(
                "duplicate.exact",
                None,
                "warning",
                f"The same row as row {first:,}. Training sees it twice and weighs it double.",
                "Keep one of them, unless the weight is meant.",
            )
            for line, _ in copies:
                yield line, finding
