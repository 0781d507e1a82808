"""The list of a project's graders: what it can be sorted and filtered by."""

from sqlalchemy import func

from app.core.listing import Column, Filter, Table, among, by_id, since
from app.core.orm import holds
from app.graders.multi import Multi
from app.graders.registry import SINGLE
from app.grading.models import LibraryGrader

TITLES = {kind: one.title for kind, one in SINGLE.items()} | {"multi": Multi.title}

GRADERS = Table(
    noun="grader",
    row_id=LibraryGrader.id,
    columns=(
        Column("name", "Grader", func.lower(LibraryGrader.name), is_kept=True),
        Column("type", "Type", LibraryGrader.type),
        Column("version", "Version", LibraryGrader.number, is_number=True, is_down=True),
        Column("by", "By"),
        Column("changed", "Changed", LibraryGrader.changed_at, is_number=True, is_down=True),
    ),
    filters=(
        Filter("q", "Name", "text", str, lambda text: holds(LibraryGrader.name, text.split())),
        among("type", "Type", TITLES.items(), LibraryGrader.type.in_),
        by_id("by", "Made by", lambda value: LibraryGrader.created_by == value),
        since("since", "Changed since", LibraryGrader.changed_at),
    ),
    start="name",
)
