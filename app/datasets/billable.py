"""What a provider bills for going through a version's rows once: each row's tokens to the cap."""

from typing import Any, NamedTuple

from app.core import storage
from app.core.tokens import O200K
from app.datasets.index import Index, open_index
from app.datasets.models import DatasetVersion


class Billable(NamedTuple):
    """Tokens of one pass, as `encoding` counts them. `cut_rows` are longer than the cap: what
    stands beyond it is neither trained on nor billed. `is_sampled` says that only a part of the
    rows was counted with this encoding, and the rest is estimated from it.
    """

    tokens: int
    cut_rows: int
    encoding: str
    is_sampled: bool = False


def billable(version: DatasetVersion, *, encoding: str | None, cap: int | None) -> Billable:
    """The tokens of a ready version for a model that counts with `encoding` (None: nobody here
    knows) and trains on `cap` tokens of a row at most (None: on all).

    Where the version was not counted with this encoding, its own says what it can.
    """
    report = version.report or {}
    own = report.get("encoding", O200K)
    is_own = encoding is None or encoding == own
    if is_own and (cap is None or report.get("longest_tokens", 0) <= cap):
        return Billable(version.tokens or 0, 0, own)
    with open_index(storage.index_path(version.id)) as opened:
        return billable_of(opened, encoding=encoding, cap=cap)


def billable_of(index: Index, *, encoding: str | None, cap: int | None) -> Billable:
    """The same of a finished index. Source of the rule: OpenAI cookbook, "Data preparation and
    analysis for chat model fine-tuning", cost estimation.
    """
    facts = index.facts
    own, tokens = facts["verdict"].get("encoding", O200K), facts["verdict"]["tokens"]
    recount = facts.get("recounts", {}).get(encoding)
    if recount is not None and recount["before"]:
        return _recounted(recount, encoding or own, tokens, cap)
    if cap is None:
        return Billable(tokens, 0, own)
    cut, beyond, _ = index.beyond(cap)
    return Billable(tokens - beyond, cut, own)


def _recounted(recount: dict[str, Any], encoding: str, tokens: int, cap: int | None) -> Billable:
    counts = recount["counts"]
    billed = sum((min(length, cap) if cap else length) * rows for length, rows in counts)
    cut = sum(rows for length, rows in counts if cap and length > cap)
    share = tokens / recount["before"]
    return Billable(round(billed * share), round(cut * share), encoding, is_sampled=share != 1)
