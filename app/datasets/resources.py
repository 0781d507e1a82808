"""Datasets, versions, findings and examples as the API gives them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.core.errors import NotFound
from app.core.partial import GONE
from app.datasets.index import Row, RowFinding
from app.datasets.models import DatasetVersion, Upload
from app.datasets.rows import lines_of, row_value
from app.datasets.uploads import Standing, standing


@dataclass(frozen=True, slots=True)
class FindingCounts:
    """How many findings of each severity."""

    error: int
    warning: int
    hint: int


@dataclass(frozen=True, slots=True)
class VersionResource:
    """A dataset version. Counts are null until it was checked; `rows` counts all rows, bad ones
    included. Where rows were made of a table, `sha256` and `size` are theirs, and `source_sha256`
    and `source_size` those of the file that was uploaded.
    """

    id: int
    dataset_id: int
    number: int
    status: str
    format: str | None
    rows: int | None
    tokens: int | None
    sha256: str
    size: int
    source_sha256: str | None
    source_size: int | None
    file_name: str
    findings: FindingCounts
    reason: str | None
    progress: float | None
    created_at: datetime
    checked_at: datetime | None


@dataclass(frozen=True, slots=True)
class DatasetResource:
    """A dataset with its newest version."""

    id: int
    project_id: int
    name: str
    licence: str | None
    version: VersionResource
    created_at: datetime
    archived_at: datetime | None


@dataclass(frozen=True, slots=True)
class FindingResource:
    """What the check says about a row; `row` is the 1-based line, null for the file as a whole."""

    id: int
    row: int | None
    field: str | None
    rule: str
    severity: str
    reason: str
    cure: str


@dataclass(frozen=True, slots=True)
class ExampleResource:
    """One row. `example` is null where the line cannot be read or is very long; `row_id` stays with
    the row through versions.
    """

    row: int
    row_id: str
    tokens: int
    example: dict[str, Any] | None


def version_resource(version: DatasetVersion) -> VersionResource:
    """The version as the API gives it."""
    offset = int((version.progress or {}).get("offset", 0))
    share = 1.0 if version.is_final else offset / version.size if version.size else 0.0
    return VersionResource(
        id=version.id,
        dataset_id=version.dataset_id,
        number=version.number,
        status=version.status,
        format=version.format,
        rows=version.rows,
        tokens=version.tokens,
        sha256=version.sha256,
        size=version.size,
        source_sha256=version.source_sha256,
        source_size=version.source_size,
        file_name=version.file_name,
        findings=FindingCounts(version.errors, version.warnings, version.hints),
        reason=version.reason,
        progress=share,
        created_at=version.created_at,
        checked_at=version.checked_at,
    )


def dataset_resource(version: DatasetVersion) -> DatasetResource:
    """The version's dataset, with it as the newest, as the API gives it."""
    dataset = version.dataset
    return DatasetResource(
        id=dataset.id,
        project_id=dataset.project_id,
        name=dataset.name,
        licence=dataset.licence,
        version=version_resource(version),
        created_at=dataset.created_at,
        archived_at=dataset.archived_at,
    )


def finding_resource(found: RowFinding) -> FindingResource:
    """The finding as the API gives it."""
    return FindingResource(
        found.id, found.row, found.field, found.rule, found.severity, found.reason, found.cure
    )


def example_resources(version: DatasetVersion, rows: Sequence[Row]) -> list[ExampleResource]:
    """These rows as the API gives them. Row ids are text: they are larger than some scripts can
    count.
    """
    return [
        ExampleResource(row.line, str(row.row_id), row.tokens, row_value(line))
        for row, line in lines_of(version, rows)
    ]


@dataclass(frozen=True, slots=True)
class UploadResource:
    """An upload that has not ended, or has within a day. It goes on from `offset`; what has arrived
    goes at `expires_at` when nothing more comes. `dataset_id` is null for a new dataset.
    """

    id: int
    project_id: int
    dataset_id: int | None
    name: str
    file_name: str
    size: int
    offset: int
    sha256: str | None
    version_id: int | None
    created_at: datetime
    expires_at: datetime


def upload_resource(upload: Upload) -> UploadResource:
    """The upload as the API gives it. Raises NotFound when what had arrived is gone."""
    here = standing(upload)
    if here is None:
        raise NotFound(GONE)
    return _upload_resource(upload, here)


def upload_resources(found: Sequence[Upload]) -> list[UploadResource]:
    """Those of these uploads of which anything is here."""
    return [
        _upload_resource(upload, here)
        for upload in found
        if (here := standing(upload, is_safe=False)) is not None
    ]


def _upload_resource(upload: Upload, here: Standing) -> UploadResource:
    return UploadResource(
        id=upload.id,
        project_id=upload.project_id,
        dataset_id=upload.dataset_id,
        name=upload.name,
        file_name=upload.file_name,
        size=upload.size,
        offset=here.offset,
        sha256=upload.sha256,
        version_id=upload.version_id,
        created_at=upload.created_at,
        expires_at=here.expires_at,
    )
