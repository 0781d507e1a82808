"""A team's history on OpenAI's wire: its lists, page by page, each object as it was written."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from urllib.parse import quote

import httpx2
import structlog

from app.providers.base import (
    Archive,
    Archived,
    ArchivePage,
    NotFound,
    ProviderError,
    RequestRejected,
    TooLarge,
)
from app.providers.openai.pages import Item, Page, read_page
from app.providers.openai.runs import name_of, text_of, time_of
from app.providers.openai.wire import Wire

log = structlog.get_logger(__name__)

NO_SUCH_LIST = {HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.NOT_IMPLEMENTED}
SMALLER = 10  # times, is the next page where one was too large to read
# What is added while we read comes behind what we read.
OLDEST_FIRST = {"order": "asc"}
BY_DAY = {"bucket_width": "1d", "group_by": ["model", "project_id", "api_key_id"]}


@dataclass(frozen=True, slots=True)
class Listing:
    """Where a list is: `path` has braces for each parent, or `named_by` is the query's word for it.
    `limit` is the most a page brings, None where a list has no pages; `cursor` the query's word for
    where a page begins.
    """

    path: str
    limit: int | None = 100
    query: Mapping[str, object] = field(default_factory=dict)
    named_by: str | None = None
    cursor: str = "after"

    @property
    def is_below(self) -> bool:
        """True for the list of one object, which may be gone."""
        return "{" in self.path


# Paths, limits and orders: the types of the SDK, 3.54.0. Where it names no limit, 100 is what the
# service's other lists take.
LISTS: Mapping[Archive, Listing] = {
    Archive.EVALS: Listing("/evals", query=OLDEST_FIRST),
    Archive.EVAL_RUNS: Listing("/evals/{}/runs", query=OLDEST_FIRST),
    Archive.EVAL_ITEMS: Listing("/evals/{}/runs/{}/output_items", query=OLDEST_FIRST),
    Archive.MODELS: Listing("/models", limit=None),
    Archive.JOBS: Listing("/fine_tuning/jobs"),
    Archive.EVENTS: Listing("/fine_tuning/jobs/{}/events"),
    Archive.CHECKPOINTS: Listing("/fine_tuning/jobs/{}/checkpoints"),
    Archive.PERMISSIONS: Listing("/fine_tuning/checkpoints/{}/permissions"),
    Archive.FILES: Listing("/files", query=OLDEST_FIRST),
    Archive.USAGE: Listing(
        "/organization/usage/completions", limit=31, query=BY_DAY, cursor="page"
    ),
    Archive.COMPLETIONS: Listing("/chat/completions", query=OLDEST_FIRST, named_by="model"),
    Archive.MESSAGES: Listing("/chat/completions/{}/messages", query=OLDEST_FIRST),
}


class History:
    """What one service keeps. Remembers which of its lists have objects so large that few fit a
    page. Safe for several threads at once.
    """

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.limits = {archive: listing.limit for archive, listing in LISTS.items()}
        self.limits[Archive.FILES] = wire.profile.files_a_page

    def page(
        self, archive: Archive, parents: Sequence[str], cursor: str | None, since: datetime | None
    ) -> ArchivePage:
        """A page of a list, of fewer objects where as many as usual are too large, or refused."""
        limit = self.limits[archive]
        try:
            page = self._read(archive, parents, limit, cursor, since)
        except (TooLarge, RequestRejected) as error:
            is_too_many = isinstance(error, TooLarge) or error.param == "limit"
            if not is_too_many or limit is None or limit == 1:
                raise
            self.limits[archive] = max(limit // SMALLER, 1)
            return self.page(archive, parents, cursor, since)
        found = [_archived(archive, item) for item in page.items]
        kept = tuple(one for one in found if one is not None)
        if len(kept) < len(found):
            log.warning("provider.left_out", archive=archive, count=len(found) - len(kept))
        return ArchivePage(kept, self._next(LISTS[archive], page, cursor))

    def _read(
        self,
        archive: Archive,
        parents: Sequence[str],
        limit: int | None,
        cursor: str | None,
        since: datetime | None,
    ) -> Page:
        listing = LISTS[archive]
        asked = {
            listing.named_by: parents[0] if listing.named_by else None,
            "limit": limit,
            "start_time": int(since.timestamp()) if since else None,
            listing.cursor: cursor,
        }
        query = {**listing.query, **{k: v for k, v in asked.items() if k and v is not None}}
        path = listing.path.format(*(quote(parent, safe=":") for parent in parents))
        sdk = self.wire.large if limit == 1 else self.wire.lists
        try:
            with self.wire.errors_of_one_thing():
                response = sdk.get(path, cast_to=httpx2.Response, options={"params": query})
        except ProviderError as error:
            if not _is_unheard_of(error, listing):
                raise
            words = f"{self.wire.profile.label} has no list of {archive.replace('_', ' ')}."
            raise NotFound(words, http_status=error.http_status) from error
        return read_page(self.wire, response)

    def _next(self, listing: Listing, page: Page, cursor: str | None) -> str | None:
        """Where the list goes on; None at its end. A server that does not say whether it has more
        is asked until there is nothing, or the same again, as it may know no cursors either.
        """
        ids = [found for item in page.items if (found := text_of(item.fields, "id"))]
        if listing.cursor == "page":
            following = text_of(page.rest, "next_page")
        else:
            following = ids[-1] if ids else text_of(page.rest, "last_id")
        says, label = page.rest.get("has_more"), self.wire.profile.label
        # Where objects move meanwhile, a page may show some of the page before once more.
        is_again = cursor is not None and cursor == following
        if says is None:
            has_ended = is_again or not page.items or listing.limit is None
            return None if has_ended else following
        if not says:
            return None
        if not following:
            raise ProviderError(f"{label} promises more of a list and does not give it.")
        if is_again:
            raise ProviderError(f"{label} lists the same pages again and again.")
        return following


def _is_unheard_of(error: ProviderError, listing: Listing) -> bool:
    """Servers have many ways to say that there is no such list; below an object, a 404 without
    words may as well come from a proxy.
    """
    if error.http_status == HTTPStatus.NOT_FOUND:
        return not (listing.is_below or isinstance(error, RequestRejected))
    return error.http_status in NO_SUCH_LIST


def _archived(archive: Archive, item: Item) -> Archived | None:
    """None without an id that can be kept: nothing could be said of it."""
    object_id = name_of(item.fields, "id")
    if archive is Archive.USAGE:
        began_at = time_of(item.fields, "start_time")
        object_id = began_at.date().isoformat() if began_at else None
    return Archived(object_id, item.raw, item.fields) if object_id else None
