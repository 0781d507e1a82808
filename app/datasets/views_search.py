"""What the page of a search shows."""

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
