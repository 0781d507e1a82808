"""What the job pages show: the list, the form with its receipt, and one job."""

from dataclasses import dataclass
from datetime import date, datetime

from app.core.views import FormState, Paging


@dataclass(frozen=True, slots=True)
class Spark:
    """Two paths in a box of 100 by 32, made by charts.spark_path."""

    train: str
    valid: str


@dataclass(frozen=True, slots=True)
class JobRow:
    id: int
    name: str
    status: str
    provider_status: str | None
    base_model: str
    connection: str
    dataset: str
    dataset_number: int
    version_id: int
    best_valid_loss: float | None
    train_loss: float | None
    step: int | None
    steps: int | None
    spark: Spark | None
    by: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class IndexView:
    """`can_start` needs a ready version too; `why_not` says what is missing. Fragment "rows" refreshes itself
    on `topic`."""

    project_id: int
    jobs: tuple[JobRow, ...]
    paging: Paging | None
    can_edit: bool
    has_ready_version: bool
    topic: str


@dataclass(frozen=True, slots=True)
class VersionChoice:
    """A ready version to train on or to validate with."""

    id: int
    dataset: str
    number: int
    rows: int
    tokens: int


@dataclass(frozen=True, slots=True)
class ConnectionChoice:
    """`text` is one line under the name; a connection that cannot be used says `why_not`."""

    id: int
    name: str
    text: str
    why_not: str | None


@dataclass(frozen=True, slots=True)
class BaseModelChoice:
    name: str
    shutdown_date: date | None


@dataclass(frozen=True, slots=True)
class Parameter:
    """A dial as the provider describes it. `kind` is integer or number; `auto` says in words what auto takes
    ("about 3"), None where the provider has no auto."""

    name: str
    kind: str
    minimum: float
    maximum: float
    help: str
    auto: str | None


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars. `total` for the whole job; None is unknown, 0 is known to be free. `source` and `read_at`
    say where the price comes from and how old it is."""

    per_million: float | None
    total: float | None
    source: str
    read_at: datetime | None


@dataclass(frozen=True, slots=True)
class Receipt:
    """What will happen if Start is pressed. None means it cannot be said yet. `sent` are lines of what goes
    where ("2 files, 3.8 MB"); `problems` stop the start, each one sentence."""

    rows: int | None
    rows_note: str | None
    tokens: int | None
    tokens_note: str
    epochs: int | None
    epochs_note: str | None
    billed_tokens: int | None
    price: Price
    destination: str
    sent: str
    validation: str
    seconds: float | None
    seconds_note: str | None
    is_practice: bool
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NewView:
    """The form. `form.values` holds strings by field: nonce, connection_id, base_model, method,
    training_version_id, validation ("version", "split", "none"), validation_version_id, validation_split
    (a share, "0.1"), suffix, seed, and for each parameter NAME_mode ("auto", "number") and NAME.
    Every key is present (empty when not chosen). Fragments: "form" (after a change of connection, after a
    422), "receipt" (jobs.receipt, by GET with the form's fields)."""

    project_id: int
    form: FormState
    versions: tuple[VersionChoice, ...]
    connections: tuple[ConnectionChoice, ...]
    base_models: tuple[BaseModelChoice, ...]
    base_models_error: str | None
    methods: tuple[tuple[str, str], ...]
    parameters: tuple[Parameter, ...]
    receipt: Receipt
    suffix_length: int = 64


@dataclass(frozen=True, slots=True)
class ReceiptView:
    """For the fragment "receipt" alone: the template reads view.receipt only."""

    receipt: Receipt


@dataclass(frozen=True, slots=True)
class EventLine:
    """`level` is info, warn or error; `by` is Luthier or the connection's name."""

    at: datetime
    text: str
    level: str
    by: str


@dataclass(frozen=True, slots=True)
class Fact:
    """One frozen setting: a name as the provider writes it, a value, and what it was asked to be."""

    name: str
    value: str
    note: str | None = None


@dataclass(frozen=True, slots=True)
class FileFact:
    """A file of a job; `version_id` None for rows split off."""

    label: str
    title: str
    version_id: int | None
    rows: int
    size: int | None
    sha256: str | None


@dataclass(frozen=True, slots=True)
class Checkpoint:
    step: int
    train_loss: float | None
    valid_loss: float | None
    accuracy: float | None
    name: str
    is_best: bool


@dataclass(frozen=True)
class ProgressView:
    """State in words and numbers: enough for the fragment "progress". `lead` says how things stand ("Training
    on Practice, step 61 of 936."), `next` what happens next. `phase` marks the way: queued, sending,
    training, done. Losses None until there is one. While `is_final` is False the panel asks again."""

    job_id: int
    project_id: int
    name: str
    status: str
    provider_status: str | None
    is_final: bool
    lead: str
    next: str | None
    step: int | None
    steps: int | None
    epochs: int | None
    epochs_done: int
    started_at: datetime | None
    elapsed_seconds: float | None
    left_seconds: float | None
    train_loss: float | None
    valid_loss: float | None
    best_valid_loss: float | None
    best_step: int | None
    cost: float | None
    cost_note: str
    error: str | None
    model_id: int | None
    can_cancel: bool
    by: str
    created_at: datetime


@dataclass(frozen=True)
class EventsView:
    """For the fragment "events": newest first. `total` counts all; `more_url` shows them all."""

    job_id: int
    is_final: bool
    events: tuple[EventLine, ...]
    events_total: int
    events_url: str | None


@dataclass(frozen=True)
class ShowView(ProgressView, EventsView):
    """One job. Frozen settings and files never change; the chart fetches jobs.metrics?after_step=N."""

    settings: tuple[Fact, ...]
    frozen_at: datetime
    connection: str
    is_practice: bool
    files: tuple[FileFact, ...]
    run_id: str | None
    checkpoints: tuple[Checkpoint, ...]
    cancel_text: str
    shutdown_date: date | None
