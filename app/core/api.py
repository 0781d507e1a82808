"""Which paths are for scripts; what every list of the JSON API looks like: `{"data": […], "next":
cursor or null}`.
"""

from collections.abc import Callable, Sequence
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Query
from pydantic import BaseModel

from app.core.keyset import Found

Item = TypeVar("Item")
Row = TypeVar("Row")

MOST = 200

After = Annotated[
    int | None, Query(ge=0, le=2**53 - 1, description="The `next` of the page before this one.")
]
Limit = Annotated[int, Query(ge=1, le=MOST, description="How many at most.")]


METRICS = "/metrics"


def is_for_scripts(path: str) -> bool:
    """True where bearer tokens are taken and errors are JSON; a browser sends none by itself."""
    return path.startswith("/api/") or path == METRICS


class Listing(BaseModel, Generic[Item]):
    """One page of a list. `next` goes into `after` for the page behind it; null on the last."""

    data: list[Item]
    next: int | None


def listing(
    rows: Sequence[Row],
    limit: int,
    view: Callable[[Row], Item],
    *,
    cursor: Callable[[Any], int] = lambda row: row.id,
) -> Listing[Item]:
    """A page made of `limit + 1` rows: the one too many says that there is a next page."""
    shown = rows[:limit]
    return Listing(
        data=[view(row) for row in shown], next=cursor(shown[-1]) if len(rows) > limit else None
    )


def keyed(found: Found, items: Sequence[Item]) -> Listing[Item]:
    """A page of a sorted list; its last row's id is the cursor."""
    return Listing(data=list(items), next=found.after)
