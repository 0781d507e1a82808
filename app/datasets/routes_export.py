"""The page that offers a version in the words of others, and the files."""

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response, StreamingResponse

from app.auth.access import csrf_checked
from app.core import storage
from app.core.pages import page, redirect
from app.datasets import export
from app.datasets.access import CurrentVersion
from app.datasets.gone import stored_file
from app.datasets.heads import head_of
from app.datasets.index import open_index
from app.datasets.models import DatasetVersion
from app.datasets.views_search import ExportView, Offer

router = APIRouter(dependencies=[Depends(csrf_checked)])

InWords = Annotated[str | None, Query(alias="as", description="openai, azure, trl or csv.")]


@router.get("/dataset-versions/{version_id}/export", name="datasets.export")
def choose(request: Request, version: CurrentVersion) -> Response:
    if not version.is_final:
        return redirect(request, "datasets.show", version_id=version.id)
    with open_index(storage.index_path(version.id)) as opened:
        view = ExportView(
            head=head_of(request, version, opened),
            size=version.size,
            sha256=version.sha256,
            offers=tuple(
                Offer(one.name, one.title, one.says) for one in export.dialects_of(version)
            ),
            left_out=export.left_out(opened),
        )
    return page(request, "datasets/export.html", view)


def in_words_of(version: DatasetVersion, name: str) -> StreamingResponse:
    """The rows as an attachment that no browser runs. Raises WrongInput, Conflict and Gone."""
    dialect = export.dialect_for(version, name)
    blob, index = stored_file(version.sha256, version.size), storage.index_path(version.id)
    open_index(index).close()  # what cannot be read is said before the first byte
    called = quote(export.file_name(version, dialect))
    return StreamingResponse(
        export.pieces(blob, index, str(version.format), dialect),
        media_type=dialect.media_type,
        headers={
            "Content-Disposition": f"attachment; filename*=utf-8''{called}",
            "Content-Security-Policy": "sandbox; default-src 'none'",
        },
    )
