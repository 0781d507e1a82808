"""Asking a provider for its history, many threads at once, at the pace it takes."""

import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from http import HTTPStatus
from types import TracebackType
from typing import Self, cast

from app.connections.models import Connection
from app.connections.service import open_connection
from app.core.gather import gather
from app.core.http import HttpOptions
from app.providers.base import (
    AllowanceSpent,
    Archive,
    Archived,
    ArchivePage,
    Archives,
    KeyRejected,
    NotPermitted,
    ProviderError,
    ProviderUnavailable,
    RequestRejected,
)
from app.rescue.work.pace import Pace

AT_ONCE = 24
ALIVE_SECONDS = 5.0
READ_SECONDS, TOTAL_SECONDS = 60.0, 300.0
MOST_PASSES, MOST_BEGINNINGS = 5, 5
# Lists that any key of any service may read: one that answers shows that the provider is there.
PROBES = (Archive.MODELS, Archive.FILES, Archive.JOBS)
CIRCLE = "The provider lists the same pages again and again."


class Stopped(Exception):
    """Nobody waits for the answer any more."""


class Circle:
    """Notices when a chain of cursors comes round to where it was, remembering one of them."""

    def __init__(self) -> None:
        self._mark: str | None = None
        self._steps, self._next_mark = 0, 1

    def closes(self, cursor: str) -> bool:
        """Whether this cursor was seen before (Brent: a mark that moves at each power of two)."""
        if cursor == self._mark:
            return True
        self._steps += 1
        if self._steps == self._next_mark:
            self._mark, self._next_mark = cursor, self._next_mark * 2
        return False


class Asker:
    """The provider behind a connection, for all threads of a slice. Close it after use.

    Each answer teaches the pace. Raises the errors of `providers.base`, and Stopped once `stopped`
    is set. With the admin key a refusal is always of the one thing asked for.
    """

    def __init__(
        self,
        connection: Connection,
        pace: Pace,
        *,
        is_admin: bool = False,
        stopped: threading.Event | None = None,
    ) -> None:
        self.pace = pace
        self.stopped = stopped or threading.Event()
        self.has_admin_key = connection.admin_key_hint is not None
        self._connection, self._is_admin = connection, is_admin
        http = HttpOptions(
            read_seconds=READ_SECONDS,
            total_seconds=TOTAL_SECONDS,
            idle_connections=AT_ONCE,
            gate=pace,
        )
        self._provider = open_connection(connection, http, as_admin=is_admin)
        self._admin: Asker | None = None
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._provider.close()
        if self._admin is not None:
            self._admin.__exit__(kind, error, trace)

    @contextmanager
    def leaving_early(self) -> Iterator[None]:
        """Whoever leaves the block by an error waits for no download: the threads stop."""
        try:
            yield
        except BaseException:
            self.stopped.set()
            raise

    def as_admin(self) -> "Asker":
        """The same with the admin key. Raises NotPermitted where there is none."""
        with self._lock:
            if self._admin is None:
                self._admin = Asker(
                    self._connection, self.pace, is_admin=True, stopped=self.stopped
                )
        return self._admin

    def page(
        self,
        archive: Archive,
        parents: Sequence[str] = (),
        cursor: str | None = None,
        since: datetime | None = None,
    ) -> ArchivePage:
        """One page of a list."""
        if self.stopped.is_set():
            raise Stopped
        asked = cast("Archives", self._provider)
        try:
            page = asked.archived(archive, parents, cursor=cursor, since=since)
        except ProviderError as error:
            self._learn(error)
            if self._is_admin and isinstance(error, KeyRejected):
                raise NotPermitted(error.message, http_status=error.http_status) from error
            raise
        self.pace.granted()
        return page

    def days(self, first: datetime, end: datetime) -> Iterator[list[Archived]]:
        """The usage of the days from one to before another."""
        cursor, circle = None, Circle()
        last = (end - timedelta(days=1)).date().isoformat()
        while True:
            page = self.page(Archive.USAGE, (), cursor, first)
            yield [day for day in page.items if day.object_id <= last]
            cursor = page.cursor
            if cursor is None or (page.items and page.items[-1].object_id >= last):
                return
            if circle.closes(cursor):
                raise ProviderError(CIRCLE)

    def items(
        self, archive: Archive, parents: Sequence[str], *, expected: int | None = None
    ) -> Iterator[list[Archived]]:
        """A whole list, page by page, each object once.

        Objects move between pages while one reads: a list of more than one page is read again
        until a pass shows nothing new, unless as many came as are `expected`. A place in it that
        the provider no longer knows begins it anew.
        """
        seen: set[str] = set()
        beginnings = 1
        for _ in range(MOST_PASSES):
            cursor, circle, pages, new = None, Circle(), 0, 0
            while True:
                try:
                    page = self.page(archive, parents, cursor)
                except RequestRejected as error:
                    if not is_lost_place(error, cursor) or beginnings == MOST_BEGINNINGS:
                        raise
                    cursor, circle, beginnings = None, Circle(), beginnings + 1
                    continue
                fresh = [item for item in page.items if item.object_id not in seen]
                seen.update(item.object_id for item in fresh)
                pages, new = pages + 1, new + len(fresh)
                yield fresh
                cursor = page.cursor
                if cursor is None:
                    break
                if circle.closes(cursor):
                    raise ProviderError(CIRCLE)
            if pages == 1 or not new or (expected and len(seen) >= expected):
                return

    def download(self, file_id: str) -> Generator[bytes]:
        """The bytes of a file."""
        try:
            for chunk in self._provider.download(file_id):
                if self.stopped.is_set():
                    raise Stopped
                yield chunk
        except ProviderError as error:
            self._learn(error)
            raise
        self.pace.granted()

    def is_there(self, alive: Callable[[], None]) -> bool:
        """Whether the provider answers anything at all at the moment; `alive` is called while it is
        waited for.
        """
        found = False
        for answers in gather(
            self._answers, iter(PROBES), at_once=len(PROBES), every=ALIVE_SECONDS
        ):
            found = found or any(answers)
            alive()
        return found

    def _answers(self, archive: Archive) -> bool:
        try:
            self.page(archive)
        except ProviderUnavailable:
            return False
        except ProviderError:
            return True
        return True

    def _learn(self, error: ProviderError) -> None:
        if isinstance(error, AllowanceSpent) or error.http_status is None:
            return
        if error.http_status == HTTPStatus.TOO_MANY_REQUESTS:
            self.pace.refused(getattr(error, "retry_after", None))
            return
        self.pace.granted()
        if isinstance(error, ProviderUnavailable) and error.retry_after is not None:
            self.pace.hold(error.retry_after)


def is_too_fast(error: Exception) -> bool:
    """Whether an error says something of our pace, and nothing of what was asked."""
    is_no = isinstance(error, ProviderError) and error.http_status == HTTPStatus.TOO_MANY_REQUESTS
    return is_no or isinstance(error, AllowanceSpent)


def is_lost_place(error: ProviderError, cursor: str | None) -> bool:
    """Whether a list refuses the place it should go on from, which it named itself."""
    return cursor is not None and error.http_status in {
        HTTPStatus.NOT_FOUND,
        HTTPStatus.GONE,
        HTTPStatus.BAD_REQUEST,
    }
