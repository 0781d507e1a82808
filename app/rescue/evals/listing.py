"""The list of rescued evals: what it can be sorted and filtered by."""

from sqlalchemy import func

from app.core.listing import Column, Table, by_id, contains
from app.rescue.evals.queries import RUNS
from app.rescue.models import RescuedObject

EVALS = Table(
    noun="eval",
    row_id=RescuedObject.id,
    columns=(
        Column("name", "Eval", func.lower(RescuedObject.name), is_kept=True),
        Column("runs", "Runs", RUNS, is_number=True, is_down=True),
        Column("items", "Output items", is_number=True),
        Column("connection", "Connection"),
        Column("fetched", "Came home", RescuedObject.fetched_at, is_number=True, is_down=True),
    ),
    filters=(
        contains("q", "Name or id", RescuedObject.name, RescuedObject.object_id),
        by_id("connection", "Connection", lambda value: RescuedObject.connection_id == value),
    ),
    start="name",
)
