"""The manifest as a list: what it can be filtered and sorted by."""

from app.core.listing import Column, Table, by_id, contains, one_of, since
from app.rescue.models import RescuedObject
from app.rescue.pages.words import KINDS, OUTCOMES

MANIFEST = Table(
    noun="object",
    row_id=RescuedObject.id,
    columns=(
        Column("object", "Object", RescuedObject.object_id, is_kept=True),
        Column("kind", "Kind", RescuedObject.kind),
        Column("outcome", "Outcome", RescuedObject.outcome),
        Column("bytes", "Bytes", RescuedObject.size, is_number=True, is_down=True),
        Column("sha256", "sha256", RescuedObject.sha256),
        Column("became", "Became"),
        Column("fetched", "Came home", RescuedObject.fetched_at, is_number=True, is_down=True),
        Column("listed", "Found", RescuedObject.id, is_number=True, is_extra=True),
        Column("lines", "Lines", RescuedObject.lines, is_number=True, is_down=True, is_extra=True),
        Column("parent", "Belongs to", RescuedObject.parent_id, is_extra=True),
        Column("connection", "Connection", is_extra=True),
        Column(
            "verified",
            "Read again",
            RescuedObject.verified_at,
            is_number=True,
            is_down=True,
            is_extra=True,
        ),
    ),
    filters=(
        contains("q", "Id or name", RescuedObject.object_id, RescuedObject.name),
        one_of("kind", "Kind", RescuedObject.kind, [(str(one), KINDS[one]) for one in KINDS]),
        one_of(
            "outcome",
            "Outcome",
            RescuedObject.outcome,
            [(str(one), words) for one, (_, words) in OUTCOMES.items()],
        ),
        by_id("connection", "Connection", lambda value: RescuedObject.connection_id == value),
        since("since", "Found since", RescuedObject.listed_at),
    ),
    start="listed",
)
