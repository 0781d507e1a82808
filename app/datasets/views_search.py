"""What the pages of searching and of exporting show."""

from dataclasses import dataclass

from app.core.list_views import ListView
from app.datasets.search.excerpts import Excerpt
from app.datasets.views import VersionHead


@dataclass(frozen=True, slots=True)
class Hit:
    """A row that answers. `line` is 1-based; `excerpts` are where its words stand, the first few
    texts alone, and empty for a line too long to be shown.
    """

    line: int
    tokens: int
    excerpts: tuple[Excerpt, ...]


@dataclass(frozen=True, slots=True)
class SearchView:
    """A version's rows that answer a question; fragment "rows". `error` says what is wrong with the
    question; `is_asked` is False while there is none. `share` is how far the search file is, 0 to
    1, None once it is made: fragment "making".
    """

    head: VersionHead
    list: ListView | None
    hits: tuple[Hit, ...]
    is_asked: bool
    error: str
    share: float | None
    topic: str


@dataclass(frozen=True, slots=True)
class Offer:
    """A way to write the rows: the dialect's name, its title, what becomes of a row."""

    name: str
    title: str
    says: str


@dataclass(frozen=True, slots=True)
class ExportView:
    """What a version can be written as. `left_out` rows cannot be read and are in no dialect."""

    head: VersionHead
    size: int
    sha256: str
    offers: tuple[Offer, ...]
    left_out: int
