"""What the page of a person's choices shows."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.auth.models import User
from app.notices.choices import queries
from app.notices.choices.forms import BOXES
from app.notices.models import About
from app.projects.queries import memberships_of
from app.settings import settings

WORDS = {
    About.OWN_JOB: ("A job of yours ended", "Whoever cancelled it knows, and is not told."),
    About.JOB: ("A colleague's job ended", ""),
    About.NEEDS_DECISION: (
        "Something needs a decision",
        "A job in doubt or given up, a stray run, a refused key. Mail goes to editors and owners.",
    ),
    About.BUDGET: ("A budget is nearly spent, or spent", "Mail goes to editors and owners."),
    About.DATES: ("Something stops", "90, 60, 30, 14, 7 and 1 days before."),
    About.DRIFT: ("A model drifted", "One that is asked again by itself answers otherwise."),
}


@dataclass(frozen=True, slots=True)
class ChoiceRow:
    """One thing, and the boxes for its ways with whether they are on."""

    title: str
    words: str
    app_box: str
    in_app: bool
    mail_box: str
    by_mail: bool


@dataclass(frozen=True, slots=True)
class ProjectRow:
    """A project of the person's, and whether its mail is off."""

    id: int
    name: str
    is_mute: bool


@dataclass(frozen=True, slots=True)
class ChoicesView:
    """A person's choices. `sender` is the address mail comes from, None while it is not set up."""

    email: str
    sender: str | None
    rows: tuple[ChoiceRow, ...]
    projects: tuple[ProjectRow, ...]


def choices(session: Session, user: User) -> ChoicesView:
    """The page of what a person hears of, and how."""
    chosen = queries.choices_of(session, user.id)
    muted = queries.muted_projects(session, user.id)
    return ChoicesView(
        email=user.email,
        sender=settings().mail_from if settings().smtp_url is not None else None,
        rows=tuple(
            ChoiceRow(
                title,
                words,
                BOXES[about, "in_app"],
                chosen[about].in_app,
                BOXES[about, "by_mail"],
                chosen[about].by_mail,
            )
            for about, (title, words) in WORDS.items()
        ),
        projects=tuple(
            ProjectRow(one.project_id, one.project.name, one.project_id in muted)
            for one in memberships_of(session, user.id)
        ),
    )
