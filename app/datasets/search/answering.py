"""A page of the rows that answer a question, each with where its words stand."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.core import storage
from app.core.keyset import Found, Place
from app.core.listing import Asked
from app.datasets.derived import queries
from app.datasets.derived.slices import derived_path
from app.datasets.gone import telling_of_damage
from app.datasets.index import Row, open_index
from app.datasets.models import DatasetVersion, Derived, DerivedStatus
from app.datasets.rows import lines_of
from app.datasets.search.excerpts import Excerpt, excerpts
from app.datasets.search.finding import Search
from app.datasets.search.making import SearchFile
from app.datasets.search.words import Question
from app.formats.registry import FORMATS


@dataclass(frozen=True, slots=True)
class Answer:
    """The numbers of the page's rows, the rows themselves, and excerpts of each, in that order."""

    found: Found
    place: Place
    rows: list[Row]
    excerpts: list[tuple[Excerpt, ...]]


NOTHING = Answer(Found([], has_earlier=False, has_later=False), Place(0, 0), [], [])


def answer(version: DatasetVersion, question: Question, asked: Asked, *, limit: int) -> Answer:
    """The page of rows that is asked for, of a version whose words are taken up."""
    index = storage.index_path(version.id)
    words = derived_path(index, SearchFile())
    with telling_of_damage(words), Search(words, question) as search:
        found = search.page(asked, limit=limit)
        place = search.place(found, is_down=asked.is_down)
    with open_index(index) as opened:
        rows = opened.rows_at(found.ids)
    lines = [line for _, line in lines_of(version, rows)]
    return Answer(found, place, rows, excerpts(FORMATS[str(version.format)], lines, question))


def share_made(session: Session, version: DatasetVersion) -> float | None:
    """How far the words of a version are taken up, 0 to 1; None once they are."""
    kinds = {one.kind: one for one in queries.derived_of(session, version.id)}
    row: Derived | None = kinds.get(SearchFile.kind)
    if row is None:
        return 0.0
    is_made = row.status == DerivedStatus.READY
    return None if is_made else float((row.progress or {}).get("share", 0.0))
