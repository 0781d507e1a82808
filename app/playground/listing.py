"""The list of a project's conversations: what it can be sorted and filtered by."""

from sqlalchemy import ColumnElement, func, or_

from app.core.listing import Column, Filter, Table, by_id, since
from app.playground.models import Answer, Conversation, Question


def _holds(text: str) -> ColumnElement[bool]:
    """Anywhere: in its name, in what was asked, in what was answered."""
    answered = Question.answers.any(Answer.text.icontains(text, autoescape=True))
    asked = Question.text.icontains(text, autoescape=True)
    return or_(
        Conversation.title.icontains(text, autoescape=True),
        Conversation.questions.any(or_(asked, answered)),
    )


def _yes(text: str) -> bool:
    if text != "yes":
        raise ValueError("yes, or left out.")
    return True


CONVERSATIONS = Table(
    noun="conversation",
    row_id=Conversation.id,
    columns=(
        Column("title", "Conversation", func.lower(Conversation.title), is_kept=True),
        Column("models", "Models"),
        Column("questions", "Questions", is_number=True),
        Column("by", "By"),
        Column("changed", "Last asked", Conversation.changed_at, is_number=True, is_down=True),
    ),
    filters=(
        Filter("q", "What was asked or answered", "text", str, _holds),
        by_id("by", "Begun by", lambda value: Conversation.created_by == value),
        Filter(
            "shared",
            "Only shared ones",
            "flag",
            _yes,
            lambda _: Conversation.shared_at.is_not(None),
            (("yes", "shared"),),
        ),
        since("since", "Asked since", Conversation.changed_at),
    ),
    start="-changed",
)
