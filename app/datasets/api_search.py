"""Searching the rows of a version, for scripts."""

from dataclasses import dataclass

from fastapi import APIRouter, Request

from app.core.api import Limit, Listing, keyed
from app.core.database import DbSession
from app.core.errors import Conflict, WrongInput
from app.datasets.access import CurrentVersion
from app.datasets.index import Row
from app.datasets.models import VersionStatus
from app.datasets.search.answering import answer, share_made
from app.datasets.search.excerpts import Excerpt
from app.datasets.search.finding import FOUND, asked_in

router = APIRouter(prefix="/api/v1", tags=["datasets"])


@dataclass(frozen=True, slots=True)
class ExcerptResource:
    """What stands around the words in one text; `matches` are where in `text` they begin and end,
    in characters.
    """

    role: str
    field: str
    text: str
    matches: list[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class HitResource:
    """A row that has all the words, with the first few texts that hold any of them."""

    row: int
    row_id: str
    tokens: int
    excerpts: list[ExcerptResource]


@router.get(
    "/dataset-versions/{version_id}/search", name="api.versions.search", openapi_extra=FOUND.openapi
)
def search(
    request: Request, session: DbSession, version: CurrentVersion, limit: Limit = 50
) -> Listing[HitResource]:
    """Rows that hold all the words of `q`, in the order of the file; `"a phrase"` as it stands,
    `begin*` whatever follows, `-word` not at all. `role` narrows it to texts of one kind. A page is
    short where finding more would take long; `next` goes on. 409 until the words are taken up, soon
    after the version is ready.
    """
    if version.status != VersionStatus.READY:
        raise Conflict(f"This version cannot be searched; it is {version.status}.")
    share = share_made(session, version)
    if share is not None:
        raise Conflict(f"The words of this version are not all taken up: {share:.0%}.")
    asked = FOUND.read(request)
    question = asked_in(asked)
    if question is None:
        raise WrongInput.field("q", "Say what to look for.")
    found = answer(version, question, asked, limit=limit)
    return keyed(
        found.found,
        [_hit(row, ones) for row, ones in zip(found.rows, found.excerpts, strict=True)],
    )


def _hit(row: Row, found: tuple[Excerpt, ...]) -> HitResource:
    return HitResource(row.line, str(row.row_id), row.tokens, [_excerpt(one) for one in found])


def _excerpt(one: Excerpt) -> ExcerptResource:
    matches, at = [], 0
    for piece in one.pieces:
        if piece.is_match:
            matches.append((at, at + len(piece.text)))
        at += len(piece.text)
    return ExcerptResource(
        one.role, one.field, "".join(piece.text for piece in one.pieces), matches
    )
