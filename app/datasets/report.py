"""The views of the dataset pages, built from rows of the database and the version's index."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from app.core import storage
from app.core.leases import is_poisoned
from app.core.list_views import ListView
from app.core.views import FormState
from app.datasets import views
from app.datasets.figures import main_figures
from app.datasets.further import further
from app.datasets.gone import Gone, IndexGone, stored_file
from app.datasets.health import health
from app.datasets.index import FindingGroup, Index, RowFinding, open_index
from app.datasets.mending import made_kinds, missing
from app.datasets.models import DatasetVersion, Derived, Upload, VersionStatus
from app.datasets.rows import brief, cards
from app.datasets.sources import Reading
from app.datasets.titles import title_of
from app.datasets.training import is_trained_on
from app.datasets.uploads import standing
from app.datasets.views_figures import Figure, Sign
from app.projects.views import initials
from app.settings import ROOT, settings

_NOUNS = {
    "chat": ("conversation", "conversations"),
    "preference": ("pair of answers", "pairs of answers"),
    "reinforcement": ("prompt to be graded", "prompts to be graded"),
    "completion": ("prompt with its completion", "prompts with their completions"),
    "evaluation": ("case", "cases"),
}
_GONE = "Its stored file is missing or damaged."
_REMADE = "Its index was missing or damaged. It is made anew from the stored file."
FIRST_ROWS = 3
FIRST_FINDINGS = 5
EXAMPLE_FOLDER = ROOT / "examples" / "banking77"
EXAMPLE = views.Example(
    "Banking77", "10,003 customers' questions, 77 intents", "CC BY 4.0, Casanueva et al. 2020"
)


def index(
    project_id: int,
    versions: Sequence[DatasetVersion],
    listed: ListView,
    form: FormState,
    *,
    can_edit: bool,
    **rest: Any,
) -> views.IndexView:
    """The list of a project's datasets."""
    return views.IndexView(
        project_id=project_id,
        datasets=tuple(_dataset_row(version) for version in versions),
        list=listed,
        can_edit=can_edit,
        example=EXAMPLE if _has_example(EXAMPLE_FOLDER) else None,
        form=form,
        size_limit=settings().upload_limit,
        row_limit=settings().row_limit,
        topic=f"project:{project_id}",
        **rest,
    )


def unfinished(found: Sequence[Upload]) -> tuple[views.Unfinished, ...]:
    """Those of these uploads that can go on: some of each is here, and no version came of it."""
    return tuple(
        views.Unfinished(
            upload.id,
            upload.file_name,
            upload.size,
            here.offset,
            here.offset / upload.size,
            upload.modified,
            here.expires_at,
        )
        for upload in found
        if (here := standing(upload, is_safe=False)) is not None and here.offset
    )


def _has_example(folder: Path) -> bool:
    return (folder / "train.jsonl").is_file()


def _dataset_row(version: DatasetVersion) -> views.DatasetRow:
    return views.DatasetRow(
        id=version.dataset_id,
        name=version.dataset.name,
        version_id=version.id,
        number=version.number,
        status=version.status,
        rows=version.rows,
        tokens=version.tokens,
        size=version.size,
        errors=version.errors,
        warnings=version.warnings,
        by=_maker(version),
        by_initials=initials(_maker(version)),
        at=version.created_at,
        created_at=version.dataset.created_at,
        licence=version.dataset.licence,
        format=version.format,
    )


def show(
    version: DatasetVersion,
    versions: Sequence[DatasetVersion],
    derived: Sequence[Derived],
    moment: datetime,
    *,
    can_edit: bool,
    can_spend: bool,
) -> views.ShowView:
    """The report of a version, or how far its check is."""
    found = _found_in(version, derived) if version.is_final else _Found()
    is_on_its_way = not version.is_final or (found.is_lost and not found.is_readable)
    return views.ShowView(
        project_id=version.project_id,
        dataset_id=version.dataset_id,
        dataset_name=version.dataset.name,
        version_id=version.id,
        number=version.number,
        status=version.status,
        lead=_lead(version, moment) if found.is_whole else _REMADE if found.is_lost else _GONE,
        reason=version.reason,
        format=version.format,
        rows=version.rows,
        tokens=version.tokens,
        size=version.size,
        sha256=version.sha256,
        licence=version.dataset.licence,
        by=_maker(version),
        at=version.created_at,
        errors=version.errors,
        warnings=version.warnings,
        hints=version.hints,
        findings=sum(group.count for group in found.groups),
        progress=_progress(version, moment) if is_on_its_way else None,
        health=found.health,
        figures=found.figures,
        groups=found.groups,
        first_rows=found.first_rows,
        versions=tuple(_version_row(one, version.id) for one in versions),
        further=further(version, derived, moment, can_edit=can_edit),
        can_edit=can_edit,
        is_trained_on=is_trained_on(version.format),
        can_spend=can_spend,
        can_retry=can_edit and is_poisoned(version, moment),
        topic=f"version:{version.id}",
        made_of=_made_of(version),
        gone=found.gone,
        is_readable=found.is_readable,
        is_lost=found.is_lost,
        has_columns=bool((version.reading or {}).get("columns")),
    )


def _made_of(version: DatasetVersion) -> str | None:
    reading = Reading.from_json(version.reading)
    if reading is None or version.source_sha256 is None:
        return None
    if reading.columns is None:
        return f"Rows made of {version.file_name}, said in the words that providers read."
    columns = reading.columns
    under = ", under a system prompt of yours" if columns.prompt else ""
    return (
        f"Conversations made of {version.file_name}: the question is {columns.question}, "
        f"the answer {columns.answer}{under}."
    )


def _lead(version: DatasetVersion, moment: datetime) -> str:
    one, many = _NOUNS.get(version.format or "", ("row", "rows"))
    rows = f"{version.rows:,} {one if version.rows == 1 else many}" if version.rows else ""
    if is_poisoned(version, moment):
        return (
            "The check gave up: three workers died over it. Nothing is lost; it can be tried again."
        )
    if not version.is_final:
        is_new = version.status == VersionStatus.RECEIVED
        usual = "Stored. A worker reads it in a moment." if is_new else "Luthier reads every row."
        return version.last_error or (usual if version.checked_at is None else _REMADE)
    if version.status == VersionStatus.REJECTED:
        return version.reason or "Refused."
    if version.errors:
        errors = f"{version.errors:,} error{'s' if version.errors != 1 else ''}"
        return (
            f"{rows}, with {errors} that a provider would refuse. Mend them before you train on it."
        )
    if not is_trained_on(version.format):
        return f"{rows}. No provider that Luthier knows trains on {version.format} rows."
    return f"{rows}, ready to train on."


def _progress(version: DatasetVersion, moment: datetime) -> views.Progress:
    kept = version.progress or {}
    done = int(kept.get("offset", 0))
    share = done / version.size if version.size else 0.0
    elapsed = (moment - version.created_at).total_seconds()
    step = kept.get("phase", "reading")
    is_reading = step == "reading" and version.checked_at is None  # else nobody knows since when
    phase = step if version.status == VersionStatus.CHECKING else "received"
    left = elapsed / share * (1 - share) if is_reading and share > 0.02 else None  # noqa: PLR2004 - too early to say
    return views.Progress(phase, share, int(kept.get("rows", 0)), done, version.size, left)


class _Found(NamedTuple):
    """What of a report stands in the version's index, or what is gone of its files. `is_lost`:
    something of it can be made anew.
    """

    health: tuple[Sign, ...] = ()
    figures: tuple[Figure, ...] = ()
    groups: tuple[views.FindingGroup, ...] = ()
    first_rows: tuple[views.RowCard, ...] = ()
    gone: str | None = None
    is_readable: bool = True
    is_lost: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether everything is there that the report is made of."""
        return self.is_readable and self.gone is None


def _found_in(version: DatasetVersion, derived: Sequence[Derived]) -> _Found:
    gone = None
    try:
        stored_file(version.sha256, version.size)
    except Gone as error:
        gone = error.message
    index, is_stored = storage.index_path(version.id), gone is None
    try:
        with open_index(index) as opened:
            found = _found(version, opened, has_rows=is_stored)
    except IndexGone:
        return _Found(gone=gone, is_readable=False, is_lost=is_stored)
    is_lost = is_stored and bool(missing(index, made_kinds(derived)))
    return found._replace(gone=gone, is_lost=is_lost)


def _found(version: DatasetVersion, opened: Index, *, has_rows: bool) -> _Found:
    groups = opened.finding_groups()
    first = cards(version, opened, opened.rows(0, FIRST_ROWS)) if has_rows else ()
    return _Found(
        health(opened.facts, groups, is_deep=opened.is_deep),
        main_figures(opened),
        _groups(opened, groups),
        tuple(brief(card) for card in first),
    )


def _groups(opened: Index, groups: Sequence[FindingGroup]) -> tuple[views.FindingGroup, ...]:
    shown = []
    for group in groups:
        found = opened.findings(limit=FIRST_FINDINGS, rule=group.rule)
        shown.append(
            views.FindingGroup(
                group.rule,
                group.severity,
                title_of(group.rule, group.reason, group.count),
                group.count,
                tuple(finding_row(one) for one in found),
                more=group.count > len(found),
            )
        )
    return tuple(shown)


def finding_row(one: RowFinding) -> views.FindingRow:
    """A finding as a line of a table."""
    return views.FindingRow(
        one.id, one.severity, one.rule, one.row, one.field, one.reason, one.cure
    )


def _version_row(version: DatasetVersion, current_id: int) -> views.VersionRow:
    return views.VersionRow(
        id=version.id,
        number=version.number,
        status=version.status,
        rows=version.rows,
        size=version.size,
        by=_maker(version),
        at=version.created_at,
        is_current=version.id == current_id,
    )


def _maker(version: DatasetVersion) -> str:
    return version.creator.name if version.creator else "someone who left"
