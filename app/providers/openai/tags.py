"""How a run is known again as that of an order: by its metadata, or, where a service may not give
that back, by the end of its suffix, which becomes part of the tuned model's name.
"""

from typing import Any

from app.providers.base import INSTANCE_TAG, OP_KEY_TAG, RunReport, RunRequest
from app.providers.profiles import Profile
from app.providers.values import MARK_LETTERS


def carried(request: RunRequest, profile: Profile) -> dict[str, Any]:
    """The fields of an order by which its run is found again."""
    suffix = request.suffix
    if profile.capabilities.tagging == "suffix":
        mark = request.op_key[:MARK_LETTERS]
        room = (profile.suffix_limit or 0) - MARK_LETTERS - 1
        suffix = f"{suffix[:room]}-{mark}" if suffix else mark
    return {
        "suffix": suffix,
        "metadata": {OP_KEY_TAG: request.op_key, INSTANCE_TAG: request.instance},
    }


def is_of(run: RunReport, op_key: str, profile: Profile) -> bool:
    """Whether a run is of this order."""
    if run.op_key is not None or profile.capabilities.tagging != "suffix":
        return run.op_key == op_key
    return run.mark == op_key[:MARK_LETTERS]


def is_ours(run: RunReport, instance: str, profile: Profile) -> bool:
    """Whether a run was ordered by this instance, or, where suffixes are marked, may have been: a
    mark does not say whose it is.
    """
    if run.instance is not None or profile.capabilities.tagging != "suffix":
        return run.instance == instance
    return run.mark is not None
