"""Into a project: load it, check the role, and set up the shell around its pages."""

from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Annotated, Any, Generic, Literal, NamedTuple, Protocol, TypeVar

from fastapi import Depends, Request
from sqlalchemy.orm import Session

from app.auth.access import (
    OLD_FORM,
    CurrentUser,
    PathId,
    current_user,
    declares,
    is_csrf_token,
    person_here,
)
from app.auth.models import Access, User
from app.core import instance, logs
from app.core.database import SAFE_METHODS, DbSession, read_only
from app.core.errors import NotAllowed, NotFound, NotSignedIn
from app.core.seats import Seats
from app.projects import queries
from app.projects.models import Membership, Project
from app.projects.views import shell_of

Thing = TypeVar("Thing")


class OfProject(Protocol):
    """Whatever belongs to one project."""

    @property
    def project_id(self) -> int:
        """The project's id."""
        ...


Owned = TypeVar("Owned", bound=OfProject)

WHO_MAY = {
    "edit": "editors and owners",
    "spend": "editors and owners",
    "manage": "owners",
    "view": "members",
}


def enter(
    request: Request, session: Session, user: User, project_id: int, access: Access
) -> Project:
    """The project, if this person belongs to it and their role holds `access`.

    Raises NotFound for outsiders, so that nobody learns what exists, and NotAllowed for members
    without the right.
    """
    if request.scope["path"].startswith("/api/"):
        found = queries.membership(session, user.id, project_id)
    else:
        everything = queries.memberships_of(session, user.id)
        found = next((one for one in everything if one.project_id == project_id), None)
        if found is not None:
            request.state.shell = shell_of(request, user, everything, found, instance.held(session))
    if found is None:
        raise NotFound
    if not found.may(access):
        raise NotAllowed(
            f"Your role in this project is {found.role}; only {WHO_MAY[access]} may do this."
        )
    request.state.membership = found
    logs.note(project=project_id)
    return found.project


def reach(
    request: Request, session: Session, user: User, found: Owned | None, access: Access
) -> Owned:
    """What an id of the URL stands for, if there is such a thing and its project may be entered.

    Raises as `enter` does: what is not there and what is another team's look alike.
    """
    if found is None:
        raise NotFound
    enter(request, session, user, found.project_id, access)
    return found


def outside(request: Request, session: DbSession, user: CurrentUser) -> None:
    """Set up the shell around a page that is in no project."""
    everything = queries.memberships_of(session, user.id)
    request.state.shell = shell_of(request, user, everything, None, instance.held(session))


def shell_if_signed_in(request: Request) -> None:
    """Set up the shell around a page that is for everybody, or that says what went wrong: outside
    of all projects, unless one was entered on the way.
    """
    if getattr(request.state, "shell", None) is None:
        with read_only() as session, suppress(NotSignedIn):
            outside(request, session, person_here(request, session))


def role_here(request: Request) -> Membership:
    """How the person belongs to the project that was entered."""
    membership: Membership = request.state.membership
    return membership


@declares("view")
def viewable_project(
    request: Request, session: DbSession, user: CurrentUser, project_id: PathId
) -> Project:
    """The project of the URL, for anybody who belongs to it."""
    return enter(request, session, user, project_id, "view")


@declares("edit")
def editable_project(
    request: Request, session: DbSession, user: CurrentUser, project_id: PathId
) -> Project:
    """The project of the URL, for those who may change its things."""
    return enter(request, session, user, project_id, "edit")


@declares("spend")
def spendable_project(
    request: Request, session: DbSession, user: CurrentUser, project_id: PathId
) -> Project:
    """The project of the URL, for those who may start what costs money."""
    return enter(request, session, user, project_id, "spend")


@declares("manage")
def managed_project(
    request: Request, session: DbSession, user: CurrentUser, project_id: PathId
) -> Project:
    """The project of the URL, for its owners."""
    return enter(request, session, user, project_id, "manage")


class Entered(NamedTuple, Generic[Thing]):
    """Who came in, and to what; neither belongs to an open session."""

    user: User
    thing: Thing


def briefly(
    request: Request, load: Callable[[Session, User], Thing], sent: str | None = None
) -> Entered[Thing]:
    """Check access in a session that is closed before the handler starts: for those that wait for
    strangers.

    A browser's unsafe request must carry the CSRF token in its header, or as the `sent` one of its
    form, unless the handler reads the form itself and is marked `checks_form_token`.
    """
    with read_only() as session:
        user = current_user(request, session)
        thing = load(session, user)
    is_script = request.scope["path"].startswith("/api/") or request.method in SAFE_METHODS
    is_left = getattr(request.scope["endpoint"], "checks_form_token", False)
    if not (is_script or is_left) and not is_csrf_token(
        request, sent or request.headers.get("x-csrf-token")
    ):
        raise NotAllowed(OLD_FORM)
    return Entered(user, thing)


def seat_for(
    entered: Callable[..., Entered[Any]],
    *,
    among: str,
    scope: Literal["function", "request"] = "function",
) -> Any:
    """A dependency: a seat among the `Seats` of that name for whoever came in by `entered`, until
    the handler is done; of scope "request" until its answer is sent to the end.
    """

    async def seat(
        request: Request, who: Annotated[Entered[Any], Depends(entered)]
    ) -> AsyncIterator[None]:
        seats: Seats = getattr(request.app.state, among)
        async with seats.taken_by(who.user.id):
            yield

    return Depends(seat, scope=scope)


@declares("edit")
def receiving_project(request: Request, project_id: PathId) -> Entered[Project]:
    """The project of the URL for an upload: no session stays open while bytes arrive."""
    return briefly(request, lambda session, user: enter(request, session, user, project_id, "edit"))


@declares("spend")
def ordering_project(request: Request, project_id: PathId) -> Entered[Project]:
    """The project of the URL for a form that asks a provider: no session stays open while it
    answers.
    """
    return briefly(
        request, lambda session, user: enter(request, session, user, project_id, "spend")
    )


OrderingProject = Annotated[Entered[Project], Depends(ordering_project)]
ReceivingProject = Annotated[Entered[Project], Depends(receiving_project)]
CurrentProject = Annotated[Project, Depends(viewable_project)]
EditableProject = Annotated[Project, Depends(editable_project)]
SpendableProject = Annotated[Project, Depends(spendable_project)]
ManagedProject = Annotated[Project, Depends(managed_project)]
