"""Load what is sent as a file that may take long, and check that the person may see it: with no
session that stays open, and again and again. And the pages about the same.
"""

import time
from collections.abc import AsyncIterator, Callable, Generator
from contextlib import closing
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.responses import StreamingResponse
from sqlalchemy.orm import Session

from app.auth.access import CurrentUser, PathId, declares
from app.auth.models import User
from app.core.database import DbSession
from app.core.errors import TooMany
from app.projects.access import Entered, briefly, reach
from app.rescue import queries as rescues
from app.rescue.evals import queries
from app.rescue.models import Kind, Rescue, RescuedObject

RECHECK_SECONDS = 30.0


@declares("view")
def viewable_eval(
    request: Request, session: DbSession, user: CurrentUser, rescued_eval_id: PathId
) -> RescuedObject:
    """The rescued eval of the URL, for members of its project."""
    found = queries.object_of_kind(session, rescued_eval_id, Kind.EVAL)
    return reach(request, session, user, found, "view")


@declares("view")
def viewable_run(
    request: Request, session: DbSession, user: CurrentUser, rescued_run_id: PathId
) -> RescuedObject:
    """The rescued run of the URL, for members of its project."""
    found = queries.object_of_kind(session, rescued_run_id, Kind.EVAL_RUN)
    return reach(request, session, user, found, "view")


@declares("view")
def streamed_eval(request: Request, rescued_eval_id: PathId) -> Entered[RescuedObject]:
    """The rescued eval of the URL for a file made of it: no session stays open while it is sent."""
    return _streamed(request, rescued_eval_id, Kind.EVAL)


@declares("view")
def streamed_run(request: Request, rescued_run_id: PathId) -> Entered[RescuedObject]:
    """The rescued run of the URL for a file made of it: no session stays open while it is sent."""
    return _streamed(request, rescued_run_id, Kind.EVAL_RUN)


def _streamed(request: Request, object_id: int, kind: Kind) -> Entered[RescuedObject]:
    def load(session: Session, user: User) -> RescuedObject:
        found = queries.object_of_kind(session, object_id, kind)
        return reach(request, session, user, found, "view")

    return briefly(request, load)


@declares("view")
def streamed_rescue(request: Request, rescue_id: PathId) -> Entered[Rescue]:
    """The rescue of the URL with its connections, for its archive: no session stays open while it
    is sent.
    """

    def load(session: Session, user: User) -> Rescue:
        found = rescues.rescue_by_id(session, rescue_id)
        return reach(request, session, user, found, "view")

    return briefly(request, load)


async def archive_seat(
    request: Request, entered: Annotated[Entered[Rescue], Depends(streamed_rescue)]
) -> AsyncIterator[None]:
    """One archive at a time for each person, until the last byte is sent: packing takes a
    processor. Raises TooMany.
    """
    packing: set[int] = request.app.state.packing
    if entered.user.id in packing:
        raise TooMany(
            "You are downloading an archive already. Begin the next one when it is done.",
            headers={"Retry-After": "60"},
        )
    packing.add(entered.user.id)
    try:
        yield
    finally:
        packing.discard(entered.user.id)


Pieces = Generator[bytes, None, None]


class Stream(StreamingResponse):
    """A file that is made while it is sent to those who may see it: `enter` is asked again each
    half minute, and what it raises ends the connection in the middle, so that nobody takes the part
    for the whole. When its reader has gone nothing of it stays open.
    """

    def __init__(
        self, pieces: Pieces, enter: Callable[[], object], *, name: str, kind: str
    ) -> None:
        self._pieces = while_allowed(pieces, enter)
        headers = {
            "Content-Disposition": f'attachment; filename="{name}"',
            "Content-Security-Policy": "sandbox; default-src 'none'",
            "X-Accel-Buffering": "no",
        }
        super().__init__(self._pieces, media_type=kind, headers=headers)

    async def __call__(self, *asgi: Any) -> None:
        try:
            await super().__call__(*asgi)
        finally:
            self._pieces.close()


def while_allowed(pieces: Pieces, enter: Callable[[], object]) -> Pieces:
    """The pieces, for as long as `enter` raises nothing."""
    checked_at = time.monotonic()
    with closing(pieces):
        for piece in pieces:
            if time.monotonic() - checked_at > RECHECK_SECONDS:
                enter()
                checked_at = time.monotonic()
            yield piece


CurrentEval = Annotated[RescuedObject, Depends(viewable_eval)]
CurrentRun = Annotated[RescuedObject, Depends(viewable_run)]
StreamedEval = Annotated[Entered[RescuedObject], Depends(streamed_eval)]
StreamedRescue = Annotated[Entered[Rescue], Depends(streamed_rescue)]
ArchiveSeat = Annotated[None, Depends(archive_seat, scope="request")]
StreamedRun = Annotated[Entered[RescuedObject], Depends(streamed_run)]
