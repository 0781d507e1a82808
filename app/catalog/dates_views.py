"""What the page of dates shows to the instance's owner, and what the API gives of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from app.catalog.deadlines import Deadline, catalogue, with_changes
from app.catalog.models import OwnersDate
from app.core.views import FormState
from app.providers.profiles import profiles

KINDS = {
    "platform": "the platform",
    "training": "new jobs",
    "base_model": "base models",
    "tuned_model": "tuned models",
    "deployment": "deployments of tuned models",
}


@dataclass(frozen=True, slots=True)
class DateRow:
    """An entry of the catalogue as it holds now. `struck` says why it does not; `before` is the
    file's day where the owner has another.
    """

    key: str
    day: date
    title: str
    stops: str
    platform: str
    models: str
    source: str
    source_url: str
    read_on: date
    is_earliest: bool
    is_owners: bool
    is_added: bool
    before: date | None
    struck: str


@dataclass(frozen=True, slots=True)
class DatesView:
    """All entries, the next first. `form` changes one of `choices`, or adds one if `is_adding`."""

    rows: tuple[DateRow, ...]
    form: FormState
    is_adding: bool
    choices: tuple[tuple[str, str], ...]
    profiles: tuple[tuple[str, str], ...]
    kinds: tuple[tuple[str, str], ...]


def dates_view(changes: Sequence[OwnersDate], form: FormState, *, is_adding: bool) -> DatesView:
    """The page."""
    rows = _rows(changes)
    return DatesView(
        rows=rows,
        form=form,
        is_adding=is_adding,
        choices=tuple((row.key, f"{row.title}, {row.platform}") for row in rows),
        profiles=tuple((name, one.label) for name, one in profiles().items()),
        kinds=tuple(KINDS.items()),
    )


def _rows(changes: Sequence[OwnersDate]) -> tuple[DateRow, ...]:
    holding = with_changes(catalogue(), changes)
    struck = {one.key: one for one in changes if one.day is None}
    gone = [one for one in catalogue() if one.key in struck]
    found = [_row(one, struck.get(one.key)) for one in sorted([*holding, *gone])]
    return tuple(found)


def _row(one: Deadline, struck: OwnersDate | None) -> DateRow:
    by = struck.maker.name if struck and struck.maker else "someone who left"
    return DateRow(
        key=one.key,
        day=one.day,
        title=one.title,
        stops=KINDS[one.kind],
        platform=profiles()[one.profile].label,
        models=", ".join(one.models) if one.models != ("*",) else "every model",
        source=one.source,
        source_url=one.source_url,
        read_on=one.read_on,
        is_earliest=one.is_earliest,
        is_owners=one.origin == "owner" or struck is not None,
        is_added=one.origin == "owner" and one.instead_of is None,
        before=one.instead_of,
        struck=f"{by}: {struck.why}" if struck else "",
    )


@dataclass(frozen=True, slots=True)
class DateResource:
    """An entry of the catalogue as it holds now. `origin` is owner where the instance's owner says
    so, `why` and when; `instead_of` is then the file's day. `is_struck` ones do not hold.
    """

    key: str
    day: date
    profile: str
    kind: Literal["platform", "training", "base_model", "tuned_model", "deployment"]
    models: list[str]
    title: str
    text: str
    is_earliest: bool
    source: str
    source_url: str | None
    read_on: date
    origin: Literal["catalogue", "owner"]
    by: str | None
    why: str | None
    instead_of: date | None
    is_struck: bool
    changed_at: datetime | None


def date_resources(changes: Sequence[OwnersDate]) -> list[DateResource]:
    """Every entry, the first day first."""
    said = {one.key: one for one in changes}
    holding = with_changes(catalogue(), changes)
    gone = [one for one in catalogue() if one.key in said and said[one.key].day is None]
    return [date_resource(one, said.get(one.key)) for one in sorted([*holding, *gone])]


def date_resource(one: Deadline, change: OwnersDate | None) -> DateResource:
    """An entry as the API gives it."""
    return DateResource(
        key=one.key,
        day=one.day,
        profile=one.profile,
        kind=one.kind,
        models=list(one.models),
        title=one.title,
        text=one.text,
        is_earliest=one.is_earliest,
        source=one.source,
        source_url=one.source_url or None,
        read_on=one.read_on,
        origin=one.origin,
        by=change.maker.name if change and change.maker else None,
        why=change.why if change else None,
        instead_of=one.instead_of,
        is_struck=change is not None and change.day is None,
        changed_at=change.changed_at if change else None,
    )
