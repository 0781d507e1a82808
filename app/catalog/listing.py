"""The list of tuned models: what it can be sorted and filtered by, what is done to many at once."""

from sqlalchemy import func

from app.catalog import service
from app.catalog.models import ModelRef, TunedModel
from app.core.choosing import Act
from app.core.listing import Column, Table, by_id, contains, is_text, put_away, since

MODELS = Table(
    noun="model",
    row_id=TunedModel.id,
    columns=(
        Column("name", "Model", func.lower(TunedModel.name), is_kept=True),
        Column("base_model", "Base", TunedModel.base_model),
        Column("dataset", "Dataset"),
        Column("best", "Best validation loss", TunedModel.best_valid_loss, is_number=True),
        Column("by", "By"),
        Column("created", "Made", TunedModel.created_at, is_number=True, is_down=True),
        Column("job", "Job", is_extra=True),
        Column("try", "Talk to it"),
    ),
    filters=(
        contains("q", "Name or base model", TunedModel.name, TunedModel.base_model, ModelRef.name),
        is_text("base_model", "Base model", TunedModel.base_model),
        by_id("connection", "Connection", lambda value: ModelRef.connection_id == value),
        by_id("dataset", "Dataset", lambda value: TunedModel.dataset_version.has(dataset_id=value)),
        by_id("by", "Asked for by", lambda value: TunedModel.created_by == value),
        since("since", "Made since", TunedModel.created_at),
        put_away(TunedModel.archived_at),
    ),
    start="-created",
)

ACTS = (
    Act(
        "archive",
        "Archive",
        "archived",
        lambda model: None if model.archived_at is None else "is archived already",
        lambda model: f"stays at {model.ref.connection.name} as {model.ref.name}",
        service.archive_model,
        "Archived models leave this list. The provider keeps them, and what calls them goes on.",
    ),
    Act(
        "unarchive",
        "Bring back",
        "brought back",
        lambda model: None if model.archived_at is not None else "is not archived",
        lambda model: model.ref.name,
        service.unarchive_model,
        "They stand in the list again.",
    ),
)
