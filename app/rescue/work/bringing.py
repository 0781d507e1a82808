"""Bringing one object home: its list or its bytes, streamed to a blob; what goes wrong, as data."""

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any, NamedTuple

import structlog

from app.core import storage
from app.core.errors import DiskFull, TooLarge
from app.core.storage import Blob, Incoming
from app.providers.base import Archive, Archived, ProviderError
from app.rescue.models import Kind, RescuedObject
from app.rescue.work.asking import Asker, Stopped
from app.rescue.work.lines import Line, checkpoint_permissions, month_of
from app.settings import settings

log = structlog.get_logger(__name__)

RESULTS = "fine-tune-results"
# A file may be so much larger than announced and still be taken whole.
TIMES, LEAST_LIMIT = 4, 2**30
# Results that come base64-encoded lie here decoded: three quarters of what was announced.
DECODED_SHARE = 0.7
# What comes twice with fewer bytes than announced is what the provider has.
FEWER_TRIES = 2


SURPRISE = "Luthier could not read what came; its log says why."


class Wanted(NamedTuple):
    """An object to fetch. `begun` is the blob with its beginning, or with what came before."""

    id: int
    kind: Kind
    object_id: str
    parent_id: str | None
    announced: int | None
    tries: int
    begun: str | None
    facts: dict[str, Any]


class Brought(NamedTuple):
    """An object that is home, and the objects it leads to."""

    wanted: Wanted
    blob: Blob
    lines: int | None
    note: str | None = None
    follows: tuple[Line, ...] = ()


class Missed(NamedTuple):
    """An object that did not come, and why."""

    wanted: Wanted
    error: ProviderError | DiskFull | TooLarge


Answer = Brought | Missed


class FewerBytes(ProviderError):
    """A file ended before the bytes that were announced."""


def wanted_of(row: RescuedObject) -> Wanted:
    """The row in plain values, for another thread."""
    return Wanted(
        row.id,
        Kind(row.kind),
        row.object_id,
        row.parent_id,
        row.announced,
        row.tries,
        row.sha256,
        row.facts,
    )


def bring(asker: Asker, wanted: Wanted) -> Answer:
    """Fetch one object. A surprise is logged and costs this object alone: the others have to come
    home while they can.
    """
    try:
        return BRING[wanted.kind](asker, wanted)
    except (ProviderError, DiskFull, TooLarge) as error:
        return Missed(wanted, error)
    except Stopped:
        raise
    except Exception as error:
        log.exception("rescue.surprise", kind=wanted.kind, object=wanted.object_id)
        return Missed(wanted, ProviderError(f"{SURPRISE} ({type(error).__name__})"))


def _eval_items(asker: Asker, wanted: Wanted) -> Brought:
    total = wanted.facts.get("total")
    expected = total if isinstance(total, int) else None
    parents = (wanted.parent_id or "", wanted.object_id)
    return _listed(wanted, asker.items(Archive.EVAL_ITEMS, parents, expected=expected))


def _events(asker: Asker, wanted: Wanted) -> Brought:
    return _listed(wanted, asker.items(Archive.EVENTS, (wanted.object_id,)))


def _checkpoints(asker: Asker, wanted: Wanted) -> Brought:
    names: list[str] = []

    def noted() -> Iterator[list[Archived]]:
        for items in asker.items(Archive.CHECKPOINTS, (wanted.object_id,)):
            found = (item.fields.get("fine_tuned_model_checkpoint") for item in items)
            names.extend(name for name in found if isinstance(name, str) and name)
            yield items

    brought = _listed(wanted, noted())
    if not asker.has_admin_key:
        return brought
    shared = tuple(checkpoint_permissions(name, wanted.object_id) for name in names)
    return brought._replace(follows=shared)


def _permissions(asker: Asker, wanted: Wanted) -> Brought:
    ask = asker.as_admin()
    return _listed(wanted, ask.items(Archive.PERMISSIONS, (wanted.object_id,)))


def _completion(asker: Asker, wanted: Wanted) -> Brought:
    messages = asker.items(Archive.MESSAGES, (wanted.object_id,))
    return _listed(wanted, messages, begins_with=wanted.begun)


def _usage(asker: Asker, wanted: Wanted) -> Brought:
    """The days of one month: a page is read as long as it brings some."""
    return _listed(wanted, asker.as_admin().days(*month_of(wanted.object_id)))


def _file(asker: Asker, wanted: Wanted) -> Brought:
    with Incoming(limit=_limit(wanted.announced)) as incoming:
        with closing(asker.download(wanted.object_id)) as chunks:
            for chunk in chunks:
                incoming.write(chunk)
        note = _compared(wanted, incoming.size)
        return Brought(wanted, incoming.keep(), None, note)


def _limit(announced: int | None) -> int:
    most = settings().upload_limit
    return most if announced is None else min(max(TIMES * announced, LEAST_LIMIT), most)


def _compared(wanted: Wanted, size: int) -> str | None:
    """What to say of a file's size. Raises FewerBytes where it may have been cut off."""
    announced = wanted.announced
    if announced is None or size == announced:
        return None
    if size < announced:
        if wanted.facts.get("purpose") == RESULTS and size >= DECODED_SHARE * announced:
            return None
        if wanted.tries < FEWER_TRIES:
            raise FewerBytes(f"Only {size:,} of {announced:,} announced bytes came.")
    return f"The provider announced {announced:,} bytes; {size:,} came and are kept."


def _listed(
    wanted: Wanted, pages: Iterator[list[Archived]], *, begins_with: str | None = None
) -> Brought:
    """A list as JSONL, each item as the provider wrote it."""
    lines = 0
    with Incoming(limit=settings().upload_limit) as incoming:
        if begins_with is not None:
            if not storage.is_stored(begins_with):
                raise ProviderError("What its list brought does not lie here any more.")
            for chunk in storage.read_blob(begins_with):
                incoming.write(chunk)
            incoming.write(b"\n")
            lines = 1
        for items in pages:
            incoming.write(b"".join(item.raw + b"\n" for item in items))
            lines += len(items)
        return Brought(wanted, incoming.keep(), lines)


BRING: dict[Kind, Callable[[Asker, Wanted], Brought]] = {
    Kind.EVAL_ITEMS: _eval_items,
    Kind.JOB_EVENTS: _events,
    Kind.CHECKPOINTS: _checkpoints,
    Kind.PERMISSIONS: _permissions,
    Kind.FILE: _file,
    Kind.USAGE: _usage,
    Kind.COMPLETION: _completion,
}
