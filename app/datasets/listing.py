"""The list of datasets: what it can be sorted and filtered by, and what is done to many at once."""

from sqlalchemy import func

from app.core.choosing import Act
from app.core.listing import Column, Table, by_id, contains, one_of, put_away, since
from app.datasets import service
from app.datasets.models import Dataset, DatasetVersion, VersionStatus

STATES = {
    VersionStatus.RECEIVED: "received",
    VersionStatus.CHECKING: "checking",
    VersionStatus.READY: "ready",
    VersionStatus.REJECTED: "refused",
}

DATASETS = Table(
    noun="dataset",
    row_id=Dataset.id,
    columns=(
        Column("name", "Dataset", func.lower(Dataset.name), is_kept=True),
        Column("status", "State", DatasetVersion.status),
        Column("rows", "Rows", DatasetVersion.rows, is_number=True, is_down=True),
        Column("tokens", "Tokens", DatasetVersion.tokens, is_number=True, is_down=True),
        Column("size", "Size", DatasetVersion.size, is_number=True, is_down=True),
        Column("findings", "Findings", DatasetVersion.errors, is_down=True),
        Column("by", "By"),
        Column("uploaded", "Uploaded", DatasetVersion.created_at, is_number=True, is_down=True),
        Column("created", "First version", Dataset.id, is_number=True, is_down=True, is_extra=True),
        Column("licence", "Licence", is_extra=True),
        Column("format", "Format", is_extra=True),
    ),
    filters=(
        contains("q", "Name", Dataset.name),
        one_of(
            "status",
            "State",
            DatasetVersion.status,
            [(status.value, words) for status, words in STATES.items()],
        ),
        by_id("by", "Uploaded by", lambda value: DatasetVersion.created_by == value),
        since("since", "Uploaded since", DatasetVersion.created_at),
        put_away(Dataset.archived_at),
    ),
    start="-uploaded",
)

ACTS = (
    Act(
        "archive",
        "Archive",
        "archived",
        lambda dataset: None if dataset.archived_at is None else "is archived already",
        lambda _: "every version, report and row stays",
        service.archive_dataset,
        "Archived datasets leave this list and the form for a new job. Jobs and models that came "
        "from them keep pointing at their rows.",
    ),
    Act(
        "unarchive",
        "Bring back",
        "brought back",
        lambda dataset: None if dataset.archived_at is not None else "is not archived",
        lambda _: "can be trained on again",
        service.unarchive_dataset,
        "They stand in the list and in the form for a new job again.",
    ),
)
