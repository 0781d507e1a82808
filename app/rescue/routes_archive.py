"""Download everything: one archive of a rescue, for people and for scripts."""

from functools import partial

from fastapi import APIRouter, Request
from fastapi.responses import Response, StreamingResponse

from app.core import clock
from app.core.database import read_only
from app.rescue import queries_archive as queries
from app.rescue.access_streams import (
    ArchiveSeat,
    Stream,
    StreamedRescue,
    streamed_rescue,
)
from app.rescue.archive import Contents, archive
from app.rescue.models import Rescue

router = APIRouter()
api = APIRouter(prefix="/api/v1", tags=["rescues"])


@router.get("/rescues/{rescue_id}/archive", name="rescues.archive")
def download(request: Request, entered: StreamedRescue, _seat: ArchiveSeat) -> Response:
    return _archive(request, entered.thing)


@api.get(
    "/rescues/{rescue_id}/archive", name="api.rescues.archive", response_class=StreamingResponse
)
def download_by_script(
    request: Request, entered: StreamedRescue, _seat: ArchiveSeat
) -> StreamingResponse:
    """Everything a rescue brought home, as one ZIP. It has a manifest, and holds what was
    found when it was begun. An archive that breaks off has no directory: no program takes it for
    whole.
    """
    return _archive(request, entered.thing)


def _archive(request: Request, rescue: Rescue) -> StreamingResponse:
    names = {part.connection_id: part.connection.name for part in rescue.parts}
    with read_only() as session:
        contents = Contents(names, queries.last_id(session, names.keys()), clock.now(session))
    again = partial(streamed_rescue, request, rescue.id)
    name = f"luthier-rescue-{rescue.id}.zip"
    return Stream(archive(contents), again, name=name, kind="application/zip")
