"""How a project's runs are listed: well, or in one of the ways in which lists mislead."""

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from tests.witness import dice
from tests.witness.paging import page
from tests.witness.rules import Refusal

if TYPE_CHECKING:
    from tests.witness.state import State

Json = dict[str, Any]
STRANGERS = "ftjob-stranger-"


def page_of(state: "State", runs: list[Json], query: str) -> Json:
    """A page, filtered by `metadata[k]=v` as the state's `filter` says ("exact", "ignored",
    "refused", or "neighbours": those before and after one that fits come with it), in the order and
    to the end that its `paging` says: "newest first", "oldest first", "shuffled", "loop" (after the
    last page comes the first), "endless" (after it come a stranger's runs, for ever).
    """
    fitting = shown(filtered(state, runs, query), state)
    if state.paging == "oldest first":
        fitting.reverse()
    elif state.paging == "shuffled":
        dice.of("shuffled", len(fitting)).shuffle(fitting)
    if state.paging == "endless" and STRANGERS in query:
        return strangers(int(query.rpartition(STRANGERS)[2].partition("&")[0]))
    told = page(fitting, query, default=20, again=state.shown_again)
    if told["has_more"] or state.paging not in {"loop", "endless"}:
        return told
    if state.paging == "endless":
        more = strangers(0)
        more["data"] = [*told["data"], *more["data"]]
        return more
    first = told if told["data"] else page(fitting, "", default=20)
    return first | {"has_more": bool(fitting)}


def filtered(state: "State", runs: list[Json], query: str) -> list[Json]:
    wanted = {k[9:-1]: v[0] for k, v in parse_qs(query).items() if k.startswith("metadata[")}
    if not wanted or state.filter == "ignored":
        return list(runs)
    if state.filter == "refused":
        raise Refusal(400, "Unknown parameter: metadata.", param="metadata")
    reach = 1 if state.filter == "neighbours" else 0
    fitting = [n for n, run in enumerate(runs) if wanted.items() <= (run["metadata"] or {}).items()]
    return [run for n, run in enumerate(runs) if any(abs(n - m) <= reach for m in fitting)]


def shown(runs: list[Json], state: "State") -> list[Json]:
    """The runs without what this service does not tell of them."""
    left_out = set(state.leaves_out)
    if not left_out:
        return runs
    return [{k: v for k, v in run.items() if k not in left_out} for run in runs]


def strangers(number: int) -> Json:
    """A page of made-up runs, and more after it."""
    made = [
        {"id": f"{STRANGERS}{n}", "object": "fine_tuning.job", "status": "queued", "model": "gpt-6"}
        for n in range(number + 1, number + 21)
    ]
    return {"object": "list", "data": made, "has_more": True, "last_id": made[-1]["id"]}
