"""What the dataset pages show: the list, one version's report, its rows."""

from dataclasses import dataclass
from datetime import datetime

from app.core.choosing import Act
from app.core.list_views import ListView
from app.core.views import FormState
from app.datasets.views_figures import Figure, Sign
from app.datasets.views_tokens import MarkedTurn
from app.formats.drawn import Answer, Field, Turn


@dataclass(frozen=True, slots=True)
class DatasetRow:
    """One dataset by its newest version. `status` as in the database; counts None until checked."""

    id: int
    name: str
    version_id: int
    number: int
    status: str
    rows: int | None
    tokens: int | None
    size: int
    errors: int
    warnings: int
    by: str
    by_initials: str
    at: datetime
    created_at: datetime
    licence: str | None
    format: str | None


@dataclass(frozen=True, slots=True)
class Example:
    """A data set that comes with Luthier, e.g. name "Banking77", text "10,003 customers' questions,
    77 intents", licence "CC BY 4.0".
    """

    name: str
    text: str
    licence: str


@dataclass(frozen=True, slots=True)
class Unfinished:
    """An upload that broke off: `share` of it is here, 0 to 1. `modified` in milliseconds since
    1970, as its sender's browser said it.
    """

    id: int
    file_name: str
    size: int
    offset: int
    share: float
    modified: int | None
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class IndexView:
    """`form` keeps what the plain upload form got wrong (fields: file, name). `size_limit` in
    bytes. `told` is what came of the last thing done to many; `acts` what can be done to those
    chosen.
    """

    project_id: int
    datasets: tuple[DatasetRow, ...]
    list: ListView
    can_edit: bool
    has_datasets: bool
    told: str
    acts: tuple[Act, ...]
    example: Example | None
    form: FormState
    size_limit: int
    row_limit: int
    unfinished: tuple[Unfinished, ...]
    topic: str


@dataclass(frozen=True, slots=True)
class UploadVersionView:
    """Add a version to a dataset: the page with the drop zone."""

    project_id: int
    dataset_id: int
    dataset_name: str
    newest_version_id: int
    next_number: int
    form: FormState
    size_limit: int
    row_limit: int
    unfinished: tuple[Unfinished, ...]


@dataclass(frozen=True, slots=True)
class RowFinding:
    """A finding beside the row it is about."""

    severity: str
    rule: str
    field: str | None
    reason: str
    cure: str


@dataclass(frozen=True, slots=True)
class RowCard:
    """One row. `line` is 1-based; `raw` is the start of the line when it could not be read (nothing
    is drawn then); `answers` stand side by side under the turns, `fields` under both; `tools` names
    the tools the row offers. `answer` are the tokens of its last answer, `size` its bytes.
    `is_brief`: what is here is the beginning.
    """

    line: int
    row_id: int
    size: int
    tokens: int | None
    answer: int | None
    turns: tuple[Turn, ...]
    tools: tuple[str, ...]
    raw: str | None
    findings: tuple[RowFinding, ...]
    answers: tuple[Answer, ...] = ()
    fields: tuple[Field, ...] = ()
    is_brief: bool = False


@dataclass(frozen=True, slots=True)
class FindingRow:
    """One finding; `line` is None when it is about the file as a whole."""

    id: int
    severity: str
    rule: str
    line: int | None
    field: str | None
    reason: str
    cure: str


@dataclass(frozen=True, slots=True)
class FindingGroup:
    """All findings of one rule. `rows` are the first; `more` says that there are others."""

    rule: str
    severity: str
    title: str
    count: int
    rows: tuple[FindingRow, ...]
    more: bool


@dataclass(frozen=True, slots=True)
class VersionRow:
    id: int
    number: int
    status: str
    rows: int | None
    size: int
    by: str
    at: datetime
    is_current: bool


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the check is. `phase` is received, converting, reading or finishing; `share` is 0 to
    1.
    """

    phase: str
    share: float
    rows: int
    bytes_read: int
    bytes_total: int
    left_seconds: float | None


@dataclass(frozen=True, slots=True)
class FurtherLine:
    """One further file: `share` of it, 0 to 1, is made. `is_stuck`: it gave up, and may be tried
    again.
    """

    kind: str
    title: str
    words: str
    share: float
    is_made: bool
    is_stuck: bool


@dataclass(frozen=True, slots=True)
class FurtherView:
    """The further files of a version; fragment "further", which asks again while any is made."""

    version_id: int
    lines: tuple[FurtherLine, ...]
    can_edit: bool
    topic: str

    @property
    def waiting(self) -> tuple[FurtherLine, ...]:
        """Those that are not made."""
        return tuple(line for line in self.lines if not line.is_made)

    @property
    def is_moving(self) -> bool:
        """Whether any is on its way."""
        return any(not line.is_stuck for line in self.waiting)


@dataclass(frozen=True, slots=True)
class ShowView:
    """A version's report; also the fragment "progress" (the whole page under the crumbs), which
    asks again while `progress` is not None. `reason` says in one sentence why a version was
    rejected. `made_of` says of what its rows were made, if not as they came; `has_columns`: of a
    table. `gone` says that its stored file is. `is_readable` False: so is its index. `is_lost`: a
    file is made anew. `lead` is the opening sentence ("10,003 conversations, ready to train on.").
    """

    project_id: int
    dataset_id: int
    dataset_name: str
    version_id: int
    number: int
    status: str
    lead: str
    reason: str | None
    format: str | None
    rows: int | None
    tokens: int | None
    size: int
    sha256: str
    licence: str | None
    by: str
    at: datetime
    errors: int
    warnings: int
    hints: int
    findings: int
    progress: Progress | None
    health: tuple[Sign, ...]
    figures: tuple[Figure, ...]
    groups: tuple[FindingGroup, ...]
    first_rows: tuple[RowCard, ...]
    versions: tuple[VersionRow, ...]
    further: FurtherView
    can_edit: bool
    can_spend: bool
    is_trained_on: bool
    can_retry: bool
    topic: str
    made_of: str | None = None
    gone: str | None = None
    is_readable: bool = True
    is_lost: bool = False
    has_columns: bool = False

    @property
    def can_train(self) -> bool:
        """Whether a job with these rows is what to offer."""
        return self.status == "ready" and self.is_trained_on and self.can_spend

    @property
    def is_for_measuring(self) -> bool:
        """Whether models are measured by these rows: then none may have been trained on them."""
        return self.status == "ready" and self.format == "evaluation"

    @property
    def lacks_columns(self) -> bool:
        """Whether it was refused because nobody knows which column is what."""
        return any(group.rule == "table.columns" for group in self.groups)

    @property
    def wants_reading(self) -> bool:
        """Whether something else should be made of the file before anything else."""
        is_idle = self.status == "ready" and not self.is_trained_on and not self.is_for_measuring
        return self.lacks_columns or is_idle

    @property
    def has_copies(self) -> bool:
        """Whether rows were found that say the same as others, or nearly."""
        return any(group.rule.startswith("duplicate.") for group in self.groups)


@dataclass(frozen=True, slots=True)
class VersionHead:
    """What stands above the tables of a version: which it is, and how much is in its tabs."""

    project_id: int
    dataset_name: str
    version_id: int
    number: int
    status: str
    rows: int
    findings: int
    can_train: bool


@dataclass(frozen=True, slots=True)
class RowsView:
    """A version's rows as the address asks for them; fragment "rows". `row` is the one jumped to
    (its line) or None; `error` says why a jump failed. `is_sorted` False: an earlier Luthier made
    the index.
    """

    head: VersionHead
    list: ListView
    cards: tuple[RowCard, ...]
    row: int | None
    error: str | None
    is_sorted: bool


@dataclass(frozen=True, slots=True)
class FindingsView:
    """What the check said of a version, as the address asks for it; fragment "rows". `cut_off` are
    rules with more findings than are kept.
    """

    head: VersionHead
    list: ListView
    findings: tuple[FindingRow, ...]
    cut_off: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FiguresView:
    """All charts of a version. `is_whole` False: an earlier Luthier checked it and kept less."""

    head: VersionHead
    figures: tuple[Figure, ...]
    is_whole: bool


@dataclass(frozen=True, slots=True)
class RowView:
    """One row: as people read it, and token by token in one of the `encodings` (name, its models).
    `total` are its tokens in that one, None where the row could not be read. `earlier` and `later`
    are the lines beside it.
    """

    head: VersionHead
    card: RowCard
    turns: tuple[MarkedTurn, ...]
    total: int | None
    encoding: str
    encodings: tuple[tuple[str, str], ...]
    earlier: int | None
    later: int | None


@dataclass(frozen=True, slots=True)
class ClusterRow:
    """Rows that say the `same`, or of which not all do: `near`. `lines` are the first of the `size`
    rows, `first` the very first drawn.
    """

    id: int
    kind: str
    size: int
    lines: tuple[int, ...]
    first: RowCard


@dataclass(frozen=True, slots=True)
class ClustersView:
    """A version's clusters; fragment "rows". `is_deep` False: the deeper checks are not done."""

    head: VersionHead
    list: ListView
    clusters: tuple[ClusterRow, ...]
    is_deep: bool
