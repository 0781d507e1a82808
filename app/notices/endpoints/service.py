"""Decisions about endpoints: making, changing, rotating, testing and removing them."""

from collections.abc import Sequence
from datetime import timedelta
from urllib.parse import urlsplit

from sqlalchemy.orm import Session

from app.auth import service as auth
from app.auth.models import User
from app.core import clock
from app.core.errors import Conflict, WrongInput
from app.core.events import announce
from app.core.signing import GRACE_SECONDS, new_secret
from app.notices.endpoints import queries
from app.notices.models import Delivery, Endpoint, EndpointKind, Topic
from app.notices.sending import sealing
from app.notices.sending.addressing import deliver_to, mail_to
from app.notices.sending.mailing import is_set_up
from app.notices.sending.queries import endpoint_held

MOST = 20
TESTS_A_MINUTE = 10
TAIL = 4


def create_endpoint(
    session: Session,
    *,
    project_id: int,
    actor_id: int,
    name: str,
    kind: EndpointKind,
    url: str,
    topics: Sequence[Topic],
) -> tuple[Endpoint, str | None]:
    """A new endpoint, and its signing secret to be shown this once; Slack's have none. Raises
    WrongInput when the project has enough of them.
    """
    if queries.count_endpoints(session, project_id) >= MOST:
        raise WrongInput(f"A project has {MOST} of these at most. Remove one first.")
    endpoint = Endpoint(
        project_id=project_id,
        created_by=actor_id,
        created_at=clock.now(session),
        kind=kind,
        name=name,
        address="",
        topics=list(topics),
        sealed=b"",
    )
    session.add(endpoint)
    session.flush()
    _move(endpoint, url)
    secret = _give_secret(endpoint)
    _record(session, endpoint, actor_id, "endpoint.added")
    return endpoint, secret


def _give_secret(endpoint: Endpoint) -> str | None:
    if endpoint.kind != EndpointKind.WEBHOOK:
        return None
    secret = new_secret()
    sealing.seal(endpoint, secret)
    return secret


def _move(endpoint: Endpoint, url: str) -> None:
    if endpoint.kind == EndpointKind.WEBHOOK:
        endpoint.address = url
    else:
        sealing.seal(endpoint, url)
        endpoint.address = f"{urlsplit(url).netloc}/…{url[-TAIL:]}"


def change_endpoint(
    session: Session,
    endpoint: Endpoint,
    *,
    actor_id: int,
    name: str | None = None,
    url: str | None = None,
    topics: Sequence[Topic] | None = None,
    is_on: bool | None = None,
) -> None:
    """Change what is given. Switched on, it begins with a clean record."""
    held = _held(session, endpoint)
    if name is not None:
        held.name = name
    if url is not None:
        _move(held, url)
    if topics is not None:
        held.topics = sorted(set(topics))
    if is_on is not None and is_on == (held.stopped_at is not None):
        held.stopped_at = None if is_on else clock.now(session)
        held.failing_since = held.stopped_words = None
    _record(session, held, actor_id, "endpoint.changed")


def rotate_secret(session: Session, endpoint: Endpoint, *, actor_id: int, keeps_old: bool) -> str:
    """A new signing secret, to be shown this once. The old one signs beside it for a day where it
    is to be kept. Raises Conflict where there is none.
    """
    held = _held(session, endpoint)
    if held.kind != EndpointKind.WEBHOOK:
        raise Conflict("Slack's addresses are not signed: the address itself is the secret.")
    until = clock.later(session, GRACE_SECONDS)
    held.sealed_old, held.old_until = (held.sealed, until) if keeps_old else (None, None)
    secret = _give_secret(held)
    assert secret is not None  # noqa: S101 - it is a webhook
    _record(session, held, actor_id, "endpoint.rotated")
    return secret


def delete_endpoint(session: Session, endpoint: Endpoint, *, actor_id: int) -> None:
    """Remove an endpoint, with what waits for it and its log."""
    held = _held(session, endpoint)
    _record(session, held, actor_id, "endpoint.removed")
    session.delete(held)


def send_test(session: Session, endpoint: Endpoint, *, actor_id: int) -> Delivery:
    """Have a test sent, whatever its topics, even when it is off. Raises TooMany."""
    _check_pace(session, actor_id)
    found = deliver_to(session, endpoint, None)
    _record(session, endpoint, actor_id, "endpoint.tested")
    session.flush()
    announce(session, f"endpoint:{endpoint.id}")
    return found


def send_test_mail(session: Session, *, project_id: int, user: User) -> None:
    """Have a test mailed to whoever asks. Raises Conflict while no mail is sent, and TooMany."""
    if not is_set_up():
        raise Conflict("This instance sends no mail yet: LUTHIER_SMTP_URL is not set.")
    _check_pace(session, user.id)
    mail_to(session, user.id, project_id, None)
    auth.record(
        session,
        "endpoint.tested",
        f"project:{project_id}",
        actor_id=user.id,
        project_id=project_id,
        name=user.email,
    )


def _check_pace(session: Session, actor_id: int) -> None:
    auth.check_pace(
        session,
        actor_id=actor_id,
        verb="endpoint.tested",
        most=TESTS_A_MINUTE,
        within=timedelta(minutes=1),
        words=f"You sent {TESTS_A_MINUTE} tests within a minute. Wait a little.",
    )


def _held(session: Session, endpoint: Endpoint) -> Endpoint:
    held = endpoint_held(session, endpoint.id)
    if held is None:
        raise Conflict("Somebody has removed it.")
    return held


def _record(session: Session, endpoint: Endpoint, actor_id: int, verb: str) -> None:
    auth.record(
        session,
        verb,
        f"endpoint:{endpoint.id}",
        actor_id=actor_id,
        project_id=endpoint.project_id,
        name=endpoint.name,
    )
    announce(session, f"project:{endpoint.project_id}")
