"""Decisions about a connection's webhook: its address, its secret, its end."""

from datetime import timedelta
from urllib.parse import urlsplit

from sqlalchemy.orm import Session

from app.connections import queries_hooks, standing
from app.connections.hook_secrets import give_token, keep_secret, opens
from app.connections.models import Connection, Hook
from app.connections.service import capabilities_of, record
from app.connections.signatures import decoded
from app.core import clock, secrets
from app.core.errors import Conflict, NotFound, WrongInput
from app.providers.hooks import HookSecret
from app.settings import settings

ABILITY = "hooks"
# Longer than any one conversation with a provider takes.
ASKING = timedelta(minutes=2)
AT_HOME = {"127.0.0.1", "localhost", "::1"}
BEING_ASKED = "The provider is being asked just now. Look again in a moment."
NOT_SET_UP = "This connection has no webhook."


def can_set_up(connection: Connection) -> bool:
    """True where the provider's API makes webhook endpoints."""
    return ABILITY in capabilities_of(connection).abilities


def address_for(connection: Connection) -> str:
    """What stands before a webhook's path: a trainer on this machine calls it here, everybody else
    where people find it.
    """
    if _is_at_home(connection.base_url):
        return f"http://127.0.0.1:{settings().port}"
    return settings().base_url


def why_unreachable(connection: Connection) -> str | None:
    """Why this provider could not call this instance; None where it can, as far as is known."""
    if _is_at_home(connection.base_url) or settings().is_https:
        return None
    return (
        f"{capabilities_of(connection).label} cannot reach {settings().base_url}. Give this "
        "instance an https address and name it in LUTHIER_PUBLIC_URL."
    )


def _is_at_home(url: str) -> bool:
    return urlsplit(url).hostname in AT_HOME


def held(session: Session, connection: Connection) -> Connection:
    """The connection's row, which nobody else changes until the unit of work ends. Raises NotFound
    when it is gone.
    """
    row = session.get(Connection, connection.id, with_for_update=True, populate_existing=True)
    if row is None:
        raise NotFound
    return row


def begin(session: Session, connection: Connection, *, actor_id: int) -> Hook:
    """The connection's webhook with an address and no more than that; one that is there keeps its
    own. Raises Conflict where nobody could call it.
    """
    if why := why_unreachable(connection):
        raise Conflict(why)
    # Two who begin at once wait here for one another.
    held(session, connection)
    hook = queries_hooks.held_hook(session, connection.id)
    if hook is not None and opens(hook):
        hook.address = address_for(connection)
        return hook
    endpoint_id = hook.endpoint_id if hook else None
    if hook is not None:  # what nobody can open is of no use, but for its name at the provider
        session.delete(hook)
        session.flush()
    hook = Hook(
        project_id=connection.project_id,
        connection_id=connection.id,
        address=address_for(connection),
        endpoint_id=endpoint_id,
        created_by=actor_id,
        created_at=clock.now(session),
    )
    give_token(hook, secrets.new_token())
    session.add(hook)
    session.flush()
    record(session, connection, "connection.webhook_made", actor_id, name=connection.name)
    standing.tell(session, connection)
    return hook


def ask(session: Session, connection: Connection) -> Hook:
    """Note that the provider is asked for this webhook's secret: if this process dies now, the page
    says that the answer is not kept. Raises Conflict while somebody else asks.
    """
    hook = _hook(session, connection)
    moment = clock.now(session)
    if hook.asked_at is not None and moment - hook.asked_at < ASKING:
        raise Conflict(BEING_ASKED)
    hook.asked_at = moment
    return hook


def stop_asking(session: Session, connection: Connection, *, is_settled: bool) -> None:
    """No secret came. Unless it is settled that the provider made none, the note stays; who asks
    again need not wait.
    """
    hook = queries_hooks.held_hook(session, connection.id)
    if hook is not None:
        hook.asked_at = None if is_settled else clock.now(session) - ASKING
        standing.tell(session, connection)


def record_secret(
    session: Session, connection: Connection, given: HookSecret, *, actor_id: int
) -> None:
    """Keep the secret that the provider made; the one before is good for another day."""
    hook = _hook(session, connection)
    try:
        decoded(given.secret)
    except ValueError as error:
        raise Conflict(f"The provider gave no usable signing secret. {error}") from error
    hook.endpoint_id, hook.asked_at = given.endpoint_id, None
    _keep(session, connection, hook, given.secret, actor_id)


def keep_by_hand(session: Session, connection: Connection, secret: str, *, actor_id: int) -> None:
    """Keep the secret of an endpoint that a person made or rotated at the provider. Raises
    WrongInput for what is none, and where the endpoint is Luthier's own making.
    """
    hook = _hook(session, connection)
    if hook.endpoint_id is not None:
        raise WrongInput.field("secret", "Luthier made this endpoint: rotate its secret here.")
    try:
        decoded(secret)
    except ValueError as error:
        raise WrongInput.field("secret", str(error)) from error
    _keep(session, connection, hook, secret, actor_id)


def _keep(session: Session, connection: Connection, hook: Hook, secret: str, actor_id: int) -> None:
    keep_secret(hook, secret, clock.now(session))
    hook.refused_at = hook.refused_words = None
    record(session, connection, "connection.webhook_secret", actor_id, name=connection.name)
    standing.tell(session, connection)


def _hook(session: Session, connection: Connection) -> Hook:
    hook = queries_hooks.held_hook(session, connection.id)
    if hook is None:
        raise Conflict(NOT_SET_UP)
    return hook
