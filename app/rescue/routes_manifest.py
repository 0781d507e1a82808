"""The pages of what came home: the manifest as a list and as files, and each object."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import FileResponse, Response

from app.core import storage
from app.core.database import DbSession
from app.core.errors import Conflict
from app.core.keyset import page_of, place_of
from app.core.list_views import list_view
from app.core.pages import asked_part, page, path_for
from app.rescue import manifest
from app.rescue.access import CurrentRescue
from app.rescue.access_objects import CurrentObject
from app.rescue.access_streams import Stream, StreamedRescue, streamed_rescue
from app.rescue.models import Rescue
from app.rescue.pages import queries
from app.rescue.pages.listing import MANIFEST
from app.rescue.pages.showing import file_name_of, show_object
from app.rescue.views import ManifestView, line, over_of

router = APIRouter()

PAGE = 50
Byte = Annotated[int, Query(ge=0, le=2**53)]


@router.get("/rescues/{rescue_id}/manifest", name="rescues.manifest")
def show_manifest(request: Request, session: DbSession, rescue: CurrentRescue) -> Response:
    asked, part, link = (
        MANIFEST.read(request),
        asked_part(request, "rows"),
        partial(path_for, request),
    )
    fenced = queries.ids_of_objects(rescue.id)
    found = page_of(session, fenced, asked, limit=PAGE)
    place = place_of(session, fenced, asked, found)
    over = [(str(one.connection_id), one.connection.name) for one in rescue.parts]
    has_ended = all(one.ended_at is not None for one in rescue.parts)
    view = ManifestView(
        rescue_id=rescue.id,
        project_id=rescue.project_id,
        over=over_of([name for _, name in over]),
        lines=tuple(line(one, link) for one in queries.objects_by_ids(session, found.ids)),
        list=list_view(request, asked, found, place, options={"connection": over}),
        topic=None if has_ended else f"rescue:{rescue.id}",
    )
    return page(request, "rescue/manifest.html", view, fragment=part)


@router.get("/rescues/{rescue_id}/manifest.jsonl", name="rescues.manifest_jsonl")
def manifest_jsonl(request: Request, entered: StreamedRescue) -> Response:
    return _whole(request, entered.thing, "jsonl")


@router.get("/rescues/{rescue_id}/manifest.csv", name="rescues.manifest_csv")
def manifest_csv(request: Request, entered: StreamedRescue) -> Response:
    return _whole(request, entered.thing, "csv")


def _whole(request: Request, rescue: Rescue, form: str) -> Stream:
    lines = manifest.lines([part.connection_id for part in rescue.parts], form)
    again = partial(streamed_rescue, request, rescue.id)
    name = f"rescue-{rescue.id}-manifest.{form}"
    return Stream(lines, again, name=name, kind=manifest.FORMATS[form])


@router.get("/rescued/{rescued_id}", name="rescued.show")
def show(request: Request, session: DbSession, one: CurrentObject, at: Byte = 0) -> Response:
    view = show_object(session, one, at, partial(path_for, request))
    return page(request, "rescue/object.html", view)


@router.get("/rescued/{rescued_id}/content", name="rescued.content")
def content(one: CurrentObject) -> Response:
    if one.sha256 is None or not storage.is_stored(one.sha256):
        raise Conflict("Its bytes are not here.")
    return FileResponse(
        storage.blob_path(one.sha256),
        media_type="application/octet-stream",
        filename=file_name_of(one),
        headers={"Content-Security-Policy": "sandbox; default-src 'none'"},
    )
