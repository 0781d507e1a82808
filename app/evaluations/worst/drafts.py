"""What a training row asks and what it answers; pure."""

from app.evaluations.reports.cases import question_of
from app.evaluations.sources import Unusable, draft_of
from app.formats.base import JsonObject


def asked_and_answered(format_: str, value: JsonObject) -> tuple[str, str]:
    """What a row asks last, and its answer; both empty where it asks nothing."""
    try:
        draft = draft_of(format_, value, field="answer", prompt=None, tag_fields=frozenset())
    except Unusable:
        return "", ""
    return question_of(draft.messages), draft.reference or ""
