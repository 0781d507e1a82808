"""Load a rescued eval or run and check that the person may see it, with or without a session that
stays open.
"""

import time
from collections.abc import Callable, Iterator
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy.orm import Session

from app.auth.access import CurrentUser, PathId, declares
from app.auth.models import User
from app.core.database import DbSession
from app.projects.access import Entered, briefly, reach
from app.rescue import queries_evals as queries
from app.rescue.models import Kind, RescuedObject

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


def while_allowed(pieces: Iterator[bytes], enter: Callable[[], object]) -> Iterator[bytes]:
    """What is sent for as long as its reader may see it: `enter` is asked again each half minute.
    What it raises ends the connection in the middle, so that nobody takes the part for the whole.
    """
    checked_at = time.monotonic()
    for piece in pieces:
        if time.monotonic() - checked_at > RECHECK_SECONDS:
            enter()
            checked_at = time.monotonic()
        yield piece


CurrentEval = Annotated[RescuedObject, Depends(viewable_eval)]
CurrentRun = Annotated[RescuedObject, Depends(viewable_run)]
StreamedEval = Annotated[Entered[RescuedObject], Depends(streamed_eval)]
StreamedRun = Annotated[Entered[RescuedObject], Depends(streamed_run)]
