"""How a version's file is read, as JSON: what it is, and reading it differently."""

from dataclasses import asdict, dataclass
from typing import Any

from fastapi import APIRouter
from fastapi.responses import FileResponse

from app.auth.access import CurrentUser
from app.core.database import DbSession
from app.datasets import rereading, service
from app.datasets.access import CurrentVersion, EditableVersion
from app.datasets.forms import ReadingForm
from app.datasets.resources import DatasetResource, dataset_resource
from app.datasets.routes import as_it_came

router = APIRouter(prefix="/api/v1", tags=["datasets"])


@dataclass(frozen=True, slots=True)
class ColumnsResource:
    """Which column of a table is what; `prompt` is a system prompt for every row."""

    question: str
    answer: str
    context: str | None
    system: str | None
    prompt: str


@dataclass(frozen=True, slots=True)
class ReadingResource:
    """How the uploaded file is read. `kind` is lines, array or csv; with `columns` it is a table,
    of which chat rows were made. `names` are the columns there are, `records` the first of them.
    """

    kind: str
    format: str | None
    columns: ColumnsResource | None
    names: list[str]
    records: list[dict[str, Any]]


@router.get("/dataset-versions/{version_id}/reading", name="api.versions.reading")
def reading(version: CurrentVersion) -> ReadingResource:
    """How a version's file is read, and what it begins with."""
    source, known = rereading.begun(version), rereading.reading_of(version)
    return ReadingResource(
        kind=known.kind,
        format=version.format,
        columns=ColumnsResource(**asdict(known.columns)) if known.columns else None,
        names=list(source.names[: rereading.MOST_COLUMNS]),
        records=list(source.records[: rereading.SHOWN_ROWS]),
    )


@router.post(
    "/dataset-versions/{version_id}/reading",
    name="api.versions.read_differently",
    status_code=202,
)
def read_differently(
    session: DbSession, user: CurrentUser, version: EditableVersion, body: ReadingForm
) -> DatasetResource:
    """Read a version's file differently: the dataset's next version comes of the same bytes. Poll
    it until `status` is ready or rejected.
    """
    asked = rereading.reading_from(rereading.begun(version), body)
    made = service.read_differently(session, version, asked, actor_id=user.id)
    return dataset_resource(made)


@router.get(
    "/dataset-versions/{version_id}/source",
    name="api.versions.source",
    response_class=FileResponse,
)
def source(version: CurrentVersion) -> FileResponse:
    """The exact bytes that were uploaded, before rows were made of them."""
    return as_it_came(version)
