"""What the pages of a project's graders show."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.connections.models import Connection
from app.core.list_views import ListView
from app.core.views import FormState
from app.graders.base import Grader
from app.graders.judge import Judge
from app.graders.multi import Multi
from app.graders.registry import OPENAIS, OURS
from app.graders.sampling import SamplingParams
from app.graders.settings import Setting, settings_of
from app.grading.boxes import written
from app.grading.cases import KNOWN
from app.grading.drafting import Around
from app.grading.drafts import ROLES, Typed, message_rows, part_rows
from app.grading.judging_views import JudgingView
from app.grading.listing import TITLES
from app.grading.models import GraderVersion, LibraryGrader
from app.grading.starting import STARTING, Starting
from app.grading.verdicts import TriedView
from app.projects.models import Membership
from app.projects.views import initials

GONE = "someone who left"
UNCHOSEN = "no connection yet"
NOBODY_CHOSEN = "Choose under Change over which connection its judge is asked."
WITHIN = ("json", "messages", "sampling", "graders")
"""Kinds of settings that are JSON of some length."""
ROWS = ((10, "10 rows"), (50, "50 rows"), (200, "200 rows"), (1, "a single row"))
JUDGED_ROWS = ((5, "5 rows"), (10, "10 rows"), (20, "20 rows"), (1, "a single row"))


@dataclass(frozen=True, slots=True)
class GraderRow:
    """A grader in the list."""

    id: int
    name: str
    type: str
    number: int
    by: str
    by_initials: str
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class IndexView:
    """The library."""

    project_id: int
    graders: tuple[GraderRow, ...]
    list: ListView
    has_any: bool
    can_edit: bool
    starting: Sequence[Starting] = STARTING


@dataclass(frozen=True, slots=True)
class TypeView:
    """A type of grader that can be chosen."""

    key: str
    title: str
    purpose: str


@dataclass(frozen=True, slots=True)
class ChooseView:
    """Where a new grader begins: a task, a type, or JSON that is pasted into `form`."""

    project_id: int
    form: FormState
    groups: tuple[tuple[str, tuple[TypeView, ...]], ...]
    starting: Sequence[Starting] = STARTING


@dataclass(frozen=True, slots=True)
class TryView:
    """Rows to try a grader on: `versions` to choose from, what is known of each format's rows, and
    what came of it, or how far its judges are.
    """

    versions: Sequence[tuple[int, str]]
    form: FormState
    tried: TriedView | None = None
    judging: JudgingView | None = None
    is_judged: bool = False
    known: Mapping[str, str] = field(default_factory=lambda: KNOWN)

    @property
    def rows(self) -> Sequence[tuple[int, str]]:
        """How many may be chosen."""
        return JUDGED_ROWS if self.is_judged else ROWS


@dataclass(frozen=True, slots=True)
class FormView:
    """A grader's form. `settings` draw it; `inner` those of a judge's sampling. `takeable` are the
    graders that a formula may take, `connections` those that judges may be asked over, where the
    type can have any. `number` is the version that is changed, None of a new grader.
    """

    project_id: int
    grader_id: int | None
    number: int | None
    type: str
    title: str
    purpose: str
    name: str
    settings: tuple[Setting, ...]
    inner: tuple[Setting, ...]
    messages: Sequence[int]
    parts: Sequence[int]
    takeable: Sequence[tuple[int, str]]
    connections: Sequence[tuple[int, str]]
    is_judge: bool
    form: FormState
    trying: TryView
    is_sampled: bool
    roles: Sequence[tuple[str, str]] = tuple((one, one) for one in ROLES)


@dataclass(frozen=True, slots=True)
class ShowView:
    """A version of a grader. `says` are (label, value, whether it is long); `obstacle` says why it
    cannot grade here, `taken` whether OpenAI takes its JSON.
    """

    project_id: int
    grader_id: int
    name: str
    title: str
    purpose: str
    number: int
    is_newest: bool
    says: tuple[tuple[str, str, bool], ...]
    json: str
    taken: str
    obstacle: str | None
    sha256: str
    by: str
    created_at: datetime
    versions: tuple[tuple[int, str, datetime], ...]
    can_edit: bool
    may_spend: bool
    trying: TryView


def row(grader: LibraryGrader) -> GraderRow:
    """A grader in the list."""
    by = grader.creator.name if grader.creator else GONE
    title = TITLES.get(grader.type, grader.type)
    return GraderRow(
        grader.id, grader.name, title, grader.number, by, initials(by), grader.changed_at
    )


def choose(project_id: int, form: FormState) -> ChooseView:
    """Where a new grader begins."""
    return ChooseView(
        project_id,
        form,
        (
            ("Luthier's own", _types(OURS)),
            ("OpenAI's, which its jobs take too", _types({**OPENAIS, "multi": Multi})),
        ),
    )


def _types(of: Mapping[str, type[Grader]]) -> tuple[TypeView, ...]:
    return tuple(TypeView(key, one.title, one.purpose) for key, one in of.items())


def form_view(
    project_id: int,
    typed: Typed,
    around: Around,
    trying: TryView,
    grader: LibraryGrader | None = None,
) -> FormView:
    """The form as it was typed, or as it begins."""
    return FormView(
        project_id=project_id,
        grader_id=grader.id if grader else None,
        number=grader.number if grader else None,
        type=typed.body["type"],
        title=typed.kind.title,
        purpose=typed.kind.purpose,
        name=grader.name if grader else "",
        settings=settings_of(typed.kind),
        inner=settings_of(SamplingParams),
        messages=message_rows(typed.values, "input"),
        parts=part_rows(typed.values, "graders"),
        takeable=[
            (one.grader_id, f"{one.grader.name}, {TITLES.get(one.type, one.type)}")
            for one in around.versions
            if one.type != "multi"
        ],
        connections=around.connections if issubclass(typed.kind, Judge | Multi) else (),
        is_judge=issubclass(typed.kind, Judge),
        form=typed,
        trying=trying,
        is_sampled=any(
            name.startswith("sampling_params.") and value for name, value in typed.values.items()
        ),
    )


def show(
    grader: LibraryGrader,
    version: GraderVersion,
    read: Grader,
    versions: Sequence[GraderVersion],
    trying: TryView,
    connection: Connection | None,
    *,
    role: Membership,
) -> ShowView:
    """A version of a grader as its page shows it."""
    has_judges = bool(read.judges)
    return ShowView(
        project_id=grader.project_id,
        grader_id=grader.id,
        name=grader.name,
        title=type(read).title,
        purpose=type(read).purpose,
        number=version.number,
        is_newest=version.number == grader.number,
        says=(
            *(_said(one, read) for one in settings_of(type(read)) if _is_said(one, read)),
            *([("Asked over", connection.name if connection else UNCHOSEN, False)] * has_judges),
        ),
        json=written(read.written()),
        taken=_taken(read),
        obstacle=read.obstacle() or (NOBODY_CHOSEN if has_judges and not connection else None),
        sha256=version.sha256,
        by=version.creator.name if version.creator else GONE,
        created_at=version.created_at,
        versions=tuple(
            (one.number, one.creator.name if one.creator else GONE, one.created_at)
            for one in versions
        ),
        can_edit=role.may("edit"),
        may_spend=role.may("spend"),
        trying=trying,
    )


def _taken(grader: Grader) -> str:
    parts = grader.parts.values() if isinstance(grader, Multi) else [grader]
    types = {part.type for part in parts}
    if strange := sorted(types - OPENAIS.keys()):
        return f"Luthier's own, which OpenAI does not take: {', '.join(strange)}."
    if "label_model" in types:
        return "OpenAI takes it among an eval's testing criteria; its jobs take no labels."
    return (
        "OpenAI takes it as it stands: as the grader of a reinforcement job, or among an eval's "
        "testing criteria."
    )


def _is_said(one: Setting, grader: Grader) -> bool:
    return one.name != "name" and getattr(grader, one.name) not in (None, [], {})


def _said(one: Setting, grader: Grader) -> tuple[str, str, bool]:
    value = grader.model_dump(mode="json")[one.name]
    return one.label, _words(one, value), one.kind in {"code", *WITHIN}


def _words(one: Setting, value: Any) -> str:
    if one.choices:
        chosen = [value] if isinstance(value, str) else value
        return ", ".join(choice.label for choice in one.choices if choice.value in chosen)
    if one.kind in WITHIN:
        return written(value if one.kind == "json" else _brief(value))
    match value:
        case bool():
            return "yes" if value else "no"
        case [low, high] if one.kind == "range":
            return f"{low:g} to {high:g}"
        case list():
            return ", ".join(value)
    return str(value)


def _brief(value: Any) -> Any:
    """Without what is not set."""
    if isinstance(value, dict):
        return {key: _brief(inner) for key, inner in value.items() if inner is not None}
    return [_brief(one) for one in value] if isinstance(value, list) else value
