"""Decisions about people: accounts, sessions, tokens, links; and the one function that records
activity.
"""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, update
from sqlalchemy.orm import Session

from app.auth import queries
from app.auth.models import (
    Activity,
    ApiToken,
    FailedSignIn,
    LinkPurpose,
    SingleUseLink,
    User,
    UserSession,
)
from app.core import clock, secrets
from app.core.errors import (
    NotFound,
    NotSignedIn,
    ProductError,
    TooMany,
    WrongInput,
)
from app.core.events import announce
from app.settings import settings

LINK_HOURS = 72
PER_ACCOUNT, PER_ADDRESS, IN_ALL = 10, 30, 1000
SEEN_EVERY = timedelta(minutes=1)
TOKEN_PREFIX = "lut_"  # noqa: S105 - public on purpose: secret scanners find leaked tokens by it


def record(
    session: Session,
    verb: str,
    subject: str,
    *,
    actor_id: int | None,
    project_id: int | None = None,
    **detail: Any,
) -> None:
    """Write down who did what to what; `subject` is `kind:id`."""
    session.add(
        Activity(
            project_id=project_id,
            actor_id=actor_id,
            verb=verb,
            subject=subject,
            at=clock.now(session),
            detail=detail,
        )
    )


def tell(session: Session, user_id: int) -> None:
    """Open pages about this person look again: their own account, and the instance's people."""
    announce(session, f"account:{user_id}", "people")


def create_user(
    session: Session, *, email: str, password_hash: str | None, name: str | None = None
) -> User:
    """A new account; the first of an instance is its owner. Raises WrongInput when the address is
    taken.
    """
    address = email.strip().lower()
    if queries.user_by_email(session, address):
        raise WrongInput.field("email", f"{address} has an account already.")
    user = User(
        email=address,
        name=name or address.partition("@")[0],
        password_hash=password_hash,
        is_instance_owner=not queries.has_users(session),
        created_at=clock.now(session),
    )
    session.add(user)
    session.flush()
    record(session, "user.created", f"user:{user.id}", actor_id=None, email=address)
    tell(session, user.id)
    return user


def make_link(
    session: Session, purpose: LinkPurpose, *, user_id: int | None = None, hours: int = LINK_HOURS
) -> str:
    """The token of a fresh single-use link; earlier links of the same purpose and user stop
    working.
    """
    moment = clock.now(session)
    session.execute(
        delete(SingleUseLink).where(
            SingleUseLink.purpose == purpose, SingleUseLink.user_id.is_not_distinct_from(user_id)
        )
    )
    token = secrets.new_token()
    session.add(
        SingleUseLink(
            fingerprint=secrets.fingerprint(token),
            purpose=purpose,
            user_id=user_id,
            created_at=moment,
            expires_at=moment + timedelta(hours=hours),
        )
    )
    return token


def find_link(
    session: Session, token: str, purpose: LinkPurpose, *, for_update: bool = False
) -> SingleUseLink:
    """The open link of this token. Raises ProductError (400) when it is used, expired or for
    something else.
    """
    link = queries.open_link(
        session, secrets.fingerprint(token), clock.now(session), for_update=for_update
    )
    if link is None or link.purpose != purpose:
        raise ProductError("This link was used already or has expired. Ask for a new one.")
    return link


def is_link_open(session: Session, token: str, purpose: LinkPurpose) -> bool:
    """True while the link of this token can still be used for `purpose`."""
    link = queries.open_link(session, secrets.fingerprint(token), clock.now(session))
    return link is not None and link.purpose == purpose


def user_of_link(session: Session, token: str) -> User | None:
    """Whose password the link sets; None when it cannot be used."""
    link = queries.open_link(session, secrets.fingerprint(token), clock.now(session))
    if link is None or link.purpose != LinkPurpose.SET_PASSWORD:
        return None
    return session.get(User, link.user_id)


def welcome_owner(
    session: Session, *, token: str, email: str, name: str, password_hash: str
) -> User:
    """Make the instance's first account with the one-time link."""
    link = find_link(session, token, LinkPurpose.FIRST_OWNER, for_update=True)
    if queries.has_users(session):
        raise ProductError("This instance has an owner already. Sign in instead.")
    link.used_at = clock.now(session)
    return create_user(session, email=email, name=name, password_hash=password_hash)


def set_password(session: Session, *, token: str, password_hash: str) -> User:
    """Set the password of the link's user; every session they had ends."""
    link = find_link(session, token, LinkPurpose.SET_PASSWORD, for_update=True)
    user = session.get_one(User, link.user_id)
    link.used_at = clock.now(session)
    change_password(session, user_id=user.id, password_hash=password_hash)
    return user


def check_throttle(session: Session, *, email: str, address: str) -> None:
    """Raises TooMany when there were too many wrong passwords for the account or from the address
    lately.
    """
    account, place, everybody = queries.failures_lately(
        session, email=email.strip().lower(), address=address, moment=clock.now(session)
    )
    if account >= PER_ACCOUNT or place >= PER_ADDRESS or everybody >= IN_ALL:
        raise TooMany(
            "Too many wrong passwords. Try again in five minutes.", headers={"Retry-After": "300"}
        )


def check_pace(
    session: Session, *, actor_id: int, verb: str, most: int, within: timedelta, words: str
) -> None:
    """Raises TooMany with these words when a person did this as often as they may in that time."""
    since = clock.now(session) - within
    if queries.count_done(session, actor_id, verb, since) >= most:
        retry_after = str(round(within.total_seconds() / 10))
        raise TooMany(words, headers={"Retry-After": retry_after})


def record_failure(session: Session, *, email: str, address: str) -> None:
    """Count a wrong password; rows older than a day are forgotten."""
    moment = clock.now(session)
    session.execute(delete(FailedSignIn).where(FailedSignIn.at < moment - timedelta(days=1)))
    session.add(FailedSignIn(email=email.strip().lower()[:254], address=address[:64], at=moment))


def renew_hash(session: Session, *, user_id: int, before: str, after: str) -> None:
    """Keep a password's hash of today's cost, unless the password was changed meanwhile."""
    session.execute(
        update(User)
        .where(User.id == user_id, User.password_hash == before)
        .values(password_hash=after)
    )


def sign_in(
    session: Session,
    user_id: int,
    *,
    browser: str | None = None,
    address: str | None = None,
    proved: str | None = None,
) -> str:
    """Open a session; returns the cookie's value. Every way of signing in ends here. `browser` and
    `address` are what the person will know it by.

    Raises NotSignedIn when the account was disabled meanwhile, or its password is no longer the one
    with the hash `proved`: a change ends every session, and one that opens just then would stay.
    """
    user = session.get(User, user_id, with_for_update=True)
    if user is None or user.disabled_at is not None or proved not in {None, user.password_hash}:
        raise NotSignedIn("This account cannot sign in.")
    moment = clock.now(session)
    token = secrets.new_token()
    session.add(
        UserSession(
            fingerprint=secrets.fingerprint(token),
            user_id=user.id,
            csrf=secrets.new_token()[:43],
            browser=browser,
            address=address,
            created_at=moment,
            seen_at=moment,
        )
    )
    record(session, "user.signed_in", f"user:{user.id}", actor_id=user.id)
    announce(session, f"account:{user.id}")
    return token


def sign_out(session: Session, token: str) -> None:
    """End the session on the server; the cookie is worth nothing afterwards."""
    found = session.get(UserSession, secrets.fingerprint(token))
    if found is not None:
        session.delete(found)
        record(session, "user.signed_out", f"user:{found.user_id}", actor_id=found.user_id)
        announce(session, f"rights:{found.user_id}", f"account:{found.user_id}")


def is_alive(found: UserSession, moment: datetime) -> bool:
    """False when the session was idle for too long, is too old, or its user is disabled."""
    idle = timedelta(seconds=settings().session_idle_seconds)
    absolute = timedelta(seconds=settings().session_absolute_seconds)
    return (
        found.user.disabled_at is None
        and moment - found.seen_at < idle
        and moment - found.created_at < absolute
    )


def touch(session: Session, fingerprint: str) -> None:
    """Note that the session is in use; called at most once a minute."""
    found = session.get(UserSession, fingerprint)
    if found is not None:
        found.seen_at = clock.now(session)


def create_token(session: Session, user: User, *, name: str) -> str:
    """A new API token, shown this once."""
    token = secrets.new_token(TOKEN_PREFIX)
    row = ApiToken(
        user_id=user.id,
        name=name,
        prefix=token[:12],
        fingerprint=secrets.fingerprint(token),
        created_at=clock.now(session),
    )
    session.add(row)
    session.flush()
    record(session, "token.created", f"token:{row.id}", actor_id=user.id, name=name)
    announce(session, f"account:{user.id}")
    return token


def owner_link(session: Session) -> str | None:
    """The address at which the first owner makes their account; None once there is one."""
    if queries.has_users(session):
        return None
    return f"{settings().base_url}/welcome/{make_link(session, LinkPurpose.FIRST_OWNER)}"


def password_link(session: Session, user: User) -> str:
    """The address at which a user sets their password."""
    token = make_link(session, LinkPurpose.SET_PASSWORD, user_id=user.id)
    return f"{settings().base_url}/password/{token}"


def token_used(session: Session, token_id: int) -> None:
    """Note that a script used its token; called at most once a minute."""
    row = session.get(ApiToken, token_id)
    if row is not None:
        row.used_at = clock.now(session)


def ensure_owner(session: Session, *, email: str, password_hash: str) -> User | None:
    """Make the first account from the environment, for scripts; None when there is one already."""
    if queries.has_users(session):
        return None
    return create_user(session, email=email, password_hash=password_hash)


def rename(session: Session, user: User, name: str) -> None:
    """Give a person the name their colleagues read."""
    record(session, "user.renamed", f"user:{user.id}", actor_id=user.id, before=user.name)
    user.name = name
    tell(session, user.id)


def change_password(session: Session, *, user_id: int, password_hash: str) -> None:
    """Set the password of somebody who just proved who they are; every session of theirs ends, and
    no link that was made for them sets another.
    """
    session.get_one(User, user_id).password_hash = password_hash
    session.execute(delete(UserSession).where(UserSession.user_id == user_id))
    session.execute(
        delete(SingleUseLink).where(
            SingleUseLink.user_id == user_id, SingleUseLink.used_at.is_(None)
        )
    )
    record(session, "user.password_set", f"user:{user_id}", actor_id=user_id)
    announce(session, f"rights:{user_id}", f"account:{user_id}")


def end_session(session: Session, *, user_id: int, fingerprint: str) -> None:
    """Sign one of a person's browsers out. Raises NotFound when it is nobody's or another's."""
    found = session.get(UserSession, fingerprint)
    if found is None or found.user_id != user_id:
        raise NotFound
    session.delete(found)
    record(session, "user.browser_signed_out", f"user:{user_id}", actor_id=user_id)
    announce(session, f"rights:{user_id}", f"account:{user_id}")


def end_other_sessions(session: Session, *, user_id: int, here: str) -> None:
    """Sign a person out everywhere but in the browser whose session has the fingerprint `here`."""
    session.execute(
        delete(UserSession).where(UserSession.user_id == user_id, UserSession.fingerprint != here)
    )
    record(session, "user.other_browsers_signed_out", f"user:{user_id}", actor_id=user_id)
    announce(session, f"rights:{user_id}", f"account:{user_id}")


def revoke_token(session: Session, *, user_id: int, token_id: int) -> None:
    """Make an API token worthless. Raises NotFound when it is another person's."""
    row = session.get(ApiToken, token_id, with_for_update=True)
    if row is None or row.user_id != user_id:
        raise NotFound
    if row.revoked_at is None:
        row.revoked_at = clock.now(session)
        record(session, "token.revoked", f"token:{row.id}", actor_id=user_id, name=row.name)
        announce(session, f"account:{user_id}")
