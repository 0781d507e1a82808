"""Who is asking, and how a route says who may: every dependency that grants access carries the word
for it.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Annotated, Any, TypeVar
from urllib.parse import quote, urlsplit

from fastapi import Depends, Path, Request
from fastapi.responses import RedirectResponse, Response
from sqlalchemy.orm import Session
from starlette.datastructures import FormData

from app.auth import browsers, queries, service
from app.auth.models import Access, User
from app.core import clock, logs, secrets
from app.core.api import is_for_scripts
from app.core.database import SAFE_METHODS, DbSession, is_read_only, read_only, unit_of_work
from app.core.errors import NotAllowed, NotSignedIn
from app.core.forms import form_read
from app.core.pages import is_local_path
from app.settings import settings

Function = TypeVar("Function", bound=Callable[..., Any])

# Ids larger than a script can write exactly are nobody's.
PathId = Annotated[int, Path(ge=1, le=2**53 - 1)]


OLD_FORM = (
    "The form is too old, or was not made by Luthier. Load the page again and send once more."
)


def declares(access: Access) -> Callable[[Function], Function]:
    """Mark a dependency with the access it grants; a test demands that every route has one such
    mark.
    """

    def mark(function: Function) -> Function:
        function.access = access  # type: ignore[attr-defined]
        return function

    return mark


def cookie_name() -> str:
    """Behind https the name makes browsers refuse weaker cookies; on loopback ports tell instances
    apart.
    """
    return "__Host-luthier" if settings().is_https else f"luthier-{settings().port}"


def current_user(request: Request, session: DbSession) -> User:
    """The person behind the cookie, or for scripts the bearer token. Raises NotSignedIn."""
    if is_for_scripts(request.scope["path"]):
        return _bearer(request, session)
    return person_here(request, session)


CurrentUser = Annotated[User, Depends(current_user)]


@declares("self")
def myself(user: CurrentUser) -> User:
    """Any signed-in person, for what concerns only themselves."""
    return user


Myself = Annotated[User, Depends(myself)]


@declares("instance")
def instance_owner(user: CurrentUser) -> User:
    """The instance's owner. Raises NotAllowed for everybody else."""
    if not user.is_instance_owner:
        raise NotAllowed("Only the instance's owner may do this.")
    return user


InstanceOwner = Annotated[User, Depends(instance_owner)]


def person_here(request: Request, session: Session) -> User:
    """The person behind the browser's cookie. Raises NotSignedIn."""
    token = request.cookies.get(cookie_name(), "")
    found = queries.session_with_user(session, secrets.fingerprint(token)) if token else None
    moment = clock.now(session)
    if found is None or not service.is_alive(found, moment):
        raise NotSignedIn("Sign in to see this page.")
    if moment - found.seen_at > service.SEEN_EVERY:
        _note(session, lambda writer: service.touch(writer, found.fingerprint))
    request.state.csrf = found.csrf
    request.state.user = found.user
    logs.note(user=found.user.id)
    return found.user


def _bearer(request: Request, session: Session) -> User:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    found = None
    if scheme.lower() == "bearer" and token:
        found = queries.token_with_user(session, secrets.fingerprint(token.strip()))
    if found is None or found.user.disabled_at is not None:
        raise NotSignedIn(
            "A valid API token is needed: `Authorization: Bearer lut_…`.",
            headers={"WWW-Authenticate": "Bearer"},
        )
    moment = clock.now(session)
    if found.used_at is None or moment - found.used_at > timedelta(minutes=1):
        _note(session, lambda writer: service.token_used(writer, found.id))
    request.state.user = found.user
    logs.note(user=found.user.id)
    return found.user


def _note(session: Session, write: Callable[[Session], None]) -> None:
    """A session that only reads cannot write; the note gets a unit of work of its own."""
    if is_read_only(session):
        with unit_of_work() as writer:
            write(writer)
    else:
        write(session)


async def csrf_checked(
    request: Request, form: Annotated[FormData | None, Depends(form_read)], _user: CurrentUser
) -> None:
    """Refuse an unsafe request of a browser that does not bring its session's token. The form is
    read first, before a session opens for the user.
    """
    if request.method not in SAFE_METHODS and not is_csrf_token(request, token_of(request, form)):
        raise NotAllowed(OLD_FORM)


async def sent_token(
    request: Request, form: Annotated[FormData | None, Depends(form_read)]
) -> str | None:
    """The CSRF token of a request."""
    return token_of(request, form)


def token_of(request: Request, form: FormData | None) -> str | None:
    """The CSRF token: in the header where a script sends it, else in the form."""
    sent = request.headers.get("x-csrf-token")
    value = form.get("csrf") if sent is None and form is not None else sent
    return value if isinstance(value, str) else None


@declares("self")
def myself_briefly(request: Request, sent: Annotated[str | None, Depends(sent_token)]) -> User:
    """Any signed-in person, for a form whose work is slow: no session stays open meanwhile."""
    with read_only() as session:
        user = current_user(request, session)
    if not is_csrf_token(request, sent):
        raise NotAllowed(OLD_FORM)
    return user


def checks_form_token(handler: Function) -> Function:
    """Mark a handler that reads its form itself and compares the token in it."""
    handler.checks_form_token = True  # type: ignore[attr-defined]
    return handler


def is_csrf_token(request: Request, sent: str | None) -> bool:
    """True when `sent` is the token of this browser's session; takes the same time either way."""
    return sent is not None and secrets.is_same(sent, request.state.csrf)


def login_path(request: Request) -> str:
    """Where somebody who must sign in is sent; after that they come back to the page they were on.

    A fragment is no page: its request names the page it belongs to.
    """
    current = urlsplit(request.headers.get("hx-current-url", ""))
    wanted = "/"
    if current.path:
        wanted = f"{current.path}?{current.query}" if current.query else current.path
    elif request.method in SAFE_METHODS:
        query = request.scope["query_string"].decode("latin-1")
        wanted = f"{request.scope['path']}?{query}" if query else request.scope["path"]
    return "/login" if wanted == "/" else f"/login?next={quote(wanted)}"


async def hashing_seat(request: Request) -> AsyncIterator[None]:
    """A seat for a handler that hashes passwords, taken once its form has been read. Those who wait
    for one hold no thread, so that pages are drawn while a hundred people sign in.
    """
    seats: asyncio.Semaphore = request.app.state.hashing_seats
    async with seats:
        yield


HashingSeat = Annotated[None, Depends(hashing_seat, scope="function")]


def signed_in(
    request: Request, user_id: int, target: str, *, proved: str | None = None
) -> Response:
    """Begin a session and go to a path of this instance; the browser's earlier session ends. No
    session may be open. `proved` is the hash that the password was compared with.
    """
    browser, address = browsers.seen_from(request)
    with unit_of_work() as session:
        service.sign_out(session, request.cookies.get(cookie_name(), ""))
        token = service.sign_in(session, user_id, browser=browser, address=address, proved=proved)
    answer = RedirectResponse(target if is_local_path(target) else "/", 303)
    answer.set_cookie(
        cookie_name(),
        token,
        max_age=settings().session_absolute_seconds,
        secure=settings().is_https,
        httponly=True,
        samesite="lax",
        path="/",
    )
    return answer
