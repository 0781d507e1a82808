"""A project's ledger as a table for other programs, a stretch at a time."""

import csv
import io
from collections.abc import Iterator

from app.budgets import queries
from app.budgets.models import Spend
from app.budgets.money import dollars
from app.budgets.views import month_key
from app.core.cells import cell
from app.core.database import read_only

AT_ONCE = 500
COLUMNS = ("month", "what", "about", "state", "estimated_usd", "spent_usd", "ordered_at", "note")


def lines(project_id: int) -> Iterator[str]:
    """Every paid thing, the oldest first: no session stays open while the reader is slow."""
    yield _line(COLUMNS)
    last_id = 0
    while True:
        with read_only() as session:
            rows = queries.spends_after(session, project_id, last_id, limit=AT_ONCE)
        if not rows:
            return
        last_id = rows[-1].id
        yield "".join(_line(_cells(row)) for row in rows)


def _cells(row: Spend) -> tuple[object, ...]:
    return (
        month_key(row.month),
        row.name,
        row.subject,
        row.state,
        dollars(row.reserved),
        dollars(row.spent),
        row.created_at.isoformat(timespec="seconds"),
        row.words,
    )


def _line(cells: tuple[object, ...]) -> str:
    written = io.StringIO()
    csv.writer(written).writerow([cell(one) for one in cells])
    return written.getvalue()
