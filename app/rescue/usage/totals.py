"""Who calls which model: the provider's own counts of sixty days, added up by model, by project and
key, by day.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from app.rescue.evals.bodies import lines_from, number, objects, read_line
from app.rescue.evals.words import moment_of
from app.rescue.work.lines import is_tuned

# OpenAI's own rule for who may still train looks as far back.
DAYS = 60


class Caller(NamedTuple):
    """A project of the provider's and a key in it; None where the provider did not say."""

    project: str | None
    key: str | None


@dataclass(slots=True)
class Counted:
    """What was asked of a model, or by one caller of it. `last` is the last day with a request."""

    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    last: date | None = None

    def add(self, day: date, result: dict[str, Any]) -> None:
        """One result of a day's bucket."""
        requests = number(result.get("num_model_requests")) or 0
        self.requests += requests
        self.input_tokens += number(result.get("input_tokens")) or 0
        self.output_tokens += number(result.get("output_tokens")) or 0
        if requests:
            self.last = max(self.last or day, day)


@dataclass(slots=True)
class Usage:
    """The counts of sixty days. `by_day` are the requests to tuned models alone."""

    first: date
    last: date
    models: defaultdict[str, Counted] = field(default_factory=lambda: defaultdict(Counted))
    callers: defaultdict[tuple[str, Caller], Counted] = field(
        default_factory=lambda: defaultdict(Counted)
    )
    by_day: defaultdict[date, int] = field(default_factory=lambda: defaultdict(int))


def usage_of(paths: Iterable[Path], until: datetime) -> Usage:
    """What the stretches of usage in these blobs say of the sixty days until a moment."""
    last = until.date()
    usage = Usage(last - timedelta(days=DAYS - 1), last)
    for day, result in _results(paths):
        if usage.first <= day <= usage.last:
            model = str(result.get("model") or "not named")
            caller = Caller(_text(result.get("project_id")), _text(result.get("api_key_id")))
            usage.models[model].add(day, result)
            usage.callers[model, caller].add(day, result)
            if is_tuned(model):
                usage.by_day[day] += number(result.get("num_model_requests")) or 0
    return usage


def _results(paths: Iterable[Path]) -> Iterator[tuple[date, dict[str, Any]]]:
    for path in paths:
        for line in lines_from(path):
            bucket = read_line(line) or {}
            begins = moment_of(bucket.get("start_time"))
            if begins is not None:
                yield from ((begins.date(), one) for one in objects(bucket.get("results")))


def _text(value: Any) -> str | None:
    return str(value) if value else None
