"""What the pages of rescues show."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from app.core.list_views import ListView
from app.core.pages import Link
from app.core.views import FormState
from app.rescue.models import Kind, Outcome, RescuedObject
from app.rescue.pages.reading import Reading
from app.rescue.pages.words import KINDS, OUTCOMES

SHORT = 28


@dataclass(frozen=True, slots=True)
class Choice:
    """A connection to choose from; `why_not` says why its history cannot come home, and then
    `is_key` that another key would help.
    """

    id: int
    name: str
    words: str
    why_not: str
    is_key: bool


@dataclass(frozen=True, slots=True)
class RescueRow:
    """An earlier rescue. `home` of `found` objects lie here now, whichever rescue brought them."""

    id: int
    over: str
    shape: str
    state: str
    home: int
    found: int
    by: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class IndexView:
    """Fields of the form: connection-ID for each of `choices`, completions. `form` is shown when
    `can_edit`. `total` rescues there were, `rescues` are the latest. The list refreshes itself on
    `topic`.
    """

    project_id: int
    choices: tuple[Choice, ...]
    can_edit: bool
    can_manage: bool
    form: FormState
    rescues: tuple[RescueRow, ...]
    total: int
    topic: str

    @property
    def can_any(self) -> bool:
        """True when there is a connection to bring something home from."""
        return any(not one.why_not for one in self.choices)


@dataclass(frozen=True, slots=True)
class HistoryView:
    """What a connection's page says of its history: the newest rescue over it, if there is one."""

    project_id: int
    connection_id: int
    rescue: RescueRow | None
    can_edit: bool
    topic: str
    refresh_url: str


@dataclass(frozen=True, slots=True)
class Deed:
    """A button: posts to `url`."""

    key: str
    words: str
    icon: str
    url: str
    is_primary: bool = False


@dataclass(frozen=True, slots=True)
class Stop:
    """Why a connection's part stands still, and when it goes on by itself."""

    connection_id: int
    title: str
    words: str
    tone: str
    is_key: bool
    again_at: datetime | None


@dataclass(frozen=True, slots=True)
class Room:
    """What is to come beside what the disk has."""

    words: str
    is_short: bool


@dataclass(frozen=True, slots=True)
class Part:
    """A connection's share of a rescue."""

    connection_id: int
    name: str
    shape: str
    words: str


@dataclass(frozen=True, slots=True)
class Risk:
    """When some of a kind is gone: `left` in words, `tone` bad or warn; `source` says so."""

    day: date
    left: str
    tone: str
    source: str


@dataclass(frozen=True, slots=True)
class KindRow:
    """Some kinds as one line of the table. `bytes` lie here or were announced; `missing` will not
    come by themselves. `words` say why nothing could be listed.
    """

    label: str
    note: str
    risk: Risk | None
    found: int
    bytes: int
    waiting: int
    home: int
    missing: int
    missing_url: str
    words: str
    needs_admin_key: int | None


@dataclass(frozen=True, slots=True)
class Line:
    """An object of the manifest. `shape` and `outcome` make its badge; `became` is what it is here
    now, or why it stays as it came.
    """

    id: int
    object_id: str
    short: str
    name: str
    kind: str
    shape: str
    outcome: str
    error: str | None
    announced: int | None
    size: int | None
    lines: int | None
    sha256: str | None
    parent_id: str | None
    connection_id: int
    connection: str
    listed_at: datetime
    fetched_at: datetime | None
    verified_at: datetime | None
    tries: int
    became: str
    became_url: str


@dataclass(frozen=True, slots=True)
class Brief:
    """An object among the first lines of the manifest."""

    id: int
    short: str
    shape: str
    outcome: str
    error: str | None
    size: int | None
    sha256: str | None


@dataclass(frozen=True, slots=True)
class Use:
    """Something that can be done with what is home."""

    icon: str
    title: str
    words: str
    url: str


@dataclass(frozen=True, slots=True)
class ShowView:
    """One rescue. `over` names its connections, `stage` is that of its last part. Fragment
    "progress" refreshes itself on `topic`, which is None once it has ended.
    """

    rescue_id: int
    project_id: int
    title: str
    over: str
    stage: str
    shape: str
    state: str
    lead: str
    has_looked: bool
    deeds: tuple[Deed, ...]
    stops: tuple[Stop, ...]
    phases: tuple[tuple[str, str | None], ...]
    phase: int
    share: float | None
    room: Room | None
    parts: tuple[Part, ...]
    kinds: tuple[KindRow, ...]
    total: int
    lines: tuple[Brief, ...]
    bytes_home: int
    uses: tuple[Use, ...]
    topic: str | None
    refresh_url: str


@dataclass(frozen=True, slots=True)
class ManifestView:
    """A page of a rescue's manifest; it refreshes itself on `topic` until the rescue has ended."""

    rescue_id: int
    project_id: int
    over: str
    lines: tuple[Line, ...]
    list: ListView
    topic: str | None


@dataclass(frozen=True, slots=True)
class Child:
    """Something that belongs to an object."""

    id: int
    object_id: str
    kind: str


@dataclass(frozen=True, slots=True)
class Fact:
    """A field under the provider's own name; `moment` where it is a time."""

    name: str
    words: str
    moment: datetime | None


@dataclass(frozen=True, slots=True)
class ObjectView:
    """One object that was found. `reading` is a page of its bytes, None where `why_not` says that
    there are none. `children` are the first that belong to it.
    """

    project_id: int
    title: str
    lead: str
    line: Line
    can_download: bool
    reading: Reading | None
    why_not: str
    earlier_url: str | None
    later_url: str | None
    manifest_url: str
    belongs_to: str
    parent_url: str | None
    why_raw: str | None
    facts: tuple[Fact, ...]
    children: tuple[Child, ...]
    more_children: bool


def over_of(names: Sequence[str]) -> str:
    """What a rescue went over: one connection's name, or their number."""
    return names[0] if len(names) == 1 else f"{len(names)} connections"


def short_of(text: str) -> str:
    """Both ends of a long id."""
    return text if len(text) <= SHORT else f"{text[: SHORT // 2]}…{text[-SHORT // 2 + 1 :]}"


def brief(one: RescuedObject) -> Brief:
    """An object in a short line."""
    shape, outcome = OUTCOMES[Outcome(one.outcome)]
    return Brief(one.id, short_of(one.object_id), shape, outcome, one.error, one.size, one.sha256)


def line(one: RescuedObject, link: Link) -> Line:
    """An object with all its fields; its connection, job and version are loaded."""
    shape, outcome = OUTCOMES[Outcome(one.outcome)]
    became, became_url = _became(one, link)
    return Line(
        id=one.id,
        object_id=one.object_id,
        short=short_of(one.object_id),
        name=one.name,
        kind=KINDS[Kind(one.kind)],
        shape=shape,
        outcome=outcome,
        error=one.error,
        announced=one.announced,
        size=one.size,
        lines=one.lines,
        sha256=one.sha256,
        parent_id=one.parent_id,
        connection_id=one.connection_id,
        connection=one.connection.name,
        listed_at=one.listed_at,
        fetched_at=one.fetched_at,
        verified_at=one.verified_at,
        tries=one.tries,
        became=became,
        became_url=became_url,
    )


def _became(one: RescuedObject, link: Link) -> tuple[str, str]:
    if one.version is not None:
        name = f"{one.version.dataset.name}, version {one.version.number}"
        return name, link("datasets.show", version_id=one.version.id)
    if one.job is not None:
        return one.job.name, link("jobs.show", job_id=one.job.id)
    if one.outcome != Outcome.HOME:
        return "–", ""
    if one.kind == Kind.EVAL:
        return "a page of its own", link("rescued_evals.show", rescued_eval_id=one.id)
    if one.kind == Kind.EVAL_RUN:
        return "a page of its own", link("rescued_evals.run", rescued_run_id=one.id)
    return "stays as it came", ""
