"""The list of a project's notices: what it can be sorted and filtered by."""

from sqlalchemy import func

from app.core.listing import Column, Filter, Table, contains
from app.notices.models import Notice


def _yes(text: str) -> bool:
    if text != "yes":
        raise ValueError("yes, or left out.")
    return True


NOTICES = Table(
    noun="notice",
    row_id=Notice.id,
    columns=(
        Column("title", "What stops", func.lower(Notice.title), is_kept=True),
        Column("day", "On", Notice.day, is_kept=True),
        Column("left", "Days left", is_number=True),
        Column("depends", "Hangs on it"),
        Column("at", "Told", Notice.id, is_number=True, is_down=True, is_kept=True),
        Column("read", "Read", is_kept=True),
    ),
    filters=(
        contains("q", "What stops", Notice.title, Notice.text),
        Filter(
            "current",
            "Only those that stand",
            "flag",
            _yes,
            lambda _: Notice.is_current,
            (("yes", "standing"),),
        ),
    ),
    start="-at",
)
