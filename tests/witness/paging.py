"""Pages of the lists, as OpenAI cuts them, and lists that shift while being read."""

from typing import Any
from urllib.parse import parse_qs

from tests.witness.rules import Refusal

Json = dict[str, Any]
DESCENDING = {"desc", "descending"}


def page(
    items: list[Json],
    query: str,
    *,
    default: int,
    most: int = 100,
    newest_first: bool = True,
    again: set[str] | None = None,
) -> Json:
    """One page by `after`, `limit` and `order`. `newest_first` says how `items` stand, and comes
    if nobody asks. A cursor in `again`, used up by it, is shown once more by the page after it.
    """
    asked = {name: values[0] for name, values in parse_qs(query).items()}
    limit = int(asked.get("limit", default))
    if not 1 <= limit <= most:
        raise Refusal(400, f"limit must be from 1 to {most}.", param="limit")
    is_turned = "order" in asked and (asked["order"] in DESCENDING) is not newest_first
    items = items[::-1] if is_turned else items
    start = 0
    if "after" in asked:
        start = _after(items, asked["after"])
        if again and asked["after"] in again:
            again.remove(asked["after"])
            start -= 1
    found = items[start : start + limit]
    return {
        "object": "list",
        "data": found,
        "has_more": start + limit < len(items),
        "first_id": found[0]["id"] if found else None,
        "last_id": found[-1]["id"] if found else None,
    }


def _after(items: list[Json], cursor: str) -> int:
    for place, item in enumerate(items):
        if item["id"] == cursor:
            return place + 1
    raise Refusal(404, f"No such object: {cursor}", param="after")
