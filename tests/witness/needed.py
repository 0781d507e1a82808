"""The requests that a rescue of a project cannot do without, told from what is there."""

import math
from collections import Counter
from datetime import UTC, date, datetime
from typing import Any

MONTHS = 12
PAGE = 100
ITEMS = "GET /v1/evals/*/runs/*/output_items"
# The list that each object of a kind has, and the row's word for how long it is.
BELOW = {
    "eval_items": ITEMS,
    "job_events": "GET /v1/fine_tuning/jobs/*/events",
    "checkpoints": "GET /v1/fine_tuning/jobs/*/checkpoints",
    "permissions": "GET /v1/fine_tuning/checkpoints/*/permissions",
    "completion": "GET /v1/chat/completions/*/messages",
}


def requests(
    expected: list[dict[str, Any]], *, files: int, first_job: int, files_a_page: int = PAGE
) -> Counter[str]:
    """How often each kind of route must be asked to bring home what `Witness.expected` tells, of a
    project with so many files of any purpose, with an admin key: usage comes by the month since the
    first job. A list of several pages is read twice, as its objects may move meanwhile, but for the
    items of a run, which says how many they are.
    """
    of_kind = Counter(row["kind"] for row in expected)
    runs = Counter(row["parent"] for row in expected if row["kind"] == "eval_run")
    stored = Counter(row["model"] for row in expected if row["kind"] == "completion")
    tuned = ids(expected, "model")
    wanted = Counter(
        {
            "GET /v1/models": 1,
            "GET /v1/evals": twice(pages(of_kind["eval"])),
            "GET /v1/evals/*/runs": sum(twice(pages(runs[i])) for i in ids(expected, "eval")),
            "GET /v1/fine_tuning/jobs": twice(pages(of_kind["job"])),
            "GET /v1/files": twice(pages(files, files_a_page)),
            "GET /v1/files/*/content": of_kind["file"],
            "GET /v1/chat/completions": sum(twice(pages(stored[name])) for name in tuned),
            "GET /v1/organization/usage/completions": months(first_job),
        }
    )
    for row in expected:
        if row["kind"] in BELOW:
            route, asked = BELOW[row["kind"]], pages(row["lines"])
            wanted[route] += asked if route == ITEMS else twice(asked)
    return wanted


def ids(expected: list[dict[str, Any]], kind: str) -> list[str]:
    return [row["id"] for row in expected if row["kind"] == kind]


def pages(items: int, most: int = PAGE) -> int:
    """How many a list has; an empty one has one."""
    return max(1, math.ceil(items / most))


def twice(asked: int) -> int:
    """A list of one page shows nothing that could have moved."""
    return asked if asked == 1 else 2 * asked


def months(since: int) -> int:
    """The calendar months from a moment until now, both counted."""
    first, last = datetime.fromtimestamp(since, UTC).date(), datetime.now(UTC).date()
    return _number(last) - _number(first) + 1


def _number(day: date) -> int:
    return MONTHS * day.year + day.month
