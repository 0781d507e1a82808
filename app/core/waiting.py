"""How long a server asks us to wait."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

LONGEST_WAIT = 86_400.0
SECONDS = re.compile(r"[+-]?\d{1,12}(\.\d{1,9})?", re.ASCII)


def wait_asked_for(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait by `retry-after-ms` or either form of `Retry-After`; at most a day. A date is
    one of the sender's clock, which its `Date` shows.

    None where nothing can be read, and where it is no wait at all: who sends that to everybody he
    turns away is not to be asked again at once.
    """
    milliseconds = headers.get("retry-after-ms", "").strip()
    if SECONDS.fullmatch(milliseconds):
        return _bounded(float(milliseconds) / 1000)
    asked = headers.get("retry-after", "").strip()
    if SECONDS.fullmatch(asked):
        return _bounded(float(asked))
    until = _moment(asked)
    if until is None:
        return None
    there = _moment(headers.get("date", "")) or datetime.now(UTC)
    return _bounded((until - there).total_seconds())


def _moment(text: str) -> datetime | None:
    try:
        return parsedate_to_datetime(text).astimezone(UTC)
    except (ValueError, TypeError, OverflowError):
        return None


def _bounded(seconds: float) -> float | None:
    return min(seconds, LONGEST_WAIT) if seconds > 0 else None
