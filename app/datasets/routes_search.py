"""The page that searches the rows of a version."""

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from app.auth.access import csrf_checked
from app.core import storage
from app.core.database import DbSession
from app.core.errors import WrongInput
from app.core.list_views import ListView, list_view
from app.core.pages import asked_part, page, redirect
from app.datasets.access import CurrentVersion
from app.datasets.heads import head_of
from app.datasets.index import open_index
from app.datasets.models import DatasetVersion, VersionStatus
from app.datasets.search.answering import NOTHING, Answer, answer, share_made
from app.datasets.search.finding import FOUND, asked_in
from app.datasets.views_search import Hit, SearchView

router = APIRouter(dependencies=[Depends(csrf_checked)])

PAGE = 20


@router.get("/dataset-versions/{version_id}/search", name="datasets.search")
def search(request: Request, session: DbSession, version: CurrentVersion) -> Response:
    if version.status != VersionStatus.READY:
        return redirect(request, "datasets.show", version_id=version.id)
    share = share_made(session, version)
    if share is not None:
        return page(request, "datasets/search.html", _view(request, version, share=share))
    asked = FOUND.read(request)
    try:
        question, error = asked_in(asked), ""
    except WrongInput as wrong:
        question, error = None, str(wrong)
    found = answer(version, question, asked, limit=PAGE) if question else NOTHING
    listed = list_view(request, asked, found.found, found.place)
    view = _view(request, version, found, listed, is_asked=question is not None, error=error)
    return page(request, "datasets/search.html", view, fragment=asked_part(request, "rows"))


@router.get("/dataset-versions/{version_id}/search/progress", name="datasets.search_progress")
def progress(request: Request, session: DbSession, version: CurrentVersion) -> Response:
    share = share_made(session, version)
    if share is None or version.status != VersionStatus.READY:
        return redirect(request, "datasets.search", version_id=version.id)
    view = _view(request, version, share=share)
    return page(request, "datasets/search.html", view, fragment="making")


def _view(
    request: Request,
    version: DatasetVersion,
    found: Answer = NOTHING,
    listed: ListView | None = None,
    *,
    is_asked: bool = False,
    error: str = "",
    share: float | None = None,
) -> SearchView:
    with open_index(storage.index_path(version.id)) as opened:
        head = head_of(request, version, opened)
    return SearchView(
        head=head,
        list=listed,
        hits=tuple(
            Hit(row.line, row.tokens, excerpts)
            for row, excerpts in zip(found.rows, found.excerpts, strict=True)
        ),
        is_asked=is_asked,
        error=error,
        share=share,
        topic=f"version:{version.id}",
    )
