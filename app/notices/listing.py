"""The list of a project's notices: what it can be sorted and filtered by."""

from sqlalchemy import func

from app.core.listing import Column, Filter, Table, contains, one_of
from app.notices.models import Notice, Topic

TOPICS = {
    Topic.JOB_ENDED: "a job ended",
    Topic.NEEDS_DECISION: "needs a decision",
    Topic.BUDGET: "budget",
    Topic.DATES: "something stops",
    Topic.DRIFT: "a model drifted",
}


def _yes(text: str) -> bool:
    if text != "yes":
        raise ValueError("yes, or left out.")
    return True


NOTICES = Table(
    noun="notice",
    row_id=Notice.id,
    columns=(
        Column("title", "What", func.lower(Notice.title), is_kept=True),
        Column("topic", "About", Notice.topic),
        Column("day", "On", Notice.day, is_kept=True),
        Column("at", "Told", Notice.id, is_number=True, is_down=True, is_kept=True),
        Column("read", "Read", is_kept=True),
    ),
    filters=(
        contains("q", "What", Notice.title, Notice.text),
        one_of("topic", "About", Notice.topic, tuple(TOPICS.items())),
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
