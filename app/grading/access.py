"""Into a project's graders, and to trying one: grading holds no session."""

from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy.orm import Session

from app.auth.access import CurrentUser, PathId, declares, sent_token
from app.auth.models import User
from app.core.database import DbSession
from app.grading import queries
from app.grading.models import LibraryGrader
from app.projects.access import Entered, briefly, enter, reach, seat_for
from app.projects.models import Project

# A try computes for up to two seconds: so many beside each other, and of one person.
TRIED_AT_ONCE, TRIED_BY_ONE = 2, 1
# Judges are asked four questions at a time, by threads that only wait.
JUDGED_AT_ONCE, JUDGED_BY_ONE = 6, 1


@declares("view")
def viewable_grader(
    request: Request, session: DbSession, user: CurrentUser, grader_id: PathId
) -> LibraryGrader:
    """The grader of the URL, for members of its project."""
    return reach(request, session, user, queries.grader_by_id(session, grader_id), "view")


@declares("edit")
def editable_grader(
    request: Request, session: DbSession, user: CurrentUser, grader_id: PathId
) -> LibraryGrader:
    """The grader of the URL, for those who may change it."""
    return reach(request, session, user, queries.grader_by_id(session, grader_id), "edit")


@declares("view")
def tried_grader(request: Request, grader_id: PathId) -> Entered[LibraryGrader]:
    """The grader of the URL, to be tried."""

    def load(session: Session, user: User) -> LibraryGrader:
        return reach(request, session, user, queries.grader_by_id(session, grader_id), "view")

    return briefly(request, load)


@declares("edit")
def trying_project(
    request: Request, sent: Annotated[str | None, Depends(sent_token)], project_id: PathId
) -> Entered[Project]:
    """The project of the URL, to try a grader in that nobody has saved."""
    return briefly(
        request, lambda session, user: enter(request, session, user, project_id, "edit"), sent
    )


@declares("spend")
def judged_grader(
    request: Request, sent: Annotated[str | None, Depends(sent_token)], grader_id: PathId
) -> Entered[LibraryGrader]:
    """The grader of the URL, whose judges are to be asked."""

    def load(session: Session, user: User) -> LibraryGrader:
        return reach(request, session, user, queries.grader_by_id(session, grader_id), "spend")

    return briefly(request, load, sent)


CurrentGrader = Annotated[LibraryGrader, Depends(viewable_grader)]
EditableGrader = Annotated[LibraryGrader, Depends(editable_grader)]
TriedGrader = Annotated[Entered[LibraryGrader], Depends(tried_grader)]
TryingProject = Annotated[Entered[Project], Depends(trying_project)]
JudgedGrader = Annotated[Entered[LibraryGrader], Depends(judged_grader)]
GraderSeat = Annotated[None, seat_for(tried_grader, among="trying_seats")]
JudgingSeat = Annotated[None, seat_for(judged_grader, among="judging_seats")]
DraftSeat = Annotated[None, seat_for(trying_project, among="trying_seats")]
