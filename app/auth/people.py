"""What the instance's owners do with everybody's accounts."""

from sqlalchemy import delete
from sqlalchemy.orm import Session

from app.auth import queries, service
from app.auth.models import LinkPurpose, SingleUseLink, User, UserSession
from app.core import clock
from app.core.errors import Conflict, NotAllowed, NotFound
from app.core.events import announce
from app.settings import settings

RESET_HOURS = 1


def reset_link(session: Session, *, user_id: int, actor_id: int) -> str:
    """The address at which somebody sets a new password, for an hour. Raises NotFound, or Conflict
    for an account that may not sign in.
    """
    user = session.get(User, user_id)
    if user is None:
        raise NotFound
    if user.disabled_at is not None:
        raise Conflict(f"{user.name}'s account is disabled. Enable it first.")
    token = service.make_link(session, LinkPurpose.SET_PASSWORD, user_id=user.id, hours=RESET_HOURS)
    service.record(session, "user.reset_link_made", f"user:{user.id}", actor_id=actor_id)
    return f"{settings().base_url}/password/{token}"


def set_disabled(session: Session, *, user_id: int, is_disabled: bool, actor_id: int) -> None:
    """Shut an account out, or let it in again. Shut out, its sessions end, its tokens are refused
    and its links are worth nothing. Raises NotFound, or Conflict for one's own account.
    """
    user = _held_person(session, user_id, actor_id)
    if user.id == actor_id:
        raise Conflict("You cannot disable your own account.")
    if is_disabled == (user.disabled_at is not None):
        return
    user.disabled_at = clock.now(session) if is_disabled else None
    if is_disabled:
        session.execute(delete(UserSession).where(UserSession.user_id == user.id))
        session.execute(delete(SingleUseLink).where(SingleUseLink.user_id == user.id))
        announce(session, f"rights:{user.id}")
    verb = "user.disabled" if is_disabled else "user.enabled"
    service.record(session, verb, f"user:{user.id}", actor_id=actor_id)
    service.tell(session, user.id)


def set_instance_owner(session: Session, *, user_id: int, is_owner: bool, actor_id: int) -> None:
    """Name another owner of the instance, or take that back, one's own included.

    Raises NotFound, or Conflict for a disabled account and for the last owner who can sign in.
    """
    user = _held_person(session, user_id, actor_id)
    if is_owner == user.is_instance_owner:
        return
    if is_owner and user.disabled_at is not None:
        raise Conflict(f"{user.name}'s account is disabled. Enable it first.")
    if not is_owner and user.disabled_at is None and queries.count_instance_owners(session) == 1:
        raise Conflict("The instance needs an owner. Name somebody else first.")
    user.is_instance_owner = is_owner
    verb = "user.made_instance_owner" if is_owner else "user.unmade_instance_owner"
    service.record(session, verb, f"user:{user.id}", actor_id=actor_id)
    announce(session, f"rights:{user.id}")
    service.tell(session, user.id)


def _held_person(session: Session, user_id: int, actor_id: int) -> User:
    """An account that nobody else changes meanwhile, for somebody who still owns the instance: two
    owners who shut each other out come one after the other.
    """
    owners = {one.id: one for one in queries.hold_instance_owners(session)}
    actor = owners.get(actor_id)
    if actor is None or actor.disabled_at is not None:
        raise NotAllowed("You no longer own this instance.")
    user = session.get(User, user_id, with_for_update=True, populate_existing=True)
    if user is None:
        raise NotFound
    return user
