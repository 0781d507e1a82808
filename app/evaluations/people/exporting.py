"""What people said, as a table for a spreadsheet."""

import csv
import io
from collections import defaultdict
from collections.abc import Iterator

from sqlalchemy.orm import Session

from app.core.cells import cell
from app.evaluations.people import queries
from app.evaluations.people.models import Round

HEADS = (
    "item",
    "case",
    "contestants",
    "person",
    "label",
    "first stood on the right",
    "note",
    "at",
)


def grades_as_csv(session: Session, round_: Round) -> str:
    """A line for each grade; an item passed over has no label."""
    text = io.StringIO()
    csv.writer(text).writerows([cell(one) for one in row] for row in _rows(session, round_))
    return text.getvalue()


def shown_in_round(session: Session, round_: Round) -> tuple[dict[int, int], dict[int, list[str]]]:
    """By an item's number the case's number, and the names of those whose answer it is."""
    contestants = {one.place: one.name for one in queries.contestants_of(session, round_.run_id)}
    names: dict[int, list[str]] = defaultdict(list)
    cases: dict[int, int] = {}
    for row in queries.places_of(session, round_.id):
        names[row.number].append(contestants[row.place])
        cases[row.number] = row.case
    return cases, names


def _rows(session: Session, round_: Round) -> Iterator[tuple[object, ...]]:
    yield HEADS
    cases, names = shown_in_round(session, round_)
    for one in queries.grades_of(session, [round_.id]):
        yield (
            one.number,
            cases[one.number],
            "; ".join(names[one.number]),
            one.user.name,
            one.label,
            one.is_swapped,
            one.note,
            one.given_at.isoformat(),
        )
