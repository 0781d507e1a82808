"""What the pages show on which people answer by hand: never the right answer, and nobody else's."""

from dataclasses import dataclass
from datetime import datetime

from app.core.views import FormState
from app.evaluations.people.views import RunHead
from app.formats.drawn import Turn


@dataclass(frozen=True, slots=True)
class Progress:
    """Of `expected` answers `given` are there; `waiting` are not, `held` of those are in somebody's
    hands. The rest of them failed, when the wait was ended.
    """

    expected: int
    given: int
    waiting: int
    held: int

    @property
    def failed(self) -> int:
        """How many nobody answered."""
        return self.expected - self.given - self.waiting


@dataclass(frozen=True, slots=True)
class OwnAnswer:
    """What the reader answered to a case."""

    number: int
    question: str
    text: str
    given_at: datetime


@dataclass(frozen=True, slots=True)
class OverviewView:
    """How far people are: `people` are (name, cases, is the reader), `own` what the reader
    answered. `can_answer` where the run is not over and they may.
    """

    head: RunHead
    name: str
    cases: int
    progress: Progress
    people: tuple[tuple[str, int, bool], ...]
    own: tuple[OwnAnswer, ...]
    is_over: bool
    is_prepared: bool
    can_answer: bool
    topic: str


@dataclass(frozen=True, slots=True)
class HandView:
    """The page on which a person answers a case. `turns` are None where it is not theirs; `labels`
    are the answers there are, where they are few; `is_change` where they answered it before.
    """

    head: RunHead
    number: int
    progress: Progress
    turns: tuple[Turn, ...] | None
    tools: tuple[str, ...]
    labels: tuple[str, ...]
    is_change: bool
    is_over: bool
    form: FormState

    @property
    def has_keys(self) -> bool:
        """Whether each label has a key of its own."""
        return 0 < len(self.labels) <= 9  # noqa: PLR2004 - the keys 1 to 9

    @property
    def choices(self) -> tuple[tuple[str, str], ...]:
        """The labels as a list to choose from."""
        return tuple((one, one) for one in self.labels)
