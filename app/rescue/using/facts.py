"""The few facts of an object that the manifest keeps beside it, as values of ours."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

YEAR_5138 = 1e11


def time_in(facts: Mapping[str, Any], key: str) -> datetime | None:
    """Seconds since 1970 as a moment; None where the provider wrote something else."""
    at = facts.get(key)
    if not isinstance(at, int | float) or isinstance(at, bool) or not 0 < at < YEAR_5138:
        return None
    return datetime.fromtimestamp(at, UTC)
