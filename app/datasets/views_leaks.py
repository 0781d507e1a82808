"""What the pages of leaks show."""

from dataclasses import dataclass

from app.datasets.checks.deep.leaks import Leak
from app.datasets.views import RowCard, VersionHead


@dataclass(frozen=True, slots=True)
class LeaksView:
    """A version held against another as its training set. `choices` are ids and names; `words` what
    is to be said, of a leak or of why nothing can be; `leaks` the first rows of each kind, with
    what stands there.
    """

    head: VersionHead
    choices: tuple[tuple[str, str], ...]
    training_version_id: str
    words: str
    count: int
    leaks: tuple[tuple[Leak, RowCard], ...]


@dataclass(frozen=True, slots=True)
class LeakNoteView:
    """The same in a sentence, beside a form that names both; `words` is empty where it names not
    two.
    """

    words: str
    count: int
    training_version_id: int
    validation_version_id: int
