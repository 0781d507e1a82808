"""A list of runs, looked through for some of them."""

from collections.abc import Callable
from datetime import datetime, timedelta

from app.providers.base import RunReport, RunSearch
from app.providers.openai import runs
from app.providers.openai.wire import Json

# By ten minutes, and what an order may be under way.
CLOCKS_DIFFER = timedelta(minutes=11)

Wanted = Callable[[RunReport], bool]


class Found:
    """What was listed so far, each run once; of those that carry nobody's tag the ones not made
    before `since`.
    """

    def __init__(self, is_wanted: Wanted, since: datetime | None = None) -> None:
        self.is_wanted, self.since = is_wanted, since
        self.listed: set[str] = set()
        self.wanted: list[RunReport] = []
        self.untagged: list[RunReport] = []
        self._dates: list[datetime | None] = []

    def add(self, page: list[Json]) -> None:
        """Take the runs of a page."""
        self._dates += (runs.time_of(data, "created_at") for data in page)
        for run in filter(None, map(runs.report, page)):
            if run.run_id in self.listed:
                continue
            self.listed.add(run.run_id)
            if self.is_wanted(run):
                self.wanted.append(run)
            elif run.op_key is None and not self._is_old(run.created_at):
                self.untagged.append(run)

    def has_all(self) -> bool:
        """Whether what is still to come is older than anybody asks for: the list is in order,
        newest first, and has come to that.
        """
        dates = [at for at in self._dates if at is not None]
        is_in_order = len(dates) == len(self._dates) and dates == sorted(dates, reverse=True)
        return is_in_order and bool(dates) and self._is_old(dates[-1])

    def _is_old(self, at: datetime | None) -> bool:
        return at is not None and self.since is not None and at < self.since

    def search(self) -> RunSearch:
        """What was found, the oldest first."""
        oldest_first = sorted(self.wanted, key=RunReport.age)
        return RunSearch(tuple(oldest_first), len(self.listed), tuple(self.untagged))
