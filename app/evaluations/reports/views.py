"""What the pages of evaluations and their runs show."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from app.core.list_views import ListView
from app.core.views import ColumnChart, DotChart
from app.evaluations.reports.cases import CaseRow, Cell
from app.evaluations.reports.confusion import Confusion
from app.evaluations.reports.differences import Differences, SliceRow
from app.evaluations.reports.scores import Scores
from app.formats.drawn import Field, Turn

GONE = "someone who left"


@dataclass(frozen=True, slots=True)
class EvaluationRow:
    """An evaluation in the list. `verdict` is its newest run's first sentence."""

    id: int
    name: str
    status: str
    words: str
    verdict: str
    run_id: int | None
    cases: int
    runs: int
    by: str
    by_initials: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class IndexView:
    """A project's evaluations."""

    project_id: int
    evaluations: tuple[EvaluationRow, ...]
    list: ListView
    has_any: bool
    can_edit: bool
    held_out: tuple[int, str, int] | None


@dataclass(frozen=True, slots=True)
class RunRow:
    """A run in the list of its evaluation: the sentence it leads with, who was best."""

    id: int
    number: int
    state: str
    state_words: str
    lead: str
    contestants: int
    best: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class EvaluationView:
    """An evaluation with its runs. `over_time` is the best score of each run that has one."""

    project_id: int
    evaluation_id: int
    name: str
    status: str
    words: str
    lead: str
    cases: int
    source: str
    version_id: int | None
    graders: tuple[tuple[int, str], ...]
    pass_rule: str
    by: str
    created_at: datetime
    runs: tuple[RunRow, ...]
    over_time: ColumnChart | None
    tags: tuple[tuple[str, str, int], ...]
    can_edit: bool
    topic: str


@dataclass(frozen=True, slots=True)
class Chip:
    """A filter one comes to with one press."""

    words: str
    cases: int
    url: str
    is_current: bool


@dataclass(frozen=True, slots=True)
class RunHead:
    """What stands over every page of a run. `provisional` are its judges that are not to be trusted
    yet, each with the reason; `people_left` answers of people are waited for, None without people.
    """

    project_id: int
    evaluation_id: int
    evaluation_name: str
    run_id: int
    number: int
    state: str
    state_words: str
    lead: str
    next: str
    facts: tuple[str, ...]
    by: str
    at: datetime
    is_live: bool
    is_paused: bool
    is_over: bool
    topic: str
    provisional: tuple[str, ...] = ()
    people_left: int | None = None


@dataclass(frozen=True, slots=True)
class StandingView:
    """What of a run's page is fetched anew while it runs."""

    head: RunHead
    scores: Scores
    can_edit: bool


@dataclass(frozen=True, slots=True)
class RunView:
    """A run: the scores, the differences from one contestant, the matrix. `choices` are the
    contestants with the addresses that compare with them, and that show their confusion.
    """

    head: RunHead
    scores: Scores
    differences: Differences | None
    choices: tuple[tuple[int, str, str, str], ...]
    slices: tuple[SliceRow, ...]
    leading_names: tuple[str, str]
    price: DotChart | None
    latency: DotChart | None
    steps: DotChart | None
    cases: tuple[CaseRow, ...]
    list: ListView
    chips: tuple[Chip, ...]
    names: tuple[str, ...]
    confusion: Confusion | None
    earlier: tuple[int, int] | None
    collection: str
    most_collected: int
    can_edit: bool
    is_made: bool
    path: str
    query: str


@dataclass(frozen=True, slots=True)
class Said:
    """What a grader said of an answer: `state` is passed, failed or fault."""

    grader: str
    state: str
    value: str
    reason: str


@dataclass(frozen=True, slots=True)
class AnswerView:
    """One answer with what became of it. `worst_url` is where the rows stand that its contestant
    learned from, as far as they are near; None where that is not looked for.
    """

    cell: Cell
    repeat: int
    facts: tuple[str, ...]
    says: tuple[Said, ...]
    worst_url: str | None


@dataclass(frozen=True, slots=True)
class CaseView:
    """A case of a run with every answer; the cases beside it are those of the list it came from."""

    head: RunHead
    number: int
    turns: tuple[Turn, ...]
    item: tuple[Field, ...]
    reference: str | None
    tags: tuple[tuple[str, str], ...]
    row_url: str | None
    answers: tuple[AnswerView, ...]
    earlier_url: str | None
    later_url: str | None
    list_url: str
    repeats: int


@dataclass(frozen=True, slots=True)
class ConfusionView:
    """A contestant's whole confusion."""

    head: RunHead
    confusion: Confusion | None
    choices: tuple[tuple[int, str, str], ...]
    csv_url: str


@dataclass(frozen=True, slots=True)
class Then:
    """A contestant of two runs: what it scored in each."""

    name: str
    first: str
    second: str
    change: str
    words: str


@dataclass(frozen=True, slots=True)
class CompareView:
    """Two runs of an evaluation."""

    project_id: int
    evaluation_id: int
    name: str
    runs: Sequence[tuple[int, str]]
    first: int
    second: int
    lead: str
    rows: tuple[Then, ...]
    alone: tuple[tuple[str, str], ...]
    why: str


@dataclass(frozen=True, slots=True)
class LatestView:
    """The latest verdict on a job or a model, where there is any."""

    project_id: int
    run_id: int | None
    evaluation_name: str
    number: int
    state: str
    state_words: str
    lead: str
    next: str
    at: datetime | None
