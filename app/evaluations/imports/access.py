"""Into a project with an evaluation from elsewhere: no session stays open while it is read."""

from typing import Annotated

from fastapi import Depends, Request

from app.auth.access import PathId, declares, sent_token
from app.projects.access import Entered, briefly, enter, seat_for
from app.projects.models import Project

# Reading a large one takes a second or two of computing.
IMPORTED_AT_ONCE, IMPORTED_BY_ONE = 2, 1


@declares("edit")
def importing_project(
    request: Request, sent: Annotated[str | None, Depends(sent_token)], project_id: PathId
) -> Entered[Project]:
    """The project of the URL, for what is pasted, or sent by a script."""
    return briefly(
        request, lambda session, user: enter(request, session, user, project_id, "edit"), sent
    )


ImportingProject = Annotated[Entered[Project], Depends(importing_project)]
ImportSeat = Annotated[None, seat_for(importing_project, among="import_seats")]
